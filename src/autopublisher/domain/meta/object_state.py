"""Object state: what Meta shows of one object at one moment, read once where Meta's answer comes in.

What cannot be read is no error here: an amount or a moment in an odd form is told apart from a good one, so that what an
object could spend is counted at its worst.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind

GONE = frozenset({"DELETED", "ARCHIVED"})
"""Own statuses from which nothing comes back."""

OFF = GONE | {"PAUSED"}
"""Own statuses in which an object delivers nothing."""


@dataclass(frozen=True)
class ObjectState:
    """A campaign, ad set, ad, creative, rule, study, label or image as Meta shows it; what was not shown is as if not set.

    Amounts are in minor units: 0 where Meta shows none, None where what it shows is no amount. A moment is None where Meta
    shows none, or none with a zone. ``raw`` is Meta's answer in Meta's words, for comparing all of it with what was asked
    for or shown before.
    """

    id: MetaId
    kind: ObjectKind
    name: str = ""
    status: str | None = None
    effective_status: str | None = None
    daily_budget: int | None = 0
    lifetime_budget: int | None = 0
    spend_cap: int | None = 0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    created_at: datetime | None = None
    campaign_id: MetaId | None = None
    creative_id: MetaId | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, kind: ObjectKind, meta_id: MetaId, row: Mapping[str, Any]) -> "ObjectState":
        """Return what a row of Meta's shows of the object with this id."""
        creative = row.get("creative")
        return cls(
            id=meta_id,
            kind=kind,
            name=_text(row.get("name")) or "",
            status=_text(row.get("status")),
            effective_status=_text(row.get("effective_status")),
            daily_budget=_amount(row.get("daily_budget")),
            lifetime_budget=_amount(row.get("lifetime_budget")),
            spend_cap=_amount(row.get("spend_cap")),
            starts_at=_moment(row.get("start_time")),
            ends_at=_moment(row.get("end_time")),
            created_at=_moment(row.get("created_time")),
            campaign_id=_id(row.get("campaign_id")),
            creative_id=_id(creative.get("id")) if isinstance(creative, Mapping) else None,
            raw=row,
        )

    @classmethod
    def listed(cls, kind: ObjectKind, rows: Sequence[Mapping[str, Any]]) -> "tuple[ObjectState, ...]":
        """Return what the rows of a list show, each of which names its object."""
        return tuple(cls.of(kind, MetaId(str(row["id"])), row) for row in rows)

    @classmethod
    def known_to_be(cls, kind: ObjectKind, meta_id: MetaId, status: str) -> "ObjectState":
        """Return the state of an object of which nothing but its status is known."""
        return cls(meta_id, kind, status=status, raw={"status": status})

    @property
    def is_active(self) -> bool:
        """Whether it is shown to be on by its own status."""
        return self.status == "ACTIVE"

    @property
    def is_off(self) -> bool:
        """Whether it is shown to deliver nothing; what Meta does not say is no proof."""
        return self.status in OFF

    @property
    def is_gone(self) -> bool:
        """Whether it is shown deleted or archived."""
        return self.status in GONE

    @property
    def budget(self) -> int | None:
        """The budget, daily or for its lifetime, as far as one is shown that can be read."""
        return max(self.daily_budget or 0, self.lifetime_budget or 0) or None

    @property
    def unreadable(self) -> frozenset[str]:
        """The amounts and moments that are shown in an odd form, by Meta's names."""
        read = {
            "daily_budget": self.daily_budget,
            "lifetime_budget": self.lifetime_budget,
            "spend_cap": self.spend_cap,
            "start_time": self.starts_at,
            "end_time": self.ends_at,
        }
        return frozenset(name for name, value in read.items() if value is None and self.raw.get(name))

    def children(self, kind: ObjectKind, edge: str) -> "tuple[ObjectState, ...]":
        """Return what an edge of the object, which was asked for with it, lists."""
        listed = self.raw.get(edge)
        rows = listed.get("data") if isinstance(listed, Mapping) else None
        return ObjectState.listed(kind, rows) if isinstance(rows, list) else ()


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _id(value: Any) -> MetaId | None:
    return MetaId(str(value)) if value else None


def _amount(value: Any) -> int | None:
    try:
        return int(str(value or 0))
    except ValueError:
        return None


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
