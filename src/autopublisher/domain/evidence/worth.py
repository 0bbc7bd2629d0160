"""Worth of what could be done with the rest of a test's budget: publish the leader, keep all, or test on.

Worth is in shares of what the whole budget would earn at the variants' common rate. Testing on is worth what better
knowledge of the best variant is worth on what is left (value of information with a horizon, Raiffa & Schlaifer 1961);
pieces of several sizes are looked at, because a single step can look worthless (Frazier & Powell 2010).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from autopublisher.domain.evidence.effects import Part, Totals, noise_over
from autopublisher.domain.evidence.largest import largest_of
from autopublisher.domain.evidence.spread import GRID, Mixture

Array = npt.NDArray[np.float64]

PIECES = (0.05, 0.10, 0.20, 0.30, 0.45, 0.65)
"""Look-ahead pieces, as shares of the whole budget."""

_MOST_OF_THE_REST = 0.95
_PSEUDO_EVENTS = 0.5
_LEAST_DEVIATION = 1e-12
_TWO = 2


@dataclass(frozen=True)
class Publishing:
    """What publishing costs: the budget times `scaling_factor`, with returns that fall with it, and learning anew.

    Revenue grows with budget to the power `elasticity`; for `learning_days` the campaign earns `learning_efficiency` of it.
    """

    scaling_factor: float
    elasticity: float = 0.9
    learning_days: float = 2.0
    learning_efficiency: float = 0.8

    def efficiency(self, left: float, variants: int, days: float) -> float:
        """Return what a euro of the share `left` earns against one spent in place; `days` is what the whole budget lasts.

        f^(eps - 1) (1 - (1 - q) min(1, d f / (l K D))).
        """
        learning = self.learning_days * self.scaling_factor / (left * variants * days)
        lost = (1 - self.learning_efficiency) * min(1.0, learning)
        return float(self.scaling_factor ** (self.elasticity - 1) * (1 - lost))


@dataclass(frozen=True)
class Budget:
    """The whole budget in major units, the share of it that is left, how many days all of it lasts, and over how many."""

    total: float
    left: float
    days: float
    variants: int
    publishing: Publishing | None = None

    def efficiency(self, left: float) -> float:
        """Return what publishing a share of the budget earns against leaving it where it is; 1 for a hand-over in place."""
        return 1.0 if self.publishing is None else self.publishing.efficiency(left, self.variants, self.days)


@dataclass(frozen=True)
class Worth:
    """What each way is worth; `test_on` is that of the best piece, None where nothing is left to test."""

    publish: float
    keep: float
    test_on: float | None


def worth_of(budget: Budget, totals: Totals, parts: Sequence[Part], effects: Mixture) -> Worth:
    """Return the worth of every way at one look; the first of ``parts`` is that of the rates."""
    mean = effects.mean
    best, average = float(np.exp(mean.max())), float(np.exp(mean).mean())
    publish = budget.left * budget.efficiency(budget.left) * best
    pieces = sorted({min(piece, _MOST_OF_THE_REST * budget.left) for piece in PIECES})
    tested = [
        piece * average
        + max(
            (budget.left - piece)
            * budget.efficiency(budget.left - piece)
            * best
            * (1 + gain_of(piece, budget, totals, parts, effects)),
            (budget.left - piece) * average,
        )
        for piece in pieces
        if piece > 0
    ]
    return Worth(publish, budget.left * average, max(tested, default=None))


def gain_of(piece: float, budget: Budget, totals: Totals, parts: Sequence[Part], effects: Mixture) -> float:
    """Return by how much the best posterior mean is expected to exceed the leader's after a piece more, in log units."""
    moves = deviations(piece, budget, totals, parts)
    if len(totals.counts) == _TWO:
        spread = np.maximum(np.sqrt((moves**2).sum(axis=1)), _LEAST_DEVIATION)
        apart = np.abs(effects.means[:, 0] - effects.means[:, 1]) / spread
        density = np.exp(-0.5 * apart**2) / np.sqrt(2 * np.pi)
        return float(effects.weights @ (spread * (density - apart * ndtr(-apart))))
    mean = effects.mean
    spread = np.maximum(np.sqrt(effects.weights @ moves**2), _LEAST_DEVIATION)
    _, largest = largest_of(mean[None], spread[None])
    return max(float(largest[0] - mean.max()), 0.0)


def deviations(piece: float, budget: Budget, totals: Totals, parts: Sequence[Part]) -> Array:
    """Return the standard deviation of each posterior mean's change after a piece more, shape (grid, variants)."""
    rates = parts[0]
    more = _events_for(piece * budget.total, totals) / len(totals.counts)
    known = 1 / np.maximum(rates.variance - totals.noise, _LEAST_DEVIATION)
    after = 1 / (known + more) + noise_over(
        totals.days + piece * budget.days, totals.day_spread, totals.hour_spread
    )
    squares = _square(rates, after)
    for values in parts[1:]:
        squares = squares + _square(values, 1 / (1 / values.variance + more / values.per_event))
    return np.asarray(np.sqrt(squares))


def _events_for(money: float, totals: Totals) -> float:
    """Return how many events so much money more is expected to bring, at what exposure has cost and brought so far."""
    exposure = money * float(totals.bought.sum()) / float(totals.spend.sum())
    return exposure * (float(totals.counts.sum()) + _PSEUDO_EVENTS) / float(totals.matured.sum())


def _square(part: Part, after: Array) -> Array:
    between = part.share * GRID[:, None] ** 2
    return np.maximum(between**2 * (1 / (between + after) - 1 / (between + part.variance)), 0.0)
