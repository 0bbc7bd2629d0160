"""Posterior of the variants' log rates: chance of being best and expected loss.

Shown in every verdict; decides only in decide mode. It rests on the comparison that the test makes, block by block: a
pair's score at the ratio 1 is taken as normal, S(1) / H with variance V(1) / H^2, H = (A + B) / 2, which is the log
ratio of rates to first order and has the test's own z; the rates come from N(mean, prior_spread^2). This shrinks, and
it is not corrected for looking often: it is no proof.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from autopublisher.domain.evidence.blocks import Blocks
from autopublisher.domain.evidence.score import PairScores

Array = npt.NDArray[np.float64]

_NODES = 401
_REACH = 8.0
_T = np.linspace(-_REACH, _REACH, _NODES)
_T_WEIGHTS = np.exp(-0.5 * _T**2) / np.exp(-0.5 * _T**2).sum()
# Half an event is added to every variant so that "none yet" is a rate with a wide error, not minus infinity.
_PSEUDO_EVENTS = 0.5
_NOTHING_KNOWN = 4.0
_TWO = 2
_LEAST_VARIANCE = 1e-9
# No variant's part of the pairs' variances is taken to be less than this share of an even one.
_LEAST_PART = 0.1


@dataclass(frozen=True, eq=False)
class Posterior:
    """Per variant: log rate as observed with variance, posterior mean and s.d., P(best), expected loss.

    `log_rate` is that of a variant's own total, for its own range; the rest compares within blocks. `loss` is the
    expected shortfall against the true best in log units, i.e. nearly a share of the rate.
    """

    log_rate: Array
    variance: Array
    mean: Array
    sd: Array
    p_best: Array
    loss: Array


def posterior(blocks: Blocks, scores: PairScores, day_variance: float, prior_spread: float) -> Posterior:
    """Return the posterior of all variants in `blocks`, whose pairs in order `scores` are."""
    log_rate, variance = observed_log_rates(blocks, day_variance)
    level, doubt = compared_log_rates(scores, day_variance, len(log_rate))
    precision = 1 / (doubt + prior_spread**2)
    centre = float((precision * level).sum() / precision.sum())
    keep = prior_spread**2 / (prior_spread**2 + doubt)
    mean = centre + keep * (level - centre)
    sd = np.sqrt(keep * doubt)
    p_best, expected_max = best_of(mean, sd)
    return Posterior(log_rate, variance, mean, sd, p_best, np.maximum(expected_max - mean, 0.0))


def compared_log_rates(scores: PairScores, day_variance: float, size: int) -> tuple[Array, Array]:
    """Return log rates up to a common constant from all pairs' comparisons, and the variance each contributes.

    The levels are least squares over the pairs' log ratios, weighted by precision; the variances are those whose sums
    are nearest to the pairs'. Two variants share their variance evenly.
    """
    gap, variance = log_ratios(scores, day_variance)
    pairs = np.triu_indices(size, 1)
    gaps, precision, doubts = (np.zeros((size, size)) for _ in range(3))
    gaps[pairs], gaps.T[pairs] = gap, -gap
    doubts[pairs] = doubts.T[pairs] = variance
    precision[pairs] = precision.T[pairs] = variance.min() / variance
    laplacian = np.diag(precision.sum(axis=1)) - precision
    level = np.linalg.pinv(laplacian, hermitian=True) @ (precision * gaps).sum(axis=1)
    if size == _TWO:
        return level, np.full(size, variance[0] / 2)
    total = float(variance.sum()) / (size - 1)
    own = (doubts.sum(axis=1) - total) / (size - _TWO)
    return level, np.maximum(own, _LEAST_PART * total / size)


def log_ratios(scores: PairScores, day_variance: float) -> tuple[Array, Array]:
    """Return each pair's log ratio of rates with its variance: S(1) / H and V(1) / H^2; wide where nothing happened."""
    size = (np.maximum(scores.a, 0.0) + np.maximum(scores.b, 0.0)) / 2
    aa, ab, bb = scores.variance_parts(day_variance)
    known = size > 0
    half = np.where(known, size, 1.0)
    gap = np.where(known, (scores.a - scores.b) / half, 0.0)
    variance = np.where(known, np.maximum(aa - 2 * ab + bb, 0.0) / half**2, 2 * _NOTHING_KNOWN)
    return gap, np.maximum(variance, _LEAST_VARIANCE)


def observed_log_rates(blocks: Blocks, day_variance: float) -> tuple[Array, Array]:
    """Return log(events / matured exposure) and its variance for each variant."""
    events, counts, matured = blocks.events.sum(axis=0), blocks.counts.sum(axis=0), blocks.matured.sum(axis=0)
    unit = max(float(events.sum()), 0.0) / max(float(counts.sum()), 1.0)
    if unit <= 0 or float(matured.sum()) <= 0:
        return np.zeros_like(events), np.full_like(events, _NOTHING_KNOWN)
    total = np.maximum(events, 0.0) + _PSEUDO_EVENTS * unit
    rate_unit = float(events.sum()) / float(matured.sum())
    exposure = matured + _PSEUDO_EVENTS * unit / rate_unit
    days = np.einsum("bv,bvd->vd", blocks.events, blocks.day_shares)
    squares = (blocks.events**2).sum(axis=0) + _PSEUDO_EVENTS * unit**2
    variance = (squares + day_variance * (days**2).sum(axis=1)) / total**2
    return np.log(total / exposure), variance


def best_of(mean: Array, sd: Array) -> tuple[Array, float]:
    """Return P(each is the largest) and E[largest] of independent normals, by quadrature around each mean."""
    points = mean[:, None] + sd[:, None] * _T
    below = ndtr((points[:, :, None] - mean) / sd)
    own = np.arange(len(mean))
    below[own, :, own] = 1.0
    largest = _T_WEIGHTS * below.prod(axis=2)
    p_best = largest.sum(axis=1)
    share = float(p_best.sum())
    return p_best / share, float((largest * points).sum() / share)
