"""A whole machine for flow tests: database and queue in memory, the real client, the real simulator, stepped time."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx2

from autopublisher.adapters.clock_simulated import SimulatedClock
from autopublisher.adapters.memory.storage import MemoryStorage
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.adapters.memory.work import MemoryTickQueue
from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.adapters.meta.session import Credentials
from autopublisher.domain.accounts.accounts import Account, AdDefaults, Creative
from autopublisher.domain.ids import AccountId, ActId, CreativeId, RunId
from autopublisher.domain.request.request import (
    ABTestConfig,
    BudgetConfig,
    RunRequest,
    Strategy,
    TargetingConfig,
)
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.dispatcher import EngineConfig, build_orchestrator, build_watch
from autopublisher.flows.requests.approvals import Approvals
from autopublisher.flows.requests.intake import Intake
from autopublisher.flows.requests.reports import Reports, RunView
from autopublisher.flows.runs.orchestrator import Orchestrator
from autopublisher.flows.ticks import look_now
from autopublisher.flows.watch.account_watch import AccountWatch
from autopublisher.flows.watch.sweeper import Sweeper
from autopublisher.ports.work import Tick
from support.pictures import picture

ACT = ActId("act_123456789")
ACCOUNT = AccountId("00000000-0000-4000-8000-000000000001")
CREATIVES = tuple(CreativeId(f"00000000-0000-4000-8000-00000000001{n}") for n in range(4))


def brief_request(**changes: Any) -> RunRequest:
    """Return the brief's own request: two variants, 24 h, 50 each, 500 in all."""
    request = RunRequest(
        meta_account_id=ACCOUNT,
        campaign_name="Test Campaign",
        objective="CONVERSIONS",
        ab_test_config=ABTestConfig(
            strategy=Strategy.CREATIVE_SPLIT,
            variants_count=2,
            test_budget_per_variant=Decimal("50.0"),
            test_duration_hours=24,
        ),
        targeting_config=TargetingConfig(countries=("ES", "PE"), placements=("instagram_feed",)),
        budget_config=BudgetConfig(total_budget=Decimal("500.0")),
        creative_ids=CREATIVES[:2],
        headlines=("Headline A", "Headline B"),
        primary_texts=("Text A", "Text B"),
    )
    return replace(request, **changes)


@dataclass
class Machine:
    """The product's flows over one simulator; ``drive`` lets time pass."""

    url: str
    database: MemoryDatabase
    clock: SimulatedClock
    meta: SdkMetaAds
    queue: MemoryTickQueue
    storage: MemoryStorage
    orchestrator: Orchestrator
    intake: Intake
    approvals: Approvals
    reports: Reports
    watch: AccountWatch

    def submit(self, request: RunRequest | None = None) -> RunId:
        return self.intake.submit(request or brief_request(), "tester").id

    def run(self, run_id: RunId) -> Run:
        with self.database.unit_of_work() as unit:
            return unit.runs.get(run_id)

    def view(self, run_id: RunId) -> RunView:
        return self.reports.view(run_id)

    def tick(self, run_id: RunId) -> Run:
        """Move the clock to the run's next due moment and run one tick."""
        run = self.run(run_id)
        assert run.next_tick_at is not None, f"the run rests in {run.status}"
        self.clock.advance_to(run.next_tick_at)
        self.orchestrator.advance(Tick(run.id, run.version, run.act_id))
        return self.run(run_id)

    def drive(self, run_id: RunId, *until: RunStatus, ticks: int = 400) -> Run:
        """Run ticks until the run has one of the statuses, or ends."""
        for _ in range(ticks):
            run = self.run(run_id)
            if run.status in until or run.is_final:
                return run
            self.tick(run_id)
        raise AssertionError(f"{self.run(run_id).status} after {ticks} ticks: {self.run(run_id).attention}")

    def look(self) -> None:
        """Look at the account now, whatever the moment of its next look."""
        with self.database.unit_of_work() as unit:
            watch = look_now(self.queue, unit, ACT, self.clock.now())
            unit.commit()
        self.watch.look(Tick(None, watch.version, ACT))

    def sim(self, method: str, path: str, **options: Any) -> Any:
        answer = httpx2.request(method, f"{self.url}/_sim/{path}", **options)
        answer.raise_for_status()
        return answer.json()

    def objects(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return everything the simulator ever made, or all of one kind."""
        found = self.sim("GET", "objects")
        rows: list[dict[str, Any]] = found["data"]
        return [row for row in rows if kind is None or row["kind"] == kind]

    def exposure(self, run_id: RunId) -> dict[str, Any]:
        mark = f"[ap-{run_id.replace('-', '')[:16]}"
        found: dict[str, Any] = self.sim("GET", "exposure", params={"contains": mark})
        return found

    def fault(self, **order: Any) -> None:
        self.sim("POST", "faults", json=order)


def make_machine(
    url: str, pace: EngineConfig | None = None, client: type[SdkMetaAds] = SdkMetaAds
) -> Machine:
    clock = SimulatedClock(url)
    meta = client(Credentials("stub-token"), clock, base=url)
    database, storage = MemoryDatabase(), MemoryStorage()
    queue = MemoryTickQueue(clock)
    open_unit = database.unit_of_work
    now = clock.now()
    defaults = AdDefaults(
        page_id="1001",
        instagram_user_id="17841400000000001",
        pixel_id="2001",
        conversion_event="PURCHASE",
        link_url="https://shop.example.com/offer",
        call_to_action="SHOP_NOW",
        dsa_beneficiary="Shop",
        dsa_payor="Shop",
    )
    with open_unit() as unit:
        unit.accounts.add(Account(ACCOUNT, ACT, "Demo", "EUR", "Europe/Madrid", defaults, now))
        for number, creative in enumerate(CREATIVES):
            storage.write(f"creatives/{number}", picture(number))
            unit.creatives.add(
                Creative(
                    creative, ACCOUNT, f"Creative {number}", f"creatives/{number}", f"{number:064x}", now
                )
            )
        unit.commit()
    return Machine(
        url=url,
        database=database,
        clock=clock,
        meta=meta,
        queue=queue,
        storage=storage,
        orchestrator=build_orchestrator(open_unit, meta, storage, clock, queue, pace or EngineConfig()),
        intake=Intake(open_unit, meta, clock, queue),
        approvals=Approvals(open_unit, clock, queue),
        reports=Reports(open_unit, clock),
        watch=build_watch(open_unit, meta, storage, clock, queue, pace or EngineConfig()),
    )


def sweeper_of(machine: Machine, sweeps: int) -> Sweeper:
    return Sweeper(machine.database.unit_of_work, machine.queue, machine.clock, sweeps)


def start_of(machine: Machine) -> datetime:
    return machine.clock.now()
