"""What Meta refuses and the simulator once took: targeting, schedules, creatives, ads and what they name."""

import importlib
from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.graph.story_spec import FEATURES, KEYS
from metasim.testing import ACCOUNT, PAGE, TINY_PNG, Advertiser, RefusedError, story

HOUSING: dict[str, Any] = {"special_ad_categories": ["HOUSING"], "special_ad_category_country": ["ES"]}
OPEN: dict[str, Any] = {
    "geo_locations": {"countries": ["ES"]},
    "targeting_automation": {"advantage_audience": 0},
}
SDK_PARTS = {
    "object_story_spec": "AdCreativeObjectStorySpec",
    "link_data": "AdCreativeLinkData",
    "template_data": "AdCreativeLinkData",
    "video_data": "AdCreativeVideoData",
    "photo_data": "AdCreativePhotoData",
    "text_data": "AdCreativeTextData",
    "call_to_action": "AdCreativeLinkDataCallToAction",
    "value": "AdCreativeLinkDataCallToActionValue",
    "child_attachments": "AdCreativeLinkDataChildAttachment",
}


def sdk_fields(name: str) -> set[str]:
    kind = getattr(importlib.import_module(f"facebook_business.adobjects.{name.lower()}"), name)
    return {value for key, value in vars(kind.Field).items() if not key.startswith("_")}


@pytest.mark.parametrize("part", KEYS)
def test_keys_of_stories_are_those_of_the_installed_sdk(part: str) -> None:
    assert KEYS[part] == sdk_fields(SDK_PARTS[part])


def test_features_are_those_of_the_installed_sdk() -> None:
    assert sdk_fields("AdCreativeFeaturesSpec") == FEATURES


def refused(advertiser: Advertiser, path: str, **params: Any) -> int | None:
    with pytest.raises(RefusedError) as caught:
        advertiser.post(path, **params)
    return caught.value.codes[1]


@pytest.mark.parametrize(
    ("more", "subcode"),
    [
        ({"geo_locations": {"countries": ["ES", "FR"]}}, 2909034),
        ({"age_min": 25}, 2446007),
        ({"age_max": 50}, 2446007),
        ({"genders": [1]}, 2446007),
        ({"flexible_spec": [{"interests": [{"id": "6003"}]}]}, 2446007),
        ({"geo_locations": {"countries": ["ES"], "zips": [{"key": "ES:28001"}]}}, 2446007),
    ],
)
def test_special_categories_bind_the_targeting(
    advertiser: Advertiser, more: dict[str, Any], subcode: int
) -> None:
    campaign = advertiser.campaign(**HOUSING)
    adset = advertiser.adset(campaign, targeting=OPEN)
    assert refused(advertiser, adset, targeting={**OPEN, **more}) == subcode
    with pytest.raises(RefusedError) as caught:
        advertiser.adset(campaign, targeting={**OPEN, **more})
    assert caught.value.codes[1] == subcode


def test_politics_bind_the_country_only(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign(**{**HOUSING, "special_ad_categories": ["ISSUES_ELECTIONS_POLITICS"]})
    assert advertiser.adset(campaign, targeting={**OPEN, "age_min": 30})


def test_none_goes_with_no_other_category(advertiser: Advertiser) -> None:
    with pytest.raises(RefusedError):
        advertiser.campaign(special_ad_categories=["NONE", "HOUSING"], special_ad_category_country=["ES"])


@pytest.mark.parametrize(
    ("country", "category"),
    [("TW", "TAIWAN_UNIVERSAL"), ("SG", "SINGAPORE_UNIVERSAL"), ("TH", "THAILAND_UNIVERSAL")],
)
def test_countries_with_rules_of_their_own(advertiser: Advertiser, country: str, category: str) -> None:
    campaign = advertiser.campaign()
    targeting = {**OPEN, "geo_locations": {"countries": [country]}}
    declared: dict[str, Any] = {"targeting": targeting}
    found = []
    both = {"universal_beneficiary": "1", "universal_payer": "2"}
    for more in (
        {},
        {"regional_regulated_categories": [category]},
        {"regional_regulation_identities": {"universal_beneficiary": "1"}},
    ):
        declared |= more
        with pytest.raises(RefusedError) as caught:
            advertiser.adset(campaign, **declared)
        found.append(caught.value.codes[1])
    assert found == [3858550, 3858634, 3858636]
    adset = advertiser.adset(campaign, **{**declared, "regional_regulation_identities": both})
    fields = "regional_regulated_categories,regional_regulation_identities"
    shown = advertiser.get(adset, fields=fields)
    assert (shown["regional_regulated_categories"], shown["regional_regulation_identities"]) == (
        [category],
        both,
    )


@pytest.mark.parametrize("country", ["XX", "RU", "KP", "es", 5])
def test_a_country_that_is_none_or_closed_is_refused(advertiser: Advertiser, country: Any) -> None:
    with pytest.raises(RefusedError):
        advertiser.adset(advertiser.campaign(), targeting={**OPEN, "geo_locations": {"countries": [country]}})


@pytest.mark.parametrize("regions", [["Madrid"], [{"name": "Madrid"}]])
def test_a_region_has_a_key(advertiser: Advertiser, regions: list[Any]) -> None:
    with pytest.raises(RefusedError):
        advertiser.adset(advertiser.campaign(), targeting={**OPEN, "geo_locations": {"regions": regions}})


DAY = {"start_minute": 540, "end_minute": 1080, "days": [1, 2, 3]}
PARTED: dict[str, Any] = {"pacing_type": ["day_parting"]}
CAP = {"event": "IMPRESSIONS", "interval_days": 7, "max_frequency": 2}
BAD_PACE: dict[str, dict[str, Any]] = {
    "hours without day parting": {"adset_schedule": [DAY], "pacing_type": ["standard"]},
    "day parting without hours": PARTED,
    "hours of a daily budget": {"adset_schedule": [DAY], **PARTED, "daily_budget": 5000},
    "hours that end before they start": {"adset_schedule": [{**DAY, "end_minute": 480}], **PARTED},
    "half hours": {"adset_schedule": [{**DAY, "start_minute": 570}], **PARTED},
    "days that are none": {"adset_schedule": [{**DAY, "days": [7]}], **PARTED},
    "haste without a bid cap": {"pacing_type": ["no_pacing"]},
    "a pace that is none": {"pacing_type": ["slow"]},
    "a frequency cap of conversions": {"frequency_control_specs": [CAP]},
    "a minimum ROAS without values": {
        "bid_strategy": "LOWEST_COST_WITH_MIN_ROAS",
        "bid_constraints": {"roas_average_floor": 10_000},
    },
    "a minimum ROAS out of bounds": {
        "optimization_goal": "VALUE",
        "bid_strategy": "LOWEST_COST_WITH_MIN_ROAS",
        "bid_constraints": {"roas_average_floor": 5},
    },
    "a start long past": {"start_time": "2026-11-01T00:00:00+0100"},
    "five minutes": {"end_time": "2026-11-22T10:05:00+0100"},
}


@pytest.mark.parametrize("what", BAD_PACE)
def test_when_and_how_often_an_ad_set_may_not_deliver(advertiser: Advertiser, what: str) -> None:
    with pytest.raises(RefusedError):
        advertiser.adset(advertiser.campaign(), **BAD_PACE[what])


def test_when_and_how_often_an_ad_set_may_deliver(advertiser: Advertiser) -> None:
    adset = advertiser.adset(advertiser.campaign(), adset_schedule=[DAY], **PARTED)
    assert advertiser.get(adset, fields="pacing_type")["pacing_type"] == ["day_parting"]
    reach = advertiser.campaign(objective="OUTCOME_AWARENESS")
    capped: dict[str, Any] = {"optimization_goal": "REACH", "promoted_object": {"page_id": PAGE}}
    adset = advertiser.adset(reach, **capped, frequency_control_specs=[CAP])
    assert refused(advertiser, adset, frequency_control_specs=[{**CAP, "interval_days": 91}]) is None


GOOD_CARD: dict[str, Any] = {"link": "https://shop.example/one", "name": "One"}
BAD_LINKS: dict[str, dict[str, Any]] = {
    "a link without a host": {"link": "https://"},
    "a link of one word": {"link": "https://shop"},
    "a link with a blank": {"link": "https://shop.example/a b"},
    "a broken address": {"link": "https://[shop"},
    "an unknown key": {"headline": "x"},
    "a call to action with an unknown value": {
        "call_to_action": {"type": "SHOP_NOW", "value": {"address": "https://shop.example"}}
    },
    "a call to action with a bad link": {"call_to_action": {"type": "SHOP_NOW", "value": {"link": "shop"}}},
    "a carousel of one card": {"child_attachments": [GOOD_CARD]},
    "a carousel of eleven cards": {"child_attachments": [GOOD_CARD] * 11},
    "a card without a link": {"child_attachments": [GOOD_CARD, {"name": "Two"}]},
    "a card with a lost image": {"child_attachments": [GOOD_CARD, {**GOOD_CARD, "image_hash": "0"}]},
}


@pytest.mark.parametrize("what", BAD_LINKS)
def test_a_creative_that_cannot_be_shown_is_refused(advertiser: Advertiser, what: str) -> None:
    with pytest.raises(RefusedError):
        advertiser.creative("A", **BAD_LINKS[what])


def test_a_carousel_has_two_cards(advertiser: Advertiser) -> None:
    assert advertiser.creative("A", child_attachments=[GOOD_CARD, GOOD_CARD])


@pytest.mark.parametrize(
    "features", [{"sparkle": {"enroll_status": "OPT_OUT"}}, {"inline_comment": "no"}, []]
)
def test_features_that_are_none_are_refused(advertiser: Advertiser, features: Any) -> None:
    freedom = {"creative_features_spec": features or "none"}
    refused(advertiser, f"{ACCOUNT}/adcreatives", **story("A"), degrees_of_freedom_spec=freedom)


def test_a_post_must_exist(advertiser: Advertiser) -> None:
    shown = advertiser.get(advertiser.creative(), fields="effective_object_story_id")[
        "effective_object_story_id"
    ]
    assert advertiser.post(f"{ACCOUNT}/adcreatives", object_story_id=shown)["id"]
    refused(advertiser, f"{ACCOUNT}/adcreatives", object_story_id=f"{PAGE}_123")


@pytest.mark.parametrize(
    "domain", ["www.shop.example", "https://shop.example", "shop.example/", "co.uk", None]
)
def test_a_conversion_domain_is_one_that_somebody_registers(
    advertiser: Advertiser, domain: str | None
) -> None:
    adset, creative = advertiser.adset(advertiser.campaign()), advertiser.creative()
    with pytest.raises(RefusedError):
        advertiser.ad(adset, creative, conversion_domain=domain)


def test_a_tracked_pixel_must_exist(advertiser: Advertiser) -> None:
    adset, creative = advertiser.adset(advertiser.campaign()), advertiser.creative()
    with pytest.raises(RefusedError) as caught:
        advertiser.ad(
            adset, creative, tracking_specs=[{"action.type": ["offsite_conversion"], "fb_pixel": ["9"]}]
        )
    assert caught.value.codes == (100, 33)


def test_minima_in_whole_units_are_the_same_sums_of_money() -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="large"))
    euro, yen = (
        advertiser.get(f"{account}/minimum_budgets")["data"][0]["min_daily_budget_low_freq"]
        for account in (ACCOUNT, "act_323456789")
    )
    assert (euro, yen) == (4000, 6000)
    cap = advertiser.get("act_323456789", fields="min_campaign_group_spend_cap")[
        "min_campaign_group_spend_cap"
    ]
    assert cap == "15000"


BROKEN = {
    "a header alone": TINY_PNG[:8],
    "half of a file": TINY_PNG[:-26],
    "a short JPEG": b"\xff\xd8\xff\xe0" + b"\0" * 11,
    "another kind of file": b"%PDF-1.7",
    "far too many pixels": TINY_PNG[:16] + (60_000).to_bytes(4, "big") * 2 + TINY_PNG[24:],
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_image_that_cannot_be_decoded_is_refused(advertiser: Advertiser, what: str) -> None:
    with pytest.raises(RefusedError):
        advertiser.image(BROKEN[what])
