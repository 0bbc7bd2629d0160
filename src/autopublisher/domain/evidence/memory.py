"""Account memory: what a test leaves when it ends, and what the tests of an account say together.

A row holds estimates, not figures, so that it is small, of no currency and never read again from Meta. What an account's
rows say is worked out anew from all of them at each start of a run (money-decisions, section 3; decision 0006 for the
day noise).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.blocks import blocks_of_analyses
from autopublisher.domain.evidence.criteria import Criterion, Figure
from autopublisher.domain.evidence.data_health import faults
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.dispersion import raw_day_variance
from autopublisher.domain.evidence.effects import Totals, click_levels, parts_of, totals_at
from autopublisher.domain.evidence.money_checks import MoneyChecks
from autopublisher.domain.evidence.observations import History, Snapshot, in_order
from autopublisher.domain.evidence.score import score_analyses
from autopublisher.domain.evidence.spread import GRID, PastTest, learned
from autopublisher.domain.evidence.timeline import HOURS_PER_DAY, Timeline, build
from autopublisher.domain.past_tests import AccountMemory, MeasuredTest, Omission

Array = npt.NDArray[np.float64]

_JITTER = 0.01
_FEWEST = 2


def measured_test(design: Design, history: Sequence[Snapshot], hours: float) -> MeasuredTest | Omission:
    """Return what a test leaves that delivered for so many hours, or why it leaves nothing.

    The usual day noise and basket variation are assumed, whatever the account's: rows of different ages stay alike.
    """
    plain, everyone = (
        replace(design, day_spread=None, day_spread_doubt=None),
        tuple(range(len(design.variants))),
    )
    ordered = in_order(history, len(everyone))
    timeline = build(plain, ordered)
    totals = totals_at(plain, timeline, len(timeline.hours) - 1, everyone)
    omitted = _omission(plain, ordered, timeline, totals, hours)
    return _measured(plain, timeline, totals, hours) if omitted is None else omitted


def _omission(
    design: Design, history: History, timeline: Timeline, totals: Totals, hours: float
) -> Omission | None:
    last = len(history) - 1
    if hours < min(HOURS_PER_DAY, design.planned_hours) * (1 - _JITTER):
        return Omission.TOO_SHORT
    if last >= 0 and timeline.row_of[last] is None:
        return Omission.SET_ASIDE
    if last >= 0 and faults(history, MoneyChecks(design, timeline), last):
        return Omission.UNHEALTHY
    if float(totals.counts.sum()) < 1 or float(totals.values.sum()) <= 0:
        return Omission.NO_EVENT
    return None if (totals.matured > 0).all() else Omission.NOT_DELIVERED


def _measured(design: Design, timeline: Timeline, totals: Totals, hours: float) -> MeasuredTest:
    parts = parts_of(design, totals)
    estimate = np.sum([part.estimate for part in parts], axis=0)
    variance = np.sum([part.variance for part in parts], axis=0)
    day_variance, day_doubt = _day_variance(design, timeline)
    return MeasuredTest(
        rates=_centred(estimate, variance),
        clicks=_centred(*click_levels(totals)) if design.measure.delayed else (),
        days=hours / HOURS_PER_DAY,
        events=float(totals.counts.sum()),
        moved=design.adaptive,
        value_dispersion=_value_dispersion(design, timeline),
        day_variance=day_variance,
        day_doubt=day_doubt,
        values=_centred(parts[1].estimate, parts[1].variance) if len(parts) > 1 else (),
        share_of_values=parts[1].share if len(parts) > 1 else 0.0,
    )


def memory_of(criterion: Criterion, tests: Sequence[MeasuredTest]) -> AccountMemory:
    """Return what an account's tests by a criterion say, the oldest first; without any, what is assumed."""
    youngest = len(tests) - 1
    known = learned([_past(test, youngest - place) for place, test in enumerate(tests)])
    values = [test for test in tests if test.value_dispersion is not None]
    days = [test for test in tests if test.day_variance is not None]
    day_variance, day_error = _pooled_days(days)
    return AccountMemory(
        criterion=criterion.value,
        tests=len(tests),
        spread=tuple(known.spread.tolist()),
        of_clicks=tuple(known.of_clicks.tolist()),
        slope=known.slope,
        expected_slope=known.expected_slope,
        useless=known.useless,
        value_dispersion=_pooled_values(values),
        values_from=len(values),
        day_variance=day_variance,
        day_error=day_error,
        days_from=len(days),
    )


@dataclass(frozen=True)
class SpreadRange:
    """A distribution over the grid of spreads: its middle, and where nine tenths of it lie."""

    typical: float
    low: float
    high: float


def range_of(weights: Sequence[float]) -> SpreadRange:
    """Return the range of a memory's ``spread`` or ``of_clicks``."""
    below = np.cumsum(weights)
    places = np.searchsorted(below, np.array([0.5, 0.05, 0.95]) * below[-1])
    typical, low, high = GRID[places].tolist()
    return SpreadRange(typical, low, high)


def _past(test: MeasuredTest, age: int) -> PastTest:
    rates, clicks, values = (np.array(rows).reshape(-1, 2) for rows in (test.rates, test.clicks, test.values))
    return PastTest(age, rates, clicks, values, test.share_of_values)


def _centred(estimate: Array, variance: Array) -> tuple[tuple[float, float], ...]:
    return tuple(zip((estimate - estimate.mean()).tolist(), variance.tolist(), strict=True))


def _value_dispersion(design: Design, timeline: Timeline) -> float | None:
    """Return the squared coefficient of variation of one event's value, from what each reading added.

    A reading's n events are worth n b with variance n s^2, b being the variant's average; estimating b takes
    sum n^2 / N of the N degrees of freedom.
    """
    if not design.measure.value_dispersion:
        return None
    counts = np.diff(timeline.column(Figure.CONVERSIONS), axis=0)
    values = np.diff(timeline.column(Figure.REVENUE), axis=0)
    number, worth = counts.sum(axis=0), values.sum(axis=0)
    sold = (number > 0) & (worth > 0)
    counts, values, number, worth = counts[:, sold], values[:, sold], number[sold], worth[sold]
    freedom = float((number - (counts**2).sum(axis=0) / number).sum())
    squares = ((values / (worth / number) - counts) ** 2).sum()
    return float(squares) / freedom if freedom >= 1 else None


def _day_variance(design: Design, timeline: Timeline) -> tuple[float | None, float | None]:
    blocks = blocks_of_analyses(design, timeline, [len(timeline.hours) - 1])
    scores = score_analyses(design, blocks, tuple(range(len(design.variants))))
    raw, doubt, known = raw_day_variance(design, scores)
    return (float(raw[0]), float(doubt[0])) if known[0] else (None, None)


def _pooled_values(tests: Sequence[MeasuredTest]) -> float | None:
    weights = np.array([test.events for test in tests])
    values = np.array([test.value_dispersion for test in tests], dtype=np.float64)
    return float(weights @ values / weights.sum()) if tests else None


def _pooled_days(tests: Sequence[MeasuredTest]) -> tuple[float | None, float | None]:
    """Return the precision-weighted mean of the tests' own estimates, and its standard error as they scatter."""
    if len(tests) < _FEWEST:
        return (tests[0].day_variance if tests else None), None
    raw = np.array([test.day_variance for test in tests], dtype=np.float64)
    weights = 1 / np.array([test.day_doubt for test in tests], dtype=np.float64)
    mean = float(weights @ raw / weights.sum())
    scatter = float((weights**2) @ (raw - mean) ** 2) * len(raw) / (len(raw) - 1)
    return mean, float(np.sqrt(scatter) / weights.sum())
