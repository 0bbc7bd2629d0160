"""Budgets that move between a campaign and its ad sets, and the minimum that a shared one must reach."""

from collections.abc import Callable
from typing import Any

import pytest

from metasim.testing import Desk, RefusedError

SHARED: dict[str, Any] = {"is_adset_budget_sharing_enabled": None}
FREE: dict[str, Any] = {"lifetime_budget": None, "bid_strategy": None}


def codes(act: Callable[[], Any]) -> tuple[int, int | None]:
    with pytest.raises(RefusedError) as refused:
        act()
    return refused.value.codes


def rows(desk: Desk, campaign: str, **budget: int) -> list[dict[str, Any]]:
    sets = desk.get(f"{campaign}/adsets", fields="id")["data"]
    return [{"adset_id": row["id"], **budget} for row in sets]


def budgets(desk: Desk, node: str) -> tuple[str, str]:
    row = desk.get(node, fields="daily_budget,lifetime_budget")
    return row.get("daily_budget", "0"), row.get("lifetime_budget", "0")


@pytest.fixture
def held(desk: Desk) -> tuple[str, list[str]]:
    """Return a campaign with a daily budget, and its two ad sets."""
    campaign = desk.campaign(daily_budget=20_000, **SHARED)
    return campaign, [desk.adset(campaign, letter, hours=72, **FREE) for letter in "AB"]


def test_a_campaigns_budget_moves_to_its_ad_sets(desk: Desk, held: tuple[str, list[str]]) -> None:
    campaign, adsets = held
    desk.post(campaign, adset_budgets=rows(desk, campaign, daily_budget=9000))
    assert budgets(desk, campaign) == ("0", "0")
    assert [budgets(desk, each)[0] for each in adsets] == ["9000", "9000"]
    assert {desk.get(each, fields="bid_strategy")["bid_strategy"] for each in adsets} == {
        "LOWEST_COST_WITHOUT_CAP"
    }


def test_ad_sets_budgets_move_to_their_campaign(desk: Desk) -> None:
    ids = desk.split_test("AB", hours=72, lifetime_budget=20_000)
    desk.post(ids["campaign"], daily_budget=20_000, adset_budgets=rows(desk, ids["campaign"]))
    assert budgets(desk, ids["campaign"])[0] == "20000"
    assert budgets(desk, ids["set A"]) == ("0", "0")


def test_what_was_spent_before_counts_for_the_campaigns_new_budget(desk: Desk) -> None:
    ids = desk.split_test("AB", hours=72, lifetime_budget=20_000)
    desk.pass_time(hours=24)
    spent = desk.figures(ids["campaign"])["spend"]
    desk.post(ids["campaign"], lifetime_budget=30_000, adset_budgets=rows(desk, ids["campaign"]))
    desk.pass_time(hours=72)
    assert spent > 10
    assert desk.figures(ids["campaign"])["spend"] <= 300


def test_only_trying_moves_nothing(desk: Desk, held: tuple[str, list[str]]) -> None:
    campaign, _ = held
    wanted = rows(desk, campaign, daily_budget=9000)
    desk.post(campaign, adset_budgets=wanted, execution_options=["validate_only"])
    assert budgets(desk, campaign)[0] == "20000"


def test_every_ad_set_must_be_named(desk: Desk, held: tuple[str, list[str]]) -> None:
    campaign, _ = held
    some = rows(desk, campaign, daily_budget=9000)[:1]
    assert codes(lambda: desk.post(campaign, adset_budgets=some)) == (100, 1885621)


def test_a_budget_is_on_one_level(desk: Desk) -> None:
    ids = desk.split_test("AB", hours=72, lifetime_budget=20_000)
    both = {"daily_budget": 20_000, "adset_budgets": rows(desk, ids["campaign"], daily_budget=9000)}
    assert codes(lambda: desk.post(ids["campaign"], **both)) == (100, 1885621)
    assert codes(lambda: desk.post(ids["campaign"], daily_budget=20_000)) == (100, 1885621)


def test_an_ad_sets_new_budget_has_its_minimum(desk: Desk, held: tuple[str, list[str]]) -> None:
    campaign, _ = held
    wanted = rows(desk, campaign, daily_budget=1)
    assert codes(lambda: desk.post(campaign, adset_budgets=wanted)) == (100, 1885272)


def test_a_campaigns_new_budget_is_above_what_is_spent(desk: Desk) -> None:
    ids = desk.split_test("AB", hours=72, lifetime_budget=60_000)
    desk.pass_time(hours=48)
    wanted = rows(desk, ids["campaign"])
    assert codes(lambda: desk.post(ids["campaign"], lifetime_budget=5000, adset_budgets=wanted)) == (
        100,
        1885650,
    )


def test_a_campaigns_budget_suffices_for_all_its_ad_sets(desk: Desk) -> None:
    least = desk.get("act_123456789/minimum_budgets")["data"][0]["min_daily_budget_low_freq"]
    campaign = desk.campaign(daily_budget=int(least) * 2, **SHARED)
    for letter in "AB":
        desk.adset(campaign, letter, hours=72, **FREE)
    assert codes(lambda: desk.adset(campaign, "C", hours=72, **FREE)) == (100, 2238055)
