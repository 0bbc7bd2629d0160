"""Spread of the variants' effects, which nobody knows: posteriors over a grid of it, and what past tests say of it.

A point estimate of the spread is never used: it costs nothing in choices, but everything in what is said of gains.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.effects import Part

Array = npt.NDArray[np.float64]

GRID = np.array([0.02, 0.04, 0.07, 0.10, 0.14, 0.20, 0.28, 0.40, 0.56])
"""Standard deviations of log effects between variants that are considered."""

_MEDIAN, _MEDIAN_OF_CLICKS, _DOUBT = 0.15, 0.10, 0.7
_DEFAULT_SHARE, _KEPT = 0.1, 0.97
_SLOPES = np.array([-0.5, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25])
_SLOPE_PRIOR = np.array([0.04, 0.50, 0.11, 0.11, 0.10, 0.10, 0.04])
_NO_SLOPE = 1
_SLOPE_KEPT = 0.9

MOST_DOUBT_OF_SLOPE = 0.20
"""Clicks are used while past tests leave no more than this chance that they say nothing of sales."""


@dataclass(frozen=True, eq=False)
class PastTest:
    """What a finished test of the account leaves: centred log effects with variances, and those of its clicks.

    `age` is how many tests have finished since; `rates` and `clicks` are of shape (variants, 2). `values` is what of `rates`
    lies in the value of an event, with `share_of_values` of the variance between variants; no rows where that is not told.
    """

    age: int
    rates: Array
    clicks: Array
    values: Array = field(default_factory=lambda: np.zeros((0, 2)))
    share_of_values: float = 0.0

    @property
    def parts(self) -> list[Part]:
        """The parts of the effects, that of the rates first, which clicks can say something of."""
        if not len(self.values):
            return [_part(self.rates)]
        return [
            _part(self.rates - self.values, 1 - self.share_of_values),
            _part(self.values, self.share_of_values),
        ]


@dataclass(frozen=True, eq=False)
class Memory:
    """What an account's past tests say: the prior of the spread (grid), that of the clicks', and the slope of clicks.

    `slope` is the one to use, 0 for none; `expected_slope` what the tests show, `useless` the chance that it is not above 0.
    """

    spread: Array
    of_clicks: Array
    slope: float = 0.0
    expected_slope: float = float(_SLOPE_PRIOR @ _SLOPES)
    useless: float = float(_SLOPE_PRIOR[_SLOPES <= 0].sum())


@dataclass(frozen=True, eq=False)
class Mixture:
    """Effects given each spread: weights (grid,), means and variances (grid, variants)."""

    weights: Array
    means: Array
    variances: Array

    @property
    def mean(self) -> Array:
        """The variants' posterior means."""
        return np.asarray(self.weights @ self.means)

    def moved(self, by: Array) -> "Mixture":
        """Return the mixture with something added to every mean, shape (variants,)."""
        return Mixture(self.weights, self.means + by, self.variances)


def default_prior(median: float = _MEDIAN) -> Array:
    """Return the weights of the grid without any past test: log spread ~ N(log median, .7^2)."""
    return _normalised(np.exp(-0.5 * (np.log(GRID / median) / _DOUBT) ** 2))


def given_spread(part: Part) -> tuple[Array, Array, Array]:
    """Return means and variances (grid, variants) and log likelihoods (grid,) of one part.

    The normal hierarchical model with a flat mean (Gelman et al., Bayesian Data Analysis, 5.4) and its restricted
    likelihood (Patterson & Thompson 1971).
    """
    between = part.share * GRID[:, None] ** 2
    precision = 1 / (between + part.variance)
    total = precision.sum(axis=1)
    centre = (precision * part.estimate).sum(axis=1) / total
    gap = part.estimate - centre[:, None]
    keep = between * precision
    likelihood = 0.5 * (np.log(precision).sum(axis=1) - np.log(total) - (precision * gap**2).sum(axis=1))
    return keep * gap, keep * part.variance, likelihood


def mixed(parts: Sequence[Part], prior: Array) -> Mixture:
    """Return the effects, all parts added, over the grid under a prior of its weights."""
    means, variances, likelihoods = zip(*(given_spread(part) for part in parts), strict=True)
    return Mixture(_weighed(prior, sum(likelihoods)), sum(means), sum(variances))


def learned(tests: Sequence[PastTest]) -> Memory:
    """Return what past tests say; without any, the default.

    A robust mixture (Schmidli et al. 2014) of a power prior (Ibrahim & Chen 2000) and a tenth of the default. Clicks count
    only where past tests leave at most one chance in five that they say nothing of sales, and never from the running test.
    """
    default, for_clicks = default_prior(), default_prior(_MEDIAN_OF_CLICKS)
    if not tests:
        return Memory(default, for_clicks)
    clicks = for_clicks
    for test in tests:
        clicks = (
            _weighed(clicks, _KEPT**test.age * given_spread(_part(test.clicks))[2])
            if len(test.clicks)
            else clicks
        )
    joint = np.log(default)[:, None] + np.log(_SLOPE_PRIOR)
    for test in tests:
        joint = joint + _KEPT**test.age * _by_slope(test, clicks)
    chances = _normalised(np.exp(joint - joint.max()))
    by_slope = chances.sum(axis=0)
    expected, useless = float(by_slope @ _SLOPES), float(by_slope[_SLOPES <= 0].sum())
    if useless > MOST_DOUBT_OF_SLOPE:
        spread = _robust(_normalised(chances[:, _NO_SLOPE]), default)
        return Memory(spread, clicks, 0.0, expected, useless)
    return Memory(_robust(chances.sum(axis=1), default), clicks, _SLOPE_KEPT * expected, expected, useless)


def shrunk_clicks(clicks: Array, variance: Array, prior: Array) -> tuple[Array, Array]:
    """Return posterior means and variances (variants,) of log clicks per spend."""
    found = mixed([Part(clicks, variance)], prior)
    spread = found.variances + (found.means - found.mean) ** 2
    return found.mean, np.asarray(found.weights @ spread)


def _by_slope(test: PastTest, prior: Array) -> Array:
    """Return a past test's log likelihood of each spread and slope, shape (grid, slopes); its clicks' noise is taken out."""
    rates, *values = test.parts
    known = sum((given_spread(part)[2] for part in values), np.zeros(len(GRID)))
    if not len(test.clicks):
        return np.repeat((known + given_spread(rates)[2])[:, None], len(_SLOPES), axis=1)
    level, doubt = shrunk_clicks(test.clicks[:, 0], test.clicks[:, 1], prior)
    return np.stack(
        [
            known
            + given_spread(
                Part(rates.estimate - slope * level, rates.variance + slope**2 * doubt, rates.share)
            )[2]
            for slope in _SLOPES
        ],
        axis=1,
    )


def _part(rows: Array, share: float = 1.0) -> Part:
    return Part(rows[:, 0], rows[:, 1], share)


def _robust(weights: Array, default: Array) -> Array:
    return (1 - _DEFAULT_SHARE) * weights + _DEFAULT_SHARE * default


def _weighed(prior: Array, likelihood: Array) -> Array:
    return _normalised(prior * np.exp(likelihood - likelihood.max()))


def _normalised(weights: Array) -> Array:
    return np.asarray(weights / weights.sum())
