"""The arm-day variance: a variant has good and bad days of its own that hourly blocks cannot show.

It is estimated from the days themselves, shrunk to a prior by precision, never below half the prior, and
enlarged while few days have been seen. Leaving it out makes a test name false winners as volume grows.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.score import Blocks, PairScores

Array = npt.NDArray[np.float64]

_LEAST_SHARE_OF_PRIOR = 0.5
_FEW_DAYS_FACTOR = 4.0
_FEWEST_DAYS = 2
_LEAST_DOUBT = 1e-12


@dataclass(frozen=True)
class DayNoise:
    """The arm-day variance in use.

    Attributes:
        variance: the value that enters the score's variance (dimensionless, of the log rate).
        estimate: the value before the small-number-of-days factor.
        days: effective number of days.
        from_data: weight of the data against the prior, 0 to 1.
    """

    variance: float
    estimate: float
    days: float
    from_data: float


def effective_days(blocks: Blocks) -> float:
    """Return Kish's effective number of days, (sum m)^2 / sum m^2 over the days' matured exposure."""
    by_day = (blocks.matured[:, :, None] * blocks.day_shares).sum(axis=(0, 1))
    squares = float((by_day**2).sum())
    return float(by_day.sum()) ** 2 / squares if squares > 0 else 1.0


def day_noise(design: Design, scores: PairScores, blocks: Blocks) -> DayNoise:
    """Return the arm-day variance of a set of pairs, prior and data combined.

    raw = sum_d [U_d^2 k/(k-1) - q_d] / sum_d (G^A_d + r^2 G^B_d): a method of moments estimate in which U_d
    is a day's score at the estimated ratio r, q_d the part that hourly noise explains, and G_d the squared
    response of a day's sum to unit day effects.
    """
    days = effective_days(blocks)
    raw, doubt = _pooled_estimate(design, scores)
    prior, prior_doubt = design.day_variance, design.day_variance_doubt
    weight = 0.0 if doubt is None else prior_doubt**2 / (prior_doubt**2 + doubt)
    estimate = max(prior + weight * (raw - prior), _LEAST_SHARE_OF_PRIOR * prior)
    factor = 1 + _FEW_DAYS_FACTOR / (days + 1)
    return DayNoise(variance=estimate * factor, estimate=estimate, days=days, from_data=weight)


def _pooled_estimate(design: Design, scores: PairScores) -> tuple[float, float | None]:
    """Return the pairs' precision-weighted mean estimate and its variance (K - 1 contrasts' worth)."""
    usable = (scores.a > 0) & (scores.b > 0)
    days = int(((scores.a_days**2).sum(axis=0) + (scores.b_days**2).sum(axis=0) > 0).sum())
    if days < _FEWEST_DAYS or not usable.any():
        return 0.0, None
    raw, doubt = _estimates(design.day_variance, scores, usable, days)
    precision = 1 / doubt
    contrasts = len(set(scores.first.tolist()) | set(scores.second.tolist())) - 1
    pooled = float((precision * raw).sum() / precision.sum())
    return pooled, float(len(raw) / precision.sum() / contrasts)


def _estimates(
    prior: float, scores: PairScores, usable: npt.NDArray[np.bool_], days: int
) -> tuple[Array, Array]:
    a_days, b_days, noise = scores.a_days[usable], scores.b_days[usable], scores.noise_of_days[usable]
    ratio = (scores.a[usable] / scores.b[usable])[:, None]
    size = scores.a_gain[usable] + ratio**2 * scores.b_gain[usable]
    score = a_days - ratio * b_days
    raw = (score**2 * days / (days - 1) - noise).sum(axis=1) / size.sum(axis=1)
    doubt = (2 * (noise + prior * size) ** 2).sum(axis=1) / size.sum(axis=1) ** 2
    return raw, np.maximum(doubt, _LEAST_DOUBT)
