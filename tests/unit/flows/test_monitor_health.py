"""Health: every part is asked, and none that fails hides the others."""

from datetime import UTC, datetime, timedelta
from typing import NoReturn

import pytest

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase, MemoryUnitOfWork
from autopublisher.adapters.memory.work import MemoryTickQueue, MemoryWorker
from autopublisher.domain.accounts.accounts import Account, AdDefaults
from autopublisher.domain.accounts.watches import META, MetaAnswer, Watch
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import MetaAuthorisationError, MetaError, UnavailableError
from autopublisher.domain.ids import AccountId, ActId, CreativeId, RunId
from autopublisher.domain.messages import said_of
from autopublisher.domain.request.request import (
    ABTestConfig,
    BudgetConfig,
    RunRequest,
    Strategy,
    TargetingConfig,
)
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.requests.monitor import GRACE, HealthMessage, Monitor

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
def worker(clock: ManualClock) -> MemoryWorker:
    worker = MemoryWorker(MemoryTickQueue(clock))
    worker.start(lambda _: None)
    return worker


@pytest.fixture
def monitor(database: MemoryDatabase, clock: ManualClock, worker: MemoryWorker) -> Monitor:
    return Monitor(database.unit_of_work, clock, worker, mode="stub", enabled=True)


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


def look(database: MemoryDatabase, act_id: str, at: datetime, problem: MetaError | None = None) -> None:
    answer = MetaAnswer(at, None if problem is None else said_of(problem))
    with database.unit_of_work() as unit:
        unit.accounts.add(
            Account(AccountId(act_id), ActId(act_id), act_id, "EUR", "Europe/Madrid", AdDefaults(), at)
        )
        unit.watches.add(Watch(ActId(act_id), 1, at, at, report={META: answer.to_record()}))
        unit.commit()


def test_without_a_look_health_says_that_meta_was_not_asked(monitor: Monitor) -> None:
    health = monitor.health()
    assert (health.meta_said, health.meta_at) == (HealthMessage.META_NOT_ASKED(), None)


def test_what_the_looks_found_of_meta_is_as_old_as_the_oldest(
    monitor: Monitor, database: MemoryDatabase
) -> None:
    look(database, "act_1", NOW - timedelta(minutes=3))
    look(database, "act_2", NOW - timedelta(minutes=9))
    health = monitor.health()
    assert (health.is_ok, health.meta_said, health.meta_at) == (True, None, NOW - timedelta(minutes=9))


def test_a_meta_that_refused_the_last_look_is_told(monitor: Monitor, database: MemoryDatabase) -> None:
    look(database, "act_1", NOW)
    look(database, "act_2", NOW - timedelta(minutes=3), MetaAuthorisationError("expired"))
    health = monitor.health()
    assert (health.is_ok, "expired" in str(health.meta_said)) == (False, True)
    assert (health.meta_at, health.database) == (NOW - timedelta(minutes=3), None)


def test_a_worker_that_has_stopped_is_told(monitor: Monitor, worker: MemoryWorker) -> None:
    worker.stop()
    assert not monitor.health().is_ok


def test_a_process_without_a_worker_can_be_well(database: MemoryDatabase, clock: ManualClock) -> None:
    health = Monitor(database.unit_of_work, clock, None, mode="live", enabled=True).health()
    assert (health.is_ok, health.work) == (True, None)


def test_a_database_that_cannot_be_reached_is_told(clock: ManualClock, worker: MemoryWorker) -> None:
    def unreachable() -> MemoryUnitOfWork:
        raise UnavailableError(reason="connection refused")

    health = Monitor(unreachable, clock, worker, mode="live", enabled=True).health()
    assert (health.is_ok, "connection refused" in str(health.database), health.meta) == (False, True, None)


def test_a_clock_that_cannot_be_read_is_told(database: MemoryDatabase, worker: MemoryWorker) -> None:
    health = Monitor(database.unit_of_work, StoppedClock(NOW), worker, mode="stub", enabled=True).health()
    assert (health.is_ok, health.now, health.database) == (False, None, None)
