"""Reading: edges, filters, labels, images and insights say what the world holds, in Meta's spelling."""

from typing import Any

import pytest
from facebook_business.adobjects.ad import Ad
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adcreative import AdCreative
from facebook_business.adobjects.adset import AdSet
from facebook_business.adobjects.adsinsights import AdsInsights
from facebook_business.adobjects.campaign import Campaign

from metasim.facts import CALLS_TO_ACTION
from metasim.graph import catalogue
from metasim.testing import ACCOUNT, Advertiser, RefusedError, action

LEVELS = ("account", "campaign", "adset", "ad")


def names(answer: dict[str, Any]) -> list[str]:
    return [row["name"] for row in answer["data"]]


def constants(kind: Any) -> set[str]:
    return {str(value) for name, value in vars(kind).items() if not name.startswith("_")}


@pytest.mark.parametrize(
    ("known", "kind"),
    [
        (catalogue.ACCOUNT, AdAccount),
        (catalogue.CAMPAIGN, Campaign),
        (catalogue.AD_SET, AdSet),
        (catalogue.AD, Ad),
        (catalogue.CREATIVE, AdCreative),
        (catalogue.INSIGHTS, AdsInsights),
    ],
)
def test_known_fields_are_those_of_the_installed_sdk(known: frozenset[str], kind: Any) -> None:
    assert known == constants(kind.Field)


def test_known_calls_to_action_are_those_of_the_installed_sdk() -> None:
    assert constants(AdCreative.CallToActionType) == CALLS_TO_ACTION


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"field": "name", "operator": "EQUAL", "value": "Two"}, ["Two"]),
    ({"field": "name", "operator": "CONTAIN", "value": "o"}, ["Two", "One"]),
    ({"field": "name", "operator": "IN", "value": ["One", "Three"]}, ["Three", "One"]),
    ({"field": "name", "operator": "NOT_CONTAIN", "value": "T"}, ["One"]),
    ({"field": "effective_status", "operator": "IN", "value": ["ACTIVE"]}, ["Two"]),
    ({"field": "campaign.name", "operator": "EQUAL", "value": "One"}, ["One"]),
    ({"field": "effective_status", "operator": "IN", "value": ["ARCHIVED"]}, ["Four"]),
]


@pytest.mark.parametrize(("rule", "found"), FILTERS)
def test_filters_on_edges(advertiser: Advertiser, rule: dict[str, Any], found: list[str]) -> None:
    for name, status in (("One", "PAUSED"), ("Two", "ACTIVE"), ("Three", "PAUSED"), ("Four", "PAUSED")):
        advertiser.campaign(name, status=status)
    advertiser.post(advertiser.get(f"{ACCOUNT}/campaigns", limit=1)["data"][0]["id"], status="ARCHIVED")
    assert names(advertiser.get(f"{ACCOUNT}/campaigns", fields="name", filtering=[rule])) == found


def test_ids_of_parents_can_be_filtered_on(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("AB")
    rule = {"field": "adset.id", "operator": "IN", "value": [ids["set A"]]}
    assert names(advertiser.get(f"{ACCOUNT}/ads", fields="name", filtering=[rule])) == ["Ad A"]


def test_filtering_on_deleted_things_is_an_error(advertiser: Advertiser) -> None:
    with pytest.raises(RefusedError):
        advertiser.get(f"{ACCOUNT}/campaigns", effective_status=["DELETED"])


def test_paging_survives_a_deletion_between_pages(advertiser: Advertiser) -> None:
    ids = [advertiser.campaign(f"C{number}") for number in range(5)]
    first = advertiser.get(f"{ACCOUNT}/campaigns", limit=2, fields="name")
    advertiser.call("DELETE", ids[3])  # the last one shown
    after = first["paging"]["cursors"]["after"]
    second = advertiser.get(f"{ACCOUNT}/campaigns", limit=2, fields="name", after=after)
    assert (names(first), names(second)) == (["C4", "C3"], ["C2", "C1"])


def test_nested_fields_follow_parents_and_children(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    ad = advertiser.get(ids["A"], fields="name,creative{title,body},adset{name},campaign{objective}")
    assert ad["creative"] == {"title": "Headline A", "body": "Text A", "id": ad["creative"]["id"]}
    assert (ad["adset"]["name"], ad["campaign"]["objective"]) == ("Set A", "OUTCOME_SALES")
    campaign = advertiser.get(ids["campaign"], fields="adsets.limit(5){name,ads{name}}")
    assert campaign["adsets"]["data"][0]["ads"]["data"][0]["name"] == "Ad A"


def test_a_post_returns_the_fields_it_is_asked_for(advertiser: Advertiser) -> None:
    answer = advertiser.post(advertiser.campaign(), name="Read back", fields="name,effective_status")
    assert (answer["success"], answer["name"], answer["effective_status"]) == (True, "Read back", "PAUSED")


def test_images_are_found_by_the_hash_of_their_content(advertiser: Advertiser) -> None:
    image_hash = advertiser.image()
    assert advertiser.image(name="again.png") == image_hash
    found = advertiser.get(f"{ACCOUNT}/adimages", hashes=[image_hash], fields="hash,width,height,name")[
        "data"
    ]
    assert [(row["hash"], row["width"], row["name"]) for row in found] == [(image_hash, 1, "tiny.png")]
    assert advertiser.get(f"{ACCOUNT}/adimages", hashes=["0" * 32])["data"] == []


def test_a_file_that_is_no_image_is_refused(advertiser: Advertiser) -> None:
    with pytest.raises(RefusedError):
        advertiser.image(b"plain text")


def test_an_image_in_use_cannot_be_deleted(advertiser: Advertiser) -> None:
    image_hash = advertiser.image()
    advertiser.creative("A", image_hash=image_hash)
    with pytest.raises(RefusedError):
        advertiser.call("DELETE", f"{ACCOUNT}/adimages", hash=image_hash)


def test_labels_are_made_on_the_fly_and_replaced_by_an_update(advertiser: Advertiser) -> None:
    campaign_id = advertiser.campaign(adlabels=[{"name": "run-1"}])
    advertiser.campaign("Other", adlabels=[{"name": "run-1"}])
    assert len(advertiser.get(f"{ACCOUNT}/adlabels")["data"]) == 1
    advertiser.post(campaign_id, adlabels=[{"name": "run-2"}])
    assert [each["name"] for each in advertiser.get(campaign_id, fields="adlabels")["adlabels"]] == ["run-2"]


def test_minimum_budgets_are_readable(advertiser: Advertiser) -> None:
    row = advertiser.get(f"{ACCOUNT}/minimum_budgets")["data"][0]
    assert (row["currency"], row["min_daily_budget_low_freq"]) == ("EUR", 4000)


def test_pages_pixels_and_the_user_are_readable(advertiser: Advertiser) -> None:
    assert advertiser.get("1001", fields="name")["name"] == "Demo page"
    assert advertiser.get("2001")["name"] == "Demo pixel"
    assert advertiser.get("me/adaccounts", fields="account_id")["data"][0]["account_id"] == "123456789"
    assert advertiser.get("debug_token", input_token="stub-token")["data"]["is_valid"] is True


def test_no_delivery_means_no_rows(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    assert advertiser.get(f"{ids['A']}/insights", date_preset="maximum") == {"data": []}


def test_levels_add_up(advertiser: Advertiser) -> None:
    advertiser.split_test("AB")
    advertiser.pass_time(hours=30)
    totals = {}
    for level in LEVELS:
        rows = advertiser.get(
            f"{ACCOUNT}/insights", level=level, date_preset="maximum", fields="clicks,actions"
        )["data"]
        totals[level] = (
            sum(int(row["clicks"]) for row in rows),
            sum(action(row, "actions") for row in rows),
            len(rows),
        )
    assert {total[:2] for total in totals.values()} == {totals["account"][:2]}
    assert [totals[level][2] for level in LEVELS] == [1, 1, 2, 2]


def test_days_add_up_to_the_whole(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A", hours=72, lifetime_budget=15000)
    advertiser.pass_time(hours=60)
    span = {"since": "2026-11-20", "until": "2026-11-30"}
    daily = advertiser.get(f"{ids['A']}/insights", time_range=span, time_increment=1, fields="clicks")["data"]
    whole = advertiser.get(f"{ids['A']}/insights", time_range=span, fields="clicks")["data"]
    assert sum(int(row["clicks"]) for row in daily) == int(whole[0]["clicks"])
    assert [row["date_start"] for row in daily] == ["2026-11-22", "2026-11-23", "2026-11-24"]


def test_one_sale_is_reported_under_three_names(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    advertiser.pass_time(hours=10)
    row = advertiser.get(f"{ids['A']}/insights", date_preset="today", fields="actions,spend,purchase_roas")[
        "data"
    ][0]
    kinds = ("purchase", "omni_purchase", "offsite_conversion.fb_pixel_purchase")
    assert len({action(row, "actions", kind) for kind in kinds}) == 1
    assert isinstance(row["spend"], str)
    assert row["purchase_roas"][0]["action_type"] == "omni_purchase"


def test_deleted_things_count_in_totals_but_have_no_rows(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("AB")
    advertiser.pass_time(hours=10)
    before = advertiser.figures(ids["campaign"])
    advertiser.call("DELETE", ids["A"])
    assert advertiser.figures(ids["campaign"]) == before
    rows = advertiser.get(f"{ids['campaign']}/insights", level="ad", fields="ad_id", date_preset="maximum")[
        "data"
    ]
    assert [row["ad_id"] for row in rows] == [ids["B"]]
    assert advertiser.figures(ids["A"])["spend"] > 0


def test_insights_can_be_filtered_by_parents_and_paged(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("ABC")
    advertiser.pass_time(hours=10)
    rule = {"field": "adset.id", "operator": "IN", "value": [ids["set A"], ids["set C"]]}
    query = {"level": "ad", "fields": "ad_name", "date_preset": "maximum", "filtering": [rule], "limit": 1}
    first = advertiser.get(f"{ACCOUNT}/insights", **query)
    second = advertiser.get(f"{ACCOUNT}/insights", **query, after=first["paging"]["cursors"]["after"])
    assert [row["ad_name"] for row in first["data"] + second["data"]] == ["Ad A", "Ad C"]
    assert "next" in first["paging"]
    assert "next" not in second["paging"]


def test_hours_of_the_day_show_clicks_but_no_sales(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    advertiser.pass_time(hours=5)
    rows = advertiser.get(
        f"{ids['A']}/insights",
        date_preset="today",
        fields="inline_link_clicks,actions",
        breakdowns=["hourly_stats_aggregated_by_advertiser_time_zone"],
    )["data"]
    assert rows[0]["hourly_stats_aggregated_by_advertiser_time_zone"] == "10:00:00 - 10:59:59"
    assert sum(int(row["inline_link_clicks"]) for row in rows) == advertiser.figures(ids["A"])["clicks"]
    assert all(action(row, "actions") == 0 for row in rows)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"time_range": {"since": "2020-01-01", "until": "2020-02-01"}}, 3018),
        ({"time_range": {"since": "2026-11-20"}}, 100),
        ({"date_preset": "lifetime"}, 100),
        ({"level": "universe"}, 100),
        ({"fields": "spend,fame"}, 100),
        ({"time_increment": 91, "date_preset": "today"}, 100),
    ],
)
def test_bad_insights_requests_are_refused(advertiser: Advertiser, params: dict[str, Any], code: int) -> None:
    advertiser.split_test("A")
    advertiser.pass_time(hours=3)
    with pytest.raises(RefusedError) as caught:
        advertiser.get(f"{ACCOUNT}/insights", **params)
    assert caught.value.codes[0] == code
