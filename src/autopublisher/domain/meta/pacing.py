"""Pacing state: how fast an ad account's calls may follow each other, by the usage headers of Meta's answers.

Theory of operation. Meta meters an ad account's calls in two families: insights, and everything else (management). Below
``PACE_FROM`` percent nothing is held back. From there on every ``BURST`` calls are paid for beforehand, by a pause as long
as all of theirs; from ``STOP_AT`` on calls wait for the time Meta names. What has been paid for belongs to the account and
not to the process that waited: ticks of one account follow each other through many processes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from autopublisher.domain.meta.rules import SCORE_DECAY, Usage, pause_seconds

BURST = 8
"""Near a limit so many calls go together, after a pause as long as all of theirs: a tick that had to wait before each of
its calls, and begins anew after every wait, would never get to its second."""

_FORGOTTEN_AFTER = timedelta(seconds=SCORE_DECAY)


@dataclass(frozen=True)
class FamilyPacing:
    """One family of an account's calls: the last usage heard, until when calls are held back, calls left of the burst."""

    usage: Usage = field(default_factory=Usage)
    held_until: datetime | None = None
    burst_left: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether it asks nothing of anybody."""
        return self.held_until is None and self.burst_left == 0

    @property
    def hold_seconds(self) -> float:
        """Seconds from the moment its usage was heard for which calls are held back; 0 within a burst."""
        if self.burst_left < BURST:
            return 0.0
        pause = pause_seconds(self.usage)
        return pause if self.usage.is_exhausted else pause * BURST

    def after(self, usage: Usage) -> "FamilyPacing":
        """Return what holds once an answer has told its usage; a new burst has yet to be held by ``hold_seconds``."""
        if pause_seconds(usage) <= 0:
            return FamilyPacing(usage)
        if self.burst_left > 1 and not usage.is_exhausted:
            return FamilyPacing(usage, burst_left=self.burst_left - 1)
        return FamilyPacing(usage, burst_left=BURST)

    def as_of(self, now: datetime, kept_at: datetime) -> "FamilyPacing":
        """Return what still holds of something kept at ``kept_at``: nothing once Meta's score has decayed after it.

        What was kept in the future stems from another time of a simulator: it would hold for ever. Clocks of two machines
        may differ by less.
        """
        awaited = max(kept_at, self.held_until or kept_at)
        is_valid = now < awaited + _FORGOTTEN_AFTER and kept_at < now + _FORGOTTEN_AFTER
        return self if is_valid else FamilyPacing(self.usage)


@dataclass(frozen=True)
class Pacing:
    """Both families of an ad account."""

    management: FamilyPacing = FamilyPacing()
    insights: FamilyPacing = FamilyPacing()

    def with_bursts_used(self) -> "Pacing":
        """Return it as it stands if the process that is about to call dies unheard: its burst is not given twice."""
        return Pacing(replace(self.management, burst_left=0), replace(self.insights, burst_left=0))

    def as_of(self, now: datetime, kept_at: datetime) -> "Pacing":
        """Return what still holds of something kept at ``kept_at``."""
        return Pacing(self.management.as_of(now, kept_at), self.insights.as_of(now, kept_at))

    def to_record(self) -> dict[str, Any]:
        """Return it as JSON types; a family that asks nothing of anybody is left out."""
        families = {"management": self.management, "insights": self.insights}
        return {name: _to_record(one) for name, one in families.items() if not one.is_idle}


def pacing_from_record(record: Mapping[str, Any]) -> Pacing:
    """Rebuild what ``to_record`` wrote."""
    return Pacing(**{name: _from_record(one) for name, one in record.items()})


def _to_record(family: FamilyPacing) -> dict[str, Any]:
    usage, held_until = family.usage, family.held_until
    return {
        "percents": dict(usage.percents),
        "regain_seconds": usage.regain_seconds,
        "tier": usage.tier,
        "business_ids": sorted(usage.business_ids),
        "held_until": None if held_until is None else held_until.isoformat(),
        "burst_left": family.burst_left,
    }


def _from_record(record: Mapping[str, Any]) -> FamilyPacing:
    held_until = record["held_until"]
    usage = Usage(
        percents=dict(record["percents"]),
        regain_seconds=record["regain_seconds"],
        tier=record["tier"],
        business_ids=frozenset(record["business_ids"]),
    )
    return FamilyPacing(
        usage,
        None if held_until is None else datetime.fromisoformat(held_until),
        record["burst_left"],
    )
