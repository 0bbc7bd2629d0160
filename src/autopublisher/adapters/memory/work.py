"""Durable work in memory: ticks wait in a list and run, one at a time and in order, when they are told to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType

from autopublisher.adapters.memory.unit_of_work import MemoryUnitOfWork
from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.faults import Fault
from autopublisher.ports.clock import Clock, SteppedClock
from autopublisher.ports.repositories import UnitOfWork
from autopublisher.ports.work import Tick, TickHandler, WorkHealth


@dataclass(frozen=True)
class WaitingTick:
    """A tick and when it may run."""

    tick: Tick
    due_at: datetime


class MemoryTickQueue:
    """Implements ``ports.work.TickQueue`` for units of work in memory; outlives the workers that read it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[WaitingTick] = []
        self._known: set[str] = set()

    @property
    def waiting(self) -> tuple[WaitingTick, ...]:
        """The ticks that have not run, by when they are due, then by when they were asked for."""
        return tuple(self._waiting)

    def enqueue(self, unit: UnitOfWork, tick: Tick, delay_seconds: float = 0.0) -> None:
        """Enqueue a tick once the unit commits; the same tick a second time is ignored."""
        if not isinstance(unit, MemoryUnitOfWork):
            raise TypeError("a queue in memory cannot join a transaction elsewhere")
        due_at = self._clock.now() + timedelta(seconds=delay_seconds)
        unit.after_commit(partial(self._put, WaitingTick(tick, due_at)))

    def _put(self, entry: WaitingTick) -> None:
        if entry.tick.workflow_id in self._known:
            return
        self._known.add(entry.tick.workflow_id)
        self._waiting = sorted([*self._waiting, entry], key=lambda one: one.due_at)

    def next_due_at(self) -> datetime | None:
        """Return when the next tick may run, or None where none waits."""
        return self._waiting[0].due_at if self._waiting else None

    def due(self) -> WaitingTick | None:
        """Return the next tick that may run now, leaving it where it is."""
        first = self._waiting[0] if self._waiting else None
        return first if first is not None and first.due_at <= self._clock.now() else None

    def done(self, entry: WaitingTick) -> None:
        """Forget a tick that has run."""
        self._waiting.remove(entry)


class _Attempt:
    """Forgets the tick when the block ends, unless the process dies in it."""

    def __init__(self, queue: MemoryTickQueue, entry: WaitingTick) -> None:
        self._queue = queue
        self._entry = entry

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or issubclass(kind, Exception):
            self._queue.done(self._entry)


class MemoryWorker:
    """Implements ``ports.work.Worker``; nothing runs until ``drain`` or ``run_through`` is called."""

    def __init__(self, queue: MemoryTickQueue) -> None:
        self._queue = queue
        self._handler: TickHandler | None = None

    def start(self, handler: TickHandler) -> None:
        """Take over the queue, with whatever a crash has left in it."""
        self._handler = handler

    def stop(self, drain_seconds: float = 20.0) -> None:  # noqa: ARG002 (no tick is in flight between two calls)
        """Run no more ticks."""
        self._handler = None

    def health(self) -> WorkHealth:
        """Say how many ticks wait."""
        waiting = len(self._queue.waiting)
        return WorkHealth(
            running=self._handler is not None, executor_id="memory", waiting=waiting, in_flight=0
        )

    def drain(self) -> int:
        """Run every due tick, and those they enqueue if due, and return how many ran.

        A tick whose handler raises an Exception has run. Anything else it raises stands for the death of the process:
        the tick stays in the queue and runs again.
        """
        if self._handler is None:
            raise UnavailableError(reason=Fault.WORKER_NOT_RUNNING())
        count = 0
        while (entry := self._queue.due()) is not None:
            with _Attempt(self._queue, entry):
                self._handler(entry.tick)
            count += 1
        return count

    def run_through(self, clock: SteppedClock, until: datetime) -> int:
        """Run ticks, moving the clock from one due moment to the next, up to ``until``; return how many ran."""
        count = self.drain()
        while (moment := self._queue.next_due_at()) is not None and moment <= until:
            clock.advance_to(moment)
            count += self.drain()
        clock.advance_to(until)
        return count
