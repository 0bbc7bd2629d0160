"""Snapshots turned into a gap-tolerant history of events and matured exposure.

Everything at a row depends on earlier rows only, so any past look can be recomputed exactly from the stored
snapshots, whatever came later.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.criteria import COLUMN, Figure
from autopublisher.domain.evidence.delay import matured_weights
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.observations import Snapshot

Array = npt.NDArray[np.float64]

HOURS_PER_DAY = 24.0
# Platforms restate counters by a little; more than this means that the data cannot be trusted at the moment.
_TOLERATED_FALL = 0.02
_EXPOSURES = [COLUMN[Figure.SPEND], COLUMN[Figure.IMPRESSIONS], COLUMN[Figure.CLICKS]]
# Polls come with jitter: a block may be this much shorter than asked for.
_SHORTEST_BLOCK = 0.9
_EARLIEST_HOUR = 1e-3
# Nothing is counted in smaller parts than millionths; squares of smaller numbers would vanish.
_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class Timeline:
    """Cumulative arrays by row; row 0 is the start with nothing counted.

    Attributes:
        hours: (rows,) hours since the start.
        figures: (rows, variants, figures) accepted counters.
        matured: (rows, variants, days) matured exposure by the day on which it was bought.
        matured_spend: (rows, variants) matured spend, the clock of the test.
        kept: rows that begin and end full blocks.
        row_of: row of each snapshot, None where a counter fell and the snapshot was set aside.
    """

    hours: Array
    figures: Array
    matured: Array
    matured_spend: Array
    kept: tuple[int, ...]
    row_of: tuple[int | None, ...]

    def block_rows(self, row: int) -> list[int]:
        """Return the block boundaries up to `row`, a shorter last block included."""
        rows = [kept for kept in self.kept if kept < row]
        return [*rows, row]

    def column(self, figure: Figure) -> Array:
        """Return one counter's cumulative values, shape (rows, variants)."""
        return self.figures[:, :, COLUMN[figure]]

    def summed(self, figures: Sequence[Figure]) -> Array:
        """Return the sum of several counters, shape (rows, variants)."""
        total: Array = self.figures[:, :, [COLUMN[figure] for figure in figures]].sum(axis=2)
        return total


def build(design: Design, history: Sequence[Snapshot]) -> Timeline:
    """Return the timeline of snapshots already in order (see `observations.in_order`)."""
    variants = len(design.variants)
    zero = np.zeros((variants, len(Figure)))
    hours, figures, row_of = [0.0], [zero], list[int | None]()
    peak = zero
    for snapshot in history:
        now = np.round(np.array([each.row() for each in snapshot.figures]), _DECIMALS)
        sound = not counter_fell(peak, now)
        row_of.append(len(hours) if sound else None)
        if sound:
            hours.append(max(snapshot.hour, _EARLIEST_HOUR))
            figures.append(now)
            peak = np.maximum(peak, now)
    return _assemble(design, np.array(hours), np.array(figures), tuple(row_of))


def counter_fell(peak: Array, now: Array) -> bool:
    """Return whether a cumulative counter fell by more than 2 % and by more than one event or one basket."""
    slack = np.maximum(_TOLERATED_FALL * peak, 1.0)
    conversions = np.maximum(peak[:, COLUMN[Figure.CONVERSIONS]], 1.0)
    for figure in (Figure.SPEND, Figure.REVENUE):
        slack[:, COLUMN[figure]] = _TOLERATED_FALL * peak[:, COLUMN[figure]]
    revenue = peak[:, COLUMN[Figure.REVENUE]]
    slack[:, COLUMN[Figure.REVENUE]] = np.maximum(_TOLERATED_FALL * revenue, revenue / conversions)
    return bool(np.any(now < peak - slack - 1e-9))


def _assemble(design: Design, hours: Array, figures: Array, row_of: tuple[int | None, ...]) -> Timeline:
    rising = figures.copy()
    # Exposure never shrinks: a tiny correction downward must not turn into negative exposure.
    rising[:, :, _EXPOSURES] = np.maximum.accumulate(figures[:, :, _EXPOSURES], axis=0)
    weights = matured_weights(hours, design.event_delay)
    exposure = np.diff(rising[:, :, COLUMN[design.measure.exposure]], axis=0)
    spend = np.diff(rising[:, :, COLUMN[Figure.SPEND]], axis=0)
    return Timeline(
        hours=hours,
        figures=rising,
        matured=_by_day(hours, weights, exposure),
        matured_spend=np.asarray(weights @ spend),
        kept=_kept_rows(hours, design.block_hours),
        row_of=row_of,
    )


def _by_day(hours: Array, weights: Array, exposure: Array) -> Array:
    middle = (hours[:-1] + hours[1:]) / 2
    day = (middle // HOURS_PER_DAY).astype(int)
    count = int(day.max()) + 1 if day.size else 1
    matured = np.zeros((len(hours), exposure.shape[1], count))
    for each in np.unique(day):
        matured[:, :, each] = weights[:, day == each] @ exposure[day == each]
    return matured


def _kept_rows(hours: Array, block_hours: float) -> tuple[int, ...]:
    kept = [0]
    for row, hour in enumerate(hours):
        if hour - hours[kept[-1]] >= _SHORTEST_BLOCK * block_hours:
            kept.append(row)
    return tuple(kept)
