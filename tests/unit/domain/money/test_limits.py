"""Spend limits: the first day or month that a write makes worse and too much is named; nothing else is refused."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import LimitRefusedError
from autopublisher.domain.money.exposure import Calendar
from autopublisher.domain.money.limits import (
    Breach,
    InstallationLimits,
    Limits,
    Period,
    Scope,
    check_limits,
    first_breach,
)
from autopublisher.domain.request.request import DecisionMode
from support.wording import english
from unit.domain.samples import ACCOUNT, asked

DAY, NEXT, MONTH = date(2026, 11, 22), date(2026, 11, 23), date(2026, 11, 1)
NONE = InstallationLimits()


def calendar(*amounts: int) -> Calendar:
    return Calendar(dict(zip((DAY, NEXT), amounts, strict=False)), {MONTH: sum(amounts)})


def limited(daily: int | None = None, monthly: int | None = None) -> Account:
    return replace(ACCOUNT, daily_limit=daily, monthly_limit=monthly)


def breach(limits: Limits, before: Calendar, after: Calendar) -> Breach | None:
    return first_breach(Scope.ACCOUNT, limits, "EUR", before, after)


def test_what_fits_to_the_last_cent_passes() -> None:
    assert breach(Limits(5000, 10_000), calendar(2000, 5000), calendar(5000, 5000)) is None


def test_the_first_day_that_would_be_too_much_is_named() -> None:
    found = breach(Limits(5000), calendar(2000), calendar(2000, 5001))
    assert found is not None
    assert (found.period, found.first, found.left.minor, found.asked.minor) == (Period.DAY, NEXT, 5000, 5001)


def test_a_month_is_looked_at_where_every_day_fits() -> None:
    found = breach(Limits(5000, 6000), calendar(), calendar(4000, 4000))
    assert found is not None
    assert (found.period, found.first, found.left.minor) == (Period.MONTH, MONTH, 6000)


def test_a_day_that_was_too_much_already_does_not_stand_in_the_way_of_others() -> None:
    assert breach(Limits(5000), calendar(9000), calendar(9000, 5000)) is None


def test_lowering_passes_even_above_the_limit() -> None:
    assert breach(Limits(5000), calendar(9000), calendar(8000)) is None


def test_nothing_is_left_where_a_limit_was_lowered_below_what_is_taken() -> None:
    found = breach(Limits(5000), calendar(9000), calendar(9001))
    assert found is not None
    assert found.left == Money(0, "EUR")


def test_without_a_limit_nothing_is_refused() -> None:
    assert breach(Limits(), calendar(), calendar(10**9)) is None


def test_a_refusal_says_which_limit_which_day_and_how_much_is_left() -> None:
    found = breach(Limits(5000), calendar(2000), calendar(8000))
    assert found is not None
    assert english(found.reason) == (
        "the account's daily limit of 50.00 EUR would be exceeded on 2026-11-22: "
        "it could spend 60.00 EUR then, and 30.00 EUR is left"
    )


@given(st.integers(0, 9000), st.integers(0, 9000), st.integers(0, 9000))
def test_whatever_passes_stays_within_the_limit_or_adds_nothing(limit: int, was: int, would: int) -> None:
    found = breach(Limits(limit), calendar(was), calendar(would))
    assert (found is None) == (would <= max(limit, was))


# --- the installation -----------------------------------------------------------------------------


def test_an_installation_without_limits_limits_no_currency() -> None:
    assert not NONE.of("EUR")


@pytest.mark.parametrize("limits", [InstallationLimits({"EUR": 1}), InstallationLimits({}, {"EUR": 1})])
def test_a_currency_without_a_limit_is_refused_where_there_are_limits(limits: InstallationLimits) -> None:
    with pytest.raises(LimitRefusedError, match=r"uncovered_\w+ currency=USD"):
        limits.of("USD")


# --- what a request can be told at once -----------------------------------------------------------


def test_a_test_no_day_can_hold_is_refused_at_once() -> None:
    (found,) = check_limits(asked(), limited(daily=9999), NONE)
    assert found.field == "ab_test_config.test_budget_per_variant"
    assert "100.00 EUR on one day, above the account's daily limit of 99.99 EUR" in english(found.reason)


def test_a_test_that_fills_a_day_exactly_is_taken() -> None:
    assert list(check_limits(asked(), limited(10_000, 10_000), InstallationLimits({"EUR": 10_000}))) == []


def test_a_total_above_the_limits_is_no_problem_because_it_can_be_spread() -> None:
    request = asked(budget={"total_budget": Decimal(5000)})
    assert list(check_limits(request, limited(10_000), NONE)) == []


def test_a_currency_the_installation_has_no_limit_for_is_a_problem_of_the_budget() -> None:
    (found,) = check_limits(asked(), ACCOUNT, InstallationLimits({"USD": 50_000}))
    assert (found.field, found.code) == ("budget_config.total_budget", "limit_unknown")


def test_limits_count_the_longest_test() -> None:
    request = asked(test={"decision_mode": DecisionMode.MONEY})
    assert list(check_limits(request, limited(20_000), NONE)) == []
    (found,) = check_limits(request, limited(daily=19_999), NONE)
    assert found.code == "above_limit"
