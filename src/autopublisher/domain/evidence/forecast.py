"""Forecast of a test's money decision before there is any figure: what following it is expected to be worth.

Tests are drawn from the prior of the spread between ads and played in the normal model of the estimates (independent
increments of the score, Jennison & Turnbull 2000, chapter 3). Each draw is decided as the money decision would, its spread
taken as known: an unknown one costs nothing in choices (money-decisions, section 1), and averaging over the prior keeps
what is said honest. Draws are fixed, so equal plans have equal forecasts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from autopublisher.domain.evidence.criteria import MEASURES, Criterion
from autopublisher.domain.evidence.delay import ReportingDelay
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.effects import (
    SHARE_OF_VALUES,
    SHARE_OF_VALUES_ALIKE,
    noise_over,
)
from autopublisher.domain.evidence.spread import GRID
from autopublisher.domain.evidence.timeline import HOURS_PER_DAY
from autopublisher.domain.evidence.worth import PIECES, Publishing
from autopublisher.domain.past_tests import AccountMemory

Array = npt.NDArray[np.float64]

_DRAWS, _SEED = 4000, 20
_INNER = 32
_CLEARLY_WORSE = math.log(0.9)
_LEAST_DEVIATION = 1e-12
_TWO = 2


@dataclass(frozen=True)
class Plan:
    """A test to be forecast, and the whole budget around it.

    Attributes:
        variants: how many are tested, all with the same budget.
        hours: planned delivery; spend is even.
        events: what the whole budget buys at the expected cost per event.
        test_share: part of the whole budget that the test may spend.
        settle_hours: wait without spend before the end is judged.
        stops_early: at each full day the test ends where testing on is worth less than deciding (mode `money`).
        value_share: part of the effects' variance that lies in what an event is worth; 0 where events alone count.
        value_dispersion: squared coefficient of variation of one event's value.
        day_spread: standard deviation of an ad's day effect on its log rate; ``hour_spread`` that of its hours.
        delay: of the events' reports, None where they are seen at once.
    """

    variants: int
    hours: float
    events: float
    test_share: float
    settle_hours: float = 0.0
    stops_early: bool = False
    value_share: float = 0.0
    value_dispersion: float = 0.0
    day_spread: float = MEASURES[Criterion.ROAS].day_spread
    hour_spread: float = MEASURES[Criterion.ROAS].hour_spread
    delay: ReportingDelay | None = None

    @property
    def days_of_budget(self) -> float:
        """How long the whole budget would last at the test's pace."""
        return self.hours / HOURS_PER_DAY / self.test_share


@dataclass(frozen=True)
class Forecast:
    """What following a test's money decision is expected to bring, in shares of what the whole budget earns if split evenly.

    Attributes:
        gain: of giving what is left to the leader where it is, over leaving all as they are.
        error: standard error of ``gain`` from the number of draws.
        possible: the same for who knew the best ad from the beginning.
        p_best: chance that the followed ad is the best.
        p_10_worse: chance that it is more than a tenth worse than the best.
        test_share: what the test is expected to use of the whole budget.
        days: until the decision, waiting for late reports included.
        gain_range: 5 to 95 % of the gain over tests and ads.
    """

    gain: float
    error: float
    possible: float
    p_best: float
    p_10_worse: float
    test_share: float
    days: float
    gain_range: tuple[float, float]


def plan_of(
    design: Design,
    budget: float,
    cost_per_event: float,
    memory: AccountMemory | None = None,
    *,
    stops_early: bool = False,
    largest_test_share: float = 1.0,
) -> Plan:
    """Return the plan of a design within a whole budget, in major units; ValueError unless amounts are positive.

    ``memory`` gives the account's own basket variation and day noise where they are known.
    """
    if cost_per_event <= 0 or budget <= 0:
        raise ValueError("The expected cost per event and the budget must be positive.")
    in_money = design.criterion in {Criterion.ROAS, Criterion.REVENUE}
    share = SHARE_OF_VALUES_ALIKE if design.same_offer else SHARE_OF_VALUES
    own = None if memory is None else memory.used_dispersion
    measure = design.measure
    usual = measure.day_spread, measure.day_spread_doubt
    own_days = None if memory is None else memory.likely_day_spread(*usual)
    tested = design.planned_spend_per_variant * len(design.variants) / budget
    return Plan(
        variants=len(design.variants),
        hours=design.planned_hours,
        events=budget / cost_per_event,
        test_share=min(tested, largest_test_share) if stops_early else tested,
        settle_hours=design.settled_hour - design.planned_hours,
        stops_early=stops_early,
        value_share=share if in_money else 0.0,
        value_dispersion=measure.value_dispersion if own is None else own,
        day_spread=own_days or measure.day_spread,
        hour_spread=measure.hour_spread,
        delay=design.event_delay,
    )


def forecast(plan: Plan, spread: Sequence[float]) -> Forecast:
    """Return what a plan is expected to bring under weights of the grid of spreads (`evidence.spread.GRID`)."""
    drawn = _drawn(plan.variants, tuple(spread), plan.value_share)
    looks = [_Look(plan, hour) for hour in _hours(plan)]
    chosen = np.full(_DRAWS, -1, dtype=np.intp)
    gained, used, hours = np.zeros(_DRAWS), np.zeros(_DRAWS), np.zeros(_DRAWS)
    paths = [_Path(drawn.rates, drawn.of_rates, 1), _Path(drawn.values, drawn.of_values, 2)]
    open_ = np.ones(_DRAWS, dtype=np.bool_)
    for place, look in enumerate(looks):
        means = paths[0].seen(look.rate_variance) + paths[1].seen(look.value_variance)
        means -= means.mean(axis=1, keepdims=True)
        ends = open_ & (_ends(look, drawn, means) if place < len(looks) - 1 else True)
        chosen[ends] = means[ends].argmax(axis=1)
        gained[ends] = _over_even(means[ends], chosen[ends]) * (1 - look.used)
        used[ends], hours[ends] = look.used, look.hour
        open_ &= ~ends
    effects = drawn.rates + drawn.values
    behind = effects.max(axis=1) - effects[np.arange(_DRAWS), chosen]
    realised = _over_even(effects, chosen) * (1 - used)
    low, high = np.quantile(realised, [0.05, 0.95]).tolist()
    return Forecast(
        gain=float(gained.mean()),
        error=float(gained.std() / _DRAWS**0.5),
        possible=float(_over_even(effects, effects.argmax(axis=1)).mean()),
        p_best=float((behind <= 0).mean()),
        p_10_worse=float((behind > -_CLEARLY_WORSE).mean()),
        test_share=float(used.mean()),
        days=float(hours.mean()) / HOURS_PER_DAY,
        gain_range=(low, high),
    )


def net_when_scaled(found: Forecast, plan: Plan, publishing: Publishing) -> float:
    """Return the gain where the leader is published by a scaled campaign, its price taken off: below 0 it costs."""
    left = 1 - found.test_share
    if left <= 0:
        return 0.0
    kept = publishing.efficiency(left, plan.variants, plan.days_of_budget)
    return (left + found.gain) * kept - left


def _hours(plan: Plan) -> list[float]:
    """Return when the test may be decided: in mode `money` at full days and the planned end, else once all is reported."""
    last = plan.hours + plan.settle_hours
    if not plan.stops_early:
        return [last]
    days = math.ceil(plan.hours / HOURS_PER_DAY - 1e-9)
    return sorted({*(HOURS_PER_DAY * day for day in range(1, days)), plan.hours, last})


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Effects by draw and variant, shape (draws, variants), and the standard deviations they were drawn with (draws, 1)."""

    rates: Array
    values: Array
    of_rates: Array
    of_values: Array


@lru_cache(maxsize=32)
def _drawn(variants: int, spread: tuple[float, ...], value_share: float) -> _Drawn:
    """Return draws of the prior, each spread as often as its weight says and each draw beside its mirror image."""
    rng = np.random.default_rng([_SEED, variants])
    weights = np.cumsum(spread) / sum(spread)
    half = (np.arange(_DRAWS // 2) + 0.5) / (_DRAWS // 2)
    deviations = GRID[np.minimum(np.searchsorted(weights, half), len(GRID) - 1)][:, None]
    parts = rng.normal(size=(2, _DRAWS // 2, variants))
    of_rates, of_values = (
        np.vstack([deviations, deviations]) * math.sqrt(share) for share in (1 - value_share, value_share)
    )
    rates, values = (np.vstack([part, -part]) for part in parts)
    return _Drawn(rates * of_rates, values * of_values, of_rates, of_values)


class _Look:
    """Variances of the estimates at an hour, and those a piece more would leave."""

    def __init__(self, plan: Plan, hour: float) -> None:
        delivered = min(hour, plan.hours)
        self.hour = hour
        self.used = plan.test_share * delivered / plan.hours
        self._plan = plan
        self._events = plan.events / plan.variants * plan.test_share * _matured(plan, hour) / plan.hours
        self._days = _effective_days(delivered)
        self.rate_variance, self.value_variance = self._variances(self._events, self._days)

    def after(self, piece: float) -> tuple[float, float]:
        """Return both variances after a piece more, a share of the whole budget."""
        more = piece * self._plan.events / self._plan.variants
        return self._variances(self._events + more, self._days + piece * self._plan.days_of_budget)

    def _variances(self, events: float, days: float) -> tuple[float, float]:
        noise = float(noise_over(np.array(days), self._plan.day_spread, self._plan.hour_spread))
        return 1 / max(events, _LEAST_DEVIATION) + noise, self._plan.value_dispersion / (events + 1)


def _matured(plan: Plan, hour: float) -> float:
    """Return the hours of delivery whose events have been reported by an hour."""
    if plan.delay is None:
        return min(hour, plan.hours)
    since = np.array([hour, max(hour - plan.hours, 0.0)])
    before, after = plan.delay.integrated(since).tolist()
    return float(before - after)


def _effective_days(hours: float) -> float:
    """Return Kish's number of days of so many hours: a part of a day counts as the part of a day's noise it has."""
    whole, rest = divmod(hours, HOURS_PER_DAY)
    squares = whole * HOURS_PER_DAY**2 + rest**2
    return hours**2 / squares if squares else 1.0


class _Path:
    """Posterior means of one part of the effects from look to look, given the spread it was drawn with."""

    def __init__(self, effects: Array, deviations: Array, stream: int) -> None:
        self._effects = effects
        self._square = deviations**2
        self._rng = np.random.default_rng([_SEED, effects.shape[1], stream])
        self._score, self._precision = np.zeros_like(effects), 0.0

    def seen(self, variance: float) -> Array:
        """Return the means once the estimates have this variance."""
        if variance <= 0:
            return self._effects
        more = max(1 / variance - self._precision, 0.0)
        noise = self._rng.normal(size=(len(self._effects) // 2, self._effects.shape[1]))
        self._score = self._score + more * self._effects + math.sqrt(more) * np.vstack([noise, -noise])
        self._precision += more
        return np.asarray(_kept(self._square, 1 / self._precision) * self._score / self._precision)


def _over_even(effects: Array, chosen: npt.NDArray[np.intp]) -> Array:
    """Return by what part each draw's chosen variant earns more than an even split; what is unknown of all cancels."""
    worth = np.exp(effects)
    return np.asarray(worth[np.arange(len(worth)), chosen] / worth.mean(axis=1) - 1)


def _ends(look: _Look, drawn: _Drawn, means: Array) -> npt.NDArray[np.bool_]:
    """Return in which draws testing on is worth less than deciding, as `worth.worth_of` finds it without a price."""
    left = 1 - look.used
    best, average = np.exp(means.max(axis=1)), np.exp(means).mean(axis=1)
    now = left * best
    pieces = sorted({min(piece, 0.95 * left) for piece in PIECES})
    more = np.stack(
        [piece * average + (left - piece) * best * (1 + _gain(look, drawn, means, piece)) for piece in pieces]
    ).max(axis=0)
    return np.asarray(more <= now)


def _gain(look: _Look, drawn: _Drawn, means: Array, piece: float) -> Array:
    rate, value = look.after(piece)
    square = _moved(drawn.of_rates**2, look.rate_variance, rate)
    square = square + _moved(drawn.of_values**2, look.value_variance, value)
    deviation = np.maximum(np.sqrt(square[:, 0]), _LEAST_DEVIATION)
    if means.shape[1] == _TWO:
        apart = np.abs(means[:, 0] - means[:, 1]) / (deviation * 2**0.5)
        density = np.exp(-0.5 * apart**2) / math.sqrt(2 * math.pi)
        return np.asarray(deviation * 2**0.5 * (density - apart * ndtr(-apart)))
    total = np.zeros(len(means))
    for point in _inner(means.shape[1]):
        total += (means + deviation[:, None] * point).max(axis=1)
    return np.asarray(np.maximum(total / _INNER - means.max(axis=1), 0.0))


def _moved(between: Array, before: float, after: float) -> Array:
    """Return the variance by which posterior means change between two variances of the estimates."""
    return np.asarray(np.maximum(between * (_kept(between, after) - _kept(between, before)), 0.0))


def _kept(between: Array, variance: float) -> Array:
    """Return what part of an estimate is kept, given the variance between variants; none where they do not differ."""
    return np.divide(between, between + variance, out=np.zeros_like(between), where=between > 0)


@lru_cache(maxsize=16)
def _inner(variants: int) -> Array:
    """Return fixed normal points that stand for a piece more, shape (points, variants): a Latin hypercube, mirrored."""
    rng = np.random.default_rng([_SEED, variants, 3])
    places = (np.stack([rng.permutation(_INNER // 2) for _ in range(variants)], axis=1) + 0.5) / (_INNER // 2)
    points = ndtri(places)
    return np.asarray(np.vstack([points, -points]))
