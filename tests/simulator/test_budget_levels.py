"""Budgets that move between a campaign and its ad sets, and the minimum that a shared one must reach."""

from collections.abc import Callable
from typing import Any

import pytest

from metasim.testing import Advertiser, RefusedError

SHARED: dict[str, Any] = {"is_adset_budget_sharing_enabled": None}
FREE: dict[str, Any] = {"lifetime_budget": None, "bid_strategy": None}


def codes(act: Callable[[], Any]) -> tuple[int, int | None]:
    with pytest.raises(RefusedError) as refused:
        act()
    return refused.value.codes


def rows(advertiser: Advertiser, campaign: str, **budget: int) -> list[dict[str, Any]]:
    sets = advertiser.get(f"{campaign}/adsets", fields="id")["data"]
    return [{"adset_id": row["id"], **budget} for row in sets]


def budgets(advertiser: Advertiser, node: str) -> tuple[str, str]:
    row = advertiser.get(node, fields="daily_budget,lifetime_budget")
    return row.get("daily_budget", "0"), row.get("lifetime_budget", "0")


@pytest.fixture
def held(advertiser: Advertiser) -> tuple[str, list[str]]:
    """Return a campaign with a daily budget, and its two ad sets."""
    campaign = advertiser.campaign(daily_budget=20_000, **SHARED)
    return campaign, [advertiser.adset(campaign, letter, hours=72, **FREE) for letter in "AB"]


def test_a_campaigns_budget_moves_to_its_ad_sets(advertiser: Advertiser, held: tuple[str, list[str]]) -> None:
    campaign, adsets = held
    advertiser.post(campaign, adset_budgets=rows(advertiser, campaign, daily_budget=9000))
    assert budgets(advertiser, campaign) == ("0", "0")
    assert [budgets(advertiser, each)[0] for each in adsets] == ["9000", "9000"]
    assert {advertiser.get(each, fields="bid_strategy")["bid_strategy"] for each in adsets} == {
        "LOWEST_COST_WITHOUT_CAP"
    }


def test_ad_sets_budgets_move_to_their_campaign(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("AB", hours=72, lifetime_budget=20_000)
    advertiser.post(ids["campaign"], daily_budget=20_000, adset_budgets=rows(advertiser, ids["campaign"]))
    assert budgets(advertiser, ids["campaign"])[0] == "20000"
    assert budgets(advertiser, ids["set A"]) == ("0", "0")


def test_what_was_spent_before_counts_for_the_campaigns_new_budget(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("AB", hours=72, lifetime_budget=20_000)
    advertiser.pass_time(hours=24)
    spent = advertiser.figures(ids["campaign"])["spend"]
    advertiser.post(ids["campaign"], lifetime_budget=30_000, adset_budgets=rows(advertiser, ids["campaign"]))
    advertiser.pass_time(hours=72)
    assert spent > 10
    assert advertiser.figures(ids["campaign"])["spend"] <= 300


def test_only_trying_moves_nothing(advertiser: Advertiser, held: tuple[str, list[str]]) -> None:
    campaign, _ = held
    wanted = rows(advertiser, campaign, daily_budget=9000)
    advertiser.post(campaign, adset_budgets=wanted, execution_options=["validate_only"])
    assert budgets(advertiser, campaign)[0] == "20000"


def test_every_ad_set_must_be_named(advertiser: Advertiser, held: tuple[str, list[str]]) -> None:
    campaign, _ = held
    some = rows(advertiser, campaign, daily_budget=9000)[:1]
    assert codes(lambda: advertiser.post(campaign, adset_budgets=some)) == (100, 1885621)


def test_a_budget_is_on_one_level(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("AB", hours=72, lifetime_budget=20_000)
    both = {"daily_budget": 20_000, "adset_budgets": rows(advertiser, ids["campaign"], daily_budget=9000)}
    assert codes(lambda: advertiser.post(ids["campaign"], **both)) == (100, 1885621)
    assert codes(lambda: advertiser.post(ids["campaign"], daily_budget=20_000)) == (100, 1885621)


def test_an_ad_sets_new_budget_has_its_minimum(advertiser: Advertiser, held: tuple[str, list[str]]) -> None:
    campaign, _ = held
    wanted = rows(advertiser, campaign, daily_budget=1)
    assert codes(lambda: advertiser.post(campaign, adset_budgets=wanted)) == (100, 1885272)


def test_a_campaigns_new_budget_is_above_what_is_spent(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("AB", hours=72, lifetime_budget=60_000)
    advertiser.pass_time(hours=48)
    wanted = rows(advertiser, ids["campaign"])
    assert codes(lambda: advertiser.post(ids["campaign"], lifetime_budget=5000, adset_budgets=wanted)) == (
        100,
        1885650,
    )


def test_a_campaigns_budget_suffices_for_all_its_ad_sets(advertiser: Advertiser) -> None:
    least = advertiser.get("act_123456789/minimum_budgets")["data"][0]["min_daily_budget_low_freq"]
    campaign = advertiser.campaign(daily_budget=int(least) * 2, **SHARED)
    for letter in "AB":
        advertiser.adset(campaign, letter, hours=72, **FREE)
    assert codes(lambda: advertiser.adset(campaign, "C", hours=72, **FREE)) == (100, 2238055)
