"""Money decision: what to do with the rest of a test's budget, what that is worth, and what it risks. It is no proof.

The rule of money-decisions, sections 3 and 4: once a day the worth of giving the rest to the leader is compared with that of
leaving it where it is and of testing on. What is said of the choice comes from the same posterior, by quadrature: the
spread of the effects is a mixture over a grid, and given it the effects are independent normals.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from autopublisher.domain.evidence.criteria import Criterion, Figure
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.effects import (
    Part,
    Totals,
    click_levels,
    parts_of,
    totals_at,
)
from autopublisher.domain.evidence.largest import largest_of
from autopublisher.domain.evidence.spread import Memory, Mixture, PastTest, learned, mixed, shrunk_clicks
from autopublisher.domain.evidence.timeline import HOURS_PER_DAY, Timeline
from autopublisher.domain.evidence.worth import Budget, Publishing, Worth, worth_of
from autopublisher.domain.past_tests import AccountMemory

Array = npt.NDArray[np.float64]

_CLEARLY_WORSE = 0.9
_TAIL = 0.05
_BISECTIONS = 60
_REACH_OF_RANGE = 12.0
_NODES = 201
_T = np.linspace(-8.0, 8.0, _NODES)
_T_WEIGHTS = np.exp(-0.5 * _T**2) / np.exp(-0.5 * _T**2).sum()
_JITTER = 0.01
_NO_MORE = 1e-9
"""A share by which nothing is worth more: where testing on changes no choice, both are worth the same but for rounding."""


_PER_SPEND = frozenset({Criterion.CPA, Criterion.CONVERSIONS})
"""Criteria that count events for what was spent."""


class Choice(StrEnum):
    """What to do with the rest of the budget."""

    PUBLISH = "publish"
    KEEP_SPLIT = "keep_split"
    TEST_ON = "test_on"
    SPEND_NOTHING = "spend_nothing"


@dataclass(frozen=True)
class MoneyTerms:
    """What a money decision rests on besides the test.

    Attributes:
        total_budget: major units, test and what follows together.
        remaining_budget: what is left to decide on, None for the total less what the test has spent.
        publishing: what publishing costs; None for handing over in place.
        scaled: what publishing by a scaled campaign would cost where that is another way, only to be told.
        past_tests: what the account's finished tests left.
        largest_test_share: the part of the total budget that testing may never exceed.
        margin: the part of revenue that is left when the goods are paid; None where that is not known.
        value_per_event: major units an event is worth, for criteria that count events per spend and no revenue.
        memory: what they say together, where that was fixed beforehand: it goes before them.
    """

    total_budget: float
    remaining_budget: float | None = None
    publishing: Publishing | None = None
    past_tests: tuple[PastTest, ...] = ()
    largest_test_share: float = 1.0
    memory: AccountMemory | None = None
    scaled: Publishing | None = None
    margin: float | None = None
    value_per_event: float | None = None

    @property
    def tests_behind(self) -> int:
        """How many finished tests the spread rests on."""
        return len(self.past_tests) if self.memory is None else self.memory.tests


@dataclass(frozen=True)
class MoneyDecision:
    """The choice at one look. Gains and losses are shares of the revenue that the rest of the budget brings.

    Attributes:
        variant: the leader.
        p_best: chance that no other variant is better.
        p_10_worse: chance that it is more than a tenth worse than the best.
        expected_gain: what following it is expected to bring more than splitting the rest evenly.
        expected_loss: what it is expected to fall short of the best.
        lift: shrunk ratio of the variant to the geometric mean of the others, with its 5 to 95 % range.
        worth: of each way, as shares of what the whole budget would earn at the common rate.
        revenue: what the rest of the budget would bring at the common rate, published if that is the choice, major units;
            None where the criterion measures no money.
        budget_revenue: the same of the whole budget, in place.
        scaled_efficiency: what a euro earns in a scaled campaign against one spent in place, where that is another way.
        returns: what comes back of each unit spent on the leader when the goods are paid, where the margin is known.
    """

    choice: Choice
    variant: str
    hour: float
    p_best: float
    p_10_worse: float
    expected_gain: float
    expected_loss: float
    lift: float
    lift_interval: tuple[float, float]
    worth: Worth
    revenue: float | None
    budget_revenue: float | None
    scaled_efficiency: float | None = None
    returns: float | None = None

    @property
    def has_leader(self) -> bool:
        """Whether a variant is ahead at all."""
        return self.expected_gain > _NO_MORE

    @property
    def gain_interval(self) -> tuple[float, float]:
        """The 5 to 95 % range of the gain, which moves as the lift does."""
        over_others = math.log(self.lift)
        part = self.expected_gain / over_others if over_others else 0.0
        low, high = self.lift_interval
        return part * math.log(low), part * math.log(high)

    @property
    def worth_of_waiting(self) -> float | None:
        """What testing on is worth more than deciding now, in shares of the whole budget's revenue; negative: it costs."""
        return (
            None
            if self.worth.test_on is None
            else self.worth.test_on - max(self.worth.publish, self.worth.keep)
        )


def look_rows(design: Design, hours: Array) -> list[int]:
    """Return the rows of a test's looks: the first at or past each full day of delivery, and the planned end."""
    days = int(hours[-1] // HOURS_PER_DAY) + 1
    due = {HOURS_PER_DAY * day for day in range(1, days + 1)} | {design.planned_hours}
    rows = np.searchsorted(hours, [hour - _JITTER * HOURS_PER_DAY for hour in sorted(due)])
    return sorted({int(row) for row in rows if row < len(hours)})


class MoneyRule:
    """The rule on one test: looks once a day, and once where the plan ends."""

    def __init__(self, design: Design, terms: MoneyTerms, timeline: Timeline) -> None:
        self._design = design
        self._terms = terms
        self._timeline = timeline
        known = terms.memory
        self._memory = learned(terms.past_tests) if known is None else _recalled(known)
        self._dispersion = None if known is None else known.used_dispersion
        usual = design.measure.day_spread, design.measure.day_spread_doubt
        self._day_spread = None if known is None else known.likely_day_spread(*usual)

    def decided(self, row: int, active: tuple[int, ...], *, may_test: bool = True) -> MoneyDecision | None:
        """Return the decision at a row; None where it must not be made yet: too early, no event, or nothing is left.

        Where the test is over ``may_test`` is false: the choice is one of the others, whatever testing on would be worth.
        """
        totals = totals_at(self._design, self._timeline, row, active, self._day_spread)
        hour = float(self._timeline.hours[row])
        enough = min(HOURS_PER_DAY, self._design.planned_hours) * (1 - _JITTER)
        if hour < enough or not (totals.matured > 0).all() or float(totals.counts.sum()) < 1:
            return None
        budget = self._budget(row, len(active))
        if budget.left <= 0:
            return None
        parts = parts_of(self._design, totals, self._dispersion)
        effects = self._effects(totals, parts)
        worth = worth_of(budget, totals, parts, effects)
        choice = self._chosen(worth, budget, may_test=may_test)
        whole = self._earned(budget, totals)
        best = float(np.exp(effects.mean.max()))
        known = whole is not None and self._terms.margin is not None
        returns = (self._terms.margin or 0.0) * (whole or 0.0) / budget.total * best if known else None
        if returns is not None and returns < 1 and choice is not Choice.TEST_ON:
            choice = Choice.SPEND_NOTHING
        efficiency = budget.efficiency(budget.left) if choice is Choice.PUBLISH else 1.0
        rest = None if whole is None else whole * budget.left * efficiency
        names = [self._design.variants[each] for each in active]
        said = _said(choice, effects, worth, hour, names, revenue=rest, budget_revenue=whole)
        said = replace(said, returns=returns)
        if self._terms.scaled is None:
            return said
        scaled = replace(budget, publishing=self._terms.scaled)
        return replace(said, scaled_efficiency=scaled.efficiency(budget.left))

    def _earned(self, budget: Budget, totals: Totals) -> float | None:
        """Return what the whole budget would bring at the common rate, in place; None where that is no money."""
        if self._is_in_money:
            return budget.total * float(totals.values.sum() / totals.matured.sum())
        if self._terms.value_per_event is None or self._design.criterion not in _PER_SPEND:
            return None
        return budget.total * self._terms.value_per_event * float(totals.counts.sum() / totals.matured.sum())

    def _budget(self, row: int, active: int) -> Budget:
        spent = float(self._timeline.column(Figure.SPEND)[row].sum())
        terms, planned = self._terms, self._design.planned_spend_per_variant * len(self._design.variants)
        left = terms.total_budget - spent if terms.remaining_budget is None else terms.remaining_budget
        days = self._design.planned_days * terms.total_budget / planned
        return Budget(terms.total_budget, max(left, 0.0) / terms.total_budget, days, active, terms.publishing)

    def _effects(self, totals: Totals, parts: Sequence[Part]) -> Mixture:
        if self._memory.slope == 0:
            return mixed(parts, self._memory.spread)
        level = shrunk_clicks(*click_levels(totals), self._memory.of_clicks)[0]
        beyond = Part(parts[0].estimate - self._memory.slope * level, parts[0].variance, parts[0].share)
        found = mixed([beyond, *parts[1:]], self._memory.spread)
        return found.moved(self._memory.slope * (level - level.mean()))

    @property
    def _is_in_money(self) -> bool:
        return self._design.criterion in {Criterion.ROAS, Criterion.REVENUE}

    def _chosen(self, worth: Worth, budget: Budget, *, may_test: bool) -> Choice:
        most = self._terms.largest_test_share
        may_test = may_test and 1 - budget.left < most
        now = max(worth.publish, worth.keep)
        if may_test and worth.test_on is not None and worth.test_on > now * (1 + _NO_MORE):
            return Choice.TEST_ON
        return Choice.PUBLISH if worth.publish > worth.keep * (1 + _NO_MORE) else Choice.KEEP_SPLIT


def _recalled(known: AccountMemory) -> Memory:
    return Memory(
        np.array(known.spread), np.array(known.of_clicks), known.slope, known.expected_slope, known.useless
    )


def _said(
    choice: Choice,
    effects: Mixture,
    worth: Worth,
    hour: float,
    names: Sequence[str],
    *,
    revenue: float | None = None,
    budget_revenue: float | None = None,
) -> MoneyDecision:
    mean, deviations = effects.mean, np.sqrt(effects.variances)
    leader = int(np.argmax(mean))
    chances, most = largest_of(effects.means, deviations)
    p_best = float(effects.weights @ chances[:, leader])
    largest = float(effects.weights @ most)
    lift, interval = _lift(effects, leader)
    return MoneyDecision(
        choice=choice,
        variant=names[leader],
        hour=hour,
        p_best=p_best,
        p_10_worse=1 - _not_clearly_worse(effects, leader),
        expected_gain=float(mean[leader] - mean.mean()),
        expected_loss=max(largest - float(mean[leader]), 0.0),
        lift=lift,
        lift_interval=interval,
        worth=worth,
        revenue=revenue,
        budget_revenue=budget_revenue,
    )


def _not_clearly_worse(effects: Mixture, leader: int) -> float:
    """Return the chance that the leader is at least .9 of the best: no other exceeds it by more than log(1 / .9)."""
    deviations = np.sqrt(effects.variances)
    others = [each for each in range(effects.means.shape[1]) if each != leader]
    points = effects.means[:, leader, None] + deviations[:, leader, None] * _T - math.log(_CLEARLY_WORSE)
    below = ndtr((points[:, :, None] - effects.means[:, None, others]) / deviations[:, None, others])
    return float(effects.weights @ (below.prod(axis=2) @ _T_WEIGHTS))


def _lift(effects: Mixture, leader: int) -> tuple[float, tuple[float, float]]:
    """Return the shrunk ratio of the leader to the mean of the others, with the 5 to 95 % range of the mixture."""
    size = effects.means.shape[1]
    weights = np.full(size, -1 / (size - 1))
    weights[leader] = 1.0
    means, deviations = effects.means @ weights, np.sqrt(effects.variances @ weights**2)
    low, high = (_quantile(effects.weights, means, deviations, share) for share in (_TAIL, 1 - _TAIL))
    return math.exp(float(effects.weights @ means)), (math.exp(low), math.exp(high))


def _quantile(weights: Array, means: Array, deviations: Array, share: float) -> float:
    """Return a quantile of a mixture of normals, by bisection."""
    low = float((means - _REACH_OF_RANGE * deviations).min())
    high = float((means + _REACH_OF_RANGE * deviations).max())
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if float(weights @ ndtr((middle - means) / deviations)) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2
