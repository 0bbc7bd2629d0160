"""Bounds of a test whose money is moved: every pair is judged on its own clock and remembers what it has shown.

A pair that has exceeded its bound at one of its analyses has done so for good, so a winner may beat its rivals one after
the other. Nothing is spent because a test ends; see `allocation` for clock, spending and bounds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Self

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.allocation import pair_bound, pair_clocks
from autopublisher.domain.evidence.comparison import Bounds, PairBounds
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.timeline import Timeline

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# Clocks are read down to this: less error is spent, never more, and pairs alike share their bounds.
_CLOCK_TICK = 0.005
_DIRECTIONS = 2


@dataclass(frozen=True, eq=False)
class PairBoundaries:
    """The boundaries of every pair of variants, as `Boundaries` are for one clock; arrays are by position in the design.

    Attributes:
        alpha: the whole two-sided error.
        analyses: the pairs' clocks at each analysis so far, (variants, variants) each.
        active: the variants compared at the latest analysis.
        won: [i, j]: i has exceeded the winner's bound against j; lost: the same at the losers' bound.
    """

    alpha: float
    analyses: tuple[Array, ...]
    active: tuple[int, ...]
    won: Flags
    lost: Flags

    @classmethod
    def of(cls, design: Design) -> Self:
        """Return the boundaries before the first analysis."""
        size = len(design.variants)
        none = np.zeros((size, size), dtype=np.bool_)
        return cls(design.alpha, (), tuple(range(size)), none, none)

    def after(self, clocks: Array, active: tuple[int, ...]) -> "PairBoundaries":
        """Return the boundaries with one more analysis, at which the pairs' clocks stand so."""
        read = np.floor(clocks / _CLOCK_TICK + 1e-9) * _CLOCK_TICK
        if self.analyses:
            read = np.maximum(read, self.analyses[-1])
        return replace(self, analyses=(*self.analyses, read.round(6)), active=active)

    def noting(self, won: Flags, lost: Flags) -> "PairBoundaries":
        """Return the boundaries with what the active pairs have shown at the latest analysis."""
        where = np.ix_(self.active, self.active)
        both = self.won.copy(), self.lost.copy()
        both[0][where] |= won
        both[1][where] |= lost
        return replace(self, won=both[0], lost=both[1])

    @cached_property
    def bounds(self) -> Bounds:
        """The critical values of the latest analysis; infinite where there is no error to spend."""
        contrasts = max(_DIRECTIONS, len(self.won) - 1)
        winner = self._matrix(self.alpha / _DIRECTIONS)
        loser = winner if contrasts == _DIRECTIONS else self._matrix(self.alpha / contrasts)
        where = np.ix_(self.active, self.active)
        pairs = PairBounds(winner, loser, self.won[where], self.lost[where])
        return Bounds(float(winner.max()), float(loser.max()), pairs)

    def _matrix(self, alpha: float) -> Array:
        """Return the active pairs' bounds; a variant need not beat itself."""
        size = len(self.active)
        matrix = np.full((size, size), -math.inf)
        for left, right in combinations(range(size), 2):
            clocks = self._clocks(self.active[left], self.active[right])
            matrix[left, right] = matrix[right, left] = pair_bound(clocks, alpha, len(self.won))
        return matrix

    def _clocks(self, left: int, right: int) -> Sequence[float]:
        return [float(analysis[left, right]) for analysis in self.analyses]


def clocks_at(design: Design, timeline: Timeline, row: int) -> Array:
    """Return the pairs' clocks at a row from matured spend, block by block."""
    matured = np.diff(timeline.matured_spend[timeline.block_rows(row)], axis=0)
    return pair_clocks(np.maximum(matured, 0.0), design.planned_spend_per_variant)
