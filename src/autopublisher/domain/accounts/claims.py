"""Claims on ad accounts: labels by which two installations, or a copy beside its original, notice each other.

Theory of operation. Each installation has one label in each ad account that it writes to. Its name tells the
installation, a number that grows with every start, and a nonce of that start; the same stands in the database. So what
Meta shows is either what this database wrote last, or somebody else has written it: another installation, or one that
shares this one's past (a restored backup, a copied file). Among labels of different installations the oldest holds the
account. Who does not hold it writes nothing but pauses until it is told to take over.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from autopublisher.domain.ids import ActId, InstallationId, MetaId
from autopublisher.domain.journal.operations import Action, ObjectKind, OperationSpec
from autopublisher.domain.messages import Code, Message
from autopublisher.domain.meta.object_state import OFF, ObjectState

CLAIM_MARK = "autopublisher installation "
CLAIM_SHOWS = timedelta(minutes=3)
"""After so long a label that was written is read back; longer where this installation saw longer lags."""

CLAIM_LISTED = timedelta(minutes=15)
"""After so long a label that Meta does not list is written once more."""

CLAIM_RETRY = timedelta(hours=1)
"""How long what was refused waits for somebody to take over, or for the other to go."""

ELSEWHERE = "restored"
"""The place of a database that was put back from a backup: it lies nowhere yet."""

_KEPT_NONCES = 4
_LABEL = re.compile(re.escape(CLAIM_MARK) + r"(?P<installation>\S+) start (?P<epoch>\d+) (?P<nonce>\w+)")


class ClaimState(StrEnum):
    """Whether the account is this installation's: not proved yet, proved, or refused."""

    PENDING = "pending"
    HELD = "held"
    REFUSED = "refused"


class ClaimMessage(Code):
    """What is said of whose an account is."""

    FOREIGN = "claim.foreign"
    CLAIMED_BEFORE = "claim.claimed_before"
    ANOTHER_COPY = "claim.another_copy"
    MOVED = "claim.moved"
    OTHER_LABEL = "claim.other_label"
    LABELS_UNREAD = "claim.labels_unread"
    HELD = "claim.held"
    LABEL_GONE = "claim.label_gone"
    REFUSED = "claim.refused"


@dataclass(frozen=True)
class Claim:
    """The installation's claim on an account, as the database has it.

    ``nonces`` are those of the last starts, the present one first: a label may still show an earlier one, so none is let
    go of that was written since the one that Meta last showed. ``place`` is where the database lay when it wrote them.
    Nothing but pauses is written before ``again_at`` unless it is HELD.
    """

    act_id: ActId
    epoch: int = 0
    nonces: tuple[str, ...] = ()
    place: str | None = None
    state: ClaimState = ClaimState.PENDING
    why: Message | None = None
    take_over: bool = False
    again_at: datetime | None = None

    @property
    def is_new(self) -> bool:
        """Whether this database has never claimed the account."""
        return not self.nonces

    def started(self, nonce: str, epoch: int, place: str, shown: str | None, *, keeps_state: bool) -> "Claim":
        """Return the claim of a start, new or told once more; ``keeps_state`` where other workers may go on meanwhile.

        ``shown`` is the nonce that Meta shows, None where it shows none of this installation.
        """
        state = self.state if keeps_state else ClaimState.PENDING
        nonces = (nonce, *(one for one in self.nonces if one != nonce))
        if shown in nonces:
            nonces = nonces[: max(_KEPT_NONCES, nonces.index(shown) + 1)]
        return replace(self, epoch=epoch, nonces=nonces, place=place, state=state, why=None)

    def refused(self, why: Message, now: datetime) -> "Claim":
        """Return the claim as it stands while somebody else holds the account."""
        return replace(self, state=ClaimState.REFUSED, why=why, again_at=now + CLAIM_RETRY)

    def moved(self, now: datetime | None, *, take_over: bool) -> "Claim":
        """Return the claim of a database that was put back from a backup, or that was told to take over."""
        return replace(self, place=ELSEWHERE, state=ClaimState.PENDING, take_over=take_over, again_at=now)

    @property
    def attention(self) -> Message:
        """What people read where something waits because of it."""
        return ClaimMessage.FOREIGN(act_id=self.act_id, why=self.why or "")


@dataclass(frozen=True)
class ClaimLabel:
    """A label of an installation, as the account lists it."""

    meta_id: MetaId
    installation: InstallationId
    epoch: int
    nonce: str
    created: str

    @property
    def name(self) -> str:
        """What it is called at Meta."""
        return _name(self.installation, self.epoch, self.nonce)

    @property
    def age(self) -> tuple[str, int, str]:
        """What orders labels, the oldest first, in the same way for whoever looks."""
        return self.created, len(self.meta_id), self.meta_id


def label_name(installation: InstallationId, claim: Claim) -> str:
    """Return the name of the label that tells a claim's present start."""
    return _name(installation, claim.epoch, claim.nonces[0])


def _name(installation: InstallationId, epoch: int, nonce: str) -> str:
    return f"{CLAIM_MARK}{installation} start {epoch} {nonce}"


def labels_in(listed: Iterable[ObjectState]) -> Sequence[ClaimLabel]:
    """Return the labels of installations among those of an account, the oldest first."""
    found = [(label, _LABEL.fullmatch(label.name)) for label in listed]
    labels = [
        ClaimLabel(
            label.id,
            InstallationId(match["installation"]),
            int(match["epoch"]),
            match["nonce"],
            str(label.raw.get("created_time", "")),
        )
        for label, match in found
        if match is not None
    ]
    return sorted(labels, key=lambda label: label.age)


def own_labels(labels: Sequence[ClaimLabel], installation: InstallationId) -> Sequence[ClaimLabel]:
    """Return the labels that bear this installation's id, the latest start last."""
    return sorted((one for one in labels if one.installation == installation), key=lambda label: label.epoch)


def why_not(
    claim: Claim, labels: Sequence[ClaimLabel], installation: InstallationId, place: str
) -> Message | None:
    """Return why the account is not this installation's, None where it is; ``place`` is where its database lies now."""
    if labels and labels[0].installation != installation:
        first = labels[0]
        return ClaimMessage.CLAIMED_BEFORE(installation=first.installation, epoch=str(first.epoch))
    own = own_labels(labels, installation)
    if own and own[-1].nonce not in claim.nonces:
        return ClaimMessage.ANOTHER_COPY(shown=str(own[-1].epoch), epoch=str(claim.epoch))
    if not claim.is_new and claim.place != place:
        return ClaimMessage.MOVED()
    return None


def is_shown(claim: Claim, labels: Sequence[ClaimLabel], installation: InstallationId) -> bool:
    """Tell whether Meta shows the claim's present start."""
    own = own_labels(labels, installation)
    return bool(own) and not claim.is_new and own[-1].nonce == claim.nonces[0]


def needs_no_claim(spec: OperationSpec) -> bool:
    """Tell whether a write is a pause, which whoever sees a danger may write, or of the label by which a claim is made."""
    if spec.kind is ObjectKind.LABEL:
        return True
    return spec.action is Action.UPDATE and set(spec.params) == {"status"} and spec.params["status"] in OFF
