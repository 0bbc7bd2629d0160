"""Group-sequential boundaries by alpha spending, and crossing probabilities under a drift.

The standardised score is treated as Brownian motion in information time. Error is spent as alpha * t^2
(Lan & DeMets 1983) and the bounds follow by the recursion of Armitage, McPherson & Rowe (1969), see
Jennison & Turnbull (2000), chapter 19. Only upward crossings count, so each direction's error is bounded
on its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

Array = npt.NDArray[np.float64]

_REACH = 6.0
# Nodes of the quadrature by the closest analyses they serve: the nearer two analyses, the sharper what lies between them.
# With these, bounds are exact to nine digits.
_RESOLUTIONS = ((0.044, 57), (0.02, 97), (0.0, 161))
_MOST_STEPS = 30
_STEEPEST = 10.0
# Newton's method doubles the digits: a step this small leaves an error of about its square.
_SMALL_STEP = 1e-5
# Closer analyses are treated as this far apart: in truth they are more correlated, so crossing is rarer.
_SMALLEST_STEP = 0.01
# The clock is read down to this: less error is spent, never more, and tests polled alike share their bounds.
_CLOCK_TICK = 0.005
# An interim analysis never spends more than the square of this: something must be left for the final one.
_LATEST_INTERIM = 0.98
_ROOT_OF_TWO_PI = (2 * np.pi) ** 0.5


@dataclass(frozen=True)
class AnalysisTime:
    """One analysis: information time and whether it is the last."""

    share: float
    last: bool = False


@dataclass(frozen=True)
class _Stage:
    time: float
    spent: float
    bound: float
    nodes: Array
    mass: Array
    slope: float = 0.0


@dataclass(frozen=True)
class Boundary:
    """The bounds of a test's analyses, one after the other.

    `alpha` is one-sided and is spent as alpha * share^2, all of it at an analysis marked `last`. Shares must not fall.

    Attributes:
        alpha: the whole error.
        steps: information time of each analysis so far, and the error spent by then.
        closest: smallest distance of two analyses.
    """

    alpha: float
    steps: tuple[tuple[float, float], ...] = ()
    closest: float = 1.0

    def after(self, analysis: AnalysisTime) -> "Boundary":
        """Return the boundary with one more analysis."""
        before = self.steps[-1][0] if self.steps else 0.0
        time = max(math.floor(analysis.share / _CLOCK_TICK + 1e-9) * _CLOCK_TICK, before + _SMALLEST_STEP)
        latest = min(time, _LATEST_INTERIM + 1e-4 * len(self.steps))
        spent = self.alpha if analysis.last else self.alpha * latest**2
        closest = min(self.closest, time - before) if self.steps else self.closest
        return Boundary(self.alpha, (*self.steps, (round(time, 6), spent)), closest)

    @property
    def critical(self) -> float:
        """The z value that the latest analysis must exceed."""
        return _critical(self.steps, self.closest)


def critical_value(analyses: Sequence[AnalysisTime], alpha: float) -> float:
    """Return the z value the latest of `interim_analyses` must exceed, see `Boundary`."""
    return reduce(Boundary.after, analyses, Boundary(alpha)).critical


def bound_after(times: Sequence[float], spent: Sequence[float]) -> float:
    """Return the z value to exceed at the last of `times`, `spent` being the one-sided error used up by each.

    Times and errors must rise. For plans that spend their error otherwise than `Boundary`.
    """
    closest = min((later - earlier for earlier, later in pairwise(times)), default=1.0)
    return _critical(tuple(zip(times, spent, strict=True)), closest)


def critical_values(analyses: Sequence[AnalysisTime], alpha: float) -> tuple[float, ...]:
    """Return the bound of every analysis in turn."""
    boundaries = accumulate(analyses, Boundary.after, initial=Boundary(alpha))
    return tuple(each.critical for each in boundaries if each.steps)


def planned_analyses(count: int, first_share: float = 0.0) -> tuple[AnalysisTime, ...]:
    """Return `count` evenly spread analyses without those before `first_share`; the last one is at 1."""
    interim = tuple(AnalysisTime(k / count) for k in range(1, count) if k / count >= first_share)
    return (*interim, AnalysisTime(1.0, last=True))


def crossing_probability(analyses: Sequence[AnalysisTime], bounds: Sequence[float], drift: float) -> float:
    """Return P(some z > its bound), the power, or the error at drift 0.

    z at time t is normal with mean drift * sqrt(t) and variance 1.
    """
    boundary = reduce(Boundary.after, analyses, Boundary(0.5))
    times = [time for time, _ in boundary.steps]
    roots = [bound * time**0.5 for bound, time in zip(bounds, times, strict=True)]
    crossed = float(ndtr(drift * times[0] ** 0.5 - bounds[0]))
    count = _resolution(boundary.closest)
    nodes, mass = _first_mass(_Step(0.0, times[0], roots[0], drift), count)
    for before, time, root in zip(times, times[1:], roots[1:], strict=False):
        step = time - before
        crossed += _tail(nodes + drift * step, mass, root, step)
        nodes, mass = _next_mass((nodes, mass), _Step(before, time, root, drift), count)
    return min(crossed, 1.0)


@dataclass(frozen=True)
class _Step:
    before: float
    time: float
    root: float
    drift: float = 0.0


def _critical(steps: tuple[tuple[float, float], ...], closest: float) -> float:
    stage = _stage(steps, _resolution(closest))
    return float(stage.bound / stage.time**0.5)


def _resolution(closest: float) -> int:
    """Return how many nodes the closest two analyses need."""
    return next(count for least, count in _RESOLUTIONS if closest >= least)


@lru_cache(maxsize=4096)
def _stage(steps: tuple[tuple[float, float], ...], count: int) -> _Stage:
    """Return the state after the last step; every earlier one comes from the cache (pure in its argument)."""
    time, spent = steps[-1]
    if len(steps) == 1:
        root = float(-ndtri(spent)) * time**0.5
        return _Stage(time, spent, root, *_first_mass(_Step(0.0, time, root), count))
    before = _stage(steps[:-1], count)
    root = _solve(before, time, spent - before.spent)
    step = _Step(before.time, time, root)
    nodes, mass = _next_mass((before.nodes, before.mass), step, count)
    slope = (root / time**0.5 - before.bound / before.time**0.5) / (time - before.time)
    return _Stage(time, spent, root, nodes, mass, max(slope, -_STEEPEST))


def _solve(before: _Stage, time: float, increment: float) -> float:
    """Return the root above which `increment` of the mass lies: Newton's method on the log of the tail."""
    sd = (time - before.time) ** 0.5
    nodes, goal = before.nodes / sd, math.log(increment)
    # Bounds of z change little and evenly from analysis to analysis.
    guess = before.bound / before.time**0.5 + before.slope * (time - before.time)
    root = guess * time**0.5 / sd
    for _ in range(_MOST_STEPS):
        distance = nodes - root
        tail = float(before.mass @ ndtr(distance))
        density = float(before.mass @ np.exp(-0.5 * distance * distance)) / _ROOT_OF_TWO_PI
        if not (tail > 0 and density > 0):
            break
        step = (math.log(tail) - goal) * tail / density
        root += step
        if abs(step) < _SMALL_STEP:
            return float(root * sd)
    return _bisect(before, time, increment)


def _bisect(before: _Stage, time: float, increment: float) -> float:
    """Return the same by bracketing, where Newton's method started too far away."""

    def excess(root: float) -> float:
        return _tail(before.nodes, before.mass, root, time - before.time) - increment

    reach = 12.0 * time**0.5
    return float(brentq(excess, -reach, reach, xtol=1e-10))


def _tail(nodes: Array, mass: Array, root: float, step: float) -> float:
    return float(mass @ ndtr((nodes - root) / step**0.5))


@lru_cache(maxsize=len(_RESOLUTIONS))
def _table(count: int) -> tuple[Array, Array]:
    points, weights = np.polynomial.legendre.leggauss(count)
    return points, weights


def _grid(low: float, high: float, count: int) -> tuple[Array, Array]:
    half, (points, weights) = (high - low) / 2, _table(count)
    return low + half * (points + 1), half * weights


def _first_mass(step: _Step, count: int) -> tuple[Array, Array]:
    sd, mean = step.time**0.5, step.drift * step.time
    nodes, weights = _grid(min(mean, step.root) - _REACH * sd, step.root, count)
    return nodes, weights * _density((nodes - mean) / sd) / sd


def _next_mass(before: tuple[Array, Array], step: _Step, count: int) -> tuple[Array, Array]:
    """Carry the not yet stopped mass to the next analysis's grid, below its bound."""
    (nodes, mass), sd = before, (step.time - step.before) ** 0.5
    low = min(step.drift * step.time, step.root) - _REACH * step.time**0.5
    points, weights = _grid(low, step.root, count)
    # One array, worked on in place: this is where most of the time goes.
    kernel = (points / sd)[:, None] - (nodes / sd + step.drift * sd)[None, :]
    np.multiply(kernel, kernel, out=kernel)
    np.multiply(kernel, -0.5, out=kernel)
    np.exp(kernel, out=kernel)
    return points, weights * (kernel @ mass) / (sd * _ROOT_OF_TWO_PI)


def _density(z: Array) -> Array:
    value: Array = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    return value
