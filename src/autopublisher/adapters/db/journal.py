"""The operation journal: each change is one compare-and-swap under the run's fence.

Theory of operation. On PostgreSQL the fence locks the run's row, so that until this transaction ends nobody can move the
run on, nor can a second worker with the same version write. FOR NO KEY UPDATE rather than FOR SHARE: two workers that
both shared the row and then both saved the run would wait for each other. On SQLite the transaction holds the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import and_, select, update

from autopublisher.adapters.db.session import Row, Session, grouped
from autopublisher.adapters.db.tables import operations, runs
from autopublisher.domain.errors import StaleOperationError, StaleRunError
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.operations import Operation, OperationSpec, OperationState
from autopublisher.ports.repositories import Fence

_SPEC = tuple(field.name for field in fields(OperationSpec))
_HISTORY = tuple(field.name for field in fields(Operation) if field.name != "spec")


def operation_to_row(operation: Operation) -> dict[str, Any]:
    """Return an operation as a row, its spec laid flat."""
    history = {name: getattr(operation, name) for name in _HISTORY}
    return {**history, **{name: getattr(operation.spec, name) for name in _SPEC}}


def operation_from_row(row: Row) -> Operation:
    """Rebuild the operation."""
    spec = OperationSpec(**{name: row[name] for name in _SPEC})
    return Operation(spec=spec, **{name: row[name] for name in _HISTORY})


class SqlJournal:
    """Implements ``ports.repositories.JournalRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def intend(self, operation: Operation, fence: Fence) -> None:
        """Insert an INTENDED row; StaleRunError, or StaleOperationError where its key or its sequence is taken."""
        self._hold(fence)
        if self._session.insert(operations, operation_to_row(operation)):
            return
        exists = self.get(operation.run_id, operation.key) is not None
        raise StaleOperationError(key=operation.key, was="absent" if exists else "next in sequence")

    def advance(self, operation: Operation, was: Operation, fence: Fence) -> None:
        """Overwrite the row if its state, attempts, look-ups and money still are ``was``'s."""
        self._hold(fence)
        unchanged = and_(
            operations.c.run_id == was.run_id,
            operations.c.key == was.key,
            operations.c.state == was.state,
            operations.c.attempts == was.attempts,
            operations.c.lookups == was.lookups,
            operations.c.reserves == was.spec.reserves,
            operations.c.spent.is_not_distinct_from(was.spent),
        )
        change = update(operations).where(unchanged).values(**operation_to_row(operation))
        if self._session.change(change) == 0:
            raise StaleOperationError(key=was.key, was=was.state)

    def get(self, run_id: RunId, key: str) -> Operation | None:
        """Return one row, or None."""
        query = select(operations).where(operations.c.run_id == run_id, operations.c.key == key)
        row = self._session.row(query)
        return None if row is None else operation_from_row(row)

    def of_run(self, run_id: RunId) -> Sequence[Operation]:
        """Return a run's rows by sequence."""
        query = select(operations).where(operations.c.run_id == run_id).order_by(operations.c.sequence)
        return [operation_from_row(row) for row in self._session.rows(query)]

    def of_runs(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Sequence[Operation]]:
        """Return the rows of many runs by run, each by sequence; a run without rows is left out."""
        query = select(operations).where(operations.c.run_id.in_(run_ids))
        ordered = query.order_by(operations.c.run_id, operations.c.sequence)
        return grouped(map(operation_from_row, self._session.rows(ordered)))

    def in_state(self, state: OperationState) -> Sequence[Operation]:
        """Return all rows in a state, oldest first."""
        age = (operations.c.intended_at, operations.c.run_id, operations.c.sequence)
        query = select(operations).where(operations.c.state == state).order_by(*age)
        return [operation_from_row(row) for row in self._session.rows(query)]

    def _hold(self, fence: Fence) -> None:
        query = select(runs.c.version).where(runs.c.id == fence.run_id).with_for_update(key_share=True)
        if self._session.scalar(query) != fence.version:
            raise StaleRunError(id=fence.run_id, version=fence.version)
