"""The jump driver moves time to the next due moment, and never over a person's thinking."""

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Self

import pytest

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.runs import MemoryRuns
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase, MemoryUnitOfWork
from autopublisher.adapters.work_dbos_rounds import Rounds
from autopublisher.bootstrap.rounds import JumpDriver, Round
from autopublisher.domain.accounts.accounts import Account, AdDefaults
from autopublisher.domain.accounts.watches import URGENT_TRIES, Watch
from autopublisher.domain.ids import AccountId, ActId, CreativeId, RunId
from autopublisher.domain.request.request import (
    ABTestConfig,
    BudgetConfig,
    RunRequest,
    Strategy,
    TargetingConfig,
)
from autopublisher.domain.runs.run import Approval, Release, Run, RunStatus
from autopublisher.ports.repositories import RunFilter, UnitOfWork

START = datetime(2026, 11, 22, 9, tzinfo=UTC)
LATER = START + timedelta(hours=5)
ACCOUNT = Account(AccountId("a"), ActId("act_1"), "Shop", "EUR", "Europe/Madrid", AdDefaults(), START)

REQUEST = RunRequest(
    meta_account_id=ACCOUNT.id,
    campaign_name="Test",
    objective="CONVERSIONS",
    ab_test_config=ABTestConfig(Strategy.CREATIVE_SPLIT, 2, Decimal(50), 24),
    targeting_config=TargetingConfig(("PE",)),
    budget_config=BudgetConfig(Decimal(500)),
    creative_ids=(CreativeId("c1"), CreativeId("c2")),
    headlines=("A", "B"),
    primary_texts=("A", "B"),
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def database() -> MemoryDatabase:
    made = MemoryDatabase()
    with made.unit_of_work() as unit:
        unit.accounts.add(ACCOUNT)
        unit.commit()
    return made


@pytest.fixture
def driver(database: MemoryDatabase, clock: ManualClock) -> JumpDriver:
    return JumpDriver(database.unit_of_work, clock)


def store(
    database: MemoryDatabase, number: int, status: RunStatus, due: datetime | None, **changes: Any
) -> None:
    run = Run(
        id=RunId(str(number)),
        account_id=ACCOUNT.id,
        act_id=ACCOUNT.act_id,
        currency="EUR",
        request=REQUEST,
        status=status,
        version=1,
        created_at=START,
        created_by="tester",
        updated_at=START,
        next_tick_at=due,
    )
    with database.unit_of_work() as unit:
        unit.runs.add(replace(run, **changes))
        unit.commit()


class CountedRuns(MemoryRuns):
    """Runs that count how often they are searched."""

    finds = 0

    def find(self, wanted: RunFilter) -> Sequence[Run]:
        CountedRuns.finds += 1
        return super().find(wanted)


class CountedUnit(MemoryUnitOfWork):
    """A unit of work over such runs."""

    def __enter__(self) -> Self:
        super().__enter__()
        self.runs = CountedRuns(self._tables)
        return self


def test_time_jumps_to_the_earliest_due_moment_and_not_beyond(
    driver: JumpDriver, database: MemoryDatabase, clock: ManualClock
) -> None:
    store(database, 1, RunStatus.AB_TESTING, LATER)
    store(database, 2, RunStatus.AB_TESTING, LATER + timedelta(hours=1))
    assert driver.jump()
    assert clock.now() == LATER


def test_runs_without_a_moment_are_read_again_only_after_one_has_changed(
    database: MemoryDatabase, clock: ManualClock
) -> None:
    driver, before = JumpDriver(lambda: CountedUnit(database), clock), CountedRuns.finds
    for number in range(50):
        store(database, number, RunStatus.WAITING_APPROVAL, LATER)
    assert [driver.jump() for _ in range(5)] == [False] * 5
    assert CountedRuns.finds == before + 1
    store(database, 50, RunStatus.AB_TESTING, LATER)
    assert driver.jump()
    assert (clock.now(), CountedRuns.finds) == (LATER, before + 2)


def test_time_stands_still_while_a_tick_is_due(
    driver: JumpDriver, database: MemoryDatabase, clock: ManualClock
) -> None:
    store(database, 1, RunStatus.AB_TESTING, START)
    store(database, 2, RunStatus.AB_TESTING, LATER)
    assert not driver.jump()
    assert clock.now() == START


def test_time_stands_still_while_a_person_thinks(
    driver: JumpDriver, database: MemoryDatabase, clock: ManualClock
) -> None:
    store(database, 1, RunStatus.WAITING_APPROVAL, LATER)
    assert not driver.jump()
    assert clock.now() == START


def test_another_run_moves_time_on_while_a_person_thinks(
    driver: JumpDriver, database: MemoryDatabase, clock: ManualClock
) -> None:
    store(database, 1, RunStatus.WAITING_APPROVAL, LATER)
    store(database, 2, RunStatus.AB_TESTING, LATER + timedelta(hours=1))
    assert driver.jump()
    assert clock.now() == LATER + timedelta(hours=1)


@pytest.mark.parametrize("due", [LATER, None], ids=["waiting", "held by a stop"])
@pytest.mark.parametrize("other", [RunStatus.AB_TESTING, RunStatus.PENDING])
def test_no_approval_runs_out_by_jumping(
    *,
    driver: JumpDriver,
    database: MemoryDatabase,
    clock: ManualClock,
    other: RunStatus,
    due: datetime | None,
) -> None:
    scheduled = replace(REQUEST, scheduled_for=START + timedelta(days=30))
    store(database, 1, RunStatus.WAITING_APPROVAL, due, release=Release(expires_at=LATER))
    store(database, 2, other, START + timedelta(days=30), request=scheduled)
    assert driver.jump()
    assert clock.now() == START + timedelta(days=30)
    with database.unit_of_work() as unit:
        run = unit.runs.get(RunId("1"))
    assert run.release.expires_at == LATER + timedelta(days=30)
    assert run.next_tick_at == (None if due is None else due + timedelta(days=30))
    assert not driver.jump()


def test_an_approval_given_meanwhile_is_not_overwritten(database: MemoryDatabase, clock: ManualClock) -> None:
    store(database, 1, RunStatus.WAITING_APPROVAL, LATER, release=Release(expires_at=LATER))
    store(database, 2, RunStatus.AB_TESTING, LATER + timedelta(days=1))
    opened: list[int] = []

    def open_unit() -> UnitOfWork:
        opened.append(1)
        if len(opened) == 2:
            with database.unit_of_work() as unit:
                run = unit.runs.get(RunId("1"))
                approval = Approval("A", "ana", START, "digest")
                unit.runs.save(
                    replace(
                        run, version=2, release=replace(run.release, approval=approval), next_tick_at=START
                    ),
                    was=1,
                )
                unit.commit()
        return database.unit_of_work()

    assert JumpDriver(open_unit, clock).jump()
    with database.unit_of_work() as unit:
        run = unit.runs.get(RunId("1"))
    assert (run.version, run.next_tick_at) == (2, START)


def test_a_queued_run_moves_no_time_while_a_person_thinks(
    driver: JumpDriver, database: MemoryDatabase, clock: ManualClock
) -> None:
    store(database, 1, RunStatus.WAITING_APPROVAL, LATER)
    store(database, 2, RunStatus.PENDING, START + timedelta(minutes=15))
    assert not driver.jump()
    assert clock.now() == START


def test_a_queued_run_does_not_slow_the_others_down(
    driver: JumpDriver, database: MemoryDatabase, clock: ManualClock
) -> None:
    store(database, 1, RunStatus.AB_TESTING, LATER)
    store(database, 2, RunStatus.PENDING, START + timedelta(minutes=15))
    assert driver.jump()
    assert clock.now() == LATER


def test_time_stands_still_until_an_approval_given_has_been_heard(
    driver: JumpDriver, database: MemoryDatabase, clock: ManualClock
) -> None:
    store(database, 1, RunStatus.WAITING_APPROVAL, START)
    store(database, 2, RunStatus.AB_TESTING, LATER)
    assert not driver.jump()
    assert clock.now() == START


def test_time_stands_still_when_nothing_waits_for_it(driver: JumpDriver, clock: ManualClock) -> None:
    assert not driver.jump()
    assert clock.now() == START


def watch_due(database: MemoryDatabase, due: datetime, tries: int) -> None:
    with database.unit_of_work() as unit:
        unit.watches.add(Watch(ACCOUNT.act_id, 1, due, tries=tries))
        unit.commit()


def test_a_look_at_an_account_moves_no_time(
    driver: JumpDriver, database: MemoryDatabase, clock: ManualClock
) -> None:
    watch_due(database, LATER, tries=0)
    assert not driver.jump()
    assert clock.now() == START


def test_a_look_that_left_something_undone_moves_time_for_a_while(
    driver: JumpDriver, database: MemoryDatabase, clock: ManualClock
) -> None:
    watch_due(database, LATER, tries=1)
    assert driver.jump()
    assert clock.now() == LATER


def test_a_look_that_never_gets_done_does_not_move_time_forever(
    driver: JumpDriver, database: MemoryDatabase, clock: ManualClock
) -> None:
    watch_due(database, LATER, tries=URGENT_TRIES + 1)
    assert not driver.jump()
    assert clock.now() == START


def test_an_overdue_look_is_no_moment_to_jump_to(
    driver: JumpDriver, database: MemoryDatabase, clock: ManualClock
) -> None:
    watch_due(database, START, tries=1)
    assert not driver.jump()
    assert clock.now() == START


def test_time_stands_still_while_a_stop_holds_the_only_run(
    driver: JumpDriver, database: MemoryDatabase, clock: ManualClock
) -> None:
    store(database, 1, RunStatus.AB_TESTING, None)
    store(database, 2, RunStatus.PENDING, START + timedelta(minutes=15))
    assert not driver.jump()
    assert clock.now() == START


def sweeping(calls: list[str], *overdue: int) -> Callable[[], int]:
    def sweep() -> int:
        calls.append("sweep")
        return overdue[len(calls) - 1]

    return sweep


def test_a_jump_is_followed_by_a_second_sweep(driver: JumpDriver, database: MemoryDatabase) -> None:
    store(database, 1, RunStatus.AB_TESTING, LATER)
    calls: list[str] = []
    assert Round(sweeping(calls, 0, 1), driver=driver)()
    assert calls == ["sweep", "sweep"]


def test_without_a_jump_one_sweep_is_enough(driver: JumpDriver) -> None:
    calls: list[str] = []
    assert Round(sweeping(calls, 1), driver=driver)()
    assert calls == ["sweep"]


def test_a_round_with_nothing_due_says_so(driver: JumpDriver) -> None:
    assert not Round(sweeping([], 0), driver=driver)()


@pytest.mark.parametrize(
    ("did", "pauses"), [(False, (3600.0, 0.0)), (True, (0.0, 3600.0)), (None, (0.0, 3600.0))]
)
def test_rounds_rest_longer_where_there_was_nothing_to_do(
    *, did: bool | None, pauses: tuple[float, float]
) -> None:
    again, calls = threading.Event(), itertools.count(1)

    def action() -> bool | None:
        if next(calls) == 3:
            again.set()
        return did

    pause, idle = pauses
    rounds = Rounds("test", action, pause, idle_seconds=idle)
    rounds.start()
    assert again.wait(60)
    rounds.stop(60)
