"""The operation journal: each change is one compare-and-swap under the run's fence.

Theory of operation. On PostgreSQL the fence locks the run's row, so that until this transaction ends nobody can move the
run on, nor can a second worker with the same version write. FOR NO KEY UPDATE rather than FOR SHARE: two workers that
both shared the row and then both saved the run would wait for each other. On SQLite the transaction holds the database.
A row that an account owns has no fence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import and_, select, update

from autopublisher.adapters.db.session import Session, Values, picker
from autopublisher.adapters.db.tables import operations, runs
from autopublisher.domain.errors import StaleOperationError, StaleRunError
from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.journal.operations import Operation, OperationSpec
from autopublisher.domain.journal.owners import AccountOwner, Owner, RunOwner
from autopublisher.ports.repositories import Fence, fence_of

_SPEC = tuple(field.name for field in fields(OperationSpec))
_HISTORY = tuple(field.name for field in fields(Operation) if field.name not in {"owner", "spec"})
_PLACE_OF = picker(operations, ("run_id", "act_id", "sequence"))
_SPEC_OF = picker(operations, _SPEC)
_FATE_OF = picker(operations, _HISTORY[1:])
"""Takes the fields that come after ``spec``, in their order, from a row."""


def operation_to_row(operation: Operation) -> dict[str, Any]:
    """Return an operation as a row, its owner and its spec laid flat."""
    owner = operation.owner
    of_account = isinstance(owner, AccountOwner)
    return {
        "owner": owner.id,
        "run_id": None if of_account else owner.id,
        "act_id": owner.id if of_account else None,
        **{name: getattr(operation, name) for name in _HISTORY},
        **{name: getattr(operation.spec, name) for name in _SPEC},
    }


def operation_from_values(values: Values) -> Operation:
    """Rebuild the operation of a row by its columns' order."""
    run_id, act_id, sequence = _PLACE_OF(values)
    owner = AccountOwner(act_id) if run_id is None else RunOwner(run_id)
    return Operation(owner, sequence, OperationSpec(*_SPEC_OF(values)), *_FATE_OF(values))


class SqlJournal:
    """Implements ``ports.repositories.JournalRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def intend(self, operation: Operation, fence: Fence | None) -> None:
        """Insert an INTENDED row; StaleRunError, or StaleOperationError where its key or its sequence is taken."""
        self._hold(operation.owner, fence)
        if self._session.insert(operations, operation_to_row(operation)):
            return
        exists = self.get(operation.owner, operation.key) is not None
        raise StaleOperationError(key=operation.key, was="absent" if exists else "next")

    def advance(self, operation: Operation, was: Operation, fence: Fence | None) -> None:
        """Overwrite the row if its state, attempts, look-ups and money still are ``was``'s."""
        self._hold(was.owner, fence)
        unchanged = and_(
            operations.c.owner == was.owner.id,
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

    def get(self, owner: Owner, key: str) -> Operation | None:
        """Return one row, or None."""
        query = select(operations).where(operations.c.owner == owner.id, operations.c.key == key)
        return next(map(operation_from_values, self._session.values(query)), None)

    def of_account(self, act_id: ActId) -> Sequence[Operation]:
        """Return by sequence the rows that belong to an account and to no run."""
        return self._of(AccountOwner(act_id))

    def of_run(self, run_id: RunId) -> Sequence[Operation]:
        """Return a run's rows by sequence."""
        return self._of(RunOwner(run_id))

    def of_runs(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Sequence[Operation]]:
        """Return the rows of many runs by run, each by sequence; a run without rows is left out."""
        query = select(operations).where(operations.c.owner.in_(run_ids))
        found: dict[RunId, list[Operation]] = {}
        for values in self._session.values(query.order_by(operations.c.owner, operations.c.sequence)):
            row = operation_from_values(values)
            found.setdefault(RunId(row.owner.id), []).append(row)
        return found

    def _of(self, owner: Owner) -> Sequence[Operation]:
        query = select(operations).where(operations.c.owner == owner.id).order_by(operations.c.sequence)
        return [operation_from_values(values) for values in self._session.values(query)]

    def _hold(self, owner: Owner, fence: Fence | None) -> None:
        if isinstance(owner, AccountOwner):
            return
        held = fence_of(owner, fence)
        query = select(runs.c.version).where(runs.c.id == held.run_id).with_for_update(key_share=True)
        if self._session.scalar(query) != held.version:
            raise StaleRunError(id=held.run_id, version=held.version)
