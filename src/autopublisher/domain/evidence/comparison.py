"""Comparison of the variants at one interim analysis, or at several in one pass: the evidence that the rules decide on."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Self

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.blocks import Blocks, blocks_of_analyses
from autopublisher.domain.evidence.boundaries import AnalysisTime, Boundary
from autopublisher.domain.evidence.cohorts import with_cohort_days
from autopublisher.domain.evidence.confidence_sequence import MixtureBoundary
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.dispersion import DayNoise, day_noise_of_analyses
from autopublisher.domain.evidence.interval import RatioInterval, quadratic_of, ratio_interval
from autopublisher.domain.evidence.posterior import Posterior, posterior
from autopublisher.domain.evidence.score import PairScores, count_by_variant, score_analyses, spend_by_variant
from autopublisher.domain.evidence.timeline import Timeline

Array = npt.NDArray[np.float64]

# A two-sided error is shared by two directions.
_DIRECTIONS = 2


@dataclass(frozen=True, eq=False)
class PairBounds:
    """Critical values of each pair of active variants, and what was shown at earlier analyses; see `pair_boundaries`.

    `won[i, j]` says that i has exceeded the winner's bound against j before, `lost` the same at the losers' bound.
    """

    winner: Array
    loser: Array
    won: npt.NDArray[np.bool_]
    lost: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Bounds:
    """Critical values at one analysis: for naming a winner and for stopping a loser.

    Where each pair has a clock of its own, `pairs` holds theirs, and the values here are the largest of them.
    """

    winner: float
    loser: float
    pairs: PairBounds | None = None


@dataclass(frozen=True)
class Boundaries:
    """The stopping boundaries of a test, as far as analyses have been taken.

    A winner must beat every other variant, so no correction for their number is needed (an intersection-union
    test, worst with two tied best). A loser may be beaten by anyone, so that error is divided.
    """

    winner: Boundary | MixtureBoundary
    loser: Boundary | MixtureBoundary

    @classmethod
    def of(cls, design: Design) -> Self:
        """Return the boundaries before the first analysis."""
        contrasts = max(_DIRECTIONS, len(design.variants) - 1)
        kind = MixtureBoundary if design.open_ended else Boundary
        return cls(kind(design.alpha / _DIRECTIONS), kind(design.alpha / contrasts))

    def after(self, analysis: AnalysisTime) -> "Boundaries":
        """Return the boundaries with one more analysis."""
        winner = self.winner.after(analysis)
        return Boundaries(winner, winner if self.loser == self.winner else self.loser.after(analysis))

    @property
    def bounds(self) -> Bounds:
        """The critical values of the latest analysis."""
        winner = self.winner.critical
        return Bounds(winner, winner if self.loser is self.winner else self.loser.critical)


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
    blocks: Blocks
    bounds: Bounds

    @cached_property
    def posterior(self) -> Posterior:
        """The active variants' posterior."""
        return posterior(self.blocks, self.scores, self.noise.estimate, self.design.prior_spread)

    def statistics(self, ratio: float = 1.0) -> Array:
        """Return Z with Z[i, j] testing theta_i / theta_j > ratio; the diagonal is infinite."""
        size = len(self.active)
        upper = (self._place(self.scores.first), self._place(self.scores.second))
        matrix = np.full((size, size), np.inf)
        matrix[upper] = self.scores.statistics(self.noise.variance, ratio)
        matrix.T[upper] = -self.scores.statistics(self.noise.variance, 1 / ratio)
        return matrix

    def _place(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return where design positions stand among the active ones, which are in rising order."""
        return np.searchsorted(self.active, positions)

    def intervals(self) -> tuple[RatioInterval, ...]:
        """Return each pair's repeated interval of first over second, at the winner's bound.

        What a pair has shown at an earlier analysis of its own clock holds: its range stays on that side of 1.
        """
        found = tuple(
            ratio_interval(quadratic_of(self.scores, pair, self.noise.variance), critical)
            for pair, critical in enumerate(self._criticals())
        )
        if self.bounds.pairs is None:
            return found
        won, (first, second) = self.bounds.pairs.won, np.triu_indices(len(self.active), 1)
        return tuple(
            each.beyond_one(above=bool(above and not below), below=bool(below and not above))
            for each, above, below in zip(found, won[first, second], won[second, first], strict=True)
        )

    def _criticals(self) -> list[float]:
        if self.bounds.pairs is None:
            return [self.bounds.winner] * len(self.scores.a)
        criticals: list[float] = self.bounds.pairs.winner[np.triu_indices(len(self.active), 1)].tolist()
        return criticals

    @cached_property
    def leader(self) -> int | None:
        """Return the index in `active` most probably best; None while there are no events."""
        if float(self.counts.sum()) <= 0:
            return None
        return int(np.argmax(np.where(self.counts > 0, self.posterior.mean, -np.inf)))


@dataclass(frozen=True, eq=False)
class EvidenceSeries:
    """Scores and day noise of the same variants at several rows, worked out together."""

    design: Design
    timeline: Timeline
    active: tuple[int, ...]
    rows: tuple[int, ...]
    blocks: Blocks
    scores: PairScores
    noise: tuple[DayNoise, ...]

    def evidence(self, position: int, share: float, bounds: Bounds) -> Evidence:
        """Return all evidence at one of the rows, at which the clock stands at `share`."""
        row, chosen = self.rows[position], list(self.active)
        return Evidence(
            design=self.design,
            row=row,
            hour=float(self.timeline.hours[row]),
            share=share,
            active=self.active,
            counts=count_by_variant(self.timeline, self.design, row)[chosen],
            spend=spend_by_variant(self.timeline, row)[chosen],
            scores=self.scores.at(position),
            noise=self.noise[position],
            blocks=self.blocks.at(position),
            bounds=bounds,
        )

    def may_decide(self, position: int, bounds: Bounds) -> bool:
        """Return whether a rule on ranges and bounds can apply at this analysis: most analyses of most tests are quiet."""
        least = min(bounds.winner, bounds.loser)
        return self._largest[position] > least or self._alike[position] >= _NEARLY * bounds.winner

    @cached_property
    def _day_variance(self) -> Array:
        return np.array([[each.variance] for each in self.noise])

    @cached_property
    def _largest(self) -> list[float]:
        """The largest statistic of any pair, by analysis."""
        largest: list[float] = np.abs(self.scores.statistics(self._day_variance)).max(axis=1).tolist()
        return largest

    @cached_property
    def _alike(self) -> list[float]:
        """How clearly all pairs lie within the equivalence margin: the smallest statistic against its ends, by analysis."""
        margin = 1 + self.design.equivalence_margin
        above = self.scores.statistics(self._day_variance, 1 / margin)
        below = -self.scores.statistics(self._day_variance, margin)
        alike: list[float] = np.minimum(above, below).min(axis=1).tolist()
        return alike


# The ranges' ends and these statistics agree but for rounding.
_NEARLY = 1 - 1e-6


def compare_at_analyses(
    design: Design, timeline: Timeline, rows: Sequence[int], active: tuple[int, ...]
) -> EvidenceSeries:
    """Return the evidence of the active variants at rising rows, but for what only some analyses need."""
    blocks = blocks_of_analyses(design, timeline, rows)
    scores = score_analyses(design, blocks, active)
    chosen = blocks.only(active)
    noise = day_noise_of_analyses(design, with_cohort_days(design, timeline, list(rows), scores), chosen)
    return EvidenceSeries(design, timeline, active, tuple(rows), chosen, scores, noise)


def compare(
    design: Design, timeline: Timeline, row: int, active: tuple[int, ...], analyses: Sequence[AnalysisTime]
) -> Evidence:
    """Return the evidence at `row` given the analyses so far, this one included."""
    boundaries = reduce(Boundaries.after, analyses, Boundaries.of(design))
    return compare_at_analyses(design, timeline, [row], active).evidence(
        0, analyses[-1].share, boundaries.bounds
    )
