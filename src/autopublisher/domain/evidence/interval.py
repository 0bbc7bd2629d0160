"""Repeated confidence intervals for a ratio of rates.

All ratios d with |S(d)| <= c sqrt(V(d)): Fieller's quadratic with the sequential critical value, hence valid
at every analysis together (Jennison & Turnbull 1984).
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

    def beyond_one(self, *, above: bool, below: bool) -> "RatioInterval":
        """Return what of the range lies above, or below, 1; all of it where nothing would be left."""
        if above and (self.high is None or self.high > 1):
            return RatioInterval(max(self.low, _JUST_ABOVE_ONE), self.high)
        if below and self.low < 1:
            least = 1 / _JUST_ABOVE_ONE
            return RatioInterval(self.low, least if self.high is None else min(self.high, least))
        return self

    def inverse(self) -> "RatioInterval":
        """Return the range of the inverse ratio."""
        low = 0.0 if self.high is None else (1 / self.high if self.high > 0 else math.inf)
        return RatioInterval(low if math.isfinite(low) else 0.0, 1 / self.low if self.low > 0 else None)


_JUST_ABOVE_ONE = 1 + 1e-9

EVERYTHING = RatioInterval(0.0, None)


@dataclass(frozen=True)
class Quadratic:
    """score(d) = a - d b with variance aa - 2 d ab + d^2 bb."""

    a: float
    b: float
    aa: float
    ab: float
    bb: float

    def swapped(self) -> "Quadratic":
        """Return the same with the variants exchanged: the score's sign turns."""
        return Quadratic(self.b, self.a, self.bb, self.ab, self.aa)


def quadratic_of(scores: PairScores, pair: int, day_variance: float) -> Quadratic:
    """Return one pair's score and variance coefficients."""
    aa, ab, bb = scores.variance_parts(day_variance)
    return Quadratic(
        float(scores.a[pair]), float(scores.b[pair]), float(aa[pair]), float(ab[pair]), float(bb[pair])
    )


def ratio_interval(q: Quadratic, critical: float) -> RatioInterval:
    """Return {d >= 0: (b^2 - c^2 bb) d^2 - 2 (a b - c^2 ab) d + (a^2 - c^2 aa) <= 0}.

    Where that set is not one stretch (too little data) the smallest stretch that holds it is returned, but never one
    with the ratio 1 where the test rejects it: what lies beyond 1 is rejected all the more.
    """
    if math.isinf(critical) or (q.a <= 0 and q.b <= 0):
        return EVERYTHING
    square, half, constant = _coefficients(q, critical)
    if square - 2 * half + constant > 0:
        return _beyond_one(q, critical) if q.a > q.b else _beyond_one(q.swapped(), critical).inverse()
    discriminant = half**2 - square * constant
    if square <= 0:
        return _open_ended(half, constant, discriminant)
    root = math.sqrt(max(discriminant, 0.0))
    return RatioInterval(max((half - root) / square, 0.0), max((half + root) / square, 0.0))


def _coefficients(q: Quadratic, critical: float) -> tuple[float, float, float]:
    """Return square, half and constant of square d^2 - 2 half d + constant <= 0."""
    c2 = critical**2
    return q.b**2 - c2 * q.bb, q.a * q.b - c2 * q.ab, q.a**2 - c2 * q.aa


def _beyond_one(q: Quadratic, critical: float) -> RatioInterval:
    """Return the range of a ratio shown to be above 1: from where the test no longer rejects, upward."""
    if q.b <= 0:
        return RatioInterval(max(_without_events(q, critical), _JUST_ABOVE_ONE), None)
    square, half, constant = _coefficients(q, critical)
    root = math.sqrt(max(half**2 - square * constant, 0.0))
    if square > 0:
        return RatioInterval(max((half - root) / square, _JUST_ABOVE_ONE), (half + root) / square)
    # The larger root of a downward parabola; each form where it subtracts nothing of its own size.
    low = constant / (half + root) if half > 0 else (half - root) / square
    return RatioInterval(max(low, _JUST_ABOVE_ONE), None)


def _without_events(q: Quadratic, critical: float) -> float:
    """Return the lower end where the other variant has no events, whose variance nothing then shows.

    At the ratio d it would have had A / d events, with a variance in proportion to them: (A / d) / A times that of A.
    So z(d) = z(1) / sqrt(d), which meets the critical value at (z(1) / c)^2.
    """
    variance = q.aa - 2 * q.ab + q.bb
    return q.a**2 / variance / critical**2 if variance > 0 else 1.0


def _open_ended(half: float, constant: float, discriminant: float) -> RatioInterval:
    """Return the range when large ratios cannot be excluded: from where exclusion ends, upward."""
    if constant <= 0 or discriminant <= 0:
        return EVERYTHING
    root = math.sqrt(discriminant)
    # The positive root of a downward parabola that is positive at 0; this form does not divide by square ~ 0.
    denominator = half + root
    return RatioInterval(constant / denominator, None) if denominator > 0 else EVERYTHING
