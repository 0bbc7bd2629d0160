"""Cohorts by day of the click: the reporting delay estimated from them, and day totals free of it.

Optional. A cohort is what has been reported so far for one day's exposure. How it grows from poll to poll shows how late
purchases are reported; what it holds one day after its end compares the variants' days without any leakage.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.criteria import COLUMN, Figure
from autopublisher.domain.evidence.delay import ReportingDelay
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.score import PairScores
from autopublisher.domain.evidence.timeline import HOURS_PER_DAY, Timeline, rematured

Array = npt.NDArray[np.float64]

AGE_HOURS = 24.0
"""Age, counted from a day's end, at which its totals are compared."""

_EDGES = (0.0, 1.0, 3.0, 6.0, 12.0, 24.0, 48.0, 72.0)
_START_COUNTS_AS = 100.0
_HOURS_BETWEEN_READINGS = 6.0
_MOST_ROUNDS = 200
_SETTLED = 1e-6
_FEWEST_DAYS = 2
_CONVERSIONS, _REVENUE = 0, 1


@dataclass(frozen=True)
class ReweightedDelay:
    """The start delay with other weights for its ages: at once, then up to each of some hours.

    Within an age bracket it keeps the start delay's shape.
    """

    start: ReportingDelay
    weights: tuple[float, ...]

    @property
    def longest_hours(self) -> float:
        """Return the age at which everything has been reported."""
        return self.start.longest_hours

    def integrated(self, age_hours: Array) -> Array:
        """Return the integral of the distribution function from 0 to `age_hours` (hours); zero for negative ages."""
        return np.asarray(integrated_by_bracket(self.start, np.asarray(age_hours)) @ np.array(self.weights))

    def share_reported(self, age_hours: Array) -> Array:
        """Return the probability that an event of this age has been reported."""
        age = np.asarray(age_hours, dtype=np.float64)
        low, high = _brackets(self.start)
        reached = self.start.share_reported(np.clip(age[..., None], low, high)) - self.start.share_reported(
            low
        )
        late = reached / (self.start.share_reported(high) - self.start.share_reported(low))
        share = self.weights[0] + late @ np.array(self.weights[1:])
        return np.where(age < 0, 0.0, share)


def _brackets(start: ReportingDelay) -> tuple[Array, Array]:
    """Return the lower and upper ages of the brackets after "at once"."""
    edges = np.array([*(edge for edge in _EDGES if edge < start.longest_hours), start.longest_hours])
    return edges[:-1], edges[1:]


def start_weights(start: ReportingDelay) -> Array:
    """Return the start delay's own weights of the brackets."""
    low, high = _brackets(start)
    return np.concatenate([[start.at_once], start.share_reported(high) - start.share_reported(low)])


def integrated_by_bracket(start: ReportingDelay, age: Array) -> Array:
    """Return the integrated distribution function within each bracket, shape (..., brackets)."""
    low, high = _brackets(start)
    base = start.share_reported(low)
    mass = start.share_reported(high) - base
    inside = np.clip(age[..., None], low, high)
    # The integral grows with age, so that of a clipped age is the clipped integral: one evaluation for all brackets.
    reached = np.clip(start.integrated(age)[..., None], start.integrated(low), start.integrated(high))
    part = (reached - start.integrated(low) - base * (inside - low)) / mass
    beyond = np.maximum(age[..., None] - high, 0.0)
    at_once = np.maximum(age, 0.0)[..., None]
    return np.concatenate([at_once, part + beyond], axis=-1)


def delay_at(design: Design, timeline: Timeline, row: int) -> ReportingDelay | ReweightedDelay:
    """Return the reporting delay as the cohorts up to `row` show it, blended with the start delay.

    Maximum a posteriori weights of the age brackets: expectation and maximisation (Dempster, Laird & Rubin 1977) over
    the bracket of each purchase and the purchases not yet reported, the start delay counting as 100 purchases (a
    Dirichlet prior). A day's total is free, so neither season nor effect enters.
    """
    rows = _readings(timeline, row)
    if len(rows) < _FEWEST_DAYS or design.delay.at_once >= 1:
        return design.delay
    seen = np.diff(_growth(timeline, rows), axis=0, prepend=0.0)
    chances = np.diff(_chances(design, timeline, rows), axis=0, prepend=0.0)
    weights = _fitted(seen, chances, start_weights(design.delay))
    return ReweightedDelay(design.delay, tuple(weights.tolist()))


def _readings(timeline: Timeline, row: int) -> list[int]:
    """Return rows with cohorts, some hours apart, the latest included."""
    if timeline.cohorts is None:
        return []
    known = np.isfinite(timeline.cohorts[: row + 1, :, 0, _CONVERSIONS]).all(axis=1)
    found: list[int] = []
    for each in np.flatnonzero(known).tolist():
        if not found or timeline.hours[each] - timeline.hours[found[-1]] >= _HOURS_BETWEEN_READINGS:
            found.append(each)
    return found


def _growth(timeline: Timeline, rows: list[int]) -> Array:
    """Return each day's purchases reported by each reading, all variants together, shape (readings, days)."""
    if timeline.cohorts is None:
        return np.zeros((len(rows), 0))
    counts = np.nan_to_num(timeline.cohorts[rows][..., _CONVERSIONS]).sum(axis=1)
    # Purchases taken back say nothing on how late they had come.
    return np.asarray(np.maximum.accumulate(counts, axis=0))


def _chances(design: Design, timeline: Timeline, rows: list[int]) -> Array:
    """Return the chance of a day's purchase in a bracket to be seen by each reading, (readings, days, brackets)."""
    days = 0 if timeline.cohorts is None else timeline.cohorts.shape[2]
    hours, last = timeline.hours, rows[-1]
    exposure = np.diff(timeline.column(design.measure.exposure)[: last + 1].sum(axis=1))
    starts, stops = hours[:last], hours[1 : last + 1]
    ages = hours[rows][:, None] - hours[None, : last + 1]
    table = integrated_by_bracket(design.delay, ages)
    matured = (table[:, :-1] - table[:, 1:]) / (stops - starts)[:, None]
    day = ((starts + stops) / 2 // HOURS_PER_DAY).astype(int)
    by_day = (day[:, None] == np.arange(days)) * exposure[:, None]
    total = by_day.sum(axis=0)
    sums = np.tensordot(matured, by_day, axes=(1, 0)).transpose(0, 2, 1)
    return np.asarray(sums / np.where(total > 0, total, 1.0)[:, None])


def _fitted(seen: Array, chances: Array, start: Array) -> Array:
    """Return the weights of the brackets that make what was seen most probable, given the start weights."""
    weights, ever = start, chances.sum(axis=0)
    totals = seen.sum(axis=0)
    for _ in range(_MOST_ROUNDS):
        before = weights
        expected = chances @ weights
        ratio = np.divide(seen, expected, out=np.zeros_like(seen), where=expected > 0)
        reported = np.tensordot(ratio, chances, axes=2)
        reach = ever @ weights
        known = reach > 0
        still_to_come = np.where(known, totals / np.where(known, reach, 1.0), 0.0) @ (1 - ever)
        weights = weights * (reported + np.maximum(still_to_come, 0.0)) + _START_COUNTS_AS * start
        weights = weights / weights.sum()
        if float(np.abs(weights - before).max()) < _SETTLED:
            break
    return np.asarray(weights)


@dataclass(frozen=True, eq=False)
class CohortView:
    """A test's timeline as its cohorts show it at each row; without cohorts the timeline as it is."""

    design: Design
    timeline: Timeline

    @property
    def depends_on_row(self) -> bool:
        """Return whether the past looks different from different rows: the delay is estimated again at each analysis."""
        return self.timeline.cohorts is not None and self.design.measure.delayed

    def at(self, row: int) -> Timeline:
        """Return the timeline up to `row` with exposure matured by the delay known there."""
        if not self.depends_on_row:
            return self.timeline
        if row not in self._known:
            delay = delay_at(self.design, self.timeline, row)
            self._known[row] = rematured(self.design, self.timeline, delay)
        return self._known[row]

    @cached_property
    def _known(self) -> dict[int, Timeline]:
        return {}


def with_cohort_days(design: Design, timeline: Timeline, rows: list[int], scores: PairScores) -> PairScores:
    """Return scores whose day sums are the cohorts' at the age of 24 h, for estimating the arm-day variance.

    A day of purchase needs no division over days. The hourly noise of a day is that of the reports, in proportion to
    what of them the cohort held at that age. Fewer than two such days leave the scores as they are.
    """
    if timeline.cohorts is None or not design.measure.delayed or len(rows) != 1:
        return scores
    aged = _aged(timeline, rows[0])
    if len(aged) < _FEWEST_DAYS:
        return scores
    a_days, b_days = _cohort_scores(design, timeline, aged, scores)
    reported = scores.a_days + scores.b_days
    share = np.divide(a_days + b_days, reported, out=np.zeros_like(a_days), where=reported > 0)
    share = np.clip(share, 0.0, 1.0)
    noise = scores.noise_days * share
    return replace(
        scores,
        a=a_days.sum(axis=2),
        b=b_days.sum(axis=2),
        a_days=a_days,
        b_days=b_days,
        noise_days=noise,
        noise_of_days=noise,
        a_gain=a_days**2,
        b_gain=b_days**2,
        a_shared=a_days**2,
        b_shared=b_days**2,
        gain_in_noise=scores.gain_in_noise * share**2,
    )


def _aged(timeline: Timeline, row: int) -> list[tuple[int, int]]:
    """Return the days that had the full age at some row with cohorts, each with the first such row."""
    if timeline.cohorts is None:
        return []
    found = []
    for day in range(min(timeline.cohorts.shape[2], timeline.matured.shape[2])):
        known = np.isfinite(timeline.cohorts[: row + 1, :, day]).all(axis=(1, 2))
        old = timeline.hours[: row + 1] >= (day + 1) * HOURS_PER_DAY + AGE_HOURS
        at = np.flatnonzero(known & old)
        if len(at):
            found.append((day, int(at[0])))
    return found


def _cohort_scores(
    design: Design, timeline: Timeline, aged: list[tuple[int, int]], scores: PairScores
) -> tuple[Array, Array]:
    """Return both sides' day sums from cohorts, shape (1, pairs, days); 0 for days that are too young."""
    a_days, b_days = np.zeros_like(scores.a_days), np.zeros_like(scores.b_days)
    hours = timeline.hours
    middle = (hours[:-1] + hours[1:]) / 2 // HOURS_PER_DAY
    bought = np.diff(timeline.column(design.measure.exposure), axis=0)
    for day, row in aged:
        exposure = bought[middle == day].sum(axis=0)
        events = _cohort_events(design, timeline, row, day, scores)
        x, y = exposure[scores.first], exposure[scores.second]
        total = np.where((x > 0) & (y > 0), x + y, np.inf)
        a_days[0, :, day] = events[:, 0] * y / total
        b_days[0, :, day] = events[:, 1] * x / total
    return a_days, b_days


def _cohort_events(design: Design, timeline: Timeline, row: int, day: int, scores: PairScores) -> Array:
    """Return both sides' events of a day, shape (pairs, 2): pooled with the weights of the analysis where it pools."""
    if timeline.cohorts is None:
        return np.zeros((len(scores.first), 2))
    cohort = timeline.cohorts[row, :, day]
    sides = np.stack([cohort[scores.first], cohort[scores.second]], axis=1)
    if design.pools_baskets:
        return np.asarray(np.einsum("cp,psc->ps", scores.weights[0], sides))
    return np.asarray(sides[..., _REVENUE if COLUMN[Figure.REVENUE] in _columns(design) else _CONVERSIONS])


def _columns(design: Design) -> list[int]:
    return [COLUMN[figure] for figure in design.measure.events]
