"""Records that are written for good: audit events, decisions, insight snapshots; and objects as last read from Meta."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime
from typing import Any

from autopublisher.domain.ids import ActId, MetaId, RunId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.messages import Message


@dataclass(frozen=True)
class Event:
    """One thing that happened: ``tag`` is ``source:subject:action``, ``actor`` who did it, ``data`` the numbers."""

    at: datetime
    tag: str
    actor: str
    message: Message
    run_id: RunId | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """One verdict as it was reached: ``verdict`` is the engine's canonical JSON text, byte for byte.

    ``money`` is the money decision that stands beside it, likewise; None where there was none. ``kind`` is the verdict's, or
    what that decision says where it has ended the test.
    """

    run_id: RunId
    at: datetime
    sequence: int
    kind: str
    final: bool
    verdict: str
    sentence_en: str
    sentence_es: str
    money: str | None = None


@dataclass(frozen=True)
class Figures:
    """Cumulative figures of one variant as Meta reported them; money in minor units, the rest counts."""

    spend: int = 0
    impressions: int = 0
    clicks: int = 0
    conversions: int = 0
    revenue: int = 0
    engagements: int = 0

    @classmethod
    def sum_of(cls, many: Sequence["Figures"]) -> "Figures":
        """Return what several variants have together."""
        return cls(*map(sum, zip(*map(astuple, many), strict=True)))

    def since(self, base: "Figures") -> "Figures":
        """Return what came after ``base``; nothing of what is less than it by now."""
        pairs = zip(astuple(self), astuple(base), strict=True)
        return Figures(*(max(0, now - then) for now, then in pairs))


@dataclass(frozen=True)
class Snapshot:
    """What Meta's insights said of one variant ``at`` a moment; appended, never changed."""

    run_id: RunId
    variant: str
    at: datetime
    figures: Figures


@dataclass(frozen=True)
class MetaObject:
    """A campaign, ad set or ad of ours as last read from Meta (the brief's Meta models).

    ``baseline`` is how Meta showed what we did not ask for when the object was new; None where that was not read.
    """

    id: str
    run_id: RunId
    act_id: ActId
    kind: ObjectKind
    key: str
    variant: str | None
    meta_id: MetaId
    parent_meta_id: MetaId | None
    name: str
    status: str
    effective_status: str
    created_at: datetime
    read_at: datetime
    budget: int | None = None
    ends_at: datetime | None = None
    baseline: Mapping[str, Any] | None = None
