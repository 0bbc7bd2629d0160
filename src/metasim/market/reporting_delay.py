"""Reporting delay of purchases: half within the hour, the rest lognormal and bounded."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from metasim.parameters import MarketParameters
from metasim.times import HOUR


def draw_delays(rng: np.random.Generator, count: int, market: MarketParameters) -> NDArray[np.int64]:
    """Draw reporting delays in microseconds.

    Args:
        rng: the generator to draw from.
        count: how many.
        market: median, log standard deviation and limit of the slow part, and the share of the fast one.
    """
    return spread_delays(rng.random(count), rng.random(count), market)


def spread_delays(
    soon: NDArray[np.float64], slow: NDArray[np.float64], market: MarketParameters
) -> NDArray[np.int64]:
    """Return the reporting delays, in microseconds, that two uniform draws each stand for."""
    limit = ndtr(np.log(market.delay_limit_hours / market.delay_median_hours) / market.delay_sigma)
    late = market.delay_median_hours * np.exp(market.delay_sigma * ndtri(np.maximum(slow, 1e-12) * limit))
    hours = np.where(soon < market.immediate_share, slow, late)
    return np.asarray(hours * HOUR, dtype=np.int64)


def reported_share(hours: float, market: MarketParameters) -> float:
    """Return the share of purchases reported within so many hours of the click."""
    if hours <= 0:
        return 0.0
    limit = ndtr(np.log(market.delay_limit_hours / market.delay_median_hours) / market.delay_sigma)
    late = ndtr(np.log(hours / market.delay_median_hours) / market.delay_sigma) / limit
    fast = market.immediate_share
    return float(fast * min(hours, 1.0) + (1 - fast) * min(float(late), 1.0))
