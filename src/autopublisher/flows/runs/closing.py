"""Closing of a run: every object it made, what was done with it, what Meta showed of it then, and when it is settled."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from autopublisher.domain.journal.operations import Action, ObjectKind, Operation, OperationState
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.messages import Message
from autopublisher.domain.runs.reservations import end_of, off_since
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.runs.collector import SPEND_SHOWS
from autopublisher.flows.writes.objects import TREE

UNPUBLISHED = "unpublished"
"""The entry of a run's report that says why a run that ends as completed has published nothing."""


class Done(StrEnum):
    """The last thing done to an object that Meta has confirmed."""

    CREATED = "created"
    NEVER_ON = "created, never switched on"
    SWITCHED_ON = "switched on"
    PAUSED = "paused"
    CHANGED = "changed"
    DELETED = "deleted"
    CANCELLED = "cancelled"


_SWITCHES = {"ACTIVE": Done.SWITCHED_ON, "PAUSED": Done.PAUSED}


def unpublished(why: Message) -> Mapping[str, Any]:
    """Return the report of a run that will end without publishing, until its objects are listed in it."""
    return {"objects": [], UNPUBLISHED: why.to_record()}


def closing_report(rows: Sequence[Operation], objects: Sequence[MetaObject]) -> Mapping[str, Any]:
    """Return the report of a run that is about to end, as JSON types, from its journal and what was last read."""
    models = {model.key: model for model in objects}
    made = [row for row in rows if row.spec.action is Action.CREATE and row.state is OperationState.CONFIRMED]
    return {"objects": [_line(row, rows, models.get(row.key)) for row in made]}


def settles_at(run: Run, row: Operation, rows: Sequence[Operation]) -> datetime:
    """Return when nothing of an ad set's figures moves any more: its money is over, and late conversions are in."""
    over = end_of(row, rows)
    if run.ending.at is not None and run.status is not RunStatus.COMPLETED:
        over = min(over, off_since(row, rows) or run.ending.at)
    return over + max(timedelta(hours=run.request.ab_test_config.settle_hours), SPEND_SHOWS)


def _line(row: Operation, rows: Sequence[Operation], model: MetaObject | None) -> dict[str, Any]:
    return {
        "key": row.key,
        "kind": row.spec.kind.value,
        "meta_id": row.meta_id,
        "done": _done(row, rows).value,
        "state": None if model is None or not model.status else model.status,
        "read_at": None if model is None else model.read_at.isoformat(),
    }


def _done(row: Operation, rows: Sequence[Operation]) -> Done:
    for later in reversed(rows):
        if later.spec.target != row.key or later.state is not OperationState.CONFIRMED:
            continue
        if later.spec.action is Action.DELETE:
            return Done.CANCELLED if row.spec.kind is ObjectKind.STUDY else Done.DELETED
        if "status" in later.spec.params:
            return _SWITCHES.get(str(later.spec.params["status"]), Done.CHANGED)
    return Done.NEVER_ON if row.spec.kind in TREE else Done.CREATED
