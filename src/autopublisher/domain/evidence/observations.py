"""What was read from the ad platform: cumulative figures per variant at one moment."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from autopublisher.domain.evidence.design import Design


@dataclass(frozen=True)
class Figures:
    """One variant's counters since the start; money in major units.

    `engagements` are post actions other than the clicks already counted in `clicks`.
    """

    spend: float = 0.0
    impressions: float = 0.0
    clicks: float = 0.0
    conversions: float = 0.0
    revenue: float = 0.0
    engagements: float = 0.0

    def __post_init__(self) -> None:
        if not all(0 <= value < math.inf for value in self.row()):
            raise ValueError("Figures must be finite and not negative.")

    def row(self) -> tuple[float, ...]:
        """Return the counters in the order of `Figure`."""
        return (
            float(self.spend),
            float(self.impressions),
            float(self.clicks),
            float(self.conversions),
            float(self.revenue),
            float(self.engagements),
        )


@dataclass(frozen=True)
class Snapshot:
    """All variants' figures at `hour` hours after the start.

    Attributes:
        hour: hours since delivery began.
        figures: one per variant, in the design's order.
        edited: a variant was changed since the start, so its figures mix two different ads.
    """

    hour: float
    figures: tuple[Figures, ...]
    edited: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "figures", tuple(self.figures))
        if not math.isfinite(self.hour) or self.hour < 0:
            raise ValueError("A snapshot's hour must be finite and not negative.")

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "hour": self.hour,
            "edited": self.edited,
            "figures": [dict(vars(each)) for each in self.figures],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build a snapshot from what `to_dict` returned."""
        figures = tuple(Figures(**each) for each in values["figures"])
        return cls(hour=values["hour"], figures=figures, edited=values.get("edited", False))


def in_order(history: Sequence[Snapshot], variant_count: int) -> tuple[Snapshot, ...]:
    """Return the snapshots by hour, the later reading winning where two share an hour.

    Raises ValueError when a snapshot does not have one figure row per variant.
    """
    if any(len(snapshot.figures) != variant_count for snapshot in history):
        raise ValueError(f"Every snapshot needs figures for {variant_count} variants.")
    by_hour = {snapshot.hour: snapshot for snapshot in history}
    return tuple(by_hour[hour] for hour in sorted(by_hour))


def digest(design: Design, history: Sequence[Snapshot], *, final: bool) -> str:
    """Return the SHA-256 of the canonical inputs; equal inputs give equal verdict bytes."""
    content = {
        "design": design.to_dict(),
        "history": [each.to_dict() | {"hour": float(each.hour)} for each in history],
        "final": final,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
