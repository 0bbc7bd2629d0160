"""Reporting delay of purchases, and the exposure that has matured by a given age.

Purchases seen so far must be set against the part of the exposure whose purchases could have been seen so
far; otherwise a variant that spent late looks bad.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Array = npt.NDArray[np.float64]


class Delay(Protocol):
    """A distribution of reporting delays; equal ones have equal hashes."""

    def __hash__(self) -> int: ...

    @property
    def longest_hours(self) -> float:
        """Return the age at which everything has been reported."""

    def integrated(self, age_hours: Array) -> Array:
        """Return the integral of the distribution function from 0 to `age_hours` (hours); zero for negative ages."""


@dataclass(frozen=True)
class ReportingDelay:
    """A part reported at once, the rest log-normally late and never later than `longest_hours`."""

    at_once: float = 0.5
    median_hours: float = 10.0
    sigma: float = 1.5
    longest_hours: float = 168.0

    def share_reported(self, age_hours: Array) -> Array:
        """Return F(age), the probability that an event of this age has been reported."""
        age = np.minimum(np.asarray(age_hours, dtype=np.float64), self.longest_hours)
        late = self._lognormal(age) / self._lognormal(np.array(self.longest_hours))
        return np.where(age < 0, 0.0, self.at_once + (1 - self.at_once) * late)

    def integrated(self, age_hours: Array) -> Array:
        """Return the integral of F from 0 to `age_hours` (hours); zero for negative ages.

        The log-normal's integrated distribution is u Phi(z) - exp(mu + sigma^2/2) Phi(z - sigma), the lower
        partial expectation subtracted from u F(u).
        """
        age = np.maximum(np.asarray(age_hours, dtype=np.float64), 0.0)
        inside = np.minimum(age, self.longest_hours)
        z = self._standardised(inside)
        mean = self.median_hours * np.exp(self.sigma**2 / 2)
        late = (inside * ndtr(z) - mean * ndtr(z - self.sigma)) / self._lognormal(
            np.array(self.longest_hours)
        )
        total: Array = self.at_once * inside + (1 - self.at_once) * late + (age - inside)
        return total

    def _standardised(self, age: Array) -> Array:
        z: Array = np.log(np.maximum(age, 1e-12) / self.median_hours) / self.sigma
        return z

    def _lognormal(self, age: Array) -> Array:
        share: Array = ndtr(self._standardised(np.maximum(age, 1e-12)))
        return share


def matured_weights(bounds: Array, delay: Delay | None, at: Array | None = None) -> Array:
    """Return W with W[s, b] = share of block b's exposure that has matured at the hour at[s].

    `bounds` are increasing block boundaries, block b lying between bounds[b] and bounds[b + 1] with its exposure
    spread evenly; `at` are increasing hours, None for the boundaries themselves. Before its end a block counts nothing;
    without a delay it matures with its end. Shape (hours, blocks).
    """
    hours = bounds if at is None else at
    ended = hours[:, None] >= bounds[None, 1:]
    if delay is None:
        return ended.astype(np.float64)
    reported = _integrated(hours[:, None] - bounds, delay)
    weights: Array = (reported[:, :-1] - reported[:, 1:]) / np.diff(bounds)
    return np.where(ended, np.minimum(weights, 1.0), 0.0)


def _integrated(ages: Array, delay: Delay) -> Array:
    """Return the integrated delay at ages in hours; past the longest delay it grows hour by hour."""
    inside = (ages > 0) & (ages < delay.longest_hours)
    late = float(delay.integrated(np.array(delay.longest_hours))) - delay.longest_hours
    reported = np.where(ages >= delay.longest_hours, ages + late, 0.0)
    reported[inside] = delay.integrated(ages[inside])
    return reported


@lru_cache(maxsize=256)
def weights_of(bounds: bytes, delay: Delay | None, at: bytes) -> Array:
    """Return `matured_weights` for hours given as bytes: days that are polled alike share one matrix."""
    weights = matured_weights(np.frombuffer(bounds), delay, np.frombuffer(at))
    weights.flags.writeable = False
    return weights
