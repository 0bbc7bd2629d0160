"""Anything in any order: ticks, deaths, faults, people, stops and time; Meta's books are right throughout.

Two runs share an account and a process. After every step the simulator's own records are asked: no run can have cost
more than its total, nothing exists twice, nothing is on that no journal knows, or after a stop was confirmed. In the
end every run is let to finish, and nothing but final campaigns may be left on.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from autopublisher.domain.access import Role
from autopublisher.domain.campaigns.campaign import CampaignState
from autopublisher.domain.errors import ConflictError, StaleRunError
from autopublisher.domain.runs.run import Control, Run, RunStatus
from autopublisher.domain.runs.run_messages import HELD
from autopublisher.flows.dispatcher import EngineConfig
from autopublisher.ports.repositories import RunFilter
from autopublisher.ports.work import Tick
from support.auditor import (
    DELIVERING,
    LocalAuditor,
    active,
    assert_ended_right,
    assert_within_total,
    living,
    objects,
    twice,
)
from support.direct import DirectMachine
from support.staging import with_test
from support.torture import sized

MOMENTS = st.integers(0, 120)
"""At which moment of an act the process dies; 0, or one that does not come, is none."""

RARELY = st.integers(0, 3)
"""0 does it: what ends or holds everything must not happen all the time."""

READ_LAG_SECONDS = 45
"""As long as a create is looked for, Meta may leave it out of its lists."""

FAULTS = (
    {"kind": "commit_then_timeout"},
    {"kind": "drop_before_commit"},
    {"kind": "connection_reset", "commit": True},
    {"kind": "html_502", "commit": True},
    {"kind": "html_502"},
    {"kind": "transient"},
    {"kind": "error_200"},
    {"kind": "throttle"},
    {"kind": "token_expired"},
    {"kind": "read_lag", "seconds": READ_LAG_SECONDS},
)
ENDING_TICKS = 400
PARTS = sized(1, 8)
"""Into how many tests the worlds are cut, each with chances of its own, so that they can be played side by side."""

EDITS = ("PAUSED", "ACTIVE", "DELETED")


class AnyOrder(RuleBasedStateMachine):
    """What may happen to two runs."""

    tally: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.machine = DirectMachine(
            EngineConfig(
                poll=timedelta(hours=8),
                look=timedelta(hours=6),
                most_runs_at_once=2,
                native_rule=True,
                split_tests=True,
            )
        )
        self.auditor = LocalAuditor(self.machine.simulator)
        self.tally["worlds"] += 1
        self.meddled = False
        self.by_others: set[str] = set()

    # --- what is looked at ------------------------------------------------------------------------

    def runs(self) -> Sequence[Run]:
        with self.machine.database.unit_of_work() as unit:
            return unit.runs.find(RunFilter(limit=100))

    def open_runs(self) -> list[Run]:
        return [run for run in self.runs() if not run.is_final]

    def known(self, run: Run) -> set[str]:
        with self.machine.database.unit_of_work() as unit:
            return {str(row.meta_id) for row in unit.journal.of_run(run.id)}

    @contextmanager
    def allowed(self, what: str, crash_at: int = 0) -> Iterator[None]:
        """Do something that may be refused, and that may be the process's last."""
        before = self.machine.crashes
        with self.machine.may_crash(crash_at), suppress(ConflictError, StaleRunError):
            yield
            self.tally[what] += 1
        self.tally["deaths"] += self.machine.crashes - before

    # --- what happens -----------------------------------------------------------------------------

    @initialize(two=st.booleans(), waits=st.sampled_from([0, 6]), asks=st.booleans())
    def begin(self, *, two: bool, waits: int, asks: bool) -> None:
        request = replace(with_test(settle_hours=waits), require_human_approval=asks)
        for name in ("first", "second")[: 1 + two]:
            self.machine.intake.submit(replace(request, campaign_name=name), "manager")
            self.tally["runs"] += 1

    @precondition(lambda self: self.open_runs())
    @rule(which=st.integers(0, 1), ticks=st.integers(1, 4), crash_at=MOMENTS)
    def go_on(self, which: int, ticks: int, crash_at: int) -> None:
        runs = self.open_runs()
        run = runs[which % len(runs)]
        before = self.machine.crashes
        for _ in range(ticks):
            if not self.machine.run(run.id).is_final:
                self.machine.tick(run.id, crash_at)
                self.tally["ticks"] += 1
        self.tally["deaths"] += self.machine.crashes - before

    @precondition(lambda self: self.open_runs())
    @rule(which=st.integers(0, 1), crash_at=MOMENTS)
    def tick_too_early(self, which: int, crash_at: int) -> None:
        runs = self.open_runs()
        with self.allowed("early ticks"):
            self.machine.tick(runs[which % len(runs)].id, crash_at, late=False)

    @rule(which=st.integers(0, 1), back=st.integers(1, 3))
    def tick_of_a_past_version(self, which: int, back: int) -> None:
        runs = self.runs()
        run = runs[which % len(runs)]
        self.machine.advance(Tick(run.id, run.version - back, run.act_id))
        assert self.machine.run(run.id) == run
        self.tally["stale ticks"] += 1

    @rule(hours=st.sampled_from([0.01, 0.3, 2.0, 11.0, 30.0]))
    def time_passes(self, hours: float) -> None:
        self.machine.pass_time(hours * 3600)

    @rule(
        fault=st.sampled_from(FAULTS),
        method=st.sampled_from(["POST", "GET"]),
        after=st.integers(0, 12),
        times=st.integers(1, 3),
    )
    def something_goes_wrong(self, fault: dict[str, Any], method: str, after: int, times: int) -> None:
        lasts = fault["kind"] == "read_lag"
        plan = {**fault, "match": {} if lasts else {"method": method}, "after": after}
        self.machine.simulator.faults.plan(plan if lasts else {**plan, "times": times})
        self.tally["faults planned"] += 1

    @rule()
    def all_is_well_again(self) -> None:
        self.machine.simulator.faults.clear()

    @rule(looks=st.integers(1, 3), crash_at=MOMENTS)
    def the_account_is_looked_at(self, looks: int, crash_at: int) -> None:
        before = self.machine.crashes
        for _ in range(looks):
            self.machine.look(crash_at)
        self.tally["deaths"] += self.machine.crashes - before
        self.tally["looks"] += looks
        self.meddled = False

    @rule(sure=RARELY, crash_at=MOMENTS)
    def somebody_stops_everything(self, sure: int, crash_at: int) -> None:
        if not sure:
            with self.allowed("stops", crash_at):
                self.machine.stops.stop(None, "the price is wrong", "operator")

    @precondition(lambda self: self.machine.stops.holding())
    @rule(reactivate=st.booleans(), crash_at=MOMENTS)
    def somebody_resumes(self, *, reactivate: bool, crash_at: int) -> None:
        (held,) = self.machine.stops.holding()
        with self.allowed("resumes", crash_at):
            self.machine.stops.resume("admin", "mended", stop_id=held.id, reactivate=reactivate)

    @precondition(lambda self: self.open_runs())
    @rule(which=st.integers(0, 1), sure=RARELY, crash_at=MOMENTS)
    def somebody_cancels(self, which: int, sure: int, crash_at: int) -> None:
        runs = self.open_runs()
        if sure:
            return
        with self.allowed("cancels", crash_at):
            self.machine.approvals.cancel(runs[which % len(runs)].id, "manager")

    @rule(which=st.integers(0, 1), letter=st.sampled_from("AB"), crash_at=MOMENTS)
    def somebody_approves(self, which: int, letter: str, crash_at: int) -> None:
        runs = self.runs()
        run = runs[which % len(runs)]
        if run.status is RunStatus.WAITING_APPROVAL:
            with self.allowed("approvals", crash_at):
                self.machine.approvals.publish_winner(
                    run.id, "manager", variant=letter, comment="chosen", role=Role.MANAGER
                )

    @precondition(lambda self: self.open_runs())
    @rule(which=st.integers(0, 1), crash_at=MOMENTS)
    def somebody_adopts(self, which: int, crash_at: int) -> None:
        runs = self.open_runs()
        with self.allowed("adoptions", crash_at):
            self.machine.approvals.adopt(runs[which % len(runs)].id, "admin")

    @precondition(lambda self: self.open_runs())
    @rule(which=st.integers(0, 1), pick=st.integers(0, 20), status=st.sampled_from(EDITS))
    def somebody_edits_at_meta(self, which: int, pick: int, status: str) -> None:
        runs = self.open_runs()
        made = objects(self.auditor, runs[which % len(runs)].id)
        ours = [row for row in made if row["kind"] in DELIVERING]
        if ours:
            chosen = ours[pick % len(ours)]["id"]
            self.machine.edit_at_meta(chosen, status)
            self.meddled = True
            # What our process has died over may be found by somebody else first; it is ours to find again, not to know.
            self.by_others.add(chosen)
            self.tally["outside edits"] += 1

    def the_next_thing_happens(self, waiting: Sequence[Run]) -> None:
        """Let the tick that is due next run, be it a run's or the account's."""
        moving = [run for run in waiting if run.next_tick_at is not None]
        run = min(moving, key=lambda one: (one.next_tick_at, one.id), default=None)
        if run is None or run.next_tick_at is None or self.machine.watch().next_look_at <= run.next_tick_at:
            self.machine.look()
            return
        if run.status is RunStatus.WAITING_APPROVAL and run.release.approval is None:
            with self.allowed("approvals"):
                self.machine.approvals.publish_winner(
                    run.id, "manager", variant="B", comment="chosen", role=Role.MANAGER
                )
        self.machine.tick(run.id)

    def somebody_decides_on_what_was_found(self) -> None:
        """Cancel a run of which Meta holds more than its journal, as what somebody else switched on: it waits for a word."""
        for run in self.open_runs():
            if run.attention is not None and run.attention.code in HELD and run.control is Control.NONE:
                with self.allowed("cancels of held runs"):
                    self.machine.approvals.cancel(run.id, "manager")

    # --- what always holds ------------------------------------------------------------------------

    @invariant()
    def no_run_can_cost_more_than_its_total(self) -> None:
        for run in self.runs():
            assert_within_total(self.auditor, run)

    @invariant()
    def nothing_exists_twice(self) -> None:
        for run in self.runs():
            assert twice(living(objects(self.auditor, run.id))) == {}

    @invariant()
    def nothing_is_on_that_no_journal_knows(self) -> None:
        for run in self.runs():
            on = [row for row in objects(self.auditor, run.id) if active([row])]
            assert {row["id"] for row in on} <= self.known(run) | self.by_others

    @invariant()
    def nothing_is_on_after_a_confirmed_stop(self) -> None:
        for held in self.machine.stops.holding():
            if not self.meddled and self.machine.stops.view(held.id).confirmed:
                assert [one for run in self.runs() for one in active(objects(self.auditor, run.id))] == []

    def teardown(self) -> None:
        """Let everything end, and see that it ended right."""
        self.machine.simulator.faults.clear()
        for held in self.machine.stops.holding():
            self.machine.stops.resume("admin", "the end", stop_id=held.id)
        for _ in range(ENDING_TICKS):
            self.somebody_decides_on_what_was_found()
            waiting = self.open_runs()
            if not waiting:
                break
            self.the_next_thing_happens(waiting)
        self.machine.pass_time(30 * 24 * 3600)
        for run in self.runs():
            self.tally[run.status.value] += 1
            assert run.is_final, (run.status, run.attention)
            assert_ended_right(self.auditor, run)
        self.see_to_the_campaigns()

    def see_to_the_campaigns(self) -> None:
        """Let the account be looked at until figures have settled, and see that every final campaign has, once."""
        for _ in range(3):
            self.machine.pass_time(2 * 24 * 3600)
            self.machine.look()
        runs = {run.id: run for run in self.runs()}
        with self.machine.database.unit_of_work() as unit:
            for run_id, campaign in unit.campaigns.of_runs(list(runs)).items():
                events = unit.observations.events(run_id)
                settled = [one for one in events if one.data.get("state") == CampaignState.SETTLED]
                assert campaign.state is CampaignState.SETTLED, campaign
                assert len(settled) <= 1
                assert settled or runs[run_id].status is not RunStatus.COMPLETED
                self.tally["settled campaigns"] += 1


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_in_whatever_order_meta_never_holds_too_much(
    part: int, tell: Callable[[str], None]
) -> None:
    AnyOrder.tally.clear()
    run_state_machine_as_test(
        seed(part)(type("AnyOrder", (AnyOrder,), {})),
        settings=settings(
            max_examples=sized(40, 1000) // PARTS,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    tell(str(dict(AnyOrder.tally)))
    assert AnyOrder.tally["deaths"] > 0
    assert AnyOrder.tally["completed"] > 0
    assert AnyOrder.tally["settled campaigns"] > 0
