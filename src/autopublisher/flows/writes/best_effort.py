"""Best-effort writes: retried for a bounded time, then abandoned so that they never block the run."""

from datetime import datetime, timedelta

from autopublisher.domain.errors import MetaError, MetaThrottledError
from autopublisher.domain.journal.operations import Operation, OperationSpec, OperationState
from autopublisher.domain.journal.write_messages import WriteMessage
from autopublisher.domain.messages import Message
from autopublisher.domain.runs.run import Run
from autopublisher.flows.outcomes.deferred import Deferred, OperationRefused, Stopped
from autopublisher.flows.writes.objects import ObjectControl
from autopublisher.ports.clock import Clock

PATIENCE = timedelta(minutes=15)
"""How long a run waits for such a write while Meta answers with errors."""

LONG_PATIENCE = timedelta(hours=1)
"""How long it waits while Meta, or our own pacing, asks for time."""


class BestEffortWrites:
    """Performs best-effort writes."""

    def __init__(self, control: ObjectControl, clock: Clock) -> None:
        self._control = control
        self._clock = clock

    def attempt(self, run: Run, spec: OperationSpec, since: datetime | None = None) -> Message | None:
        """Perform a write once; returns None when it is confirmed, and else why it is left.

        Raises Deferred while that is still open. Patience counts from ``since``, or from when the write was intended.
        """
        try:
            self._control.perform(run, spec)
        except OperationRefused as refused:
            return refused.operation.error or WriteMessage.NO_ANSWER()
        except Stopped:
            raise
        except Deferred as wait:
            row = self._row(run, spec)
            why = self.waited(wait, since or (self._clock.now() if row is None else row.intended_at))
            return None if row is not None and self._was_found(run, row) else why
        return None

    def settle(self, run: Run, row: Operation, since: datetime) -> Message | None:
        """Find out what became of a write nobody wants any more; returns why that was left open. Raises Deferred."""
        try:
            self._control.settle(run, row)
        except Stopped:
            raise
        except Deferred as wait:
            return self.waited(wait, since)
        return None

    def waited(self, wait: Deferred, since: datetime) -> Message:
        """Return why nothing is waited for any more, or raise ``wait``, for no longer than patience lasts.

        A wait without an error ends by itself: a few look-ups or a few reads, each at its time.
        """
        cause = wait.__cause__
        if cause is None or wait.until is None:
            raise wait
        lasts_until = since + (LONG_PATIENCE if isinstance(cause, MetaThrottledError) else PATIENCE)
        if self._clock.now() < lasts_until:
            raise Deferred(min(wait.until, lasts_until), wait.attention) from cause
        return wait.attention or WriteMessage.NO_ANSWER()

    def _was_found(self, run: Run, row: Operation) -> bool:
        """Give the write up, unless Meta shows that it happened; a row nobody can vouch for stays open, and says so."""
        try:
            return self._control.settle(run, row).state is OperationState.CONFIRMED
        except (Deferred, MetaError):
            return False

    def _row(self, run: Run, spec: OperationSpec) -> Operation | None:
        return self._control.views.of(run).row(spec.key)
