"""Ticks take an account's pacing from the database and leave it there, however they end."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.meta_ads import MemoryMetaAds
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase, MemoryUnitOfWork
from autopublisher.domain.accounts.accounts import AdAccountFacts, MinimumBudgets
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import StaleRunError, UnavailableError
from autopublisher.domain.ids import ActId
from autopublisher.domain.meta.pacing import FamilyPacing, Pacing
from autopublisher.domain.meta.rules import SCORE_DECAY, Usage
from autopublisher.flows.tick_pacing import TickPacing
from autopublisher.ports.repositories import KeptPacing

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ACT = ActId("act_1")
NEAR = Usage({"account": 85.0})
MINUTE = timedelta(minutes=1)
BEFORE = Pacing(FamilyPacing(NEAR, burst_left=5))
AFTER = Pacing(FamilyPacing(NEAR, burst_left=2), FamilyPacing(NEAR, NOON + MINUTE, 8))


class SimulatedCrash(BaseException):
    """The process is gone."""


class Process:
    """One process: its client, and a tick handler over the database it shares with others."""

    def __init__(self, database: MemoryDatabase, clock: ManualClock) -> None:
        one = Money(100, "EUR")
        facts = AdAccountFacts(ACT, "Shop", 1, "EUR", "Europe/Madrid", one)
        self.database, self.clock = database, clock
        self.meta = MemoryMetaAds(clock, facts, MinimumBudgets(one, one, one, one))
        self.is_cut_off = False

    def open_unit(self) -> MemoryUnitOfWork:
        if self.is_cut_off:
            raise UnavailableError(reason="the test's database")
        return self.database.unit_of_work()

    def tick(self, work: Callable[[], None] = lambda: None) -> None:
        pacing = TickPacing(self.open_unit, self.meta, self.clock)
        with pacing.ticking(ACT):
            with self.open_unit() as unit:
                pacing.recall(unit)
            work()

    def tick_that_saves(self, work: Callable[[], None], *, is_undone: bool = False) -> None:
        """Do a tick whose last transaction keeps the pacing, unless something else in it undoes it."""
        pacing = TickPacing(self.open_unit, self.meta, self.clock)
        with pacing.ticking(ACT):
            work()
            with suppress(StaleRunError), self.open_unit() as unit:
                pacing.recall(unit)
                pacing.keep(unit)
                if is_undone:
                    raise StaleRunError(id="run", version=1)
                unit.commit()
                pacing.kept()
            self.is_cut_off = not is_undone  # nothing more is asked of the database

    def learn(self, pacing: Pacing = AFTER) -> None:
        self.meta.pacings[ACT] = pacing

    def kept(self) -> KeptPacing | None:
        with self.database.unit_of_work() as unit:
            return unit.pacings.get(ACT)

    def keep(self, pacing: Pacing, kept_at: datetime = NOON) -> None:
        with self.database.unit_of_work() as unit:
            unit.pacings.put(ACT, KeptPacing(pacing, kept_at))
            unit.commit()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def process(clock: ManualClock) -> Process:
    return Process(MemoryDatabase(), clock)


def test_a_process_goes_on_from_what_another_has_learnt(process: Process, clock: ManualClock) -> None:
    process.tick(process.learn)
    other = Process(process.database, clock)
    seen: list[Pacing] = []
    other.tick(lambda: seen.append(other.meta.pacing(ACT)))
    assert seen == [AFTER]
    assert process.kept() == KeptPacing(AFTER, NOON)


def test_what_another_has_learnt_replaces_what_was_known_here(process: Process) -> None:
    process.learn(AFTER)
    process.keep(BEFORE)
    seen: list[Pacing] = []
    process.tick(lambda: seen.append(process.meta.pacing(ACT)))
    assert seen == [BEFORE]


def test_while_a_tick_runs_the_rest_of_the_burst_counts_as_used(process: Process) -> None:
    process.keep(AFTER)
    seen: list[KeptPacing | None] = []
    process.tick(lambda: seen.append(process.kept()))
    held = Pacing(insights=FamilyPacing(NEAR, NOON + MINUTE))
    assert seen == [KeptPacing(held, NOON)]
    assert process.kept() == KeptPacing(AFTER, NOON)  # nothing was called: all of it is left


def test_a_tick_that_fails_leaves_what_it_has_learnt(process: Process) -> None:
    def fail() -> None:
        process.learn()
        raise ValueError("a fault of ours")

    with pytest.raises(ValueError, match="a fault of ours"):
        process.tick(fail)
    assert process.kept() == KeptPacing(AFTER, NOON)


def test_a_process_that_dies_takes_its_burst_along(process: Process, clock: ManualClock) -> None:
    def die() -> None:
        process.learn()
        process.is_cut_off = True  # the dead write nothing
        raise SimulatedCrash

    process.keep(BEFORE)
    with pytest.raises(SimulatedCrash):
        process.tick(die)
    assert process.kept() == KeptPacing(Pacing(), NOON)
    successor = Process(process.database, clock)
    seen: list[Pacing] = []
    successor.tick(lambda: seen.append(successor.meta.pacing(ACT)))
    assert seen == [Pacing()]


def test_old_pacing_holds_nobody(process: Process, clock: ManualClock) -> None:
    process.keep(AFTER)
    clock.advance_to(NOON + MINUTE + timedelta(seconds=SCORE_DECAY))
    seen: list[Pacing] = []
    process.tick(lambda: seen.append(process.meta.pacing(ACT)))
    assert seen == [Pacing(FamilyPacing(NEAR), FamilyPacing(NEAR))]
    assert process.kept() == KeptPacing(Pacing(), clock.now())


def test_an_account_far_from_its_limits_is_not_written_about(process: Process) -> None:
    process.tick(lambda: process.learn(Pacing(FamilyPacing(Usage({"account": 20.0})))))
    assert process.kept() is None


def test_a_tick_thought_dead_does_not_overwrite_what_was_learnt_since(
    process: Process, clock: ManualClock
) -> None:
    newer = Pacing(FamilyPacing(NEAR, NOON + 2 * MINUTE, 8))

    def freeze() -> None:
        clock.advance_to(NOON + MINUTE)
        process.keep(newer, clock.now())
        process.learn()

    process.keep(BEFORE)
    process.tick(freeze)
    assert process.kept() == KeptPacing(newer, NOON + MINUTE)


def test_a_tick_that_has_done_its_work_does_not_fail_for_want_of_the_database(process: Process) -> None:
    def lose_the_database() -> None:
        process.learn()
        process.is_cut_off = True

    process.keep(BEFORE)
    process.tick(lose_the_database)
    assert process.kept() == KeptPacing(Pacing(), NOON)


def test_what_a_tick_calls_counts_for_its_account(process: Process) -> None:
    seen: list[ActId | None] = []
    process.tick(lambda: seen.append(process.meta.working))
    assert [*seen, process.meta.working] == [ACT, None]


def test_the_last_transaction_of_a_tick_keeps_what_was_learnt(process: Process) -> None:
    process.tick_that_saves(process.learn)
    assert process.kept() == KeptPacing(AFTER, NOON)


def test_what_was_undone_with_the_tick_is_kept_alone(process: Process) -> None:
    process.tick_that_saves(process.learn, is_undone=True)
    assert process.kept() == KeptPacing(AFTER, NOON)
