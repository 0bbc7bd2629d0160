"""The most one run may cost."""

import pytest

from autopublisher.domain.accounts.accounts import AdAccountFacts
from autopublisher.domain.amounts import Money
from autopublisher.domain.ids import ActId
from autopublisher.domain.money.run_cap import run_cap


def facts(smallest: int, currency: str = "EUR") -> AdAccountFacts:
    return AdAccountFacts(ActId("act_1"), "Shop", 1, currency, "Europe/Madrid", Money(smallest, currency))


@pytest.mark.parametrize(
    ("currency", "smallest", "cap"), [("EUR", 10_000, 1_000_000), ("JPY", 11_000, 1_100_000)]
)
def test_without_a_setting_it_is_a_hundred_times_metas_smallest(
    currency: str, smallest: int, cap: int
) -> None:
    assert run_cap(facts(smallest, currency), {}) == Money(cap, currency)


def test_a_setting_goes_before_it_in_its_own_currency() -> None:
    assert run_cap(facts(10_000), {"EUR": 5_000}) == Money(5_000, "EUR")
    assert run_cap(facts(10_000), {"USD": 5_000}) == Money(1_000_000, "EUR")


def test_where_meta_names_none_there_is_none() -> None:
    assert run_cap(facts(0), {}) is None
