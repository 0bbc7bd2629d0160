"""Writes as clients make them: each takes effect and reads back, or is refused; none is accepted without effect."""

from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.graph.unsupported_parameters import UNSERVED
from metasim.testing import (
    ACCOUNT,
    INSTAGRAM,
    PAGE,
    PIXEL,
    TARGETING,
    Advertiser,
    RefusedError,
    action,
)

SECOND_ACCOUNT = "act_223456789"
FEED = {
    "titles": [{"text": "Headline A"}, {"text": "Headline B"}],
    "bodies": [{"text": "Text A"}],
    "link_urls": [{"website_url": "https://shop.example/offer"}],
    "call_to_action_types": ["SHOP_NOW"],
    "ad_formats": ["SINGLE_IMAGE"],
}
WINDOWS = [
    {"event_type": "CLICK_THROUGH", "window_days": 7},
    {"event_type": "VIEW_THROUGH", "window_days": 1},
    {"event_type": "ENGAGED_VIDEO_VIEW", "window_days": 1},
]


def feed_creative(advertiser: Advertiser, **feed: Any) -> str:
    spec = {**FEED, "images": [{"hash": advertiser.image()}], **feed}
    story = {"page_id": PAGE, "instagram_user_id": INSTAGRAM}
    return str(advertiser.post(f"{ACCOUNT}/adcreatives", object_story_spec=story, asset_feed_spec=spec)["id"])


def test_a_feed_of_assets_goes_with_a_story_of_the_page_alone(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign(status="ACTIVE")
    adset = advertiser.adset(campaign, is_dynamic_creative="true", status="ACTIVE")
    ad = advertiser.ad(adset, feed_creative(advertiser), status="ACTIVE")
    advertiser.pass_time(hours=20)
    assert advertiser.get(ad, fields="creative{title,body}")["creative"]["title"] == "Headline A"
    assert advertiser.figures(ad)["clicks"] > 0


@pytest.mark.parametrize(
    "feed",
    [
        {"images": [{"hash": "0" * 32}]},
        {"titles": [{"text": "x"}] * 6},
        {"link_urls": [{"website_url": "shop"}]},
        {"call_to_action_types": ["DANCE"]},
        {"bodies": "Text"},
    ],
)
def test_a_feed_of_what_does_not_exist_is_refused(advertiser: Advertiser, feed: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        feed_creative(advertiser, **feed)


def test_the_story_of_a_page_alone_is_no_creative(advertiser: Advertiser) -> None:
    with pytest.raises(RefusedError):
        advertiser.post(f"{ACCOUNT}/adcreatives", object_story_spec={"page_id": PAGE})


def test_todays_usual_attribution_is_taken_and_is_the_default(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign()
    named, usual = advertiser.adset(campaign, attribution_spec=WINDOWS), advertiser.adset(campaign)
    shown = [advertiser.get(adset, fields="attribution_spec")["attribution_spec"] for adset in (named, usual)]
    assert shown == [WINDOWS, WINDOWS]


def test_a_custom_conversion_alone_is_promoted_and_reported_under_its_own_name(
    advertiser: Advertiser,
) -> None:
    ids = advertiser.split_test("A", promoted_object={"custom_conversion_id": "3001"})
    advertiser.pass_time(hours=20)
    row = advertiser.get(f"{ids['A']}/insights", fields="actions", date_preset="maximum")["data"][0]
    assert action(row, "actions", "offsite_conversion.custom.3001") > 0
    assert action(row, "actions", "purchase") == 0


def test_a_custom_conversion_that_does_not_exist_is_refused(advertiser: Advertiser) -> None:
    with pytest.raises(RefusedError) as refused:
        advertiser.adset(advertiser.campaign(), promoted_object={"custom_conversion_id": "9"})
    assert refused.value.codes == (100, 33)


def test_an_image_is_copied_from_another_account() -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="large"))
    wanted = {"source_account_id": ACCOUNT, "hash": advertiser.image()}
    images = advertiser.post(f"{SECOND_ACCOUNT}/adimages", copy_from=wanted)["images"]
    assert [image["hash"] for image in images.values()] == [wanted["hash"]]
    assert advertiser.get(f"{SECOND_ACCOUNT}/adimages", hashes=[wanted["hash"]])["data"]
    with pytest.raises(RefusedError):
        advertiser.post(f"{SECOND_ACCOUNT}/adimages", copy_from={"source_account_id": ACCOUNT, "hash": "0"})


def spec_of(advertiser: Advertiser, campaign: str) -> dict[str, Any]:
    return {
        "name": "Set of the ad",
        "campaign_id": campaign,
        "billing_event": "IMPRESSIONS",
        "optimization_goal": "OFFSITE_CONVERSIONS",
        "bid_strategy": "LOWEST_COST_WITHOUT_CAP",
        "promoted_object": {"pixel_id": PIXEL, "custom_event_type": "PURCHASE"},
        "targeting": TARGETING,
        "daily_budget": 5000,
        "status": "PAUSED",
    }


def test_an_ad_brings_its_ad_set_along(advertiser: Advertiser) -> None:
    creative = {"creative_id": advertiser.creative()}
    spec = spec_of(advertiser, advertiser.campaign())
    params = {"name": "Ad", "creative": creative, "adset_spec": spec, "status": "PAUSED"}
    params["conversion_domain"] = "shop.example"
    advertiser.post(f"{ACCOUNT}/ads", **params, execution_options=["validate_only"])
    assert advertiser.get(f"{ACCOUNT}/adsets")["data"] == []
    ad = advertiser.post(f"{ACCOUNT}/ads", **params)["id"]
    assert advertiser.get(ad, fields="adset{name}")["adset"]["name"] == "Set of the ad"


def test_an_ad_that_is_refused_leaves_no_ad_set(advertiser: Advertiser) -> None:
    spec = spec_of(advertiser, advertiser.campaign())
    with pytest.raises(RefusedError):
        advertiser.post(f"{ACCOUNT}/ads", name="Ad", creative={"creative_id": "9"}, adset_spec=spec)
    assert advertiser.get(f"{ACCOUNT}/adsets")["data"] == []


def test_categories_and_objective_of_a_campaign_change(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign()
    advertiser.post(campaign, special_ad_categories=["HOUSING"], special_ad_category_country=["ES"])
    advertiser.post(campaign, objective="OUTCOME_TRAFFIC")
    shown = advertiser.get(campaign, fields="objective,special_ad_categories,special_ad_category_country")
    assert shown["objective"] == "OUTCOME_TRAFFIC"
    assert (shown["special_ad_categories"], shown["special_ad_category_country"]) == (["HOUSING"], ["ES"])


@pytest.mark.parametrize(
    "change",
    [
        {"objective": "OUTCOME_TRAFFIC"},
        {"objective": "CONVERSIONS"},
        {"special_ad_categories": ["SHOES"]},
        {"special_ad_categories": ["HOUSING"]},
        {"stop_time": "2026-12-24T00:00:00+0100"},
        {"buying_type": "RESERVED"},
        {"promoted_object": {"page_id": PAGE}},
    ],
)
def test_a_change_of_a_campaign_that_does_nothing_is_refused(
    advertiser: Advertiser, change: dict[str, Any]
) -> None:
    campaign = advertiser.campaign()
    advertiser.adset(campaign)
    with pytest.raises(RefusedError):
        advertiser.post(campaign, **change)


def test_a_write_of_what_already_holds_is_taken(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign()
    advertiser.adset(campaign)
    advertiser.post(campaign, objective="OUTCOME_SALES", buying_type="AUCTION", special_ad_categories=[])


def test_budget_sharing_can_be_switched_off(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign(
        is_adset_budget_sharing_enabled=True, bid_strategy="LOWEST_COST_WITHOUT_CAP"
    )
    advertiser.post(campaign, is_adset_budget_sharing_enabled=False)
    assert (
        advertiser.get(campaign, fields="is_adset_budget_sharing_enabled")["is_adset_budget_sharing_enabled"]
        is False
    )


def test_an_account_takes_a_name_and_dsa_defaults(advertiser: Advertiser) -> None:
    advertiser.post(ACCOUNT, name="Renamed", default_dsa_beneficiary="New GmbH", default_dsa_payor="New GmbH")
    shown = advertiser.get(ACCOUNT, fields="name,default_dsa_beneficiary")
    assert (shown["name"], shown["default_dsa_beneficiary"]) == ("Renamed", "New GmbH")
    adset = advertiser.get(advertiser.adset(advertiser.campaign()), fields="dsa_payor")
    assert adset["dsa_payor"] == "New GmbH"


@pytest.mark.parametrize("kind", UNSERVED)
def test_what_has_no_effect_is_refused(advertiser: Advertiser, kind: str) -> None:
    campaign = advertiser.campaign()
    adset = advertiser.adset(campaign)
    ad = advertiser.ad(adset, advertiser.creative())
    paths = {"campaign": campaign, "adset": adset, "ad": ad, "account": ACCOUNT}
    for name in sorted(UNSERVED[kind]):
        with pytest.raises(RefusedError, match=name):
            advertiser.post(paths.get(kind, f"{ACCOUNT}/adcreatives"), **{name: "5"})
