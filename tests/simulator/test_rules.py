"""Meta's refusals, each with its own code: the product must meet them here before it meets them live."""

from collections.abc import Callable
from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.testing import ACCOUNT, TARGETING, Advertiser, RefusedError, story


def refused(act: Callable[[], Any]) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        act()
    return caught.value


def codes(act: Callable[[], Any]) -> tuple[int, int | None]:
    return refused(act).codes


def targeting(**changes: Any) -> dict[str, Any]:
    merged = {**TARGETING, **changes}
    return {name: value for name, value in merged.items() if value is not None}


CAMPAIGN_RULES: dict[str, tuple[dict[str, Any], tuple[int, int | None]]] = {
    "a name is required": ({"name": None}, (100, None)),
    "an objective is required": ({"objective": None}, (100, None)),
    "special_ad_categories is required": ({"special_ad_categories": None}, (100, None)),
    "legacy objectives are closed": ({"objective": "CONVERSIONS"}, (100, None)),
    "unknown objectives are refused": ({"objective": "OUTCOME_FAME"}, (100, None)),
    "sharing must be chosen": ({"is_adset_budget_sharing_enabled": None}, (100, 4834011)),
    "sharing excludes a campaign budget": (
        {"is_adset_budget_sharing_enabled": True, "daily_budget": 5000},
        (100, 4834002),
    ),
    "sharing needs a bid strategy": ({"is_adset_budget_sharing_enabled": True}, (100, 4834005)),
    "special categories need countries": ({"special_ad_categories": ["HOUSING"]}, (100, 2909034)),
    "the spend cap has a minimum": ({"spend_cap": 9999}, (100, 2446307)),
    "a budget has a minimum": ({"daily_budget": 49}, (100, 1885272)),
    "two budgets exclude each other": ({"daily_budget": 5000, "lifetime_budget": 5000}, (100, None)),
    "statuses are enumerated": ({"status": "RUNNING"}, (100, None)),
}


@pytest.mark.parametrize("rule", CAMPAIGN_RULES)
def test_campaign_rules(advertiser: Advertiser, rule: str) -> None:
    params, expected = CAMPAIGN_RULES[rule]
    assert codes(lambda: advertiser.campaign(**{"name": "C", **params})) == expected
    assert advertiser.get(f"{ACCOUNT}/campaigns")["data"] == []


ADSET_RULES: dict[str, tuple[dict[str, Any], tuple[int, int | None]]] = {
    "goal must fit the objective": ({"optimization_goal": "APP_INSTALLS"}, (100, 1815149)),
    "billing must fit the goal": ({"billing_event": "LINK_CLICKS"}, (100, None)),
    "a promoted object is needed": ({"promoted_object": None}, (100, None)),
    "the pixel needs an event": ({"promoted_object": {"pixel_id": "2001"}}, (100, None)),
    "the pixel must exist": (
        {"promoted_object": {"pixel_id": "9", "custom_event_type": "PURCHASE"}},
        (100, 33),
    ),
    "the campaign must exist": ({"campaign_id": "9"}, (100, 33)),
    "a budget is needed": ({"lifetime_budget": None}, (100, None)),
    "a lifetime budget needs an end": ({"end_time": None}, (100, None)),
    "the end must be ahead": ({"end_time": "2026-11-01T00:00:00+0000"}, (100, 1487033)),
    "a daily budget with an end needs over a day": (
        {"daily_budget": 5000, "end_time": "2026-11-23T09:00:00+0000"},
        (100, None),
    ),
    "rare actions have a high minimum": ({"lifetime_budget": 3999}, (100, 1885272)),
    "targeting is needed": ({"targeting": None}, (100, None)),
    "a place is needed": ({"targeting": {"age_min": 20}}, (100, None)),
    "location types are gone": (
        {"targeting": targeting(geo_locations={"countries": ["ES"], "location_types": ["home"]})},
        (100, 1870199),
    ),
    "nobody under 13": ({"targeting": targeting(age_min=12)}, (100, None)),
    "the audience flag must be chosen": (
        {"targeting": targeting(age_min=25, targeting_automation=None)},
        (100, 1870227),
    ),
    "the audience flag relaxes the maximum age": (
        {"targeting": targeting(age_max=40, targeting_automation={"advantage_audience": 1})},
        (100, 1870189),
    ),
    "a capped bid needs an amount": ({"bid_strategy": "COST_CAP"}, (100, 2490487)),
    "an automatic bid takes no amount": ({"bid_amount": 100}, (100, 1885204)),
    "video feeds are gone": (
        {"targeting": targeting(publisher_platforms=["facebook"], facebook_positions=["video_feeds"])},
        (100, 2490562),
    ),
    "explore is gone": (
        {"targeting": targeting(publisher_platforms=["instagram"], instagram_positions=["explore"])},
        (100, 2490589),
    ),
    "attribution windows are enumerated": (
        {"attribution_spec": [{"event_type": "CLICK_THROUGH", "window_days": 28}]},
        (100, None),
    ),
}


@pytest.mark.parametrize("rule", ADSET_RULES)
def test_adset_rules(advertiser: Advertiser, rule: str) -> None:
    params, expected = ADSET_RULES[rule]
    campaign_id = advertiser.campaign()
    assert codes(lambda: advertiser.adset(**{"campaign_id": campaign_id, **params})) == expected
    assert advertiser.get(f"{campaign_id}/adsets")["data"] == []


BROKEN_PLACEMENTS: list[dict[str, list[str]]] = [
    {"publisher_platforms": ["audience_network"]},
    {"publisher_platforms": ["threads", "facebook"]},
    {"publisher_platforms": ["whatsapp", "facebook"]},
    {"publisher_platforms": ["facebook"], "facebook_positions": ["story"]},
    {"publisher_platforms": ["facebook"], "facebook_positions": ["marketplace"]},
    {"publisher_platforms": ["instagram"], "device_platforms": ["desktop"]},
    {"publisher_platforms": ["myspace"]},
    {"publisher_platforms": ["facebook"], "facebook_positions": ["sky"]},
]


@pytest.mark.parametrize("positions", BROKEN_PLACEMENTS)
def test_placements_that_do_not_go_together(advertiser: Advertiser, positions: dict[str, list[str]]) -> None:
    campaign_id = advertiser.campaign()
    assert codes(lambda: advertiser.adset(campaign_id, targeting=targeting(**positions)))[0] == 100


def test_instagram_feed_alone_is_a_good_placement(advertiser: Advertiser) -> None:
    positions = targeting(publisher_platforms=["instagram"], instagram_positions=["stream"])
    assert advertiser.adset(advertiser.campaign(), targeting=positions)


@pytest.mark.parametrize("field", ["dsa_beneficiary", "dsa_payor"])
def test_eu_targeting_must_say_who_is_behind_it(tmp_path: Any, field: str) -> None:
    scenario = tmp_path / "eu.toml"
    scenario.write_text(
        '[[accounts]]\nid = "act_123456789"\n[[pages]]\nid = "1001"\n[[pixels]]\nid = "2001"\n', "utf-8"
    )
    advertiser = Advertiser(SimulatorConfig(scenario=str(scenario)))
    campaign_id = advertiser.campaign()
    named: dict[str, Any] = {"dsa_beneficiary": "Shop", "dsa_payor": "Shop"}
    del named[field]
    error = refused(lambda: advertiser.adset(campaign_id, **named))
    assert error.codes == (100, {"dsa_beneficiary": 3858081, "dsa_payor": 3858079}[field])
    assert isinstance(error.error["error_data"], str)
    peru = {**TARGETING, "geo_locations": {"countries": ["PE"]}}
    assert advertiser.adset(campaign_id, targeting=peru)


def test_budgets_live_on_one_level_only(advertiser: Advertiser) -> None:
    campaign_id = advertiser.campaign(daily_budget=5000, is_adset_budget_sharing_enabled=None)
    assert codes(lambda: advertiser.adset(campaign_id)) == (100, 1885621)


def test_a_fifth_budget_change_within_an_hour_is_refused(advertiser: Advertiser) -> None:
    adset_id = advertiser.adset(advertiser.campaign())
    for number in range(4):
        advertiser.post(adset_id, lifetime_budget=6000 + number)
    assert codes(lambda: advertiser.post(adset_id, lifetime_budget=7000)) == (613, 1487632)
    advertiser.pass_time(hours=1)
    assert advertiser.post(adset_id, lifetime_budget=7000) == {"success": True}


def test_a_budget_cannot_fall_under_what_was_spent(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A", lifetime_budget=20000)
    advertiser.pass_time(hours=12)
    spent = advertiser.figures(ids["A"])["spend"]
    assert codes(lambda: advertiser.post(ids["set A"], lifetime_budget=round(spent * 105))) == (100, 1885650)
    assert advertiser.post(ids["set A"], lifetime_budget=round(spent * 125)) == {"success": True}


CREATIVE_RULES: dict[str, tuple[dict[str, Any], tuple[int, int | None]]] = {
    "the page must exist": ({"page_id": "9"}, (100, 33)),
    "a page is needed": ({"page_id": None}, (100, None)),
    "the Instagram user must be reachable": ({"instagram_user_id": "9"}, (100, 1815199)),
    "the old Instagram field is refused": ({"instagram_actor_id": "9"}, (100, 2446149)),
}


@pytest.mark.parametrize("rule", CREATIVE_RULES)
def test_creative_identity_rules(advertiser: Advertiser, rule: str) -> None:
    changes, expected = CREATIVE_RULES[rule]
    spec = {**story("A")["object_story_spec"], **changes}
    spec = {name: value for name, value in spec.items() if value is not None}
    assert (
        codes(lambda: advertiser.post(f"{ACCOUNT}/adcreatives", name="A", object_story_spec=spec)) == expected
    )


LINK_RULES: dict[str, tuple[dict[str, Any], tuple[int, int | None]]] = {
    "the image must exist": ({"image_hash": "0" * 32}, (100, None)),
    "a link is needed": ({"link": None}, (100, None)),
    "the call to action must be known": ({"call_to_action": {"type": "DANCE"}}, (100, 1373054)),
}


@pytest.mark.parametrize("rule", LINK_RULES)
def test_creative_link_rules(advertiser: Advertiser, rule: str) -> None:
    changes, expected = LINK_RULES[rule]
    assert codes(lambda: advertiser.creative("A", **changes)) == expected


def test_equal_content_is_one_creative_whatever_its_name(advertiser: Advertiser) -> None:
    first = advertiser.post(f"{ACCOUNT}/adcreatives", name="One", **story("A"))
    second = advertiser.post(f"{ACCOUNT}/adcreatives", name="Two", **story("A"))
    assert first == second
    assert advertiser.creative("B") != first["id"]


def test_a_creative_never_changes_its_content(advertiser: Advertiser) -> None:
    creative_id = advertiser.creative("A")
    assert codes(lambda: advertiser.post(creative_id, **story("B")))[0] == 100
    assert advertiser.post(creative_id, name="Renamed") == {"success": True}


def test_bundled_enhancements_are_refused(advertiser: Advertiser) -> None:
    freedom = {"creative_features_spec": {"standard_enhancements": {"enroll_status": "OPT_OUT"}}}
    params = {**story("A"), "degrees_of_freedom_spec": freedom}
    assert codes(lambda: advertiser.post(f"{ACCOUNT}/adcreatives", **params)) == (100, 3858504)


def test_an_ad_needs_an_existing_creative(advertiser: Advertiser) -> None:
    adset_id = advertiser.adset(advertiser.campaign())
    assert codes(lambda: advertiser.ad(adset_id, "9")) == (100, 33)


def test_an_ad_set_takes_fifty_ads(advertiser: Advertiser) -> None:
    adset_id, creative_id = advertiser.adset(advertiser.campaign()), advertiser.creative()
    for _ in range(50):
        advertiser.ad(adset_id, creative_id)
    assert codes(lambda: advertiser.ad(adset_id, creative_id))[0] == 2695


def test_an_ended_ad_set_takes_no_ads(advertiser: Advertiser) -> None:
    adset_id, creative_id = advertiser.adset(advertiser.campaign()), advertiser.creative()
    advertiser.pass_time(hours=25)
    assert codes(lambda: advertiser.ad(adset_id, creative_id)) == (100, 1487007)


def test_only_the_name_of_deleted_things_changes(advertiser: Advertiser) -> None:
    campaign_id = advertiser.campaign()
    adset_id = advertiser.adset(campaign_id)
    advertiser.call("DELETE", campaign_id)
    assert codes(lambda: advertiser.post(campaign_id, status="ACTIVE")) == (100, 1487566)
    assert codes(lambda: advertiser.post(adset_id, status="ACTIVE")) == (100, 1487056)
    assert advertiser.post(campaign_id, name="Old")["success"]


def test_a_refused_update_changes_nothing_at_all(advertiser: Advertiser) -> None:
    adset_id = advertiser.adset(advertiser.campaign(), name="Before")
    assert codes(lambda: advertiser.post(adset_id, lifetime_budget=9000, status="RUNNING"))[0] == 100
    read = advertiser.get(adset_id, fields="name,lifetime_budget,status")
    assert (read["name"], read["lifetime_budget"], read["status"]) == ("Before", "5000", "PAUSED")


def test_validate_only_checks_and_creates_nothing(advertiser: Advertiser) -> None:
    answer = advertiser.post(
        f"{ACCOUNT}/campaigns",
        name="Try",
        objective="OUTCOME_SALES",
        special_ad_categories=[],
        is_adset_budget_sharing_enabled=False,
        execution_options=["validate_only"],
    )
    assert answer == {"success": True}
    assert advertiser.get(f"{ACCOUNT}/campaigns")["data"] == []


def test_a_disabled_account_refuses_writes_but_can_be_read(advertiser: Advertiser) -> None:
    advertiser.simulator.state.accounts["123456789"].account_status = 2
    assert codes(advertiser.campaign)[0] == 3910001
    assert advertiser.get(ACCOUNT, fields="account_status")["account_status"] == 2


def test_a_limited_app_is_throttled_and_let_in_again(tmp_path: Any) -> None:
    scenario = tmp_path / "limited.toml"
    scenario.write_text('[[accounts]]\nid = "act_123456789"\ntier = "development_access"\n', "utf-8")
    advertiser = Advertiser(SimulatorConfig(scenario=str(scenario)))
    for number in range(20):
        advertiser.campaign(f"C{number}")
    assert codes(advertiser.campaign) == (17, 2446079)
    assert codes(lambda: advertiser.get(ACCOUNT)) == (17, 2446079)
    advertiser.pass_time(minutes=11)
    assert advertiser.campaign()


@pytest.mark.parametrize("node_id", ["9", "act_9"])
def test_unknown_objects_are_100_33(advertiser: Advertiser, node_id: str) -> None:
    assert codes(lambda: advertiser.get(node_id)) == (100, 33)


def test_unknown_fields_are_refused(advertiser: Advertiser) -> None:
    error = refused(lambda: advertiser.get(advertiser.campaign(), fields="name,colour"))
    assert "Tried accessing nonexisting field (colour)" in error.error["message"]
