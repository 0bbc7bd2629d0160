"""Findings of the reconciliation: edits of a run's objects, with what the journal says about each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autopublisher.domain.accounts.stops import last_requested_params
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.ids import ActId, MetaId, RunId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import Action, ObjectKind, Operation, OperationState, resolve
from autopublisher.domain.messages import Message
from autopublisher.domain.reconciliation.edits import Edit
from autopublisher.domain.reconciliation.finding_messages import FindingMessage
from autopublisher.domain.reconciliation.unknown import unknown_in
from autopublisher.domain.reconciliation.watch_messages import WatchMessage

RECONCILIATION = "reconciliation"
"""The name under which the reconciliation's record is kept in an account's watch."""

EDITED = "watch:object:edited"
RESTORED = "watch:object:restored"
"""Tags of the events that tell of a finding, and of its end."""

"""How the journal keys of pauses that answer a threat begin."""


@dataclass(frozen=True)
class Finding:
    """An edit of one object of a run; ``since`` is when it was first seen, ``turn`` how often we had set the field."""

    run_id: RunId
    key: str
    kind: ObjectKind
    meta_id: MetaId
    edit: Edit
    since: datetime
    turn: int = 0

    @property
    def place(self) -> tuple[str, str]:
        """Where it is: the object's key and the field."""
        return self.key, self.edit.field

    @property
    def mark(self) -> tuple[str, str, int]:
        """What makes it the same finding when it is seen again."""
        return self.edit.wanted, self.edit.shown, self.turn

    @property
    def said(self) -> Message:
        """What people read."""
        return FindingMessage.OBJECT(kind=self.kind.value, id=self.meta_id, key=self.key, edit=self.edit.said)

    def to_record(self) -> dict[str, Any]:
        """Return the finding as JSON types."""
        return {
            "run_id": self.run_id,
            "key": self.key,
            "kind": self.kind.value,
            "meta_id": self.meta_id,
            **self.edit.to_record(),
            "since": self.since.isoformat(),
            "turn": self.turn,
        }


def finding_from_record(record: Mapping[str, Any]) -> Finding:
    """Rebuild what ``to_record`` wrote."""
    return Finding(
        run_id=RunId(record["run_id"]),
        key=record["key"],
        kind=ObjectKind(record["kind"]),
        meta_id=MetaId(record["meta_id"]),
        edit=Edit(
            record["field"],
            record["wanted"],
            record["shown"],
            record["threat"],
            record.get("unasked", False),  # older records have none
        ),
        since=datetime.fromisoformat(record["since"]),
        turn=record["turn"],
    )


def findings_of(record: Mapping[str, Any] | None) -> tuple[Finding, ...]:
    """Return the findings that a reconciliation's record holds."""
    return tuple(finding_from_record(one) for one in (record or {}).get("findings", ()))


@dataclass(frozen=True)
class AccountLook:
    """What the last look at an account found, in brief; ``looked_at`` is None before the first look.

    ``unknown`` are those of ``open`` that are on and of runs this database does not have.
    """

    act_id: ActId
    looked_at: datetime | None
    open: tuple[Message, ...]
    unknown: tuple[Message, ...] = ()


def look_of(watch: Watch) -> AccountLook:
    """Return the last look of a watch: findings, objects of no journal, and what could not be read or done."""
    record = watch.report.get(RECONCILIATION, {})
    orphans = (_orphan(one) for one in record.get("orphans", ()))
    kept = (record[name] for name in ("undone", "problems") if name in record)
    unknown = tuple(unknown_object.said for unknown_object in unknown_in(record))
    lines = (
        *unknown,
        *(finding.said for finding in findings_of(record)),
        *orphans,
        *(_unclaimed(one) for one in record.get("unclaimed", ())),
        *(Message.from_record(line) for lines in kept for line in lines),
    )
    failed = (Message.from_record(record["problem"]),) if "problem" in record else ()
    return AccountLook(watch.act_id, watch.looked_at, (*lines, *failed), unknown)


def loose_ends(watch: Watch) -> tuple[Message, ...]:
    """Return the objects of no journal that may be on: nobody set money aside for them, or knows what they may spend."""
    orphans = watch.report.get(RECONCILIATION, {}).get("orphans", ())
    return tuple(_orphan(orphan) for orphan in orphans if not orphan["confirmed"])


def _orphan(record: Mapping[str, Any]) -> Message:
    return WatchMessage.ORPHAN(
        kind=record["kind"], id=record["meta_id"], name=record["key"], state=record["state"]
    )


def _unclaimed(record: Mapping[str, Any]) -> Message:
    return FindingMessage.UNCLAIMED(kind=record["kind"], id=record["meta_id"], name=record["name"])


def last_requested(rows: Sequence[Operation], key: str) -> dict[str, Any]:
    """Return what the journal wants the object of create ``key`` to show; a value that is on its way is left out."""
    if any(row.state is OperationState.CONFIRMED for row in _deletes(rows, key)):
        return {"status": "DELETED"}
    ids = {row.key: row.meta_id for row in rows if row.meta_id is not None}
    return resolve(last_requested_params(rows, key), ids)


def may_be_deleted(rows: Sequence[Operation], key: str) -> bool:
    """Tell whether a delete of the object was sent that Meta did not refuse: it may show its old status or be gone."""
    return any(
        row.sent_at is not None and row.state is not OperationState.REJECTED for row in _deletes(rows, key)
    )


def turn_of(rows: Sequence[Operation], key: str, field: str) -> int:
    """Return how often the journal has set a field of the object since it was created."""
    return sum(row.state is OperationState.CONFIRMED for row in _settings(rows, key, field))


def last_set_at(rows: Sequence[Operation], key: str, field: str) -> datetime | None:
    """Return when the journal last had a field of the object set, by its create or an update; None where it never was."""
    asking = [row for row in rows if key in (row.key, row.spec.target) and field in row.spec.params]
    settled = [row.settled_at for row in asking if row.state is OperationState.CONFIRMED and row.settled_at]
    return max(settled, default=None)


def set_since(rows: Sequence[Operation], key: str, field: str, since: datetime) -> bool:
    """Tell whether the journal has set a field later than ``since``, so that a late read may still show the old value."""
    return any(row.settled_at is not None and row.settled_at > since for row in _settings(rows, key, field))


def was_recalled(rows: Sequence[Operation], key: str) -> bool:
    """Tell whether the last change of the object's status was a pause that answered a threat to the money."""
    changes = [row for row in _settings(rows, key, "status") if row.sent_at is not None]
    return bool(changes) and changes[-1].purpose is Purpose.RECALL


def _settings(rows: Sequence[Operation], key: str, field: str) -> list[Operation]:
    return [row for row in rows if row.spec.target == key and field in row.spec.params]


def _deletes(rows: Sequence[Operation], key: str) -> list[Operation]:
    return [row for row in rows if row.spec.target == key and row.spec.action is Action.DELETE]
