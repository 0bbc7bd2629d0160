"""Crashing machine in memory: it can be killed at any call to Meta and any commit, and started again on what it left."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.meta_ads import MemoryMetaAds
from autopublisher.adapters.memory.storage import MemoryStorage
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase, MemoryUnitOfWork
from autopublisher.adapters.memory.work import MemoryTickQueue
from autopublisher.domain.accounts.accounts import (
    Account,
    AdAccountFacts,
    AdDefaults,
    Creative,
    MinimumBudgets,
)
from autopublisher.domain.amounts import Money
from autopublisher.domain.ids import ActId, MetaId, RunId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.insights import InsightsRow
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.dispatcher import EngineConfig, build_orchestrator
from autopublisher.flows.requests.approvals import Approvals
from autopublisher.flows.requests.intake import Intake
from autopublisher.flows.requests.reports import Reports
from autopublisher.ports.work import Tick

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class SimulatedCrash(BaseException):
    """The process is gone: nothing catches it, nothing after it runs."""


class CrashPlan:
    """Crashes the process at the n-th crash point; ``moments`` counts those that came."""

    def __init__(self, crash_at: int = 0) -> None:
        self.crash_at = crash_at
        self.moments = 0

    def strike(self) -> None:
        self.moments += 1
        if self.moments == self.crash_at:
            self.kill()

    def kill(self) -> None:
        raise SimulatedCrash


class CrashingMeta(MemoryMetaAds):
    """Meta in memory whose every call has a crash point before and after it; delivery follows the clock."""

    def __init__(self, clock: ManualClock, facts: AdAccountFacts, minimums: MinimumBudgets) -> None:
        super().__init__(clock, facts, minimums)
        self.crash_plan = CrashPlan()
        self.once_on: set[MetaId] = set()
        self.rates: Mapping[str, int] = {"A": 1000, "B": 3000}
        self.days = 1.0

    def _begin(self, method: str, subject: str, params: Mapping[str, Any]) -> Any:
        self.crash_plan.strike()
        return super()._begin(method, subject, params)

    def create(self, act_id: ActId, kind: ObjectKind, params: Mapping[str, Any]) -> MetaId:
        made = super().create(act_id, kind, params)
        self.crash_plan.strike()
        return made

    def update(self, meta_id: MetaId, params: Mapping[str, Any]) -> None:
        was_on = meta_id in self.objects and self.objects[meta_id].status == "ACTIVE"
        super().update(meta_id, params)
        if was_on or self.objects[meta_id].status == "ACTIVE":
            self.once_on.add(meta_id)
        self.crash_plan.strike()

    def delete(self, meta_id: MetaId) -> None:
        super().delete(meta_id)
        self.crash_plan.strike()

    def ad_sets(
        self, act_id: ActId, ad_set_ids: Sequence[MetaId] | None, since: datetime, until: datetime
    ) -> Sequence[InsightsRow]:
        self._begin("ad_sets", act_id, {"since": since, "until": until})
        there = [
            one for one in ad_set_ids or () if one in self.objects and self.objects[one].status != "DELETED"
        ]
        tests = [one for one in there if self._is_of_test(one)]
        return [self._row(ad_set_id, self._share()) for ad_set_id in tests]

    def insights_of(
        self, act_id: ActId, meta_id: MetaId, since: datetime, until: datetime
    ) -> InsightsRow | None:
        """Return an ad set's row; a campaign's is what its ad sets have spent, an ad's what ``insights`` has."""
        self._begin("insights_of", act_id, {"since": since, "until": until})
        if self._stored(meta_id).kind is ObjectKind.AD:
            return InsightsRow(meta_id, self.insights[meta_id]) if meta_id in self.insights else None
        if self.objects[meta_id].kind is ObjectKind.AD_SET:
            return self._row(meta_id, self._share()) if self._is_of_test(meta_id) else None
        inside = [one for one, stored in self.objects.items() if stored.fields.get("campaign_id") == meta_id]
        spends = [self._row(one, self._share()).metrics["spend"] for one in inside if self._is_of_test(one)]
        return InsightsRow(meta_id, {"spend": str(sum(map(Decimal, spends)))}) if spends else None

    def _is_of_test(self, meta_id: MetaId) -> bool:
        return "Variant " in self.objects[meta_id].fields["name"] and self._has_run(meta_id)

    def _share(self) -> float:
        """Return how much of a day's spend an arm has spent, over as many ``days`` as it delivers."""
        return min(self.days, max(0.0, (self._clock.now() - START) / timedelta(hours=24)))

    def _has_run(self, meta_id: MetaId) -> bool:
        """Tell whether an object is on or was; nothing else has figures."""
        return meta_id in self.once_on or self.objects[meta_id].status == "ACTIVE"

    def _row(self, ad_set_id: MetaId, share: float) -> InsightsRow:
        letter = self.objects[ad_set_id].fields["name"].split("Variant ")[1][0]
        sales = int(self.rates[letter] * share)
        metrics = {
            "spend": f"{50 * share:.2f}",
            "impressions": str(int(100_000 * share)),
            "inline_link_clicks": str(int(7_000 * share)),
            "actions": [{"action_type": "omni_purchase", "value": str(sales)}],
            "action_values": [{"action_type": "omni_purchase", "value": f"{sales * 0.09:.2f}"}],
        }
        return InsightsRow(ad_set_id, metrics)


class CrashingUnit(MemoryUnitOfWork):
    """A unit of work with a crash point before and after its commit."""

    def __init__(self, database: MemoryDatabase, crash_plan: Callable[[], CrashPlan]) -> None:
        super().__init__(database)
        self._reaper = crash_plan

    def commit(self) -> None:
        self._reaper().strike()
        super().commit()
        self._reaper().strike()


class CrashingMachine:
    """One account, one database, and a process that may die and be started again."""

    def __init__(self, pace: EngineConfig | None = None) -> None:
        self.clock = ManualClock(START)
        euro = "EUR"
        facts = AdAccountFacts(
            ActId("act_123456789"),
            "Demo",
            1,
            euro,
            "Europe/Madrid",
            Money(10_000, euro),
            "Shop",
            "Shop",
            "5001",
        )
        minimums = MinimumBudgets(Money(50, euro), Money(250, euro), Money(4000, euro), Money(250, euro))
        self.meta = CrashingMeta(self.clock, facts, minimums)
        self.database = MemoryDatabase()
        self.storage = MemoryStorage()
        self.queue = MemoryTickQueue(self.clock)
        self.pace = pace or EngineConfig(poll=timedelta(hours=2))
        self.crashes = 0
        self.start()

    def open_unit(self) -> MemoryUnitOfWork:
        return CrashingUnit(self.database, lambda: self.meta.crash_plan)

    def start(self) -> None:
        """Build the process afresh, on whatever the database and Meta hold."""
        self.orchestrator = build_orchestrator(
            self.open_unit, self.meta, self.storage, self.clock, self.queue, self.pace
        )
        self.intake = Intake(self.open_unit, self.meta, self.clock, self.queue)
        self.approvals = Approvals(self.open_unit, self.clock, self.queue)
        self.reports = Reports(self.open_unit, self.clock)

    def seed(self, account: Account, creatives: Sequence[Creative]) -> None:
        with self.open_unit() as unit:
            unit.accounts.add(account)
            for creative in creatives:
                self.storage.write(creative.storage_key, creative.storage_key.encode())
                unit.creatives.add(creative)
            unit.commit()

    def run(self, run_id: RunId) -> Run:
        with self.database.unit_of_work() as unit:
            return unit.runs.get(run_id)

    @contextmanager
    def may_crash(self) -> Iterator[None]:
        """Survive a death by starting again."""
        try:
            yield
        except SimulatedCrash:
            self.crashes += 1
            self.start()

    def tick(self, run_id: RunId) -> None:
        run = self.run(run_id)
        assert run.next_tick_at is not None
        self.clock.advance_to(run.next_tick_at)
        with self.may_crash():
            self.orchestrator.advance(Tick(run.id, run.version, run.act_id))

    def drive(self, run_id: RunId, *until: RunStatus, ticks: int = 120) -> Run:
        for _ in range(ticks):
            run = self.run(run_id)
            if run.status in until or run.is_final:
                return run
            self.tick(run_id)
        raise AssertionError(f"{self.run(run_id).status} after {ticks} ticks: {self.run(run_id).attention}")

    def approve(self, run_id: RunId) -> None:
        """Approve, again after a death, as a person would who saw no answer."""
        for _ in range(3):
            with self.may_crash():
                self.approvals.publish_winner(run_id, "manager")
                return

    def kinds(self) -> dict[ObjectKind, int]:
        """Return how many objects Meta holds of each kind there is one of, deleted ones included."""
        stored = [one.kind for one in self.meta.objects.values()]
        return {kind: stored.count(kind) for kind in ObjectKind if kind in stored}

    def active(self) -> list[str]:
        return [
            one.fields["name"] for one in self.meta.objects.values() if one.fields.get("status") == "ACTIVE"
        ]


def seeded(machine: CrashingMachine, request: RunRequest) -> CrashingMachine:
    """Give the machine the account and creatives that a request names."""
    act = machine.meta.facts.act_id
    defaults = AdDefaults(
        page_id="1001",
        pixel_id="2001",
        conversion_event="PURCHASE",
        link_url="https://shop.example.com/offer",
        dsa_beneficiary="Shop",
        dsa_payor="Shop",
    )
    account = Account(request.meta_account_id, act, "Demo", "EUR", "Europe/Madrid", defaults, START)
    creatives = [
        Creative(one, account.id, f"Creative {n}", f"creatives/{n}", f"{n:064x}", START)
        for n, one in enumerate(request.creative_ids)
    ]
    machine.seed(account, creatives)
    return machine


def unattended(request: RunRequest) -> RunRequest:
    """Return the request without a person in the loop."""
    return replace(request, require_human_approval=False)
