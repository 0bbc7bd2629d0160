"""Further refusals of Meta's, and that each says what a person would be shown."""

from pathlib import Path
from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.testing import ACCOUNT, TARGETING, Advertiser, RefusedError, story

Codes = tuple[int, int | None]
SHARING: dict[str, Any] = {"is_adset_budget_sharing_enabled": True, "bid_strategy": "LOWEST_COST_WITHOUT_CAP"}
CLICKS: dict[str, Any] = {
    "optimization_goal": "LINK_CLICKS",
    "billing_event": "LINK_CLICKS",
    "promoted_object": None,
}


def refused(act: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        act()
    return caught.value


def codes(act: Any) -> Codes:
    return refused(act).codes


def test_budget_sharing_cannot_be_switched_on_later(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign()
    params = {"is_adset_budget_sharing_enabled": True, "bid_strategy": "LOWEST_COST_WITHOUT_CAP"}
    assert codes(lambda: advertiser.post(campaign, **params)) == (100, 3858418)


def test_the_bid_strategy_is_fixed_while_budgets_are_shared(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign(**SHARING)
    assert codes(lambda: advertiser.post(campaign, bid_strategy="COST_CAP")) == (100, 4834006)


@pytest.mark.parametrize("own", [{}, {"daily_budget": 9000, "bid_strategy": "COST_CAP", "bid_amount": 300}])
def test_ad_sets_that_share_budgets_are_alike(advertiser: Advertiser, own: dict[str, Any]) -> None:
    campaign = advertiser.campaign(**SHARING)
    assert codes(lambda: advertiser.adset(campaign, **own)) == (100, 4834009)


def test_ad_sets_that_share_daily_budgets_are_welcome(advertiser: Advertiser) -> None:
    assert advertiser.adset(advertiser.campaign(**SHARING), daily_budget=9000)


def test_only_one_thing_is_promoted(advertiser: Advertiser) -> None:
    promoted = {"pixel_id": "2001", "custom_event_type": "PURCHASE", "application_id": "1"}
    campaign = advertiser.campaign()
    assert codes(lambda: advertiser.adset(campaign, promoted_object=promoted)) == (100, 1487929)


def test_only_the_name_of_archived_ads_changes(advertiser: Advertiser) -> None:
    ad = advertiser.ad(advertiser.adset(advertiser.campaign()), advertiser.creative())
    advertiser.post(ad, status="ARCHIVED")
    assert codes(lambda: advertiser.post(ad, status="ACTIVE")) == (100, 1885088)
    assert advertiser.post(ad, name="Old") == {"success": True}
    assert advertiser.post(ad, status="DELETED") == {"success": True}


def test_the_accounts_spending_limit_changes_ten_times_a_day(advertiser: Advertiser) -> None:
    for number in range(10):
        advertiser.post(ACCOUNT, spend_cap=1000 + number)
    assert codes(lambda: advertiser.post(ACCOUNT, spend_cap=2000)) == (17, 1885172)
    advertiser.pass_time(hours=24)
    assert advertiser.post(ACCOUNT, spend_cap=2000) == {"success": True}


def test_an_asset_feed_needs_a_dynamic_ad_set(advertiser: Advertiser) -> None:
    feed = {"asset_feed_spec": {"titles": [{"text": "One"}]}}
    creative = advertiser.post(f"{ACCOUNT}/adcreatives", name="Feed", **feed)["id"]
    plain, dynamic = (
        advertiser.adset(advertiser.campaign(), is_dynamic_creative=flag) for flag in (False, True)
    )
    assert codes(lambda: advertiser.ad(plain, creative)) == (100, 1885998)
    assert advertiser.ad(dynamic, creative)


def test_a_creative_feature_says_in_or_out(advertiser: Advertiser) -> None:
    freedom = {"creative_features_spec": {"text_optimizations": {"enroll_status": "MAYBE"}}}
    params = {**story("A"), "degrees_of_freedom_spec": freedom}
    assert codes(lambda: advertiser.post(f"{ACCOUNT}/adcreatives", **params)) == (100, 3858082)


def test_paying_for_clicks_needs_a_call_to_action(advertiser: Advertiser) -> None:
    adset = advertiser.adset(advertiser.campaign(objective="OUTCOME_TRAFFIC"), **CLICKS)
    silent = advertiser.creative("A", call_to_action=None)
    assert codes(lambda: advertiser.ad(adset, silent)) == (100, 2446383)
    assert advertiser.ad(adset, advertiser.creative("B"))


def test_an_app_store_is_linked_by_app_campaigns_only(advertiser: Advertiser) -> None:
    creative = advertiser.creative("A", link="https://apps.apple.com/app/id1")
    adset = advertiser.adset(advertiser.campaign())
    assert codes(lambda: advertiser.ad(adset, creative)) == (100, 1487810)


def test_a_refused_ad_leaves_its_inline_creative_unmade(advertiser: Advertiser) -> None:
    adset = advertiser.adset(advertiser.campaign(objective="OUTCOME_TRAFFIC"), **CLICKS)
    inline = story("Z", call_to_action=None)
    assert codes(lambda: advertiser.ad(adset, "", creative=inline)) == (100, 2446383)
    assert advertiser.get(f"{ACCOUNT}/adcreatives")["data"] == []


IMMUTABLE: dict[str, dict[str, Any]] = {
    "the promoted object": {"promoted_object": {"pixel_id": "2001", "custom_event_type": "LEAD"}},
    "the destination": {"destination_type": "MESSENGER"},
    "the kind of budget": {"daily_budget": 9000},
    "the campaign": {"campaign_id": "9"},
    "the billing event": {"billing_event": "CLICKS"},
}


@pytest.mark.parametrize("what", IMMUTABLE)
def test_what_an_ad_set_never_changes(advertiser: Advertiser, what: str) -> None:
    adset = advertiser.adset(advertiser.campaign())
    assert codes(lambda: advertiser.post(adset, **IMMUTABLE[what]))[0] == 100


def test_a_running_ad_set_keeps_its_start(advertiser: Advertiser) -> None:
    adset = advertiser.adset(advertiser.campaign())
    advertiser.pass_time(hours=1)
    assert codes(lambda: advertiser.post(adset, start_time=advertiser.moment(hours=2))) == (100, None)


def test_an_ad_keeps_its_ad_set(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign()
    ad, other = advertiser.ad(advertiser.adset(campaign), advertiser.creative()), advertiser.adset(campaign)
    assert codes(lambda: advertiser.post(ad, adset_id=other)) == (100, None)


def test_a_spend_cap_cannot_fall_under_what_was_spent(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A", lifetime_budget=30000)
    advertiser.pass_time(hours=20)
    spent = round(advertiser.figures(ids["campaign"])["spend"] * 100)
    assert spent > 10000
    assert codes(lambda: advertiser.post(ids["campaign"], spend_cap=10000)) == (100, 1885650)
    assert advertiser.post(ids["campaign"], spend_cap=spent + 5000) == {"success": True}


def test_a_spend_cap_is_taken_away_by_its_own_number(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign(spend_cap=10000)
    advertiser.post(campaign, spend_cap=922337203685478)
    assert "spend_cap" not in advertiser.get(campaign, fields="spend_cap")


def test_the_campaigns_updated_time_is_not_moved_by_budgets(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign(daily_budget=5000, is_adset_budget_sharing_enabled=None)
    before = advertiser.get(campaign, fields="updated_time")
    advertiser.pass_time(hours=1)
    advertiser.post(campaign, daily_budget=6000)
    assert advertiser.get(campaign, fields="updated_time") == before
    advertiser.post(campaign, name="New")
    assert advertiser.get(campaign, fields="updated_time") != before


@pytest.mark.parametrize(("age", "code"), [(26, None), (25, "fine")])
def test_a_relaxed_audience_starts_at_25_at_most(advertiser: Advertiser, age: int, code: str | None) -> None:
    people = {**TARGETING, "age_min": age, "targeting_automation": {"advantage_audience": 1}}
    campaign = advertiser.campaign()
    if code is None:
        assert codes(lambda: advertiser.adset(campaign, targeting=people)) == (100, None)
    else:
        assert advertiser.adset(campaign, targeting=people)


def test_the_audience_flag_is_demanded_of_new_ad_sets_only(advertiser: Advertiser) -> None:
    adset = advertiser.adset(advertiser.campaign())
    narrowed = {"geo_locations": {"countries": ["ES"]}, "age_min": 40}
    assert advertiser.post(adset, targeting=narrowed) == {"success": True}


def test_special_categories_demand_the_audience_flag(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign(special_ad_categories=["HOUSING"], special_ad_category_country=["ES"])
    wide = {"geo_locations": {"countries": ["ES"]}}
    assert codes(lambda: advertiser.adset(campaign, targeting=wide)) == (100, 1870227)


def test_who_pays_is_named_in_few_words(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign()
    assert codes(lambda: advertiser.adset(campaign, dsa_payor="x" * 513)) == (100, None)


@pytest.mark.parametrize("bid", [{"bid_amount": 2000, "bid_strategy": "COST_CAP"}])
def test_a_bid_cap_asks_for_five_times_itself(advertiser: Advertiser, bid: dict[str, Any]) -> None:
    campaign = advertiser.campaign()
    assert codes(lambda: advertiser.adset(campaign, lifetime_budget=9999, **bid)) == (100, 1885272)
    assert advertiser.adset(campaign, lifetime_budget=10000, **bid)


def test_minimum_roas_needs_its_floor(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign()
    assert codes(lambda: advertiser.adset(campaign, bid_strategy="LOWEST_COST_WITH_MIN_ROAS")) == (
        100,
        2490487,
    )


def test_deleted_things_cannot_be_asked_for(advertiser: Advertiser) -> None:
    assert codes(lambda: advertiser.get(f"{ACCOUNT}/ads", effective_status=["DELETED"]))[0] == 100


@pytest.mark.parametrize("name", ["pretty", "debug", "date_format"])
def test_parameters_that_were_removed_are_errors(advertiser: Advertiser, name: str) -> None:
    assert codes(lambda: advertiser.get(ACCOUNT, **{name: "1"})) == (100, None)


def test_reading_many_ids_at_once_is_gone(advertiser: Advertiser) -> None:
    error = refused(lambda: advertiser.get("me", ids="1,2"))
    assert error.status == 500
    assert "deprecated" in error.error["message"]


def test_a_currency_without_hundredths_counts_in_whole_units(tmp_path: Path) -> None:
    scenario = tmp_path / "yen.toml"
    scenario.write_text(
        '[[accounts]]\nid = "act_123456789"\ncurrency = "JPY"\nmin_daily_budget = 100\n', "utf-8"
    )
    advertiser = Advertiser(SimulatorConfig(scenario=str(scenario)))
    error = refused(lambda: advertiser.campaign(daily_budget=99, is_adset_budget_sharing_enabled=None))
    assert "100.00 JPY" in error.error["error_user_msg"]


SHOWN: dict[str, Any] = {
    "campaign": lambda advertiser: advertiser.campaign(objective="CONVERSIONS"),
    "ad set": lambda advertiser: advertiser.adset(advertiser.campaign(), lifetime_budget=1),
    "creative": lambda advertiser: advertiser.creative("A", link=None),
}


@pytest.mark.parametrize("kind", SHOWN)
def test_a_refusal_says_what_a_person_is_shown(advertiser: Advertiser, kind: str) -> None:
    error = refused(lambda: SHOWN[kind](advertiser)).error
    assert error["error_user_title"]
    assert error["error_user_msg"]
    assert error["is_transient"] is False
    assert error["error_data"]["blame_field_specs"]
    assert error["fbtrace_id"]
