"""Health: every part is asked, and none that fails hides the others."""

from datetime import UTC, datetime, timedelta
from typing import NoReturn

import pytest

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.meta_ads import Fault, MemoryMetaAds
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase, MemoryUnitOfWork
from autopublisher.adapters.memory.work import MemoryTickQueue, MemoryWorker
from autopublisher.domain.accounts.accounts import Account, AdAccountFacts, AdDefaults, MinimumBudgets
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import MetaAuthorisationError, UnavailableError
from autopublisher.domain.ids import AccountId, ActId, CreativeId, RunId
from autopublisher.domain.request.request import (
    ABTestConfig,
    BudgetConfig,
    RunRequest,
    Strategy,
    TargetingConfig,
)
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.requests.monitor import GRACE, Monitor

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ACT = ActId("act_1")
ACCOUNT = AccountId("a")


class StoppedClock(ManualClock):
    """A clock that cannot be read."""

    def now(self) -> NoReturn:
        raise UnavailableError(reason="no clock")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def database() -> MemoryDatabase:
    return MemoryDatabase()


@pytest.fixture
def meta(clock: ManualClock) -> MemoryMetaAds:
    one = Money(100, "EUR")
    facts = AdAccountFacts(ACT, "Shop", 1, "EUR", "Europe/Madrid", one)
    return MemoryMetaAds(clock, facts, MinimumBudgets(one, one, one, one))


@pytest.fixture
def worker(clock: ManualClock) -> MemoryWorker:
    worker = MemoryWorker(MemoryTickQueue(clock))
    worker.start(lambda _: None)
    return worker


@pytest.fixture
def monitor(
    database: MemoryDatabase, clock: ManualClock, worker: MemoryWorker, meta: MemoryMetaAds
) -> Monitor:
    return Monitor(database.unit_of_work, clock, worker, meta, mode="stub", enabled=True)


def run_due(at: datetime | None) -> Run:
    request = RunRequest(
        meta_account_id=ACCOUNT,
        campaign_name="Test",
        objective="OUTCOME_SALES",
        ab_test_config=ABTestConfig(Strategy.CREATIVE_SPLIT, 2, Money(5000, "EUR").major, 24),
        targeting_config=TargetingConfig(("ES",)),
        budget_config=BudgetConfig(Money(50000, "EUR").major),
        creative_ids=(CreativeId("1"), CreativeId("2")),
        headlines=("a",),
        primary_texts=("b",),
    )
    return Run(
        id=RunId("r"),
        account_id=ACCOUNT,
        act_id=ACT,
        currency="EUR",
        request=request,
        status=RunStatus.AB_TESTING,
        version=1,
        created_at=NOW,
        created_by="ana",
        updated_at=NOW,
        next_tick_at=at,
    )


def store(database: MemoryDatabase, run: Run) -> None:
    with database.unit_of_work() as unit:
        unit.accounts.add(Account(ACCOUNT, ACT, "Shop", "EUR", "Europe/Madrid", AdDefaults(), NOW))
        unit.runs.add(run)
        unit.commit()


def test_a_system_that_is_well_says_so(monitor: Monitor) -> None:
    assert monitor.health().is_ok


def test_runs_are_counted_by_status(monitor: Monitor, database: MemoryDatabase) -> None:
    store(database, run_due(NOW))
    counts = monitor.health().runs_by_status
    assert (counts[RunStatus.AB_TESTING], sum(counts.values())) == (1, 1)


def test_a_run_that_is_a_little_late_is_not_stuck(monitor: Monitor, database: MemoryDatabase) -> None:
    store(database, run_due(NOW - GRACE))
    assert monitor.health().is_ok


def test_a_run_that_should_have_moved_long_ago_is_told(monitor: Monitor, database: MemoryDatabase) -> None:
    store(database, run_due(NOW - timedelta(hours=1)))
    health = monitor.health()
    assert (health.is_ok, health.overdue_runs, health.oldest_overdue_seconds) == (False, 1, 3600.0)


def test_a_meta_that_refuses_us_is_told(monitor: Monitor, meta: MemoryMetaAds) -> None:
    meta.faults.append(Fault(MetaAuthorisationError("expired"), "permissions"))
    health = monitor.health()
    assert (health.is_ok, "expired" in str(health.meta), health.database) == (False, True, None)


def test_a_worker_that_has_stopped_is_told(monitor: Monitor, worker: MemoryWorker) -> None:
    worker.stop()
    assert not monitor.health().is_ok


def test_a_process_without_a_worker_can_be_well(
    database: MemoryDatabase, clock: ManualClock, meta: MemoryMetaAds
) -> None:
    health = Monitor(database.unit_of_work, clock, None, meta, mode="live", enabled=True).health()
    assert (health.is_ok, health.work) == (True, None)


def test_a_database_that_cannot_be_reached_is_told(
    clock: ManualClock, worker: MemoryWorker, meta: MemoryMetaAds
) -> None:
    def unreachable() -> MemoryUnitOfWork:
        raise UnavailableError(reason="connection refused")

    health = Monitor(unreachable, clock, worker, meta, mode="live", enabled=True).health()
    assert (health.is_ok, "connection refused" in str(health.database), health.meta) == (False, True, None)


def test_a_clock_that_cannot_be_read_is_told(
    database: MemoryDatabase, worker: MemoryWorker, meta: MemoryMetaAds
) -> None:
    health = Monitor(
        database.unit_of_work, StoppedClock(NOW), worker, meta, mode="stub", enabled=True
    ).health()
    assert (health.is_ok, health.now, health.database) == (False, None, None)
