"""Money: whole minor units, Meta's own offsets, rounding that never flatters, no mixing of currencies."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.amounts import (
    HUNDREDTH_CURRENCIES,
    WHOLE_UNIT_CURRENCIES,
    Money,
    offset_of,
    places_of,
)
from autopublisher.domain.errors import CurrencyMismatchError, UnknownCurrencyError

CURRENCIES = st.sampled_from(sorted(WHOLE_UNIT_CURRENCIES | HUNDREDTH_CURRENCIES))
MINOR = st.integers(min_value=0, max_value=10**14)


@pytest.mark.parametrize(
    ("currency", "offset"),
    [("EUR", 100), ("USD", 100), ("JPY", 1), ("COP", 1), ("HUF", 1), ("BHD", 100), ("KES", 100), ("CLP", 1)],
)
def test_offsets_are_metas_and_not_those_of_iso_4217(currency: str, offset: int) -> None:
    assert offset_of(currency) == offset


def test_no_currency_has_two_offsets() -> None:
    assert not WHOLE_UNIT_CURRENCIES & HUNDREDTH_CURRENCIES


@pytest.mark.parametrize("currency", ["XXX", "eur", ""])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(UnknownCurrencyError, match="is not one Meta bills in"):
        offset_of(currency)


@given(MINOR, CURRENCIES)
def test_major_units_lead_back_to_the_same_money(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.from_major(money.major, currency) == money


@pytest.mark.parametrize(("amount", "currency"), [("0.005", "EUR"), ("10.001", "BHD"), ("1.5", "JPY")])
def test_an_amount_finer_than_the_currency_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match="more decimal places"):
        Money.from_major(Decimal(amount), currency)


def test_an_amount_written_with_needless_places_is_exact() -> None:
    assert Money.from_major(Decimal("50.00"), "JPY") == Money(50, "JPY")


@given(st.decimals(min_value=0, max_value=10**9, places=4), CURRENCIES)
def test_what_was_spent_is_rounded_up_by_less_than_one_minor_unit(amount: Decimal, currency: str) -> None:
    excess = Money.at_least(amount, currency).major - amount
    assert 0 <= excess < Decimal(1) / offset_of(currency)


@given(MINOR, st.decimals(min_value=0, max_value=10, places=3))
def test_a_multiple_is_rounded_down_by_less_than_one_minor_unit(minor: int, factor: Decimal) -> None:
    lost = minor * factor - Money(minor, "EUR").times(factor).minor
    assert 0 <= lost < 1


@given(MINOR, MINOR)
def test_adding_and_taking_away_are_inverse(left: int, right: int) -> None:
    assert Money(left, "EUR") + Money(right, "EUR") - Money(right, "EUR") == Money(left, "EUR")


@given(MINOR, MINOR)
def test_money_is_ordered_as_its_minor_units_are(left: int, right: int) -> None:
    one, other = Money(left, "EUR"), Money(right, "EUR")
    found = (one < other, one <= other, one > other, one >= other)
    assert found == (left < right, left <= right, left > right, left >= right)


@pytest.mark.parametrize("operator", ["__add__", "__sub__", "__lt__", "__le__", "__gt__", "__ge__"])
def test_two_currencies_are_never_combined(operator: str) -> None:
    with pytest.raises(CurrencyMismatchError, match="EUR and USD"):
        getattr(Money(1, "EUR"), operator)(Money(1, "USD"))


@given(MINOR, CURRENCIES)
def test_no_float_ever_comes_of_money(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert isinstance(money.major, Decimal)
    assert type(money.times(Decimal("1.5")).minor) is int
    assert type(Money.at_least(money.major, currency).minor) is int


@pytest.mark.parametrize(
    ("money", "text"),
    [(Money(5000, "EUR"), "50.00 EUR"), (Money(50, "JPY"), "50 JPY"), (Money(-1, "EUR"), "-0.01 EUR")],
)
def test_money_is_written_as_people_write_it(money: Money, text: str) -> None:
    assert str(money) == text


def test_nothing_is_zero() -> None:
    assert Money.zero("EUR") == Money(0, "EUR")


@pytest.mark.parametrize(("currency", "places"), [("EUR", 2), ("JPY", 0)])
def test_places_follow_the_offset(currency: str, places: int) -> None:
    assert places_of(currency) == places
