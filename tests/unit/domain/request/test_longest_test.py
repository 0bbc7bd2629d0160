"""The longest test of a request: whole days at the planned pace, within a share of the total."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.amounts import Money
from autopublisher.domain.request.longest_test import (
    LONGEST_TEST_HOURS,
    budget_after,
    further_days,
    most_for_test,
)
from autopublisher.domain.request.money_rules import check_amounts
from autopublisher.domain.request.request import DecisionMode, NoWinner, RunRequest
from autopublisher.domain.request.test_rules import check_test
from unit.domain.samples import asked

MONEY = {"decision_mode": DecisionMode.MONEY}
EXTEND = {"on_no_winner": NoWinner.EXTEND}


def asking(total: Any = 500, **test: Any) -> RunRequest:
    return asked(test=test, budget={"total_budget": Decimal(total)})


@pytest.mark.parametrize(
    ("share", "days"), [("0.2", 0), ("0.39", 0), ("0.4", 1), ("0.5", 1), ("0.9", 3), ("1", 4), ("0.05", 0)]
)
def test_it_goes_on_for_as_many_whole_days_as_its_share_pays(share: str, days: int) -> None:
    for mode in (MONEY, EXTEND):
        request = asking(max_test_share=Decimal(share), **mode)
        assert further_days(request, "EUR") == days
        assert most_for_test(request, "EUR") == Money(10_000 * (1 + days), "EUR")


@pytest.mark.parametrize(
    "test",
    [
        {},
        {"decision_mode": DecisionMode.DECIDE},
        {"on_no_winner": NoWinner.STOP},
        {**MONEY, "test_duration_hours": 23},
        {**MONEY, "adaptive_allocation": True},
        {**MONEY, "variants_count": 0},
        {**EXTEND, "test_duration_hours": 0},
    ],
)
def test_these_tests_end_with_their_plan(test: dict[str, Any]) -> None:
    assert further_days(asking(**test, max_test_share=Decimal(1)), "EUR") == 0


@given(
    st.decimals(1, 10_000, places=2),
    st.integers(24, LONGEST_TEST_HOURS),
    st.integers(2, 10),
    st.tuples(st.decimals("0.05", 1, places=3), st.decimals(1, 3, places=3)),
    st.sampled_from(["EUR", "JPY", "CLP"]),
)
def test_no_longer_test_passes_its_share_or_the_longest_time(
    each: Decimal, hours: int, variants: int, ratios: tuple[Decimal, Decimal], currency: str
) -> None:
    share, times = ratios
    planned = Money.nearest(float(each), currency).major
    total = Money.nearest(float(planned * variants * times * 2), currency)
    request = asking(
        total.major,
        **MONEY,
        test_budget_per_variant=planned,
        test_duration_hours=hours,
        variants_count=variants,
        max_test_share=share,
    )
    days, most = further_days(request, currency), most_for_test(request, currency)
    if days:
        assert most.minor <= total.minor * share
        assert hours + 24 * days <= LONGEST_TEST_HOURS
    ab = request.ab_test_config
    assert most == Money(budget_after(ab, currency, days).minor * variants, currency)
    another = Money(budget_after(ab, currency, days + 1).minor * variants, currency)
    assert another == most or another.minor > total.minor * share or hours + 24 * (days + 1) > 24 * 90


@pytest.mark.parametrize(
    ("test", "field"),
    [
        ({"decision_mode": DecisionMode.DECIDE}, "ab_test_config.on_no_winner"),
        ({"adaptive_allocation": True, "variants_count": 3}, "ab_test_config.adaptive_allocation"),
        ({"test_duration_hours": 12}, "ab_test_config.test_duration_hours"),
    ],
)
def test_what_cannot_go_on_is_refused_where_that_is_asked_for(test: dict[str, Any], field: str) -> None:
    problems = list(check_test(asking(**test, **EXTEND)))
    assert [one.field for one in problems] == [field]
    assert list(check_test(asking(**test))) == []


def test_a_share_that_is_no_number_is_left_to_the_checks() -> None:
    assert further_days(asking(**MONEY, max_test_share=Decimal("NaN")), "EUR") == 0


def test_one_with_no_room_for_a_day_is_refused_where_going_on_is_asked_for() -> None:
    small = replace(asking(**EXTEND, max_test_share=Decimal("0.3")))
    assert [one.field for one in check_amounts(small, "EUR")] == ["ab_test_config.max_test_share"]
    assert list(check_amounts(asking(**MONEY, max_test_share=Decimal("0.3")), "EUR")) == []
