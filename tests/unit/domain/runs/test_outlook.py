"""Outlooks of proposed runs: what is supposed, what is recommended, and that nothing is recommended which Meta refuses."""

from decimal import Decimal

import pytest

from autopublisher.domain.accounts.accounts import Creative, MinimumBudgets
from autopublisher.domain.amounts import Money
from autopublisher.domain.request.money_rules import smallest_lifetime
from autopublisher.domain.request.request import DecisionMode, RunRequest, WinnerCriteria
from autopublisher.domain.runs.outlook import (
    Basis,
    Supposition,
    measured,
    outlook,
    suppositions,
    variants_that_pay,
)
from autopublisher.domain.runs.proposal import Proposal, proposed
from unit.domain.samples import ACCOUNT, MINIMUMS, NOW, asked, creative_ids

LOW = MinimumBudgets(*(Money(100, "EUR") for _ in range(4)))
TWENTY = Supposition(Decimal(20), Decimal(65), Basis.ASKED)


def proposal_of(request: RunRequest) -> Proposal:
    creatives = [Creative(each, ACCOUNT.id, "picture", "key", "sha", NOW) for each in creative_ids(2)]
    return proposed(request, ACCOUNT, creatives)


def test_what_is_known_stands_alone_and_what_is_not_becomes_several_cases() -> None:
    proposal = proposal_of(asked())
    assert suppositions(proposal, TWENTY) == (TWENTY,)
    cases = suppositions(proposal, None)
    assert [round(Decimal(50) / one.cost) for one in cases] == [5, 15, 45]
    assert {one.basis for one in cases} == {Basis.SUPPOSED}
    clicks = suppositions(proposal_of(asked(test={"winner_criteria": WinnerCriteria.CTR})), None)
    assert [round(Decimal(50) / one.cost) for one in clicks] == [50, 150, 450]


def test_the_gain_in_money_is_its_share_of_what_the_whole_budget_sells() -> None:
    found = outlook(proposal_of(asked()), TWENTY, LOW)
    assert found.events_per_variant == 2.5
    assert found.expected.events == pytest.approx(25 * found.expected.forecast.gain)
    assert found.expected.gain == Money.nearest(25 * 65 * found.expected.forecast.gain, "EUR")
    low, high = found.expected.gain_range or (None, None)
    assert low is not None
    assert high is not None
    assert low.minor < 0 < found.expected.gain.minor < high.minor


def test_without_a_value_gains_are_told_in_events_alone() -> None:
    found = outlook(proposal_of(asked()), Supposition(Decimal(20), None, Basis.ASKED), LOW)
    assert (found.expected.gain, found.expected.gain_range, found.scaled) == (None, None, None)
    assert found.expected.events > 0


def test_proof_grows_with_the_true_difference() -> None:
    request = asked(
        test={"test_budget_per_variant": Decimal(14_000), "test_duration_hours": 336},
        budget={"total_budget": Decimal(60_000)},
    )
    found = outlook(proposal_of(request), Supposition(Decimal(37), Decimal(80), Basis.ASKED), LOW)
    chances = [one.power for one in found.proof]
    assert chances == sorted(chances)
    assert chances[0] < 0.2
    assert chances[-1] > 0.9
    assert found.days_for_proof is not None
    assert 14 < found.days_for_proof < 60


def test_a_better_size_and_number_of_variants_is_one_that_meta_takes() -> None:
    request = asked(
        test={"test_budget_per_variant": Decimal(50), "test_duration_hours": 24},
        budget={"total_budget": Decimal(10_000)},
    )
    found = outlook(proposal_of(request), TWENTY, MINIMUMS)
    assert found.better is not None
    assert found.better.expected.forecast.gain > 1.05 * found.expected.forecast.gain
    for size in (found.better, *found.by_variants):
        assert size.per_variant >= smallest_lifetime(MINIMUMS.low_frequency, size.hours)
        assert size.per_variant.times(Decimal(size.variants)) < Money(1_000_000, "EUR")


def test_a_size_as_good_as_any_is_left_alone() -> None:
    request = asked(
        test={"test_budget_per_variant": Decimal(1000), "test_duration_hours": 336},
        budget={"total_budget": Decimal(10_000)},
    )
    assert outlook(proposal_of(request), TWENTY, LOW).better is None


def test_in_money_mode_the_test_uses_no_more_than_it_may() -> None:
    request = asked(
        test={
            "decision_mode": DecisionMode.MONEY,
            "test_budget_per_variant": Decimal(2500),
            "test_duration_hours": 240,
            "max_test_share": Decimal("0.2"),
        },
        budget={"total_budget": Decimal(5000)},
    )
    found = outlook(proposal_of(request), TWENTY, LOW)
    assert 0 < found.expected.forecast.test_share <= 0.2
    assert all(
        size.per_variant.times(Decimal(size.variants)) <= Money(100_000, "EUR") for size in found.by_variants
    )


def test_the_fewest_variants_near_the_best_are_said_to_pay() -> None:
    sizes = outlook(proposal_of(asked()), TWENTY, LOW).by_variants
    best = max(size.expected.forecast.gain for size in sizes)
    pays = variants_that_pay(sizes)
    assert pays is not None
    assert pays.expected.forecast.gain >= 0.95 * best
    assert all(size.expected.forecast.gain < 0.95 * best for size in sizes if size.variants < pays.variants)
    assert variants_that_pay(()) is None


def test_what_tests_have_shown_is_their_spend_over_their_events() -> None:
    found = measured(Money(100_000, "EUR"), 50, Money(350_000, "EUR"), 3, None)
    assert found == Supposition(Decimal(20), Decimal(70), Basis.MEASURED, 3)
    clicks = measured(Money(100_000, "EUR"), 500, None, 3, Decimal(2))
    assert clicks == Supposition(Decimal(2), Decimal(2), Basis.MEASURED, 3)
    assert measured(Money(100_000, "EUR"), 0, None, 3, None) is None
    assert measured(Money(0, "EUR"), 5, None, 3, None) is None
