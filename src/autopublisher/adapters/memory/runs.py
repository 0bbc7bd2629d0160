"""Runs and their journal in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter

from autopublisher.adapters.json_text import json_copy
from autopublisher.adapters.memory.tables import Tables, need
from autopublisher.domain.errors import RunNotFoundError, StaleOperationError, StaleRunError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.journal.naming import run_mark
from autopublisher.domain.journal.operations import Operation, OperationState
from autopublisher.domain.journal.owners import AccountOwner, Owner, RunOwner
from autopublisher.domain.runs.reservations import counts_alike
from autopublisher.domain.runs.run import Run
from autopublisher.domain.runs.settlement import is_unsettled
from autopublisher.ports.repositories import Fence, Pulse, RunFilter, fence_of


class MemoryRuns:
    """Implements ``ports.repositories.RunRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, run: Run) -> None:
        """Insert a new run; ConflictError where its id or idempotency key is taken."""
        self._tables.need_account(run.account_id)
        key = run.idempotency_key
        keys = {other.idempotency_key for other in self._tables.runs.values()} - {None}
        need(key not in keys, Fault.RUN_KEY_TAKEN(key=key or ""))
        need(run.id not in self._tables.runs, Fault.RUN_EXISTS(id=run.id))
        self._tables.runs[run.id] = _as_stored(run)

    def get(self, run_id: RunId) -> Run:
        """Return a run; raises RunNotFoundError."""
        if run_id not in self._tables.runs:
            raise RunNotFoundError(id=run_id)
        return self._tables.runs[run_id]

    def save(self, run: Run, was: int) -> None:
        """Overwrite the run if its stored version still is ``was``; StaleRunError else."""
        _hold(self._tables, Fence(run.id, was))
        if not counts_alike(self._tables.runs[run.id], run):
            self._tables.counted.pop(run.id, None)
        self._tables.runs[run.id] = _as_stored(run)

    def find(self, wanted: RunFilter) -> Sequence[Run]:
        """Return matching runs in order; RunNotFoundError where ``before`` is no run."""
        found = [run for run in self._tables.runs.values() if self._is_wanted(run, wanted)]
        if wanted.before is not None:
            mark = _place(self.get(wanted.before))
            found = [
                run for run in found if (_place(run) < mark if wanted.newest_first else _place(run) > mark)
            ]
        if wanted.due_by is not None:
            return sorted(found, key=attrgetter("next_tick_at", "id"))[: wanted.limit]
        return sorted(found, key=_place, reverse=wanted.newest_first)[: wanted.limit]

    def count(self, wanted: RunFilter) -> int:
        """Return how many runs match, ignoring ``limit`` and ``before``."""
        return sum(self._is_wanted(run, wanted) for run in self._tables.runs.values())

    def _is_wanted(self, run: Run, wanted: RunFilter) -> bool:
        rows = self._tables.operations.values() if wanted.is_unsettled else ()
        return _matches(run, wanted) and (
            not wanted.is_unsettled
            or any(row.owner == RunOwner(run.id) and is_unsettled(row) for row in rows)
        )

    def pulse(self) -> Pulse:
        """Return when the next unended run is due, and the sum of all versions: runs are never deleted."""
        runs = self._tables.runs.values()
        waiting = [run.next_tick_at for run in runs if run.next_tick_at is not None and not run.is_final]
        return Pulse(min(waiting, default=None), sum(run.version for run in runs))


class MemoryJournal:
    """Implements ``ports.repositories.JournalRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def intend(self, operation: Operation, fence: Fence | None) -> None:
        """Insert an INTENDED row; StaleRunError, or StaleOperationError where its key or its sequence is taken."""
        self._hold(operation.owner, fence)
        if self.get(operation.owner, operation.key) is not None:
            raise StaleOperationError(key=operation.key, was="absent")
        if operation.sequence in {other.sequence for other in self._of(operation.owner)}:
            raise StaleOperationError(key=operation.key, was="next")
        self._put(operation)

    def advance(self, operation: Operation, was: Operation, fence: Fence | None) -> None:
        """Overwrite the row if its state, attempts, look-ups and money still are ``was``'s."""
        self._hold(was.owner, fence)
        stored = self.get(was.owner, was.key)
        if stored is None or _progress(stored) != _progress(was):
            raise StaleOperationError(key=was.key, was=was.state)
        self._put(operation)

    def get(self, owner: Owner, key: str) -> Operation | None:
        """Return one row, or None."""
        return self._tables.operations.get((owner, key))

    def of_account(self, act_id: ActId) -> Sequence[Operation]:
        """Return by sequence the rows that belong to an account and to no run."""
        return self._of(AccountOwner(act_id))

    def of_run(self, run_id: RunId) -> Sequence[Operation]:
        """Return a run's rows by sequence."""
        return self._of(RunOwner(run_id))

    def of_runs(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Sequence[Operation]]:
        """Return the rows of many runs by run, each by sequence; a run without rows is left out."""
        return {run_id: found for run_id in run_ids if (found := self.of_run(run_id))}

    def _of(self, owner: Owner) -> Sequence[Operation]:
        rows = [row for row in self._tables.operations.values() if row.owner == owner]
        return sorted(rows, key=lambda row: row.sequence)

    def _hold(self, owner: Owner, fence: Fence | None) -> None:
        if isinstance(owner, AccountOwner):
            self._tables.need_act_id(owner.act_id)
        else:
            _hold(self._tables, fence_of(owner, fence))

    def _put(self, operation: Operation) -> None:
        spec = replace(operation.spec, params=json_copy(operation.spec.params))
        self._tables.operations[operation.owner, operation.key] = replace(operation, spec=spec)
        if isinstance(operation.owner, RunOwner):
            self._tables.counted.pop(operation.owner.run_id, None)


def _as_stored(run: Run) -> Run:
    release = replace(run.release, final_budget=json_copy(run.release.final_budget))
    return replace(run, release=release, report=json_copy(run.report))


def _matches(run: Run, wanted: RunFilter) -> bool:
    return (
        (wanted.ids is None or run.id in wanted.ids)
        and (wanted.statuses is None or run.status in wanted.statuses)
        and (wanted.act_id is None or run.act_id == wanted.act_id)
        and (wanted.idempotency_key is None or run.idempotency_key == wanted.idempotency_key)
        and (wanted.marks is None or run_mark(run.id) in wanted.marks)
        and (wanted.due_by is None or _is_due(run, wanted.due_by))
        and (not wanted.was_admitted or run.admitted_at is not None)
        and (wanted.alive_since is None or run.ending.at is None or run.ending.at >= wanted.alive_since)
    )


def _is_due(run: Run, moment: datetime) -> bool:
    return not run.is_final and run.next_tick_at is not None and run.next_tick_at <= moment


def _place(run: Run) -> tuple[datetime, RunId]:
    return (run.created_at, run.id)


def _progress(operation: Operation) -> tuple[OperationState, int, int, int, int | None]:
    money = (operation.spec.reserves, operation.spent)
    return (operation.state, operation.attempts, operation.lookups, *money)


def _hold(tables: Tables, fence: Fence) -> None:
    run = tables.runs.get(fence.run_id)
    if run is None or run.version != fence.version:
        raise StaleRunError(id=fence.run_id, version=fence.version)
