"""Unknown runs: objects that bear our mark and whose run this database does not have, with their possible spend.

Another installation may own them, or this database was lost or is older than their run. So they are listed, counted as far
as Meta shows their budgets, and alarmed; nothing here pauses them. Only a stop does, or a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autopublisher.domain.accounts.stops import OFF
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.messages import Message
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
    listing: Sequence[tuple[ObjectKind, Mapping[str, Any]]],
    before: Sequence[UnknownObject],
    now: datetime,
    stretch: int,
) -> tuple[UnknownObject, ...]:
    """Return those of a listing that are on; ``before`` are those of the look before, ``stretch`` is as for a worst case."""
    since = {one.meta_id: one.since for one in before}
    campaigns = {str(row["id"]): row for kind, row in listing if kind is ObjectKind.CAMPAIGN}
    on = [(kind, row) for kind, row in listing if row.get("status") not in OFF]
    return tuple(
        UnknownObject(
            kind=kind,
            meta_id=MetaId(str(row["id"])),
            name=str(row.get("name", "")),
            status=str(row.get("status")),
            possible=_possible(kind, row, campaigns.get(str(row.get("campaign_id"))), now, stretch),
            until=_moment(row.get("end_time")),
            since=since.get(MetaId(str(row["id"])), now),
        )
        for kind, row in on
    )


def _possible(
    kind: ObjectKind, row: Mapping[str, Any], campaign: Mapping[str, Any] | None, now: datetime, stretch: int
) -> int | None:
    """Return what the object's own budget still allows, never more than its campaign's spending limit."""
    ends = _moment(row.get("end_time"))
    if kind not in MONEY_KINDS or (ends is not None and ends <= now):
        return 0
    if campaign is not None and (campaign.get("status") in OFF or _has_budget(campaign)):
        return 0
    worst = worst_case(kind, row, 0, _NOT_SHOWN, now, stretch)
    cap = _amount((campaign or {}).get("spend_cap"))
    if worst == _NOT_SHOWN or (kind is ObjectKind.AD_SET and not _has_budget(row)):
        return cap or None
    return min(worst, cap) if cap else worst


def _has_budget(row: Mapping[str, Any]) -> bool:
    return bool(_amount(row.get("lifetime_budget")) or _amount(row.get("daily_budget")))


def _amount(value: Any) -> int:
    try:
        return int(str(value or 0))
    except ValueError:
        return 0


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
