"""Headline figure of a test: the best estimate of the leader over its nearest rival.

Wherever an improvement is shown it is this one; what was merely seen in the test and the range are named as such.
Free of numerical libraries, so that showing a stored verdict loads none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COSTS = frozenset({"cpa", "cpc"})
"""Criteria that are told as a change of the cost: less is better."""

MEASURES: Mapping[str, str] = {
    "roas": "ROAS",
    "revenue": "revenue per unit of spend",
    "cpa": "cost per purchase",
    "conversions": "purchases per unit of spend",
    "cvr": "purchases per click",
    "ctr": "clicks per view",
    "cpc": "cost per click",
    "engagement": "reactions per view",
}
"""What each criterion measures, in words."""


def change_of(criterion: str, ratio: float) -> float:
    """Return a ratio of rates as a relative change of what the criterion measures; for costs, the change of the cost."""
    return (1 / ratio if criterion in COSTS and ratio > 0 else ratio) - 1


@dataclass(frozen=True)
class Improvement:
    """The leader over ``against``, in per cent of the criterion's measure (``measure``), positive where it is better.

    ``percentage`` is the best estimate, shrunk towards no difference; ``low`` and ``high`` are the range at the stated
    error (None: no limit); ``seen`` is the plain ratio in the test, None where the other had no events.
    """

    leader: str
    against: str
    measure: str
    percentage: float
    low: float | None
    high: float | None
    seen: float | None

    def __str__(self) -> str:
        """Return it in one line, with the figure that the verdict's sentence has, then range and what was seen."""
        limits = (("at least", self.low), ("at most", self.high), ("seen in the test", self.seen))
        others = [f"{name} {self._change_text(value)}" for name, value in limits if value is not None]
        rest = f" ({', '.join(others)})" if others else ""
        return f"{self._change_text(self.percentage)} {MEASURES[self.measure]} against {self.against}{rest}"

    def _change_text(self, value: float) -> str:
        """Return a figure as a change; of a cost, less is better."""
        change = -value if self.measure in COSTS else value
        return f"{change:+.{0 if abs(change) >= 1 else 1}f} %"


def improvement_of(verdict: Mapping[str, Any]) -> Improvement | None:
    """Return what a stored verdict says of its leader; None where it compares nobody."""
    estimate, leader = verdict.get("estimate"), verdict.get("leader")
    if estimate is None or leader is None:
        return None
    criterion = str(verdict.get("criterion", "roas"))
    low, high = _better(criterion, estimate["low"]), _better(criterion, estimate["high"])
    return Improvement(
        leader,
        estimate["against"],
        criterion,
        _known(criterion, estimate["shrunk"]),
        low,
        high,
        _better(criterion, estimate["raw"]),
    )


def _known(criterion: str, ratio: float) -> float:
    change = change_of(criterion, ratio)
    return round(100 * (-change if criterion in COSTS else change), 2)


def _better(criterion: str, ratio: float | None) -> float | None:
    """Return a ratio as how much better, in per cent; None for a limit that is not there."""
    unlimited = ratio is None or (ratio <= 0 and criterion in COSTS)
    return None if unlimited or ratio is None else _known(criterion, ratio)
