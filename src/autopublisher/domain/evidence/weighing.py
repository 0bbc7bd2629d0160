"""All evidence at one look, computed once and then judged by the rules."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.boundaries import LookTime, critical_value
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.dispersion import DayNoise, day_noise
from autopublisher.domain.evidence.interval import RatioInterval, quadratic_of, ratio_interval
from autopublisher.domain.evidence.posterior import Posterior, posterior
from autopublisher.domain.evidence.score import (
    PairScores,
    blocks_at,
    count_by_variant,
    score_pairs,
    spend_by_variant,
)
from autopublisher.domain.evidence.timeline import Timeline

Array = npt.NDArray[np.float64]

# A two-sided error is shared by two directions.
_DIRECTIONS = 2


@dataclass(frozen=True)
class Bounds:
    """Critical values at one look: for naming a winner and for stopping a loser."""

    winner: float
    loser: float


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known at one row about the active variants.

    `active` are positions in the design; matrices and the posterior are indexed by position in `active`.
    """

    design: Design
    row: int
    hour: float
    share: float
    active: tuple[int, ...]
    counts: Array
    spend: Array
    scores: PairScores
    noise: DayNoise
    posterior: Posterior
    bounds: Bounds

    def statistics(self, ratio: float = 1.0) -> Array:
        """Return Z with Z[i, j] testing theta_i / theta_j > ratio; the diagonal is infinite."""
        size = len(self.active)
        upper = np.triu_indices(size, 1)
        matrix = np.full((size, size), np.inf)
        matrix[upper] = self.scores.statistics(self.noise.variance, ratio)
        matrix.T[upper] = -self.scores.statistics(self.noise.variance, 1 / ratio)
        return matrix

    def intervals(self, critical: float) -> tuple[RatioInterval, ...]:
        """Return each pair's repeated interval of first over second."""
        return tuple(
            ratio_interval(quadratic_of(self.scores, pair, self.noise.variance), critical)
            for pair in range(len(self.scores.a))
        )

    @property
    def leader(self) -> int | None:
        """Return the index in `active` most probably best; None while there are no events."""
        if float(self.counts.sum()) <= 0:
            return None
        return int(np.argmax(np.where(self.counts > 0, self.posterior.mean, -np.inf)))


def weigh(
    design: Design, timeline: Timeline, row: int, active: tuple[int, ...], looks: tuple[LookTime, ...]
) -> Evidence:
    """Return the evidence at `row` given the looks so far, this one included."""
    blocks = blocks_at(design, timeline, row)
    scores = score_pairs(design, blocks, active)
    noise = day_noise(design, scores, blocks.only(active))
    chosen = list(active)
    return Evidence(
        design=design,
        row=row,
        hour=float(timeline.hours[row]),
        share=looks[-1].share,
        active=active,
        counts=count_by_variant(timeline, design, row)[chosen],
        spend=spend_by_variant(timeline, row)[chosen],
        scores=scores,
        noise=noise,
        posterior=posterior(blocks.only(active), noise.estimate, design.prior_spread),
        bounds=bounds_at(design, looks),
    )


def bounds_at(design: Design, looks: tuple[LookTime, ...]) -> Bounds:
    """Return the critical values of the latest look.

    A winner must beat every other variant, so no correction for their number is needed (an intersection-union
    test, worst with two tied best). A loser may be beaten by anyone, so that error is divided.
    """
    contrasts = max(_DIRECTIONS, len(design.variants) - 1)
    winner = critical_value(looks, design.alpha / _DIRECTIONS)
    return Bounds(
        winner, critical_value(looks, design.alpha / contrasts) if contrasts > _DIRECTIONS else winner
    )
