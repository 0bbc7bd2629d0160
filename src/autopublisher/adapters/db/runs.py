"""The run table: a few columns to search by, the request and everything else a run remembers as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, cast

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python
from sqlalchemy import ColumnElement, Select, and_, exists, false, func, literal, or_, select, tuple_, update

from autopublisher.adapters.db.session import Row, Session
from autopublisher.adapters.db.tables import operations, runs
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import ConflictError, RunNotFoundError, StaleRunError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.naming import id_prefix_of
from autopublisher.domain.journal.operations import Action, ObjectKind, OperationState
from autopublisher.domain.messages import Message
from autopublisher.domain.request.request import request_from_record, request_to_record
from autopublisher.domain.runs.run import FINAL, Ending, Release, Run, Study, Trial
from autopublisher.domain.runs.settlement import SETTLED_OF
from autopublisher.ports.repositories import Pulse, RunFilter

_FORM = TypeAdapter(Run)
_DERIVED = frozenset({"request", "details", "total_budget_minor", "counted_by"})
_SEARCHABLE = frozenset(column.name for column in runs.columns) - _DERIVED
"""The fields of a run that have a column of their own."""

_STORED_AS = {
    "at": "ended_at",
    "turned_to": "ends_as",
    "turned_at": "ending_at",
    "why": "failure",
    "is_randomised": "randomised",
    "seen_at": "study_seen_at",
    "arms_start_at": "build_starts_at",
    "arms_end_at": "build_ends_at",
    "starts_at": "test_starts_at",
    "ends_at": "test_ends_at",
    "is_proven": "proven",
    "expires_at": "approval_expires_at",
}
_NESTED = {
    part: {one.name: _STORED_AS.get(one.name, one.name) for one in fields(value)}
    for part, value in (("ending", Ending), ("study", Study), ("trial", Trial), ("release", Release))
}
"""The fields of a run's nested values, and their names in a row, where they stand beside the run's own."""

_MESSAGES = ("attention", "failure")


def run_to_row(run: Run) -> dict[str, Any]:
    """Return a run as a row; a field without a column goes into ``details``."""
    total = Money.from_major(run.request.budget_config.total_budget, run.currency)
    flat = dict(_side_by_side(run))
    apart = {*_SEARCHABLE, *_MESSAGES, "warnings", "request"}
    return {
        **{name: flat[name] for name in _SEARCHABLE},
        "total_budget_minor": total.minor,
        "request": request_to_record(run.request),
        "details": to_jsonable_python({name: value for name, value in flat.items() if name not in apart})
        | {name: None if (said := flat[name]) is None else said.to_record() for name in _MESSAGES}
        | {"warnings": [warning.to_record() for warning in run.warnings]},
    }


def _side_by_side(run: Run) -> Iterator[tuple[str, Any]]:
    for field in fields(run):
        value = getattr(run, field.name)
        if field.name not in _NESTED:
            yield field.name, value
            continue
        yield from ((stored, getattr(value, name)) for name, stored in _NESTED[field.name].items())


def run_from_row(row: Row) -> Run:
    """Rebuild the run; a field younger than the row gets its default."""
    columns = {name: row[name] for name in _SEARCHABLE}
    details = row["details"]
    said = {name: Message.from_record(details[name]) for name in _MESSAGES if details.get(name) is not None}
    warnings = tuple(Message.from_record(one) for one in details.get("warnings", ()))
    request = request_from_record(row["request"])
    flat = {**details, **columns, **said, "warnings": warnings, "request": request}
    nested = {
        part: {name: flat[stored] for name, stored in names.items() if stored in flat}
        for part, names in _NESTED.items()
    }
    return _FORM.validate_python({**flat, **nested})


class SqlRuns:
    """Implements ``ports.repositories.RunRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, run: Run) -> None:
        """Insert a new run; ConflictError where its id or idempotency key is taken."""
        if not self._session.insert(runs, run_to_row(run)):
            raise ConflictError(self._taken(run))

    def _taken(self, run: Run) -> Message:
        taken = select(runs.c.id).where(runs.c.idempotency_key == run.idempotency_key)
        if run.idempotency_key is not None and self._session.row(taken) is not None:
            return Fault.RUN_KEY_TAKEN(key=run.idempotency_key)
        return Fault.RUN_EXISTS(id=run.id)

    def get(self, run_id: RunId) -> Run:
        """Return a run; raises RunNotFoundError."""
        row = self._session.row(select(runs).where(runs.c.id == run_id))
        if row is None:
            raise RunNotFoundError(id=run_id)
        return run_from_row(row)

    def save(self, run: Run, was: int) -> None:
        """Overwrite the run if its stored version still is ``was``; StaleRunError else."""
        held = and_(runs.c.id == run.id, runs.c.version == was)
        if self._session.change(update(runs).where(held).values(**run_to_row(run))) == 0:
            raise StaleRunError(id=run.id, version=was)

    def find(self, wanted: RunFilter) -> Sequence[Run]:
        """Return matching runs in order; RunNotFoundError where ``before`` is no run."""
        place = tuple_(runs.c.created_at, runs.c.id)
        query = select(runs).where(*_conditions(wanted)).limit(wanted.limit)
        if wanted.before is not None:
            last = self.get(wanted.before)
            mark = tuple_(literal(last.created_at, runs.c.created_at.type), literal(last.id))
            query = query.where(place < mark if wanted.newest_first else place > mark)
        return [run_from_row(row) for row in self._session.rows(_ordered(query, wanted))]

    def count(self, wanted: RunFilter) -> int:
        """Return how many runs match, ignoring ``limit`` and ``before``."""
        query = select(func.count()).select_from(runs).where(*_conditions(wanted))
        return int(self._session.scalar(query))

    def pulse(self) -> Pulse:
        """Return when the next unended run is due, and the sum of all versions: runs are never deleted."""
        due = select(func.min(runs.c.next_tick_at)).where(runs.c.status.not_in(FINAL))
        changes = select(func.coalesce(func.sum(runs.c.version), 0))  # from an index
        return Pulse(cast("datetime | None", self._session.scalar(due)), int(self._session.scalar(changes)))


def _conditions(wanted: RunFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.ids is not None:
        conditions.append(runs.c.id.in_(wanted.ids))
    if wanted.statuses is not None:
        conditions.append(runs.c.status.in_(wanted.statuses))
    if wanted.act_id is not None:
        conditions.append(runs.c.act_id == wanted.act_id)
    if wanted.idempotency_key is not None:
        conditions.append(runs.c.idempotency_key == wanted.idempotency_key)
    if wanted.marks is not None:
        prefixes = [id_prefix_of(mark) for mark in wanted.marks]
        conditions.append(or_(false(), *(_begins_with(prefix) for prefix in prefixes)))
    if wanted.due_by is not None:
        conditions += [runs.c.next_tick_at <= wanted.due_by, runs.c.status.not_in(FINAL)]
    if wanted.is_unsettled:
        conditions.append(_is_unsettled())
    if wanted.was_admitted:
        conditions.append(runs.c.admitted_at.is_not(None))
    if wanted.alive_since is not None:
        conditions.append(or_(runs.c.ended_at.is_(None), runs.c.ended_at >= wanted.alive_since))
    return conditions


def _is_unsettled() -> ColumnElement[bool]:
    """Tell whether a run has a row for which ``settlement.is_unsettled`` holds."""
    row = operations.c
    made = and_(row.action == Action.CREATE, row.kind == ObjectKind.AD_SET)
    planned = or_(*(row.key.startswith(f"{purpose}/") for purpose in sorted(SETTLED_OF)))
    is_open = and_(row.state == OperationState.CONFIRMED, row.spent.is_(None))
    return exists().where(row.owner == runs.c.id, made, planned, is_open)


def _begins_with(prefix: str) -> ColumnElement[bool]:
    return and_(runs.c.id >= prefix, runs.c.id < f"{prefix}~")


def _ordered(query: Select[Any], wanted: RunFilter) -> Select[Any]:
    if wanted.due_by is not None:  # in the order of the index that finds them among thousands that wait
        return query.order_by(runs.c.next_tick_at, runs.c.id)
    if wanted.newest_first:
        return query.order_by(runs.c.created_at.desc(), runs.c.id.desc())
    return query.order_by(runs.c.created_at, runs.c.id)
