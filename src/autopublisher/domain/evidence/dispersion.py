"""Arm-day variance: good and bad days of a single variant, which hourly blocks cannot show.

It is estimated from the days themselves, shrunk to a prior by precision, never below half the prior, and
enlarged while few days have been seen. Leaving it out makes a test name false winners as volume grows.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.blocks import Blocks
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.score import PairScores

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


def day_noise(design: Design, scores: PairScores, blocks: Blocks) -> DayNoise:
    """Return the arm-day variance of a set of pairs at a single analysis; `blocks` are those of the pairs' variants."""
    of_one_analysis = PairScores(
        first=scores.first,
        second=scores.second,
        **{name: value[None] for name, value in vars(scores).items() if name not in ("first", "second")},
    )
    return day_noise_of_analyses(design, of_one_analysis, blocks)[0]


def day_noise_of_analyses(design: Design, scores: PairScores, blocks: Blocks) -> tuple[DayNoise, ...]:
    """Return the arm-day variance of a set of pairs at every analysis, prior and data combined.

    raw = sum_d [U_d^2 k/(k-1) - q_d] / sum_d (G^A_d + r^2 G^B_d): a method of moments estimate in which U_d
    is a day's score at the estimated ratio r, q_d the part that hourly noise explains, and G_d the squared
    response of a day's sum to unit day effects.
    """
    days = _effective_days(blocks)
    raw, weight = _pooled_estimate(design, scores)
    prior = design.day_variance
    estimate = np.maximum(prior + weight * (raw - prior), _LEAST_SHARE_OF_PRIOR * prior)
    variance = estimate * (1 + _FEW_DAYS_FACTOR / (days + 1))
    columns = (each.tolist() for each in (variance, estimate, days, weight))
    return tuple(DayNoise(*values) for values in zip(*columns, strict=True))


def _effective_days(blocks: Blocks) -> Array:
    """Return Kish's effective number of days, (sum m)^2 / sum m^2 over the days' matured exposure, by analysis."""
    by_day = blocks.sums(np.einsum("bv,bvd->bd", blocks.matured, blocks.day_shares))
    squares = (by_day**2).sum(axis=1)
    some = squares > 0
    return np.where(some, by_day.sum(axis=1) ** 2 / np.where(some, squares, 1.0), 1.0)


def raw_day_variance(design: Design, scores: PairScores) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    """Return what the days alone say at each analysis: mean over pairs (K - 1 contrasts' worth), its variance, if known."""
    usable = (scores.a > 0) & (scores.b > 0)
    seen = (scores.a_days**2).sum(axis=1) + (scores.b_days**2).sum(axis=1) > 0
    days = seen.sum(axis=1)
    known = (days >= _FEWEST_DAYS) & usable.any(axis=1)
    raw, doubt = _estimates(design.day_variance, scores, usable)
    precision = np.where(usable, 1 / doubt, 0.0)
    total = np.where(known, precision.sum(axis=1), 1.0)
    contrasts = len(set(scores.first.tolist()) | set(scores.second.tolist())) - 1
    return (precision * raw).sum(axis=1) / total, usable.sum(axis=1) / total / contrasts, known


def _pooled_estimate(design: Design, scores: PairScores) -> tuple[Array, Array]:
    """Return each analysis's precision-weighted mean over pairs, and its weight against the prior."""
    raw, spread, known = raw_day_variance(design, scores)
    prior_doubt = design.day_variance_doubt**2
    return raw, np.where(known, prior_doubt / (prior_doubt + spread), 0.0)


def _estimates(prior: float, scores: PairScores, usable: npt.NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return each analysis's and pair's own estimate and its variance."""
    ratio = np.divide(scores.a, scores.b, out=np.ones_like(scores.a), where=usable)[:, :, None]
    score = scores.a_days - ratio * scores.b_days
    # The ratio is estimated from the same days: each day's score lacks its part of the total.
    part = scores.b_days / np.where(usable, scores.b, 1.0)[:, :, None]
    noise = _net(part, scores.noise_of_days, scores.noise_days, scores.noise_days.sum(axis=2, keepdims=True))
    a_gain = _net(part, scores.a_gain, scores.a_shared, (scores.a_days**2).sum(axis=2, keepdims=True))
    b_gain = _net(part, scores.b_gain, scores.b_shared, (scores.b_days**2).sum(axis=2, keepdims=True))
    size = np.maximum(a_gain + ratio**2 * b_gain - scores.gain_in_noise, 0.0)
    total = size.sum(axis=2)
    usable = usable & (total > 0)
    total = np.where(usable, total, 1.0)
    raw = (score**2 - noise).sum(axis=2) / total
    doubt = (2 * (noise + prior * size) ** 2).sum(axis=2) / total**2
    return np.where(usable, raw, 0.0), np.where(usable, np.maximum(doubt, _LEAST_DOUBT), 1.0)


def _net(part: Array, own: Array, shared: Array, total: Array) -> Array:
    """Return the mean square of a day's sum without its part of the total: E (x_d - part_d sum x)^2."""
    net: Array = own - 2 * part * shared + part**2 * total
    return net
