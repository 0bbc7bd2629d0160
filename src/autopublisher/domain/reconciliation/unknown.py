"""Unknown runs: objects that bear our mark and whose run this database does not have, with their possible spend.

Another installation may own them, or this database was lost or is older than their run. So they are listed, counted as far
as Meta shows their budgets, and alarmed; nothing here pauses them. Only a stop does, or a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.messages import Message
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.money.duplicates import MONEY_KINDS, worst_case
from autopublisher.domain.reconciliation.finding_messages import FindingMessage

UNKNOWN = "unknown_runs"
"""The entry of a reconciliation's record that holds them."""

_NOT_SHOWN = -1


@dataclass(frozen=True)
class UnknownObject:
    """One such object that is on; ``possible`` is the most it can spend in minor units, None where nobody can tell.

    An object without a budget of its own, or under a campaign that is off, can spend nothing by itself.
    """

    kind: ObjectKind
    meta_id: MetaId
    name: str
    status: str
    possible: int | None
    until: datetime | None
    since: datetime

    @property
    def said(self) -> Message:
        """What people read."""
        return FindingMessage.UNKNOWN_RUN(
            kind=self.kind.value, id=self.meta_id, name=self.name, status=self.status
        )

    def to_record(self) -> dict[str, Any]:
        """Return the object as JSON types."""
        return {
            "kind": self.kind.value,
            "meta_id": self.meta_id,
            "name": self.name,
            "status": self.status,
            "possible": self.possible,
            "until": None if self.until is None else self.until.isoformat(),
            "since": self.since.isoformat(),
        }


def unknown_from_record(record: Mapping[str, Any]) -> UnknownObject:
    """Rebuild what ``to_record`` wrote."""
    until = record["until"]
    return UnknownObject(
        kind=ObjectKind(record["kind"]),
        meta_id=MetaId(record["meta_id"]),
        name=record["name"],
        status=record["status"],
        possible=record["possible"],
        until=None if until is None else datetime.fromisoformat(until),
        since=datetime.fromisoformat(record["since"]),
    )


def unknown_in(report: Mapping[str, Any]) -> tuple[UnknownObject, ...]:
    """Return those that a reconciliation's record holds."""
    return tuple(unknown_from_record(one) for one in report.get(UNKNOWN, ()))


def unknown_objects(
    listing: Sequence[ObjectState],
    before: Sequence[UnknownObject],
    now: datetime,
    stretch: int,
) -> tuple[UnknownObject, ...]:
    """Return those of a listing that are on; ``before`` are those of the look before, ``stretch`` is as for a worst case."""
    since = {one.meta_id: one.since for one in before}
    campaigns = {one.id: one for one in listing if one.kind is ObjectKind.CAMPAIGN}
    return tuple(
        UnknownObject(
            kind=one.kind,
            meta_id=one.id,
            name=one.name,
            status=str(one.status),
            possible=_possible(one, campaigns.get(one.campaign_id or MetaId("")), now, stretch),
            until=one.ends_at,
            since=since.get(one.id, now),
        )
        for one in listing
        if not one.is_off
    )


def _possible(one: ObjectState, campaign: ObjectState | None, now: datetime, stretch: int) -> int | None:
    """Return what the object's own budget still allows, never more than its campaign's spending limit."""
    if one.kind not in MONEY_KINDS or (one.ends_at is not None and one.ends_at <= now):
        return 0
    if campaign is not None and (campaign.is_off or campaign.budget is not None):
        return 0
    worst = worst_case(one, 0, _NOT_SHOWN, now, stretch)
    cap = None if campaign is None else campaign.spend_cap
    if worst == _NOT_SHOWN or (one.kind is ObjectKind.AD_SET and one.budget is None):
        return cap or None
    return min(worst, cap) if cap else worst
