"""The kill switch: a stop, what may still be written while it holds, and the report that says whether it is true yet.

Theory of operation. A stop concerns one ad account or, without one, all of them, and holds until it is lifted. While it
holds, a write passes only if it cannot make anything spend more: a pause, a delete, an earlier end, a smaller budget.
What is not known to be less is refused. The report is what Meta showed, object by object, never what we asked for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from autopublisher.domain.ids import ActId, MetaId, RunId, StopId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.messages import Code, Message
from autopublisher.domain.meta.object_state import OFF

"""How the journal keys of the kill switch's pauses begin, which tells them from every other pause."""

STOP_DUTY = "stop"
"""The name under which an account's stop report is kept in its watch."""

LANDS_WITHIN = timedelta(minutes=2)
"""So long after it was sent a write without an answer can still take effect; no client of ours waits longer for Meta.

The settings refuse a META_TIMEOUT_SECONDS that would make this untrue (``LONGEST_TIMEOUT``).
"""

LONGEST_TIMEOUT = timedelta(seconds=90)
"""The most that may be set for waiting for Meta's answer; connecting, and what is on its way, have the rest."""

_AMOUNTS = frozenset({"daily_budget", "lifetime_budget", "spend_cap"})


class StopMessage(Code):
    """What is said of a stop."""

    PRESSED = "stop.pressed"
    PRESSED_UNWRITABLE = "stop.pressed_unwritable"
    LIFTED = "stop.lifted"
    NOT_TAKEN_YET = "stop.not_taken_yet"
    UNRECORDED = "stop.unrecorded"
    NOT_LOOKED_AT = "stop.not_looked_at"
    OBJECT_OPEN = "stop.object_open"
    MAY_LAND = "stop.may_land"
    TAKEN_OVER = "stop.taken_over"
    AWAITS_ANSWER = "stop.awaits_answer"
    PAUSED_UNJOURNALED = "stop.paused_unjournaled"
    PAUSED_UNJOURNALED_UNSEEN = "stop.paused_unjournaled_unseen"


@dataclass(frozen=True)
class Stop:
    """One press of the kill switch; ``act_id`` None stops everything. ``report`` is kept when it is lifted."""

    id: StopId
    act_id: ActId | None
    reason: str
    by: str
    at: datetime
    lifted_at: datetime | None = None
    lifted_by: str | None = None
    lift_reason: str = ""
    reactivate: bool = False
    report: Mapping[str, Any] | None = None

    @property
    def holds(self) -> bool:
        """Whether it has not been lifted."""
        return self.lifted_at is None

    @property
    def said(self) -> Message:
        """What people read wherever something waits because of it."""
        return StopMessage.PRESSED(actor=self.by, reason=self.reason)

    def concerns(self, act_id: ActId) -> bool:
        """Tell whether it is about this account."""
        return self.act_id is None or self.act_id == act_id

    def lifted(
        self, at: datetime, by: str, reason: str, report: Mapping[str, Any], *, reactivate: bool
    ) -> "Stop":
        """Return the stop as it is kept once it no longer holds."""
        return replace(
            self, lifted_at=at, lifted_by=by, lift_reason=reason, report=report, reactivate=reactivate
        )


# --- what may be written while a stop holds -------------------------------------------------------


def passes_stop(spec: OperationSpec, asked: Mapping[str, Any]) -> bool:
    """Tell whether a write may be sent while a stop holds: only what surely makes an object spend less, or nothing.

    ``asked`` are the ``last_requested_params`` of the object; a value that is not there cannot be shown to shrink. A label
    spends nothing, whatever is done to it.
    """
    if spec.action is Action.DELETE or spec.kind is ObjectKind.LABEL:
        return True
    if spec.action is not Action.UPDATE or not spec.params:
        return False
    return all(_is_less(name, value, asked.get(name)) for name, value in spec.params.items())


def _is_less(name: str, value: Any, before: Any) -> bool:
    if name == "status":
        return value in OFF
    if before is None:
        return False
    try:
        if name == "end_time":
            return datetime.fromisoformat(str(value)) <= datetime.fromisoformat(str(before))
        return name in _AMOUNTS and 0 < int(value) <= int(before)
    except (TypeError, ValueError):  # no number or moment, or one without its zone: nothing is proved
        return False


def last_requested_params(rows: Sequence[Operation], key: str, beside: str = "") -> dict[str, Any]:
    """Return what the journal last asked of the object that operation ``key`` made, its create first.

    A write that may or may not have happened counts for neither: the values it names are left out. ``beside`` is the key
    of the write that is being judged, whose own earlier attempts asked for the same.
    """
    asked: dict[str, Any] = {}
    for row in rows:
        if row.key == key:
            asked |= row.spec.params
        elif row.spec.target == key and row.spec.action is Action.UPDATE and row.key != beside:
            if row.state is OperationState.CONFIRMED:
                asked |= row.spec.params
            elif row.state is not OperationState.REJECTED and row.sent_at is not None:
                asked = {name: value for name, value in asked.items() if name not in row.spec.params}
    return asked


def unpaused_activation(rows: Sequence[Operation], key: str) -> Operation | None:
    """Return the last activation that was sent or found in effect and that no confirmed pause has answered; None without."""
    found: Operation | None = None
    for row in rows:
        if row.spec.target != key or "status" not in row.spec.params:
            continue
        active = row.spec.params["status"] == "ACTIVE"
        if active and (row.sent_at is not None or row.state is OperationState.CONFIRMED):
            found = row
        elif row.spec.params["status"] == "PAUSED" and row.state is OperationState.CONFIRMED:
            found = None
    return found


def may_land_until(rows: Sequence[Operation], key: str) -> datetime | None:
    """Return until when an activation of the object that was sent without a sure answer can take effect; None without one.

    A pause does not settle this: the call may reach Meta after it.
    """
    return _lands_until(row for row in _updates_of(rows, key) if row.spec.params.get("status") == "ACTIVE")


def may_spend_more_until(rows: Sequence[Operation], key: str) -> datetime | None:
    """Return as ``may_land_until`` does, for whatever can make the object spend: a budget, a cap or a schedule, too."""
    money = _AMOUNTS | {"end_time"}
    return _lands_until(
        row
        for row in _updates_of(rows, key)
        if row.spec.params.get("status") == "ACTIVE" or not money.isdisjoint(row.spec.params)
    )


def _updates_of(rows: Sequence[Operation], key: str) -> Iterator[Operation]:
    return (row for row in rows if row.spec.target == key and row.spec.action is Action.UPDATE)


def _lands_until(rows: Iterable[Operation]) -> datetime | None:
    sent = [row.sent_at for row in rows if not _is_surely_answered(row)]
    return max((at + LANDS_WITHIN for at in sent if at is not None), default=None)


def _is_surely_answered(row: Operation) -> bool:
    """Tell whether no call of a write is under way; of one sent more than once an earlier call may be."""
    return row.state in {OperationState.CONFIRMED, OperationState.REJECTED} and row.attempts <= 1


def was_stopped(rows: Sequence[Operation], key: str, since: datetime | None = None) -> bool:
    """Tell whether the last change of the object's status was the kill switch's pause.

    A pause counts as soon as it can have taken effect, an activation only once Meta has shown it. With ``since`` the pause
    must have been sent from then on: what an earlier stop had switched off is not this one's doing.
    """
    changes = [row for row in rows if row.spec.target == key and _has_changed_status(row)]
    if not changes or changes[-1].purpose is not Purpose.STOP:
        return False
    # An unanswered pause is sent again only where the object was still on: then it is the later stop's doing.
    return since is None or (changes[-1].sent_at or changes[-1].intended_at) >= since


def _has_changed_status(row: Operation) -> bool:
    if row.state is OperationState.CONFIRMED:
        return "status" in row.spec.params
    possible = row.sent_at is not None and row.state is not OperationState.REJECTED
    return possible and row.spec.params.get("status") in OFF


# --- what has been seen ---------------------------------------------------------------------------


@dataclass(frozen=True)
class ObjectLine:
    """One object in a report: ``state`` is what Meta showed, ``why`` what is still missing where it is not ``confirmed``."""

    kind: ObjectKind
    meta_id: MetaId | None
    key: str
    run_id: RunId | None
    state: str
    confirmed: bool
    why: Message | None = None

    @property
    def place(self) -> str:
        """By which the same object is recognised in a later report."""
        return f"{self.run_id}|{self.key}" if self.run_id else f"|{self.meta_id}"


@dataclass(frozen=True)
class StopReport:
    """How far an account's stop has come: every object that mattered, and what kept the look itself from being whole."""

    stops: tuple[StopId, ...]
    at: datetime
    objects: tuple[ObjectLine, ...] = ()
    problems: tuple[Message, ...] = ()

    @property
    def confirmed(self) -> bool:
        """Whether Meta has shown every object to be off, and no other object of ours to be on."""
        return not self.problems and all(line.confirmed for line in self.objects)

    @property
    def open_lines(self) -> tuple[Message, ...]:
        """What is not confirmed yet, a message each."""
        lines = (
            StopMessage.OBJECT_OPEN(
                kind=line.kind.value, id=line.meta_id or line.key, why=line.why or line.state
            )
            for line in self.objects
            if not line.confirmed
        )
        return (*lines, *self.problems)

    def to_record(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return {
            "stops": list(self.stops),
            "at": self.at.isoformat(),
            "confirmed": self.confirmed,
            "objects": [line_to_record(line) for line in self.objects],
            "problems": [problem.to_record() for problem in self.problems],
        }


def report_from_record(record: Mapping[str, Any]) -> StopReport:
    """Rebuild what ``to_record`` wrote."""
    return StopReport(
        stops=tuple(StopId(one) for one in record["stops"]),
        at=datetime.fromisoformat(record["at"]),
        objects=tuple(line_from_record(line) for line in record["objects"]),
        problems=tuple(Message.from_record(one) for one in record["problems"]),
    )


def line_to_record(line: ObjectLine) -> dict[str, Any]:
    """Return a line as JSON types."""
    why = None if line.why is None else line.why.to_record()
    return vars(line) | {"kind": line.kind.value, "why": why}


def line_from_record(record: Mapping[str, Any]) -> ObjectLine:
    """Rebuild what ``line_to_record`` wrote; earlier releases wrote a sentence, empty where nothing was missing."""
    why = Message.from_record(record["why"]) if record["why"] else None
    return ObjectLine(**{**record, "kind": ObjectKind(record["kind"]), "why": why})
