"""Reads do not echo writes: Meta completes what was written, and counts more clicks than those on the link."""

import hashlib
import hmac
from typing import Any

import pytest

from metasim.graph.wire import Call, Params
from metasim.testing import ACCOUNT, PAGE, PIXEL, Advertiser, RefusedError, story

PLAIN = {"geo_locations": {"countries": ["ES"]}}


def test_a_targeting_is_completed(advertiser: Advertiser) -> None:
    adset = advertiser.adset(advertiser.campaign(), targeting=PLAIN)
    shown = advertiser.get(adset, fields="targeting")["targeting"]
    assert shown == {
        "age_min": 18,
        "age_max": 65,
        "age_range": [18, 65],
        "geo_locations": {"countries": ["ES"], "location_types": ["home", "recent"]},
        "brand_safety_content_filter_levels": ["FACEBOOK_STANDARD", "AN_STANDARD"],
        "targeting_automation": {"advantage_audience": 1},
    }


def test_what_was_named_is_not_completed(advertiser: Advertiser) -> None:
    written = {**PLAIN, "age_min": 30, "brand_safety_content_filter_levels": ["FEED_RELAXED"]}
    written["targeting_automation"] = {"advantage_audience": 0}
    shown = advertiser.get(advertiser.adset(advertiser.campaign(), targeting=written), fields="targeting")[
        "targeting"
    ]
    assert (shown["age_min"], shown["brand_safety_content_filter_levels"]) == (30, ["FEED_RELAXED"])
    assert "age_range" not in shown


def test_a_targeting_that_was_read_cannot_be_written_as_it_is(advertiser: Advertiser) -> None:
    adset = advertiser.adset(advertiser.campaign())
    with pytest.raises(RefusedError) as refused:
        advertiser.post(adset, targeting=advertiser.get(adset, fields="targeting")["targeting"])
    assert refused.value.codes == (100, 1870199)


def test_tracking_is_shown_in_arrays_and_with_metas_own(advertiser: Advertiser) -> None:
    adset, creative = advertiser.adset(advertiser.campaign()), advertiser.creative()
    written = [{"action.type": "offsite_conversion", "fb_pixel": PIXEL}]
    usual, named = advertiser.ad(adset, creative), advertiser.ad(adset, creative, tracking_specs=written)
    shown = [
        advertiser.get(ad, fields="tracking_specs,conversion_specs,conversion_domain")
        for ad in (usual, named)
    ]
    first, second = (each["tracking_specs"] for each in shown)
    assert first == second
    assert first[0] == {"action.type": ["offsite_conversion"], "fb_pixel": [PIXEL]}
    assert first[1]["page"] == [PAGE]
    assert shown[0]["conversion_specs"] == [{"action.type": ["offsite_conversion"], "conversion_id": [PIXEL]}]


def test_a_domain_nobody_named_is_that_of_the_link(advertiser: Advertiser) -> None:
    creative = advertiser.creative("A", link="https://www.shop.example.co.uk/offer")
    page: dict[str, Any] = {"optimization_goal": "REACH", "promoted_object": {"page_id": PAGE}}
    adset = advertiser.adset(advertiser.campaign(objective="OUTCOME_AWARENESS"), **page)
    ad = advertiser.ad(adset, creative, conversion_domain=None)
    assert advertiser.get(ad, fields="conversion_domain")["conversion_domain"] == "example.co.uk"


def test_a_creative_has_a_small_picture_and_a_kind_of_link(advertiser: Advertiser) -> None:
    shown = advertiser.get(advertiser.creative(), fields="thumbnail_url,object_story_spec")
    assert shown["thumbnail_url"].startswith("https://")
    assert shown["object_story_spec"]["link_data"]["attachment_style"] == "link"
    assert shown["object_story_spec"] != story("A")["object_story_spec"]


def test_all_clicks_are_more_than_those_on_the_link(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    advertiser.pass_time(hours=12)
    fields = "clicks,inline_link_clicks,ctr,inline_link_click_ctr,actions"
    row = advertiser.get(f"{ids['A']}/insights", fields=fields, date_preset="maximum")["data"][0]
    links = next(stat["value"] for stat in row["actions"] if stat["action_type"] == "link_click")
    assert int(row["clicks"]) > int(row["inline_link_clicks"]) == int(links)
    assert float(row["ctr"]) > float(row["inline_link_click_ctr"])


def proof(token: str, secret: str = "app-secret") -> str:
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize("given", [proof("another"), proof("stub-token", "another"), "", "\u00e9"])
def test_a_proof_that_is_none_is_refused(advertiser: Advertiser, given: str) -> None:
    with pytest.raises(RefusedError, match="Invalid appsecret_proof") as refused:
        advertiser.get(ACCOUNT, appsecret_proof=given)
    assert refused.value.codes == (100, None)


def test_a_proof_is_of_the_token_it_comes_with(advertiser: Advertiser) -> None:
    params = Params({"appsecret_proof": proof("stub-token")})
    assert advertiser.send(Call("GET", ("me",), params, "v26.0", "stub-token"))["id"]


def test_an_ad_set_names_its_bid_strategy(advertiser: Advertiser) -> None:
    with pytest.raises(RefusedError) as refused:
        advertiser.adset(advertiser.campaign(), bid_strategy=None)
    assert refused.value.codes == (100, 2490487)
    assert advertiser.adset(advertiser.campaign(), bid_strategy=None, bid_amount=100)


def test_a_campaign_budget_without_a_strategy_caps_bids(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign(
        lifetime_budget=90_000, is_adset_budget_sharing_enabled=None, bid_strategy=None
    )
    assert advertiser.get(campaign, fields="bid_strategy")["bid_strategy"] == "LOWEST_COST_WITH_BID_CAP"
    with pytest.raises(RefusedError) as refused:
        advertiser.adset(campaign, lifetime_budget=None, bid_strategy=None)
    assert refused.value.codes == (100, 1815857)
    assert advertiser.adset(campaign, lifetime_budget=None, bid_strategy=None, bid_amount=100)


def test_an_ad_set_bids_as_the_campaign_that_holds_the_budget(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign(lifetime_budget=90_000, is_adset_budget_sharing_enabled=None)
    with pytest.raises(RefusedError):
        advertiser.adset(campaign, lifetime_budget=None, bid_strategy="COST_CAP", bid_amount=100)


@pytest.mark.parametrize(
    "params",
    [
        {"buying_type": "RESERVED"},
        {"buying_type": "BARTER"},
        {"smart_promotion_type": "AUTOMATED_SHOPPING_ADS"},
        {"smart_promotion_type": "SMART_APP_PROMOTION"},
    ],
)
def test_campaigns_of_other_kinds_are_refused(advertiser: Advertiser, params: dict[str, str]) -> None:
    with pytest.raises(RefusedError):
        advertiser.campaign(**params)


def test_a_creative_in_use_cannot_be_deleted(advertiser: Advertiser) -> None:
    creative = advertiser.creative()
    ad = advertiser.ad(advertiser.adset(advertiser.campaign()), creative)
    with pytest.raises(RefusedError):
        advertiser.call("DELETE", creative)
    advertiser.call("DELETE", ad)
    assert advertiser.call("DELETE", creative) == {"success": True}
