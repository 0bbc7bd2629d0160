"""Scenes for flow tests: the machine in memory with a Meta that can be told what to get wrong, and when."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from autopublisher.adapters.memory.meta_ads import Fault, StoredObject
from autopublisher.domain.errors import MetaError, MetaOutcomeUnknownError
from autopublisher.domain.ids import ActId, MetaId, RunId
from autopublisher.domain.journal.naming import MARK
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.journal.records import Event, Snapshot
from autopublisher.domain.meta.insights import InsightsRow
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.run import Run
from autopublisher.flows.dispatcher import EngineConfig, build_orchestrator
from autopublisher.flows.runs.orchestrator import Orchestrator
from autopublisher.ports.repositories import RunFilter
from autopublisher.ports.work import Tick
from support.crashing_machine import CrashingMachine, CrashingMeta, seeded
from support.simulated import brief_request

TEST_OBJECTS = {
    ObjectKind.CAMPAIGN: 2,
    ObjectKind.AD_SET: 2,
    ObjectKind.CREATIVE: 2,
    ObjectKind.AD: 2,
    ObjectKind.IMAGE: 2,
}
"""What the brief's test consists of: two arms."""

EQUAL_RATES = {"A": 1000, "B": 1000}
"""Sales of two arms of which neither is better."""


@dataclass(frozen=True)
class PlannedFault:
    """An error for the ``nth`` call of a method and the ``times - 1`` after it; ``done``: the call takes effect."""

    method: str
    error: MetaError
    nth: int = 1
    times: int = 1
    done: bool = False

    def concerns(self, count: int) -> bool:
        """Tell whether it strikes the call that is the ``count``-th."""
        return self.nth <= count < self.nth + self.times


@dataclass(frozen=True)
class Witnessed:
    """One call to Meta and when it was made."""

    method: str
    subject: str
    params: Mapping[str, Any]
    at: datetime


class FaultyMeta(CrashingMeta):
    """Meta in memory that fails to order.

    ``troubles`` strike single calls; ``deaf`` is how many activations are taken and ignored,
    ``stubborn`` that all updates are; ``spend_share``
    is how much of the usual an arm spends; ``review`` is what ads show
    instead of ACTIVE; ``echoes`` is how many objects turn out to exist twice when they are looked for; ``blind`` is how
    many look-ups do not list anything yet; ``on_call`` is told of every call before it does anything; ``charges`` are
    what an ad set has spent besides, and from when its figures show it; ``gaps`` is how many answers lack all figures;
    ``odd`` is what the rows of an ad set say instead of what they would.
    """

    def __init__(self, like: CrashingMeta) -> None:
        super().__init__(like._clock, like.facts, like.minimums)  # type: ignore[arg-type]  # a ManualClock
        self.troubles: list[PlannedFault] = []
        self.witnessed: list[Witnessed] = []
        self.deaf = 0
        self.stubborn = False
        self.spend_share = 1.0
        self.review: str | None = None
        self.echoes = 0
        self.blind = 0
        self.on_call: Callable[[int, str], None] = lambda _number, _method: None
        self.charges: list[tuple[MetaId, datetime, float]] = []
        self.gaps = 0
        self.odd: dict[MetaId, Mapping[str, Any]] = {}
        self._seen: Counter[str] = Counter()

    def _begin(self, method: str, subject: str, params: Mapping[str, Any]) -> Any:
        self._seen[method] += 1
        self.witnessed.append(Witnessed(method, subject, params, self._clock.now()))
        self.on_call(len(self.witnessed), method)
        for trouble in self.troubles:
            if trouble.method == method and trouble.concerns(self._seen[method]):
                self.faults.append(Fault(trouble.error, method, trouble.done))
        return super()._begin(method, subject, params)

    def update(self, meta_id: MetaId, params: Mapping[str, Any]) -> None:
        ignored = self.deaf > 0 and params == {"status": "ACTIVE"}
        if ignored or self.stubborn:
            self.deaf -= ignored
            self._begin("update", meta_id, params)
            return
        super().update(meta_id, params)

    def find(
        self, act_id: ActId, kind: ObjectKind, name_contains: str, fields: Sequence[str]
    ) -> Sequence[ObjectState]:
        for meta_id, one in list(self.objects.items()):
            if self.echoes > 0 and one.kind is kind and name_contains in one.fields["name"]:
                self.echoes -= 1
                self.copy_of(meta_id)
        found = super().find(act_id, kind, name_contains, fields)
        if self.blind > 0 and (
            name_contains == MARK or name_contains.endswith("]")
        ):  # but not of one run's all
            self.blind -= 1
            return []
        return found

    def _row(self, ad_set_id: MetaId, share: float) -> InsightsRow:
        row, now = super()._row(ad_set_id, share), self._clock.now()
        besides = sum(spend for one, shows_at, spend in self.charges if one == ad_set_id and shows_at <= now)
        spend = f"{float(row.metrics['spend']) * self.spend_share + besides:.2f}"
        return replace(row, metrics={**row.metrics, "spend": spend})

    def ad_sets(
        self, act_id: ActId, ad_set_ids: Sequence[MetaId] | None, since: datetime, until: datetime
    ) -> Sequence[InsightsRow]:
        found = super().ad_sets(act_id, ad_set_ids, since, until)
        told = [replace(row, metrics={**row.metrics, **self.odd.get(row.object_id, {})}) for row in found]
        return [] if self._has_gap() else told

    def insights_of(
        self, act_id: ActId, meta_id: MetaId, since: datetime, until: datetime
    ) -> InsightsRow | None:
        found = super().insights_of(act_id, meta_id, since, until)
        return None if self._has_gap() else found

    def _has_gap(self) -> bool:
        self.gaps -= 1
        return self.gaps >= 0

    def _effective(self, stored: StoredObject) -> str:
        if stored.kind is ObjectKind.AD and stored.status == "ACTIVE" and self.review is not None:
            return self.review
        return super()._effective(stored)

    def made(self, method: str) -> list[Witnessed]:
        """Return the calls of one method so far."""
        return [one for one in self.witnessed if one.method == method]

    def copy_of(self, meta_id: MetaId) -> None:
        """Make a second object like this one, as a repeated call does."""
        original = self.objects[meta_id]
        twin = MetaId(str(next(self._ids)))
        self.objects[twin] = StoredObject(
            original.act_id,
            original.kind,
            {**original.fields, "id": twin, "created_time": self._clock.now().isoformat()},
        )

    def of_kind(self, kind: ObjectKind) -> list[StoredObject]:
        """Return the objects of a kind, deleted ones included."""
        return [one for one in self.objects.values() if one.kind is kind]


class Stage(CrashingMachine):
    """The machine in memory over a troubled Meta, with one run submitted."""

    meta: FaultyMeta
    run_id: RunId

    def __init__(self, request: RunRequest | None = None, pace: EngineConfig | None = None) -> None:
        super().__init__(pace)
        self.meta = FaultyMeta(self.meta)
        self.start()
        asked = request or brief_request()
        seeded(self, asked)
        self.run_id = self.intake.submit(asked, "tester").id

    @property
    def now_run(self) -> Run:
        return self.run(self.run_id)

    def go(self, *until: Any, ticks: int = 200) -> Run:
        return self.drive(self.run_id, *until, ticks=ticks)

    def orchestrator_over(self) -> Orchestrator:
        """Return a second worker's orchestrator over the same database and Meta."""
        return build_orchestrator(self.open_unit, self.meta, self.storage, self.clock, self.queue, self.pace)

    def step(self) -> Run:
        self.tick(self.run_id)
        return self.now_run

    def tick_of(self, run: Run) -> Tick:
        return Tick(run.id, run.version, run.act_id)

    def rows(self, run_id: RunId | None = None) -> Sequence[Operation]:
        with self.database.unit_of_work() as unit:
            return unit.journal.of_run(run_id or self.run_id)

    def row(self, key: str) -> Operation:
        return next(row for row in self.rows() if row.key == key)

    def at_meta(self, key: str) -> Mapping[str, Any]:
        return self.meta.objects[MetaId(self.row(key).meta_id or "")].fields

    def events(self, action: str) -> list[Event]:
        with self.database.unit_of_work() as unit:
            found = unit.observations.events(self.run_id)
        return [one for one in found if one.tag.endswith(f":{action}")]

    def snapshots(self, run_id: RunId | None = None) -> list[Snapshot]:
        with self.database.unit_of_work() as unit:
            return list(unit.observations.snapshots(run_id or self.run_id))

    def overwrite(self, **changes: Any) -> Run:
        """Change the stored run behind the flows' back, under a new version."""
        run = self.now_run
        changed = replace(run, version=run.version + 1, **changes)
        with self.database.unit_of_work() as unit:
            unit.runs.save(changed, was=run.version)
            unit.commit()
        return changed

    def everything_off(self) -> bool:
        return self.active() == []

    def created_campaigns(self) -> list[StoredObject]:
        return self.meta.of_kind(ObjectKind.CAMPAIGN)

    def block_account(self) -> None:
        self.meta.facts = replace(self.meta.facts, status=2)

    def live(self) -> list[StoredObject]:
        """Return the objects with a status of their own that are not deleted."""
        return [one for one in self.meta.objects.values() if one.fields.get("status", "DELETED") != "DELETED"]

    def drive_all(self, done: Callable[[Sequence[Run]], bool], ticks: int = 2000) -> Sequence[Run]:
        """Run the earliest due tick of any run until ``done``, or none is due any more."""
        for _ in range(ticks):
            with self.database.unit_of_work() as unit:
                runs = unit.runs.find(RunFilter(limit=1000))
            waiting = [run for run in runs if run.next_tick_at is not None and not run.is_final]
            if not waiting or done(runs):
                return runs
            first = min(waiting, key=lambda run: (run.next_tick_at or run.created_at, run.id))
            self.tick(first.id)
        raise AssertionError(f"not done after {ticks} ticks")


def cut_off() -> MetaOutcomeUnknownError:
    """Return the error of an answer that never came."""
    return MetaOutcomeUnknownError("the connection was cut")


def with_total(total: str, **changes: Any) -> RunRequest:
    """Return the brief's request with another total budget."""
    request = brief_request(**changes)
    return replace(request, budget_config=replace(request.budget_config, total_budget=Decimal(total)))


def once(method: str, act: Callable[[], None]) -> Callable[[int, str], None]:
    """Return a listener that acts in the middle of the first call of a method."""
    left = [act]

    def listen(_number: int, called: str) -> None:
        if called == method and left:
            left.pop()()

    return listen


def with_test(**changes: Any) -> RunRequest:
    """Return the brief's request with other test settings."""
    request = brief_request()
    return replace(request, ab_test_config=replace(request.ab_test_config, **changes))
