"""Writes a run can do without: tried for a while, then left, so that what the run exists for does not wait for them."""

from datetime import datetime, timedelta

from autopublisher.domain.errors import MetaError, MetaThrottledError
from autopublisher.domain.operations import Operation, OperationSpec, OperationState
from autopublisher.domain.run import Run
from autopublisher.flows.executor import Executor
from autopublisher.flows.waiting import NotYet, OperationRefused, Stopped
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork

PATIENCE = timedelta(minutes=15)
"""How long a run waits for such a write while Meta answers with errors."""

LONG_PATIENCE = timedelta(hours=1)
"""How long it waits while Meta asks for time, or does not show yet what was written."""


class SpareWrites:
    """Performs writes that may fail."""

    def __init__(self, open_unit: OpenUnitOfWork, executor: Executor, clock: Clock) -> None:
        self._open_unit = open_unit
        self._executor = executor
        self._clock = clock

    def attempt(self, run: Run, spec: OperationSpec, since: datetime | None = None) -> str | None:
        """Perform a write once; returns None when it is confirmed, and else why it is left.

        Raises NotYet while that is still open. Patience counts from ``since``, or from when the write was intended.
        """
        try:
            self._executor.perform(run, spec)
        except OperationRefused as refused:
            return refused.operation.error or "refused"
        except Stopped:
            raise
        except NotYet as wait:
            row = self._row(run, spec)
            if row is None or not self.is_over(wait.__cause__, since or row.intended_at):
                raise
            if not self._was_found(run, row):
                return wait.attention or "no answer"
        return None

    def settle(self, run: Run, row: Operation) -> str | None:
        """Find out what became of a write nobody wants any more; returns why that was left open.

        Raises NotYet while looking goes on: a few complete look-ups, and PATIENCE at most with those that fail.
        """
        try:
            self._executor.settle(run, row)
        except Stopped:
            raise
        except NotYet as wait:
            if wait.__cause__ is None or not self.is_over(
                wait.__cause__, row.look_again_at or row.intended_at
            ):
                raise
            return wait.attention or "no answer"
        return None

    def is_over(self, cause: BaseException | None, since: datetime) -> bool:
        """Tell whether patience with what keeps a write open has run out."""
        has_failed = isinstance(cause, MetaError) and not isinstance(cause, MetaThrottledError)
        return self._clock.now() >= since + (PATIENCE if has_failed else LONG_PATIENCE)

    def _was_found(self, run: Run, row: Operation) -> bool:
        """Give the write up, unless Meta shows that it happened; a row nobody can vouch for stays open, and says so."""
        try:
            return self._executor.settle(run, row).state is OperationState.CONFIRMED
        except (NotYet, MetaError):
            return False

    def _row(self, run: Run, spec: OperationSpec) -> Operation | None:
        with self._open_unit() as unit:
            return unit.journal.get(run.id, spec.key)
