"""Housekeeping beside the ticks: keep the simulator alive, wake overdue runs, and move jumping time on."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from autopublisher.adapters.clock_simulated import SimulatedClock
from autopublisher.bootstrap.simulator_process import SimulatorProcess
from autopublisher.domain.errors import StaleRunError
from autopublisher.domain.runs.run import FINAL, Run, RunStatus
from autopublisher.ports.clock import SteppedClock
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter
from autopublisher.ports.work import Tick, TickHandler

SIMULATOR_CHECK_SECONDS = 2.0

_UNENDED = RunFilter(statuses=frozenset(RunStatus) - FINAL, limit=1000)
_log = structlog.get_logger(__name__)


class SteppedTicks:
    """Ticks under a simulated clock, each of which asks for the time once."""

    def __init__(self, ticks: TickHandler, clock: SimulatedClock) -> None:
        self._ticks = ticks
        self._clock = clock

    def __call__(self, tick: Tick) -> None:
        """Handle the tick."""
        with self._clock.one_tick():
            self._ticks(tick)


class JumpDriver:
    """Moves a stepped clock to the next due moment whenever nothing is left to do before it.

    It never jumps because a person is slow: neither the expiry of an approval nor a run that a stop holds is a moment to
    jump to. Other runs still move time on, for everybody; what is jumped over is added to the time people have to approve,
    which so never runs out by jumping. Nor does it jump to look at an account, unless a look has left something undone,
    such as a pause that Meta has not confirmed; and that only for a while.
    """

    def __init__(self, open_unit: OpenUnitOfWork, clock: SteppedClock) -> None:
        self._open_unit = open_unit
        self._clock = clock
        self._still: tuple[int, datetime] | None = None

    def jump(self) -> bool:
        """Jump if that is right now, and say whether time has moved; raises UnavailableError.

        A tick in flight needs no look of its own: until it saves, its run's row is still the one that is due.
        """
        now = self._clock.now()
        with self._open_unit().reading() as unit:
            pulse = unit.runs.pulse()
            busy = pulse.next_due is not None and pulse.next_due <= now
            standing = (pulse.changes, now)
            # Runs that gave no moment to jump to give none until one of them changes.
            unended = () if busy or standing == self._still else unit.runs.find(_UNENDED)
            urgent = [] if busy else [watch.next_look_at for watch in unit.watches.all() if watch.is_urgent]
        moments = _next_jump(unended, now)
        if not busy and not moments:
            self._still = standing
        due = min([*moments, *urgent], default=None)
        if due is None or due <= now:
            return False
        _log.debug("clock_jumped", to=due.isoformat())
        # Before time moves: a death in between gives more time, never less.
        self._lengthen([run for run in unended if _is_open(run)], due - now)
        self._clock.advance_to(due)
        return True

    def _lengthen(self, deciding: Sequence[Run], jumped: timedelta) -> None:
        """Put off the end of each open approval by what is jumped over; a run that has moved on meanwhile needs none."""
        for run in deciding:
            with suppress(StaleRunError), self._open_unit() as unit:
                unit.runs.save(_put_off(run, jumped), was=run.version)
                unit.commit()


def _is_open(run: Run) -> bool:
    """Tell whether a person still has to approve the run."""
    return run.status is RunStatus.WAITING_APPROVAL and run.release.approval is None


def _put_off(run: Run, jumped: timedelta) -> Run:
    later = None if run.next_tick_at is None else run.next_tick_at + jumped
    expires = None if run.release.expires_at is None else run.release.expires_at + jumped
    release = replace(run.release, expires_at=expires)
    return replace(run, version=run.version + 1, release=release, next_tick_at=later)


def _next_jump(unended: Sequence[Run], now: datetime) -> list[datetime]:
    """Return the moments to jump to, leaving out approvals, and queued runs as long as others take up the places."""
    others = [run for run in unended if not _is_a_persons_turn(run)]
    moving = [run for run in others if not _is_queued(run, now)]
    is_anybody_thinking = len(others) < len(unended)
    wanted = moving or ([] if is_anybody_thinking else others)
    return [run.next_tick_at for run in wanted if run.next_tick_at is not None]


def _is_a_persons_turn(run: Run) -> bool:
    """Tell whether the run goes on when a person has acted: approved it, seen to a refused ad, or lifted a stop."""
    return run.status is RunStatus.WAITING_APPROVAL or run.next_tick_at is None or run.is_refused


def _is_queued(run: Run, now: datetime) -> bool:
    """Tell whether a run only waits for another to end: that is an event, not a moment."""
    scheduled = run.request.scheduled_for is not None and run.request.scheduled_for > now
    return run.status is RunStatus.PENDING and run.failed_ticks == 0 and not scheduled


class SimulatorKeeper:
    """Keeps the simulator running; checks it every few seconds at most."""

    def __init__(self, process: SimulatorProcess) -> None:
        self._process = process
        self._checked_at = time.monotonic()

    def check(self) -> None:
        """Bring the simulator back if it has died; raises UnavailableError where that fails."""
        now = time.monotonic()
        if now - self._checked_at >= SIMULATOR_CHECK_SECONDS:
            self._process.ensure()
            self._checked_at = time.monotonic()


class Round:
    """One round of the worker's housekeeping, in order; a simulated ``clock`` is asked once for all of it.

    ``changed`` tells whether anything has been stored since it was last asked. What was not due stays so until something is
    stored or time moves on.
    """

    def __init__(
        self,
        sweep: Callable[[], int],
        keeper: SimulatorKeeper | None = None,
        driver: JumpDriver | None = None,
        clock: SimulatedClock | None = None,
        changed: Callable[[], bool] = lambda: True,
    ) -> None:
        self._clock = clock
        self._changed = changed
        self._idle_at: datetime | None = None
        self._sweep = sweep
        self._keeper = keeper
        self._driver = driver

    def __call__(self) -> bool:
        """Run it once and say whether anything was due; whatever fails is the caller's to log."""
        if self._keeper is not None:
            self._keeper.check()
        if self._clock is None:
            return self._went()
        with self._clock.one_tick():
            now, changed = self._clock.now(), self._changed()
            if not changed and now == self._idle_at:
                return False
            self._idle_at = None
            if self._went():
                return True
            self._idle_at = now
            return False

    def _went(self) -> bool:
        overdue = self._sweep()
        if self._driver is not None and self._driver.jump():
            overdue += self._sweep()
        return overdue > 0
