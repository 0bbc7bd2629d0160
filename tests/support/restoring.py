"""A world in which the database is put back to an earlier moment while Meta stays as it is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from autopublisher.adapters.memory.tables import Tables
from autopublisher.domain.access import Role
from autopublisher.domain.errors import ConflictError, MetaError
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.naming import run_mark
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.meta.insights import InsightsRow
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.run import Run, RunStatus, Way
from autopublisher.flows.dispatcher import EngineConfig
from autopublisher.flows.requests.reports import Reports
from autopublisher.ports.work import Tick
from metasim.exposure import Exposure
from metasim.graph.wire import Call, Params
from metasim.state import Ad, AdSet, Campaign
from support.direct import ADDRESS, DirectMachine
from support.simulated import brief_request

TOTAL_MINOR = 50_000
PACE = EngineConfig(poll=timedelta(hours=8), look=timedelta(hours=1))


@dataclass(frozen=True)
class Backup:
    """A copy of the database: the run's status then, how many ticks it had seen, and the tables."""

    status: RunStatus
    ticks: int
    tables: Tables


class RestoredWorld:
    """One run over a simulator; ``backups`` has a copy of the database from before each of its ticks."""

    def __init__(
        self, request: RunRequest | None = None, pace: EngineConfig = PACE, way: Way = Way.SCALED
    ) -> None:
        self.machine, self.way = DirectMachine(pace), way
        self.backups: list[Backup] = []
        self.run_id = self.machine.intake.submit(request or brief_request(), "tester").id

    def copied(self) -> Self:
        """Return a world that stands where this one does; neither sees what becomes of the other."""
        other = copy(self)
        other.machine, other.backups = self.machine.copied(), [*self.backups]
        return other

    @property
    def run(self) -> Run:
        return self.machine.run(self.run_id)

    def tick(self) -> Run:
        """Back the database up, then do what is due next: the run's tick."""
        self.back_up()
        return self.machine.tick(self.run_id)

    def back_up(self) -> None:
        self.backups.append(Backup(self.run.status, len(self.backups), self.machine.database.tables.copy()))

    def go(self, *until: RunStatus, ticks: int = 200) -> Run:
        """Let the run go on until it has a status, ends or rests; a person approves variant B where one is asked."""
        for _ in range(ticks):
            run = self.run
            if run.status in until or run.is_final or run.next_tick_at is None:
                return run
            if run.status is RunStatus.WAITING_APPROVAL and run.release.approval is None:
                self.back_up()
                self.approve()
            self.tick()
        raise AssertionError(f"{self.run.status} after {ticks} ticks: {self.run.attention}")

    def approve(self) -> None:
        """Give a person's word in the world's way, for variant B where a variant is named."""
        variant = None if self.way is Way.KEEP_ALL else "B"
        self.machine.approvals.publish_winner(
            self.run_id, "manager", variant, "in season", role=Role.MANAGER, way=self.way
        )

    def restore(self, backup: Backup) -> None:
        """Put the database back as it was and start the process again."""
        self.machine.database.tables = backup.tables.copy()
        self.machine.meta.close()
        self.machine.start()

    def live_on(self, hours: float) -> Run:
        """Let the account's looks and the run's ticks happen as they come due; a person approves what waits for them."""
        clock = self.machine.clock
        ends = clock.now() + timedelta(hours=hours)
        while (due := self._next()) <= ends:
            clock.advance_to(max(due, clock.now()))
            if due == self.machine.watch().next_look_at:
                self.machine.look()
            else:
                self.machine.advance(Tick(self.run.id, self.run.version, self.run.act_id))
        clock.advance_to(ends)
        return self.run

    def _next(self) -> datetime:
        run = self.run
        if (
            run.status is RunStatus.WAITING_APPROVAL
            and run.release.approval is None
            and run.next_tick_at is not None
        ):
            with suppress(ConflictError):
                self.approve()
        run, look = self.run, self.machine.watch().next_look_at
        return look if run.is_final or run.next_tick_at is None else min(look, run.next_tick_at)

    def books(self) -> Exposure:
        """Return what the market has booked, and could still book, for the run."""
        simulator = self.machine.simulator
        return simulator.exposure.of(run_mark(self.run_id)[:-1], simulator.clock.now_us())

    def campaigns(self, text: str = "Final") -> list[Campaign]:
        found = self.machine.simulator.state.of_kind(Campaign)
        return [one for one in found if text in one.name and run_mark(self.run_id) in one.name]

    def ads(self) -> dict[str, str]:
        """Return the status of each of the final campaign's ads, by its place in the plan."""
        mark = run_mark(self.run_id)
        found = [one for one in self.machine.simulator.state.of_kind(Ad) if f"{mark}final." in one.name]
        return {one.name.partition(mark)[2].removesuffix("]"): one.status for one in found}

    def made(self, text: str = "") -> int:
        """Return how many campaigns, ad sets and ads with this in their names the market has ever had."""
        state = self.machine.simulator.state
        return sum(text in one.name for kind in (Campaign, AdSet, Ad) for one in state.of_kind(kind))

    def rows(self) -> Sequence[Operation]:
        with self.machine.database.unit_of_work() as unit:
            return unit.journal.of_run(self.run_id)

    def reports(self) -> Reports:
        return Reports(self.machine.open_unit)

    def pass_time(self, hours: float) -> None:
        self.machine.pass_time(hours * 3600)

    def edit(self, meta_id: str, **changes: object) -> None:
        """Change an object as a person does in Meta's own pages."""
        token = self.machine.simulator.scenario.tokens[0]
        change = Params({name: str(value) for name, value in changes.items()})
        answer = self.machine.simulator.handle(Call("POST", (meta_id,), change, "v26.0", token, ADDRESS))
        assert answer.reply.status == 200, answer.reply.body

    @contextmanager
    def unlisted(self, error: MetaError) -> Iterator[None]:
        """Have no list of the account's objects be readable meanwhile."""
        listed = self.machine.meta.find

        def fail(
            act_id: ActId, kind: ObjectKind, name_contains: str, fields: Sequence[str]
        ) -> Sequence[ObjectState]:
            raise error

        self.machine.meta.find = fail  # type: ignore[method-assign]  # a Meta that does not list
        try:
            yield
        finally:
            self.machine.meta.find = listed  # type: ignore[method-assign]

    @contextmanager
    def unread(self, error: MetaError) -> Iterator[None]:
        """Have no figures of ad sets be readable meanwhile."""
        read = self.machine.meta.ad_sets

        def fail(
            act_id: ActId, ad_set_ids: Sequence[MetaId] | None, since: datetime, until: datetime
        ) -> Sequence[InsightsRow]:
            raise error

        self.machine.meta.ad_sets = fail  # type: ignore[method-assign]  # a Meta without figures
        try:
            yield
        finally:
            self.machine.meta.ad_sets = read  # type: ignore[method-assign]

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Have Meta's figures move on, once, between the rows of the account's ad sets and its total."""
        read = self.machine.meta.insights_of

        def late(act_id: ActId, meta_id: MetaId, since: datetime, until: datetime) -> InsightsRow | None:
            self.machine.meta.insights_of = read  # type: ignore[method-assign]  # once
            self.pass_time(hours=1)
            return read(act_id, meta_id, since, until)

        self.machine.meta.insights_of = late  # type: ignore[method-assign]  # a Meta whose figures move
        try:
            yield
        finally:
            self.machine.meta.insights_of = read  # type: ignore[method-assign]

    def active(self) -> list[str]:
        state = self.machine.simulator.state
        return [
            one.name for kind in (Campaign, AdSet) for one in state.of_kind(kind) if one.status == "ACTIVE"
        ]
