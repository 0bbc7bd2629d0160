"""Account snapshot: one listing per kind of everything at Meta that bears our mark, whatever the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from autopublisher.domain.errors import MetaError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.naming import MARK
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.messages import Message, said_of
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.reconciliation.edits import SWEEP_FIELDS
from autopublisher.domain.reconciliation.watch_messages import WatchMessage
from autopublisher.flows.writes.objects import TREE
from autopublisher.ports.meta.reading import MetaReading


@dataclass(frozen=True)
class AccountSnapshot:
    """The account at the moment ``at``; a kind that could not be listed is missing and named in ``problems``."""

    at: datetime
    listed: Mapping[ObjectKind, Mapping[MetaId, ObjectState]]
    problems: tuple[Message, ...]

    @property
    def unanswered(self) -> Message | None:
        """Why Meta listed nothing at all; None where it listed something."""
        return self.problems[0] if self.problems and not self.listed else None

    def shown(self, kind: ObjectKind, meta_id: MetaId | None) -> ObjectState | None:
        """Return an object as it was listed; None where it was not."""
        return self.listed.get(kind, {}).get(meta_id or MetaId(""))

    def covers(self, kind: ObjectKind) -> bool:
        """Tell whether the kind was listed, so that what is missing is missing at Meta."""
        return kind in self.listed

    def on(self) -> Sequence[ObjectState]:
        """Return what is listed and not off."""
        return [one for one in self.everything() if not one.is_off]

    def everything(self) -> Sequence[ObjectState]:
        """Return all that is listed, campaigns first."""
        return [one for of_kind in self.listed.values() for one in of_kind.values()]

    def of(self, mark: str) -> Sequence[ObjectState]:
        """Return what is listed with this text in its name, campaigns first."""
        return [one for one in self.everything() if mark in one.name]


def take_snapshot(meta: MetaReading, now: datetime) -> AccountSnapshot:
    """List campaigns, ad sets and ads of ours that are neither deleted nor archived, with all that is compared."""
    listed: dict[ObjectKind, Mapping[MetaId, ObjectState]] = {}
    problems = []
    for kind in TREE:
        try:
            found = meta.find(kind, MARK, SWEEP_FIELDS[kind])
        except MetaError as error:
            problems.append(WatchMessage.NOT_LISTED(kind=kind.value, why=said_of(error)))
            continue
        listed[kind] = {one.id: one for one in found}
    return AccountSnapshot(now, listed, tuple(problems))
