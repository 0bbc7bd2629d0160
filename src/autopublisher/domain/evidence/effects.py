"""Effects of the variants as a money look sees them: log rates and log basket values with their variances.

One look needs totals alone, so its cost does not grow with the polls behind it. Rates are events per matured exposure; where
the criterion is money, what an event is worth is a part of its own, for it varies less between variants than the rate.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.criteria import Criterion, Figure
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.timeline import Timeline

Array = npt.NDArray[np.float64]

SHARE_OF_VALUES_ALIKE, SHARE_OF_VALUES = 0.16, 0.5
"""What part of the effects' variance is that of baskets: for the same offer, and for different ones (an assumption)."""

UNKNOWN_VARIANCE = 1e6
_CLICK_DAY_SPREAD, _CLICK_HOUR_SPREAD = 0.04, 0.10
_PSEUDO_CLICKS = 0.5
_WORKING_SPREAD = 0.2
_NEWTON_STEPS, _LONGEST_STEP = 8, 1.0
_HOURS = 24.0


@dataclass(frozen=True, eq=False)
class Totals:
    """What a look rests on, each of shape (variants,): events, what they are worth, clicks, spend, exposure.

    `bought` is all exposure, `matured` what of it can have been reported, and `days` Kish's effective number of its days,
    whose effects have the standard deviation `day_spread`, those of hours `hour_spread`.
    """

    counts: Array
    values: Array
    clicks: Array
    spend: Array
    bought: Array
    matured: Array
    days: Array
    day_spread: float
    hour_spread: float

    @property
    def noise(self) -> Array:
        """The variance that days and hours add to each log rate: (w_d^2 + w_h^2 / 24) / days."""
        return noise_over(self.days, self.day_spread, self.hour_spread)

    @property
    def rate(self) -> float:
        """Events per matured exposure of all variants together."""
        return _ratio(float(self.counts.sum()), float(self.matured.sum()))


@dataclass(frozen=True, eq=False)
class Part:
    """One part of the variants' log effects: estimates with their variances, shape (variants,).

    `share` is the part of the variance between variants that lies here, `per_event` the variance of a single event's value.
    """

    estimate: Array
    variance: Array
    share: float = 1.0
    per_event: float = 1.0


def noise_over(days: Array, day_spread: float, hour_spread: float) -> Array:
    """Return what day and hour effects add to the variance of a log rate over so many effective days."""
    return np.asarray((day_spread**2 + hour_spread**2 / _HOURS) / np.maximum(days, 1 / _HOURS))


def totals_at(
    design: Design, timeline: Timeline, row: int, active: tuple[int, ...], day_spread: float | None = None
) -> Totals:
    """Return the totals of the active variants at a row; `day_spread` None takes the criterion's."""
    chosen, measure = list(active), design.measure
    by_day = timeline.matured[row][chosen]
    matured, squares = by_day.sum(axis=1), (by_day**2).sum(axis=1)
    return Totals(
        counts=timeline.summed(measure.counts)[row][chosen],
        values=np.maximum(timeline.summed(measure.events)[row][chosen], 0.0),
        clicks=timeline.column(Figure.CLICKS)[row][chosen],
        spend=timeline.column(Figure.SPEND)[row][chosen],
        bought=timeline.column(measure.exposure)[row][chosen],
        matured=matured,
        days=np.divide(matured**2, squares, out=np.zeros_like(matured), where=squares > 0),
        day_spread=measure.day_spread if day_spread is None else day_spread,
        hour_spread=measure.hour_spread,
    )


def parts_of(design: Design, totals: Totals, dispersion: float | None = None) -> list[Part]:
    """Return the parts of the log effects by the design's criterion, the rates first.

    `dispersion` is the squared coefficient of variation of one event's value, where it is known; None: the criterion's.
    """
    if design.criterion not in {Criterion.ROAS, Criterion.REVENUE}:
        return [rate_part(totals, 1.0)]
    share = SHARE_OF_VALUES_ALIKE if design.same_offer else SHARE_OF_VALUES
    own = design.measure.value_dispersion if dispersion is None else dispersion
    return [rate_part(totals, 1 - share), value_part(totals, own, share)]


def click_levels(totals: Totals) -> tuple[Array, Array]:
    """Return the log clicks per spend relative to the common rate, with half a click more, and their variances."""
    rate = _ratio(float(totals.clicks.sum()), float(totals.spend.sum()))
    level = np.log((totals.clicks + _PSEUDO_CLICKS) / (totals.spend * rate + _PSEUDO_CLICKS))
    noise = noise_over(totals.days, _CLICK_DAY_SPREAD, _CLICK_HOUR_SPREAD)
    return level, 1 / (totals.clicks + _PSEUDO_CLICKS) + noise


def rate_part(totals: Totals, share: float) -> Part:
    """Return the log rates relative to the common one.

    The mode of a Poisson log-normal by Newton's method and the working response there (iteratively reweighted least
    squares, McCullagh & Nelder 1989): n - e exp(z) - z / (.2^2 + w^2) = 0, estimate z + (n - l) / l, variance 1 / l + w^2
    with l = e exp(z). No event is an ordinary observation; where nothing has been seen at all the variance is 10^6.
    """
    expected, noise = totals.matured * totals.rate, totals.noise
    known = expected > 0
    safe = np.where(known, expected, 1.0)
    penalty = 1 / (_WORKING_SPREAD**2 + noise)
    mode = np.zeros_like(safe)
    for _ in range(_NEWTON_STEPS):
        mean = safe * np.exp(mode)
        step = (totals.counts - mean - mode * penalty) / (mean + penalty)
        mode = mode + np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
    mean = safe * np.exp(mode)
    estimate = np.where(known, mode + (totals.counts - mean) / mean, 0.0)
    return Part(estimate, np.where(known, 1 / mean + noise, UNKNOWN_VARIANCE), share)


def value_part(totals: Totals, dispersion: float, share: float) -> Part:
    """Return the log values of an event relative to the common one, an average event added to each variant.

    `dispersion` is the squared coefficient of variation of one event's value.
    """
    unit = _ratio(float(totals.values.sum()), float(totals.counts.sum()))
    if unit <= 0:
        none = np.zeros_like(totals.values)
        return Part(none, none + UNKNOWN_VARIANCE, share, dispersion)
    estimate = np.log((totals.values + unit) / ((totals.counts + 1) * unit))
    return Part(estimate, dispersion / (totals.counts + 1), share, dispersion)


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else 0.0
