"""The whole application over the memory adapters, with one user of each role and one account with two creatives."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.meta_ads import MemoryMetaAds
from autopublisher.adapters.memory.passwords import MemoryPasswords
from autopublisher.adapters.memory.storage import MemoryStorage
from autopublisher.adapters.memory.tokens import MemoryTokens
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.adapters.memory.work import MemoryTickQueue, MemoryWorker
from autopublisher.api.app import create_app
from autopublisher.api.exact_json import read_json
from autopublisher.api.reserved_threads import in_stop_thread, in_watch_thread
from autopublisher.api.schemas import RunRequestIn
from autopublisher.api.services import Services
from autopublisher.dashboard.pages import lost_page, pages
from autopublisher.dashboard.session import Desk
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account, AdAccountFacts, AdDefaults, MinimumBudgets
from autopublisher.domain.amounts import Money
from autopublisher.domain.ids import ActId, MetaId, RunId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.journal.records import Decision, Event, Figures, MetaObject, Snapshot
from autopublisher.domain.messages import legacy
from autopublisher.domain.request.variants import build_variants
from autopublisher.domain.runs.run import Release, Run, RunStatus, Trial
from autopublisher.flows.requests.account_memory import AccountMemories
from autopublisher.flows.requests.accounts import Accounts
from autopublisher.flows.requests.approvals import Approvals
from autopublisher.flows.requests.exposure import Exposures
from autopublisher.flows.requests.intake import Intake, IntakeLimits
from autopublisher.flows.requests.monitor import Monitor
from autopublisher.flows.requests.people import People
from autopublisher.flows.requests.planner import Planner
from autopublisher.flows.requests.reports import Reports
from autopublisher.flows.requests.stops import Stops
from autopublisher.flows.writes.money_gate import MoneyGate
from support.pictures import picture

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
ACT = ActId("act_123456789")
RUN = RunId("11111111-2222-4333-8444-555555555555")
PNG = picture(1)


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """Keep log lines off the terminal, where a traceback with its locals takes seconds to draw."""
    with structlog.testing.capture_logs():
        yield


def euros(amount: int) -> Money:
    return Money(amount * 100, "EUR")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def database() -> MemoryDatabase:
    return MemoryDatabase()


@pytest.fixture
def meta(clock: ManualClock) -> MemoryMetaAds:
    facts = AdAccountFacts(ACT, "Shop at Meta", 1, "EUR", "Europe/Madrid", euros(100), "Shop SL", "Shop SL")
    return MemoryMetaAds(clock, facts, MinimumBudgets(euros(1), euros(1), euros(1), euros(1)))


@pytest.fixture
def ticks(clock: ManualClock) -> MemoryTickQueue:
    return MemoryTickQueue(clock)


@pytest.fixture
def worker(ticks: MemoryTickQueue) -> MemoryWorker:
    worker = MemoryWorker(ticks)
    worker.start(lambda _: None)
    return worker


@pytest.fixture
def people(database: MemoryDatabase, clock: ManualClock) -> People:
    desk = People(database.unit_of_work, clock, MemoryTokens(b"a key for tests"), MemoryPasswords())
    for role in Role:
        desk.add_user(role.value, PASSWORD, role)
    return desk


@pytest.fixture
def services(
    *,
    database: MemoryDatabase,
    clock: ManualClock,
    meta: MemoryMetaAds,
    ticks: MemoryTickQueue,
    worker: MemoryWorker,
    people: People,
) -> Services:
    unit = database.unit_of_work
    intake = Intake(unit, meta, clock, ticks, IntakeLimits(enabled=True))
    return Services(
        intake=intake,
        planner=Planner(unit, intake, clock, timedelta(hours=1)),
        approvals=Approvals(unit, clock, ticks),
        reports=Reports(unit, clock),
        people=people,
        accounts=Accounts(unit, meta, MemoryStorage(), clock),
        monitor=Monitor(unit, clock, worker, mode="stub", enabled=True),
        exposures=Exposures(unit, clock, MoneyGate()),
        memories=AccountMemories(unit),
        stops=Stops(unit, clock, ticks),
        clock=clock,
        enabled=True,
        mode="stub",
        version="0.1.0",
    )


@pytest.fixture
def desk(services: Services) -> Desk:
    return Desk(
        services.people,
        services.reports,
        services.approvals,
        services.monitor,
        services.stops,
        services.exposures,
        services.clock,
        in_stop_thread,
        in_watch_thread,
    )


@pytest.fixture
def dashboard(desk: Desk) -> APIRouter:
    return pages(desk)


@pytest.fixture
def app(services: Services, dashboard: APIRouter, desk: Desk) -> FastAPI:
    return create_app(services, pages=[dashboard], lost_page=lost_page(desk))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def bearer(people: People) -> Callable[[Role], dict[str, str]]:
    """Return the Authorization header of somebody with a role."""

    def header(role: Role) -> dict[str, str]:
        token = people.issue_token(people.user(role.value), "test", timedelta(days=1))
        return {"Authorization": f"Bearer {token}"}

    return header


@pytest.fixture
def manager(bearer: Callable[[Role], dict[str, str]]) -> dict[str, str]:
    return bearer(Role.MANAGER)


@pytest.fixture
def account(services: Services) -> Account:
    defaults = AdDefaults(
        page_id="1001",
        pixel_id="2001",
        conversion_event="PURCHASE",
        link_url="https://shop.example.com/offer",
        call_to_action="SHOP_NOW",
    )
    return services.accounts.register(ACT, "Shop", defaults, "test")


@pytest.fixture
def body(services: Services, account: Account) -> dict[str, Any]:
    """Return the brief's request, with ids that exist."""
    creatives = [
        services.accounts.add_creative(account.id, name, picture(ord(name)), "test").id for name in ("a", "b")
    ]
    return {
        "meta_account_id": account.id,
        "campaign_name": "Test Campaign",
        "objective": "CONVERSIONS",
        "ab_test_config": {
            "strategy": "creative_split",
            "variants_count": 2,
            "test_budget_per_variant": 50.0,
            "test_duration_hours": 24,
            "winner_criteria": "roas",
        },
        "targeting_config": {
            "countries": ["ES", "PE"],
            "age_min": 18,
            "age_max": 65,
            "placements": ["instagram_feed"],
        },
        "budget_config": {"total_budget": 500.0, "scaling_factor": 2.0},
        "creative_ids": creatives,
        "headlines": ["Headline A", "Headline B"],
        "primary_texts": ["Text A", "Text B"],
        "require_human_approval": True,
    }


PutRun = Callable[..., Run]


@pytest.fixture
def put_run(database: MemoryDatabase, account: Account, body: dict[str, Any]) -> PutRun:
    """Return a way to store a run that has been tested: both arms have spent, A is ahead, Meta knows a campaign."""

    def put(run_id: RunId = RUN, name: str = "Test Campaign", **changes: Any) -> Run:
        request = RunRequestIn.model_validate(
            read_json(json.dumps(body | {"campaign_name": name}).encode())
        ).to_domain()
        run = Run(
            id=run_id,
            account_id=account.id,
            act_id=account.act_id,
            currency="EUR",
            request=request,
            status=RunStatus.WAITING_APPROVAL,
            version=7,
            created_at=NOW,
            created_by="manager",
            updated_at=NOW,
            next_tick_at=NOW + timedelta(hours=72),
            objective="OUTCOME_SALES",
            trial=Trial(stopped_at=NOW),
            release=Release("A", "A", is_proven=True, expires_at=NOW + timedelta(hours=72)),
        )
        run = replace(run, **changes)
        store(run)
        return run

    def store(run: Run) -> None:
        verdict = {
            "variants": [{"name": "A", "rate_low": 2.9, "rate_high": 4.1}],
            "winner": run.release.winner if run.release.is_proven else None,
            "leader": run.release.leader,
            "criterion": "roas",
            "estimate": {"against": "B", "raw": 1.6667, "shrunk": 1.39, "low": 1.04, "high": 2.31},
        }
        sentences = ("Variant A earned more per euro.", "La variante A rindió más por euro.")
        with database.unit_of_work() as unit:
            unit.runs.add(run)
            unit.records.add_variants(build_variants(run.id, run.request))
            unit.observations.add_snapshots(
                [
                    Snapshot(run.id, "A", NOW, Figures(5000, 40_000, 800, 45, 17_500, 900)),
                    Snapshot(run.id, "B", NOW, Figures(5000, 41_000, 790, 30, 10_500, 880)),
                ]
            )
            unit.decisions.add(
                Decision(
                    run.id,
                    NOW,
                    1,
                    "winner" if run.release.is_proven else "not_enough_data",
                    final=True,
                    verdict=json.dumps(verdict),
                    sentence_en=sentences[0],
                    sentence_es=sentences[1],
                )
            )
            unit.records.put_objects([campaign_of(run)])
            unit.observations.add_events(
                [Event(NOW, "run:test:ended", "system", legacy("The test has ended."), run.id)]
            )
            unit.commit()

    return put


def campaign_of(run: Run) -> MetaObject:
    return MetaObject(
        id=f"0000{run.id[4:]}",
        run_id=run.id,
        act_id=run.act_id,
        kind=ObjectKind.CAMPAIGN,
        key="test/a/campaign",
        variant=None,
        meta_id=MetaId(f"1202{run.id[:8]}"),
        parent_meta_id=None,
        name=run.request.campaign_name,
        status="PAUSED",
        effective_status="PAUSED",
        created_at=NOW,
        read_at=NOW,
    )
