"""Outlook of a proposed run: what its test can prove, what its money decision is expected to bring, what would bring more.

Everything rests on what an event is supposed to cost and to be worth; a forecast that nobody has a figure for is made for
several supposed costs instead of one invented one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from autopublisher.domain.accounts.accounts import MinimumBudgets
from autopublisher.domain.amounts import Money
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.forecast import Forecast, Plan, forecast, net_when_scaled, plan_of
from autopublisher.domain.evidence.memory import memory_of
from autopublisher.domain.evidence.planning import ChanceOfProof, chance_of_proof, days_needed
from autopublisher.domain.request.money_rules import smallest_daily, smallest_lifetime
from autopublisher.domain.request.request import DecisionMode
from autopublisher.domain.request.test_rules import FEWEST_VARIANTS
from autopublisher.domain.request.variants import LETTERS
from autopublisher.domain.runs.evidence_inputs import criterion_of, design_of
from autopublisher.domain.runs.money_terms import money_terms
from autopublisher.domain.runs.plan import objective_of, total_of
from autopublisher.domain.runs.proposal import Proposal

LIFTS = (0.1, 0.2, 0.3, 0.5, 1.0)
"""True differences of the best variant for which the chance of proof is told."""

_PURCHASES, _CLICKS = (5, 15, 45), (50, 150, 450)
_SHARES = (Fraction(1, 10), Fraction(1, 5), Fraction(3, 10), Fraction(9, 20), Fraction(3, 5), Fraction(4, 5))
_HOURS = (24, 48, 72, 120, 168, 336)
_WORTH_SAYING = 0.05
"""A size is recommended instead of the one asked for where it brings so much more, as a part of what that brings."""


class Basis(StrEnum):
    """Where a supposed cost comes from."""

    ASKED = "asked"
    MEASURED = "measured"
    SUPPOSED = "supposed"


@dataclass(frozen=True)
class Supposition:
    """What an event of the criterion (such as a purchase) is supposed to cost, and to be worth, in major units.

    ``value`` is None where that is not known; ``tests`` is how many of the account's finished tests it was measured in.
    """

    cost: Decimal
    value: Decimal | None
    basis: Basis
    tests: int = 0


@dataclass(frozen=True)
class Expected:
    """What following a test's money decision brings more than splitting the whole budget evenly.

    ``gain`` is worth what the supposed value of an event makes it, None without one; ``events`` is the same in events.
    ``forecast`` has it as a share, with its error.
    """

    forecast: Forecast
    gain: Money | None
    gain_range: tuple[Money, Money] | None
    events: float


@dataclass(frozen=True)
class Size:
    """A test of other dimensions, and what it is expected to bring."""

    variants: int
    per_variant: Money
    hours: int
    expected: Expected


@dataclass(frozen=True)
class Outlook:
    """The prospects of a proposed run for one supposed cost of an event.

    ``days_for_proof`` is how many days at the test's daily spend prove the planned lift with 80 %, None beyond 180.
    ``scaled`` is the gain where the leader is published by a scaled campaign, as a share and as money; ``better`` a test
    that is expected to earn notably more, None where the one asked for is about as good as any; ``by_variants`` what other
    numbers of variants would bring with the same money for the test.
    """

    supposed: Supposition
    events_per_variant: float
    proof: tuple[ChanceOfProof, ...]
    days_for_proof: int | None
    expected: Expected
    scaled_share: float
    scaled: Money | None
    better: Size | None
    by_variants: tuple[Size, ...]


def suppositions(proposal: Proposal, known: Supposition | None) -> tuple[Supposition, ...]:
    """Return what an event is supposed to cost: as ``known``, else what makes the test see few, some and many of them."""
    if known is not None:
        return (known,)
    run = proposal.run
    numbers = _PURCHASES if design_of(run, proposal.variants).measure.delayed else _CLICKS
    budget = run.request.ab_test_config.test_budget_per_variant
    return tuple(
        Supposition(budget / number, run.request.budget_config.value_per_conversion, Basis.SUPPOSED)
        for number in numbers
    )


def outlook(proposal: Proposal, supposed: Supposition, minimums: MinimumBudgets) -> Outlook:
    """Return a proposed run's prospects for a supposed cost of an event; ``minimums`` bound what is recommended."""
    looked = _Looked(proposal, supposed, minimums)
    asked = looked.asked
    expected = looked.expected(asked.design, stops_early=asked.stops_early)
    scaled = net_when_scaled(expected.forecast, asked.plan, asked.publishing)
    cost = float(supposed.cost)
    return Outlook(
        supposed=supposed,
        events_per_variant=asked.design.planned_spend_per_variant / cost,
        proof=tuple(chance_of_proof(asked.design, cost, lift) for lift in LIFTS),
        days_for_proof=days_needed(
            asked.design,
            asked.design.planned_spend_per_variant / asked.design.planned_days,
            cost,
            asked.design.planned_lift,
        ),
        expected=expected,
        scaled_share=scaled,
        scaled=looked.amount(scaled),
        better=looked.better(expected),
        by_variants=looked.by_variants(),
    )


class _Asked:
    """The request as the engine takes it."""

    def __init__(self, proposal: Proposal, cost: float) -> None:
        run = proposal.run
        terms = money_terms(run.request, run.currency, run.trial.memory)
        if terms.scaled is None:
            raise ValueError("A run's money terms always say what a scaled campaign costs.")
        self.publishing, self.most = terms.scaled, terms.largest_test_share
        self.design = design_of(run, proposal.variants)
        self.stops_early = run.request.ab_test_config.decision_mode is DecisionMode.MONEY
        self.memory = run.trial.memory
        known = memory_of(criterion_of(run), ()) if self.memory is None else self.memory
        self.spread = known.spread
        self._total, self._cost = terms.total_budget, cost
        self.plan = self.plan_for(self.design, stops_early=self.stops_early)

    def plan_for(self, design: Design, *, stops_early: bool) -> Plan:
        return plan_of(
            design,
            self._total,
            self._cost,
            self.memory,
            stops_early=stops_early,
            largest_test_share=self.most,
        )


class _Looked:
    """Forecasts of tests like the one asked for."""

    def __init__(self, proposal: Proposal, supposed: Supposition, minimums: MinimumBudgets) -> None:
        self._run = proposal.run
        self._supposed = supposed
        self.asked = _Asked(proposal, float(supposed.cost))
        self._total = total_of(proposal.run)
        self._daily = smallest_daily(minimums, objective_of(proposal.run.request).goal.frequency)

    def expected(self, design: Design, *, stops_early: bool) -> Expected:
        found = forecast(self.asked.plan_for(design, stops_early=stops_early), self.asked.spread)
        low, high = (self.amount(share) for share in found.gain_range)
        ranged = None if low is None or high is None else (low, high)
        return Expected(found, self.amount(found.gain), ranged, found.gain * self.asked.plan.events)

    def amount(self, share: float) -> Money | None:
        """Return a share of what the whole budget is expected to bring, as money."""
        if self._supposed.value is None:
            return None
        return Money.nearest(share * self.asked.plan.events * float(self._supposed.value), self._run.currency)

    def better(self, asked: Expected) -> Size | None:
        """Return the size of test that earns most with the variants asked for, where that is notably more."""
        count = len(self.asked.design.variants)
        sizes = [
            found for share in _SHARES for hours in _HOURS if (found := self._sized(count, share, hours))
        ]
        if not sizes:
            return None
        best = max(sizes, key=lambda size: size.expected.forecast.gain)
        mine = asked.forecast
        enough = max(mine.gain * _WORTH_SAYING, 3 * mine.error)
        return best if best.expected.forecast.gain > mine.gain + enough else None

    def by_variants(self) -> tuple[Size, ...]:
        """Return what each number of variants brings with the test's money and hours as asked."""
        ab = self._run.request.ab_test_config
        share = Fraction(ab.test_budget_per_variant * ab.variants_count) / Fraction(
            self._run.request.budget_config.total_budget
        )
        counts = range(FEWEST_VARIANTS, len(LETTERS) + 1)
        sizes = (self._sized(count, share, ab.test_duration_hours) for count in counts)
        return tuple(size for size in sizes if size is not None)

    def _sized(self, variants: int, share: Fraction, hours: int) -> Size | None:
        """Return a test of other dimensions, None where Meta would refuse it or nothing would be left to publish."""
        minor = int(share * self._total.minor / variants)
        each = Money(minor, self._total.currency)
        left = self._total - Money(minor * variants, self._total.currency)
        most = self.asked.most if self.asked.stops_early else 1.0
        if each < smallest_lifetime(self._daily, hours) or left < self._daily or share > most:
            return None
        design = replace(
            self.asked.design,
            variants=tuple(LETTERS[:variants]),
            planned_spend_per_variant=float(each.major),
            planned_hours=float(hours),
            min_spend_threshold=0.0,
            adaptive=False,
        )
        return Size(variants, each, hours, self.expected(design, stops_early=False))


def measured(
    spend: Money, events: int, revenue: Money | None, tests: int, value: Decimal | None
) -> Supposition | None:
    """Return what an event has cost in so many of the account's tests, and what it was worth; None where none was counted.

    ``revenue`` is None where the criterion counts no revenue: then an event is worth what the request says, ``value``.
    """
    if events <= 0 or spend.minor <= 0:
        return None
    worth = value if revenue is None or revenue.minor <= 0 else revenue.major / events
    return Supposition(spend.major / events, worth, Basis.MEASURED, tests)


def variants_that_pay(sizes: Sequence[Size]) -> Size | None:
    """Return the size from which more variants bring little: the fewest within a twentieth of the best."""
    if not sizes:
        return None
    enough = (1 - _WORTH_SAYING) * max(size.expected.forecast.gain for size in sizes)
    return next(size for size in sizes if size.expected.forecast.gain >= enough)
