"""Writes a run can do without: tried for a while, then left, so that what the run exists for does not wait for them."""

from collections.abc import Callable
from datetime import timedelta

from autopublisher.domain.errors import MetaError, MetaThrottledError
from autopublisher.domain.operations import Operation, OperationSpec, OperationState
from autopublisher.domain.run import Run
from autopublisher.flows.executor import Executor
from autopublisher.flows.waiting import NotYet, OperationRefused, Stopped
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork

PATIENCE = timedelta(minutes=15)
"""How long a run waits for such a write while Meta answers with errors."""


class SpareWrites:
    """Performs writes that may fail."""

    def __init__(self, open_unit: OpenUnitOfWork, executor: Executor, clock: Clock) -> None:
        self._open_unit = open_unit
        self._executor = executor
        self._clock = clock

    def attempt(self, run: Run, spec: OperationSpec) -> str | None:
        """Perform a write once; returns None when it is confirmed, and else why it is left.

        Raises NotYet while that is still open.
        """
        return self.tried(run, lambda: self._executor.perform(run, spec), spec.key)

    def tried(self, run: Run, act: Callable[[], object], prefix: str) -> str | None:
        """Do what performs one write whose journal key begins with ``prefix``; returns and raises as ``attempt`` does."""
        try:
            act()
        except OperationRefused as refused:
            return refused.operation.error or "refused"
        except Stopped:
            raise
        except NotYet as wait:
            if wait.__cause__ is None or isinstance(wait.__cause__, MetaThrottledError):
                raise  # a wait that ends by itself, or that holds up everything of the account alike
            row = self._last(run, prefix)
            if row is None or self._clock.now() < row.intended_at + PATIENCE:
                raise
            if not self._was_found(run, row):
                return wait.attention or "no answer"
        return None

    def _last(self, run: Run, prefix: str) -> Operation | None:
        with self._open_unit() as unit:
            rows = [row for row in unit.journal.of_run(run.id) if row.key.startswith(prefix)]
        return rows[-1] if rows else None

    def _was_found(self, run: Run, row: Operation) -> bool:
        """Give the write up, unless Meta shows that it happened; a row nobody can vouch for stays open, and says so."""
        try:
            return self._executor.settle(run, row).state is OperationState.CONFIRMED
        except (NotYet, MetaError):
            return False
