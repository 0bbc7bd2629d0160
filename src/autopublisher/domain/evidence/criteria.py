"""The eight winner criteria, each as "events per exposure".

Costs are tested upside down (purchases per unit spent instead of cost per purchase): a variant without a
purchase then has the worst value, not an undefined one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Criterion(StrEnum):
    """What the run asks to be best at."""

    ROAS = "roas"
    CPA = "cpa"
    CTR = "ctr"
    CVR = "cvr"
    CPC = "cpc"
    CONVERSIONS = "conversions"
    REVENUE = "revenue"
    ENGAGEMENT = "engagement"


class Figure(StrEnum):
    """A cumulative counter of a snapshot; the order of members is the column order of figure arrays."""

    SPEND = "spend"
    IMPRESSIONS = "impressions"
    CLICKS = "clicks"
    CONVERSIONS = "conversions"
    REVENUE = "revenue"
    ENGAGEMENTS = "engagements"


COLUMN: Mapping[Figure, int] = MappingProxyType({figure: index for index, figure in enumerate(Figure)})


@dataclass(frozen=True)
class Measure:
    """How a criterion is read from the counters.

    Attributes:
        events: counters summed into the numerator.
        counts: counters summed into the number of events (differs from `events` for money).
        exposure: the denominator.
        delayed: events are reported late (purchases) rather than at once (clicks).
        day_spread: prior standard deviation of a variant's day effect on the log rate.
        day_spread_doubt: prior standard deviation of the square of `day_spread`.
        hour_spread: standard deviation of a variant's hour effect, as money decisions assume it; proof sees the hours.
        value_dispersion: squared coefficient of variation of one event's value.
    """

    events: tuple[Figure, ...]
    counts: tuple[Figure, ...]
    exposure: Figure
    delayed: bool
    day_spread: float
    day_spread_doubt: float
    hour_spread: float
    value_dispersion: float


def _purchases(events: Figure, exposure: Figure, value_dispersion: float = 0.0) -> Measure:
    return Measure((events,), (Figure.CONVERSIONS,), exposure, True, 0.12, 0.05, 0.30, value_dispersion)


def _clicks(exposure: Figure, *also: Figure) -> Measure:
    return Measure((Figure.CLICKS, *also), (Figure.CLICKS, *also), exposure, False, 0.05, 0.006, 0.10, 0.0)


# Order values are taken as log-normal with sigma .9, whose squared coefficient of variation is exp(.81) - 1.
_ORDER_VALUE_DISPERSION = 1.25
_MONEY = _purchases(Figure.REVENUE, Figure.SPEND, _ORDER_VALUE_DISPERSION)

MEASURES: Mapping[Criterion, Measure] = MappingProxyType(
    {
        Criterion.ROAS: _MONEY,
        Criterion.REVENUE: _MONEY,
        Criterion.CPA: _purchases(Figure.CONVERSIONS, Figure.SPEND),
        Criterion.CONVERSIONS: _purchases(Figure.CONVERSIONS, Figure.SPEND),
        Criterion.CVR: _purchases(Figure.CONVERSIONS, Figure.CLICKS),
        Criterion.CTR: _clicks(Figure.IMPRESSIONS),
        Criterion.CPC: _clicks(Figure.SPEND),
        Criterion.ENGAGEMENT: _clicks(Figure.IMPRESSIONS, Figure.ENGAGEMENTS),
    }
)
