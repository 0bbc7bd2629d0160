"""Snapshots turned into a gap-tolerant history of events and matured exposure.

Everything at a row depends on earlier rows only, so any past analysis can be recomputed exactly from the stored
snapshots, whatever came later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.criteria import COLUMN, Figure
from autopublisher.domain.evidence.delay import Delay, matured_weights, weights_of
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.observations import History, Snapshot, in_order

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
        cohorts: (rows, variants, days, 2) purchases and revenue by day of the click, NaN where not given; None without.
    """

    hours: Array
    figures: Array
    matured: Array
    matured_spend: Array
    kept: tuple[int, ...]
    row_of: tuple[int | None, ...]
    cohorts: Array | None = None

    def block_rows(self, row: int) -> list[int]:
        """Return the block boundaries up to `row`, a shorter last block included."""
        rows = [kept for kept in self.kept if kept < row]
        return [*rows, row]

    def until(self, index: int) -> "Timeline":
        """Return what was known at snapshot `index`."""
        row_of = self.row_of[: index + 1]
        rows = 1 + max((row for row in row_of if row is not None), default=0)
        return Timeline(
            hours=self.hours[:rows],
            figures=self.figures[:rows],
            matured=self.matured[:rows],
            matured_spend=self.matured_spend[:rows],
            kept=tuple(row for row in self.kept if row < rows),
            row_of=row_of,
            cohorts=None if self.cohorts is None else self.cohorts[:rows],
        )

    def column(self, figure: Figure) -> Array:
        """Return one counter's cumulative values, shape (rows, variants)."""
        return self.figures[:, :, COLUMN[figure]]

    def summed(self, figures: Sequence[Figure]) -> Array:
        """Return the sum of several counters, shape (rows, variants)."""
        total: Array = self.figures[:, :, [COLUMN[figure] for figure in figures]].sum(axis=2)
        return total


def build(design: Design, history: Sequence[Snapshot]) -> Timeline:
    """Return the timeline of the snapshots."""
    read = in_order(history, len(design.variants))
    now = counters_of(read)
    sound = _sound(now)
    hours = np.maximum(read.hours[sound], _EARLIEST_HOUR)
    row_of = tuple(
        row if fits else None for row, fits in zip(np.cumsum(sound).tolist(), sound.tolist(), strict=True)
    )
    figures = np.concatenate([np.zeros((1, *now.shape[1:])), now[sound]])
    timeline = _assemble(design, np.concatenate([[0.0], hours]), figures, row_of)
    if read.cohorts is None:
        return timeline
    none = np.full((1, *read.cohorts.shape[1:]), np.nan)
    return replace(timeline, cohorts=np.concatenate([none, read.cohorts[sound]]))


def counters_of(read: History) -> Array:
    """Return the counters of readings as they are compared, shape (readings, variants, figures)."""
    return np.round(read.figures, _DECIMALS)


def held(figures: Array) -> Array:
    """Return accepted counters with exposure that never shrinks: a tiny correction must not turn it negative."""
    rising = figures.copy()
    rising[:, :, _EXPOSURES] = np.maximum.accumulate(figures[:, :, _EXPOSURES], axis=0)
    return rising


def rematured(design: Design, timeline: Timeline, delay: Delay) -> Timeline:
    """Return the timeline with exposure matured by another delay; the clock stays that of the plan."""
    exposure = np.diff(timeline.column(design.measure.exposure), axis=0)
    return replace(timeline, matured=_by_day(timeline.hours, delay, exposure))


def _sound(now: Array) -> npt.NDArray[np.bool_]:
    """Return which readings to accept: those in which no counter fell below the accepted ones before."""
    peaks = np.concatenate([np.zeros((1, *now.shape[1:])), np.maximum.accumulate(now, axis=0)])[:-1]
    sound = np.ones(len(now), dtype=np.bool_)
    sound[_fell(peaks, now)] = False
    if sound.all():
        return sound
    # A reading set aside sets no peak, so from the first one on it takes one reading after the other.
    first = int(np.argmin(sound))
    peak = peaks[first].copy()
    for index in range(first, len(now)):
        sound[index] = not counter_fell(peak, now[index])
        if sound[index]:
            np.maximum(peak, now[index], out=peak)
    return sound


def counter_fell(peak: Array, now: Array) -> bool:
    """Return whether a cumulative counter fell by more than 2 % and by more than one event or one basket."""
    return bool(_fell(peak[None], now[None])[0])


def _fell(peak: Array, now: Array) -> npt.NDArray[np.bool_]:
    """Return the same for many readings at once, shape (readings, variants, figures)."""
    slack = np.maximum(_TOLERATED_FALL * peak, 1.0)
    conversions = np.maximum(peak[:, :, COLUMN[Figure.CONVERSIONS]], 1.0)
    slack[:, :, COLUMN[Figure.SPEND]] = _TOLERATED_FALL * peak[:, :, COLUMN[Figure.SPEND]]
    revenue = peak[:, :, COLUMN[Figure.REVENUE]]
    slack[:, :, COLUMN[Figure.REVENUE]] = np.maximum(_TOLERATED_FALL * revenue, revenue / conversions)
    return np.asarray((now < peak - slack - 1e-9).any(axis=(1, 2)), dtype=np.bool_)


def _assemble(design: Design, hours: Array, figures: Array, row_of: tuple[int | None, ...]) -> Timeline:
    rising = held(figures)
    bought, spend = (
        np.diff(rising[:, :, COLUMN[figure]], axis=0) for figure in (design.measure.exposure, Figure.SPEND)
    )
    matured = _by_day(hours, design.event_delay, bought)
    is_spend = design.measure.exposure is Figure.SPEND
    return Timeline(
        hours=hours,
        figures=rising,
        matured=matured,
        matured_spend=(matured if is_spend else _by_day(hours, design.event_delay, spend)).sum(axis=2),
        kept=_kept_rows(hours, design.block_hours),
        row_of=row_of,
    )


def _by_day(hours: Array, delay: Delay | None, exposure: Array) -> Array:
    """Return exposure matured by the day on which it was bought, shape (rows, variants, days).

    A day's exposure has matured once its last hour is as old as the longest delay: only the rows before that are weighed,
    so that the work grows with the rows and not with their square.
    """
    day = ((hours[:-1] + hours[1:]) / 2 // HOURS_PER_DAY).astype(int)
    bought = np.flatnonzero(exposure.any(axis=1))
    count = int(day[bought[-1]]) + 1 if bought.size else 1
    matured = np.zeros((len(hours), exposure.shape[1], count))
    longest = 0.0 if delay is None else delay.longest_hours
    for each, (start, end) in enumerate(pairwise(np.searchsorted(day, np.arange(count + 1)).tolist())):
        of_day = exposure[start:end]
        if not of_day.any():
            continue
        settled = int(np.searchsorted(hours, hours[end] + longest))
        since = hours[start:settled] - hours[start]
        bounds = hours[start : end + 1] - hours[start]
        weights = weights_of(bounds.tobytes(), delay, since.tobytes())
        matured[start:settled, :, each] = weights @ of_day
        matured[settled:, :, each] = of_day.sum(axis=0)
    return matured


def matured_since(delay: Delay | None, hours: Array, bought: Array, first: int) -> Array:
    """Return what of cumulative exposure (rows, variants) has matured at the rows from `first` on.

    As a timeline has it, without its days; only the rows that the longest delay reaches back to are looked at.
    """
    longest = 0.0 if delay is None else delay.longest_hours
    settled = max(int(np.searchsorted(hours, hours[first] - longest, side="right")) - 1, 0)
    weights = matured_weights(hours[settled:], delay, hours[first:])
    return np.asarray(bought[settled] + weights @ np.diff(bought[settled:], axis=0))


def _kept_rows(hours: Array, block_hours: float) -> tuple[int, ...]:
    kept, least, since = [0], _SHORTEST_BLOCK * block_hours, 0.0
    for row, hour in enumerate(hours.tolist()):
        if hour - since >= least:
            kept.append(row)
            since = hour
    return tuple(kept)
