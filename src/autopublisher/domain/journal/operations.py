"""Operation journal: one row per write to Meta, with a key that makes it happen exactly once.

Theory of operation. A row is INTENDED before anything leaves the process, in the transaction in which the money gate
reserves its exposure. It is SENT just before the call; whoever finds a SENT row later knows only that the call may have
been made, so the row is UNKNOWN. An UNKNOWN row is settled by reading Meta, never by repeating a create: found ->
CONFIRMED; proved absent -> INTENDED again, or WITHDRAWN when it is no longer wanted. A create proved absent that was not
sent again at once is UNKNOWN once more, for what no list showed then may show by now. A refusal is REJECTED; a call that
our own pacing held back, or that would have left too long after its row was SENT, was never made, so its row is INTENDED
again. Two workers cannot both move a row: every step is a compare-and-swap on its state and its money, fenced by the version
of the run that owns it. An account has no version: of its rows the compare-and-swap is all there is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from autopublisher.domain.errors import TransitionError
from autopublisher.domain.faults import Fault, Thing
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.keys import Purpose, purpose_of
from autopublisher.domain.journal.owners import Owner
from autopublisher.domain.messages import Message


class OperationState(StrEnum):
    """Where a write stands; see the theory above."""

    INTENDED = "intended"
    SENT = "sent"
    UNKNOWN = "unknown"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Action(StrEnum):
    """What the write does."""

    CREATE = "create"
    UPLOAD = "upload"
    UPDATE = "update"
    DELETE = "delete"


class ObjectKind(StrEnum):
    """What the write concerns."""

    CAMPAIGN = "campaign"
    AD_SET = "adset"
    CREATIVE = "creative"
    AD = "ad"
    IMAGE = "image"
    RULE = "rule"
    STUDY = "study"
    LABEL = "label"


EDGES = {
    ObjectKind.CAMPAIGN: "campaigns",
    ObjectKind.AD_SET: "adsets",
    ObjectKind.CREATIVE: "adcreatives",
    ObjectKind.AD: "ads",
    ObjectKind.IMAGE: "adimages",
    ObjectKind.RULE: "adrules_library",
    ObjectKind.STUDY: "ad_studies",
    ObjectKind.LABEL: "adlabels",
}
"""The edge on which each kind is created and listed: the account's, and of a study its business's."""

_S = OperationState

TRANSITIONS: Mapping[OperationState, frozenset[OperationState]] = {
    _S.INTENDED: frozenset({_S.SENT, _S.WITHDRAWN, _S.UNKNOWN}),
    _S.SENT: frozenset({_S.CONFIRMED, _S.REJECTED, _S.UNKNOWN, _S.INTENDED}),
    _S.UNKNOWN: frozenset({_S.CONFIRMED, _S.INTENDED, _S.WITHDRAWN, _S.UNKNOWN}),
    _S.CONFIRMED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.WITHDRAWN: frozenset(),
}

SETTLED = frozenset({_S.CONFIRMED, _S.REJECTED, _S.WITHDRAWN})
"""States nothing leaves."""


@dataclass(frozen=True)
class OperationSpec:
    """What a plan asks for: one write, before it has any history.

    ``params`` are Meta's parameters; a value ``{"$id": key}`` stands for the Meta id that operation ``key`` yields.
    ``target`` is the key of the create whose object an update or delete concerns; of an account's write it names an object
    that no create of its journal has made. ``reserves`` is the worst-case spend in minor units that this write makes
    possible.
    """

    key: str
    action: Action
    kind: ObjectKind
    params: Mapping[str, Any] = field(default_factory=dict)
    target: str | None = None
    token: str | None = None
    variant: str | None = None
    reserves: int = 0


@dataclass(frozen=True)
class Operation:
    """One row of the journal: a spec and what has become of it. ``spent`` settles ``reserves`` once it is final."""

    owner: Owner
    sequence: int
    spec: OperationSpec
    state: OperationState
    intended_at: datetime
    meta_id: MetaId | None = None
    sent_at: datetime | None = None
    settled_at: datetime | None = None
    attempts: int = 0
    lookups: int = 0
    look_again_at: datetime | None = None
    error: Message | None = None
    spent: int | None = None

    @property
    def key(self) -> str:
        """The operation's key among those of its owner."""
        return self.spec.key

    @property
    def purpose(self) -> Purpose:
        """What the write is for."""
        return purpose_of(self.spec.key)

    @property
    def is_settled(self) -> bool:
        """Whether nothing remains to be found out or done."""
        return self.state in SETTLED

    def to(self, state: OperationState, **changes: Any) -> "Operation":
        """Return the row moved to ``state``; raises TransitionError for a move the table does not have."""
        if state not in TRANSITIONS[self.state]:
            raise TransitionError(
                Fault.NO_SUCH_MOVE(what=Thing.OPERATION(), id=self.key, was=self.state.value, to=state.value)
            )
        return replace(self, state=state, **changes)


def changes_of(rows: Sequence[Operation], target: str, purpose: Purpose) -> list[Operation]:
    """Return the changes for one purpose of the object that ``target`` has made, oldest first."""
    return [row for row in rows if row.spec.target == target and row.purpose is purpose]


def named_in(value: Any) -> frozenset[str]:
    """Return the keys whose Meta ids parameters stand for."""
    if isinstance(value, Mapping):
        if set(value) == {"$id"}:
            return frozenset({str(value["$id"])})
        return frozenset().union(*map(named_in, value.values()))
    return frozenset().union(*map(named_in, value)) if isinstance(value, list) else frozenset()


def resolve(params: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """Return ``params`` with every ``{"$id": key}`` replaced by the id under ``key``; raises KeyError if unknown."""
    return {name: _resolved(value, ids) for name, value in params.items()}


def _resolved(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"$id"}:
            return ids[value["$id"]]
        return resolve(value, ids)
    if isinstance(value, list):
        return [_resolved(one, ids) for one in value]
    return value
