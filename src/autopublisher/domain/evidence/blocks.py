"""Hourly blocks of a test, and their sums at each of several analyses.

One pass over the blocks serves all analyses: whatever an analysis needs is a running sum at its last block. One that
falls inside a block has that block's part as a tail of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.timeline import Timeline

Array = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Blocks:
    """Differences between block boundaries: full blocks in order of time, then the analyses' tails.

    Attributes:
        events: (blocks, variants) events or money that became visible.
        counts: (blocks, variants) number of events, for methods that treat value and number apart.
        matured: (blocks, variants) exposure that matured.
        day_shares: (blocks, variants, days) the matured exposure's shares by day of purchase.
        ends: (analyses,) number of full blocks up to each analysis; None for a single analysis at the end of all blocks.
        tails: (analyses,) position of each analysis's tail, -1 where it has none; None as for `ends`.
    """

    events: Array
    counts: Array
    matured: Array
    day_shares: Array
    ends: Positions | None = None
    tails: Positions | None = None

    def only(self, positions: tuple[int, ...]) -> "Blocks":
        """Return the blocks of some variants."""
        if positions == tuple(range(self.events.shape[1])):
            return self
        return self._taken(np.s_[:], list(positions), self.ends, self.tails)

    def at(self, analysis: int) -> "Blocks":
        """Return the blocks of one analysis."""
        if self.ends is None or self.tails is None:
            return self
        end, tail = int(self.ends[analysis]), int(self.tails[analysis])
        rows = np.s_[:end] if tail < 0 else np.append(np.arange(end), tail)
        return self._taken(rows, np.s_[:], None, None)

    def _taken(self, rows: Any, variants: Any, ends: Positions | None, tails: Positions | None) -> "Blocks":
        return Blocks(
            events=self.events[rows][:, variants],
            counts=self.counts[rows][:, variants],
            matured=self.matured[rows][:, variants],
            day_shares=self.day_shares[rows][:, variants],
            ends=ends,
            tails=tails,
        )

    def stretches(self) -> list[tuple[slice, slice]]:
        """Return, per analysis, the full blocks since the analysis before and its tail (an empty slice without one)."""
        if self.ends is None or self.tails is None:
            return [(slice(0, len(self.events)), slice(0, 0))]
        ends, tails = self.ends.tolist(), self.tails.tolist()
        return [
            (slice(start, end), slice(tail, tail + 1) if tail >= 0 else slice(0, 0))
            for start, end, tail in zip([0, *ends], ends, tails, strict=False)
        ]

    def sums(self, values: Array) -> Array:
        """Return the sums of values (blocks, ...) over each analysis's blocks, shape (analyses, ...)."""
        if self.ends is None or self.tails is None:
            return np.asarray(values.sum(axis=0)[None])
        total = np.stack([values[part].sum(axis=0) for part, _ in self.stretches()]).cumsum(axis=0)
        tailed = self.tails >= 0
        if tailed.any():
            total[tailed] += values[self.tails[tailed]]
        return np.asarray(total)


def blocks_at(design: Design, timeline: Timeline, row: int) -> Blocks:
    """Return the blocks up to `row`, a shorter last one included."""
    return blocks_of_analyses(design, timeline, [row]).at(0)


def blocks_of_analyses(design: Design, timeline: Timeline, rows: Sequence[int]) -> Blocks:
    """Return the blocks of analyses at rising `rows`."""
    analyses = np.asarray(rows, dtype=np.int64)
    kept = np.asarray(timeline.kept, dtype=np.int64)
    ends = np.searchsorted(kept, analyses, side="right") - 1
    tailed = kept[ends] < analyses
    full = int(ends[-1])
    starts = np.concatenate([kept[:full], kept[ends][tailed]])
    stops = np.concatenate([kept[1 : full + 1], analyses[tailed]])
    by_day = np.maximum(timeline.matured[stops] - timeline.matured[starts], 0.0)
    matured = by_day.sum(axis=2)
    events, counts = timeline.summed(design.measure.events), timeline.summed(design.measure.counts)
    return Blocks(
        events=events[stops] - events[starts],
        counts=counts[stops] - counts[starts],
        matured=matured,
        day_shares=by_day / np.where(matured > 0, matured, 1.0)[:, :, None],
        ends=ends,
        tails=np.where(tailed, full - 1 + np.cumsum(tailed), -1),
    )
