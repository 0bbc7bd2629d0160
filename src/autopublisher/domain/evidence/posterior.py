"""Posterior of the variants' log rates: chance of being best and expected loss.

Shown in every verdict; decides only in decide mode. log(R / M) is taken as normal around the true log rate
with variance sum r^2 / R^2 plus the arm-day part, and the rates come from N(mean, prior_spread^2). This
shrinks, and it is not corrected for looking often: it is no proof.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from autopublisher.domain.evidence.blocks import Blocks

Array = npt.NDArray[np.float64]

_NODES = 401
_REACH = 8.0
_T = np.linspace(-_REACH, _REACH, _NODES)
_T_WEIGHTS = np.exp(-0.5 * _T**2) / np.exp(-0.5 * _T**2).sum()
# Half an event is added to every variant so that "none yet" is a rate with a wide error, not minus infinity.
_PSEUDO_EVENTS = 0.5
_NOTHING_KNOWN = 4.0


@dataclass(frozen=True, eq=False)
class Posterior:
    """Per variant: log rate as observed with variance, posterior mean and s.d., P(best), expected loss.

    `loss` is the expected shortfall against the true best in log units, i.e. nearly a share of the rate.
    """

    log_rate: Array
    variance: Array
    mean: Array
    sd: Array
    p_best: Array
    loss: Array


def posterior(blocks: Blocks, day_variance: float, prior_spread: float) -> Posterior:
    """Return the posterior of all variants in `blocks`."""
    log_rate, variance = observed_log_rates(blocks, day_variance)
    precision = 1 / (variance + prior_spread**2)
    centre = float((precision * log_rate).sum() / precision.sum())
    keep = prior_spread**2 / (prior_spread**2 + variance)
    mean = centre + keep * (log_rate - centre)
    sd = np.sqrt(keep * variance)
    p_best, expected_max = best_of(mean, sd)
    return Posterior(log_rate, variance, mean, sd, p_best, np.maximum(expected_max - mean, 0.0))


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
