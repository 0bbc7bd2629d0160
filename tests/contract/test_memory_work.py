"""Ticks and time in memory behave as the durable ones do, one step at a time."""

from datetime import UTC, datetime, timedelta

import pytest

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase, MemoryUnitOfWork
from autopublisher.adapters.memory.work import MemoryTickQueue, MemoryWorker
from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import ActId, RunId
from autopublisher.ports.work import Tick, WorkHealth

START = datetime(2026, 3, 1, tzinfo=UTC)


class SimulatedCrash(BaseException):
    """The process dies."""


class World:
    """A queue with its worker, and the ticks that have run."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.database = MemoryDatabase()
        self.queue = MemoryTickQueue(self.clock)
        self.worker = MemoryWorker(self.queue)
        self.ran: list[tuple[str, datetime]] = []
        self.worker.start(self.run)

    def run(self, tick: Tick) -> None:
        self.ran.append((tick.workflow_id, self.clock.now()))

    def enqueue(self, version: int, delay_seconds: float = 0.0) -> None:
        with self.database.unit_of_work() as unit:
            self.queue.enqueue(unit, tick_of(version), delay_seconds)
            unit.commit()


@pytest.fixture
def world() -> World:
    return World()


def tick_of(version: int) -> Tick:
    return Tick(RunId("run-1"), version, ActId("act_1"))


def test_a_tick_runs_once_its_transaction_has_committed(world: World) -> None:
    world.enqueue(1)
    world.worker.drain()
    assert world.ran == [("run-1:1", START)]


def test_a_look_at_an_account_is_a_tick_with_a_name_of_its_own() -> None:
    assert Tick(None, 3, ActId("act_1")).workflow_id == "account:act_1:3"


def test_a_tick_of_a_transaction_that_was_undone_never_runs(world: World) -> None:
    with world.database.unit_of_work() as unit:
        world.queue.enqueue(unit, tick_of(1))
    assert world.worker.drain() == 0


def test_a_tick_is_not_in_the_queue_before_the_commit(world: World) -> None:
    with world.database.unit_of_work() as unit:
        world.queue.enqueue(unit, tick_of(1))
        assert world.queue.waiting == ()


def test_a_unit_of_work_that_is_used_again_forgets_what_it_did_not_commit(world: World) -> None:
    unit: MemoryUnitOfWork = world.database.unit_of_work()
    with unit:
        world.queue.enqueue(unit, tick_of(1))
    with unit:
        unit.commit()
    assert world.queue.waiting == ()


def test_the_same_tick_runs_once_however_often_it_is_asked_for(world: World) -> None:
    world.enqueue(1)
    world.worker.drain()
    world.enqueue(1)
    assert world.worker.drain() == 0


def test_a_delayed_tick_waits_for_its_moment(world: World) -> None:
    world.enqueue(1, delay_seconds=60)
    assert world.worker.drain() == 0
    world.clock.advance_to(START + timedelta(seconds=60))
    assert world.worker.drain() == 1


def test_ticks_run_by_when_they_are_due_and_then_as_they_came(world: World) -> None:
    for version, delay in [(1, 60), (2, 30), (3, 60), (4, 0)]:
        world.enqueue(version, delay)
    world.clock.advance_to(START + timedelta(hours=1))
    world.worker.drain()
    assert [name for name, _ in world.ran] == ["run-1:4", "run-1:2", "run-1:1", "run-1:3"]


def test_draining_runs_the_ticks_that_ticks_ask_for(world: World) -> None:
    def chain(tick: Tick) -> None:
        world.run(tick)
        if tick.version < 3:
            world.enqueue(tick.version + 1)

    world.worker.start(chain)
    world.enqueue(1)
    assert world.worker.drain() == 3


def test_running_through_moves_the_clock_from_tick_to_tick(world: World) -> None:
    world.enqueue(1, delay_seconds=60)
    world.enqueue(2, delay_seconds=7200)
    world.worker.run_through(world.clock, START + timedelta(hours=1))
    assert (world.ran, world.clock.now()) == (
        [("run-1:1", START + timedelta(seconds=60))],
        START + timedelta(hours=1),
    )


def test_a_tick_during_which_the_process_dies_runs_again(world: World) -> None:
    def die(tick: Tick) -> None:
        raise SimulatedCrash

    world.worker.start(die)
    world.enqueue(1)
    with pytest.raises(SimulatedCrash):
        world.worker.drain()
    reborn = MemoryWorker(world.queue)
    reborn.start(world.run)
    assert reborn.drain() == 1


def test_a_tick_that_fails_is_told_and_not_repeated(world: World) -> None:
    def fail(tick: Tick) -> None:
        raise KeyError

    world.worker.start(fail)
    world.enqueue(1)
    with pytest.raises(KeyError):
        world.worker.drain()
    assert world.worker.drain() == 0


def test_a_stopped_worker_runs_nothing(world: World) -> None:
    world.worker.stop()
    with pytest.raises(UnavailableError, match=Fault.WORKER_NOT_RUNNING):
        world.worker.drain()


def test_health_counts_what_waits(world: World) -> None:
    world.enqueue(1)
    assert world.worker.health() == WorkHealth(running=True, executor_id="memory", waiting=1, in_flight=0)


def test_the_clock_never_goes_back(world: World) -> None:
    assert world.clock.advance_to(START - timedelta(days=1)) == START


def test_waiting_for_the_clock_is_useless(world: World) -> None:
    assert world.clock.real_seconds_until(START + timedelta(days=1)) is None


def test_a_clock_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        ManualClock(START.replace(tzinfo=None))


def test_a_second_unit_of_work_in_one_thread_is_refused_at_once(world: World) -> None:
    with (
        world.database.unit_of_work(),
        pytest.raises(UnavailableError, match="open already"),
        world.database.unit_of_work(),
    ):
        pass
