"""Repeated confidence intervals for a ratio of rates.

All ratios d with |S(d)| <= c sqrt(V(d)): Fieller's quadratic with the sequential critical value, hence valid
at every look together (Jennison & Turnbull 1984).
"""

import math
from dataclasses import dataclass

from autopublisher.domain.evidence.score import PairScores


@dataclass(frozen=True)
class RatioInterval:
    """A range of ratios; `high` is None where the data set no upper limit."""

    low: float
    high: float | None

    def contains(self, ratio: float) -> bool:
        """Return whether the ratio lies in the range."""
        return self.low <= ratio and (self.high is None or ratio <= self.high)

    def inverse(self) -> "RatioInterval":
        """Return the range of the inverse ratio."""
        low = 0.0 if self.high is None else (1 / self.high if self.high > 0 else math.inf)
        return RatioInterval(low if math.isfinite(low) else 0.0, 1 / self.low if self.low > 0 else None)


EVERYTHING = RatioInterval(0.0, None)


@dataclass(frozen=True)
class Quadratic:
    """score(d) = a - d b with variance aa - 2 d ab + d^2 bb."""

    a: float
    b: float
    aa: float
    ab: float
    bb: float


def quadratic_of(scores: PairScores, pair: int, day_variance: float) -> Quadratic:
    """Return one pair's score and variance coefficients."""
    aa, ab, bb = scores.variance_parts(day_variance)
    return Quadratic(
        float(scores.a[pair]), float(scores.b[pair]), float(aa[pair]), float(ab[pair]), float(bb[pair])
    )


def ratio_interval(q: Quadratic, critical: float) -> RatioInterval:
    """Return {d >= 0: (b^2 - c^2 bb) d^2 - 2 (a b - c^2 ab) d + (a^2 - c^2 aa) <= 0}.

    Where that set is not one stretch (too little data) the smallest stretch that holds it is returned.
    """
    if math.isinf(critical):
        return EVERYTHING
    c2 = critical**2
    square, half, constant = q.b**2 - c2 * q.bb, q.a * q.b - c2 * q.ab, q.a**2 - c2 * q.aa
    if q.a <= 0 and q.b <= 0:
        return EVERYTHING
    discriminant = half**2 - square * constant
    if square <= 0:
        return _open_ended(half, constant, discriminant)
    root = math.sqrt(max(discriminant, 0.0))
    return RatioInterval(max((half - root) / square, 0.0), max((half + root) / square, 0.0))


def _open_ended(half: float, constant: float, discriminant: float) -> RatioInterval:
    """Return the range when large ratios cannot be excluded: from where exclusion ends, upward."""
    if constant <= 0 or discriminant <= 0:
        return EVERYTHING
    root = math.sqrt(discriminant)
    # The positive root of a downward parabola that is positive at 0; this form does not divide by square ~ 0.
    denominator = half + root
    return RatioInterval(constant / denominator, None) if denominator > 0 else EVERYTHING
