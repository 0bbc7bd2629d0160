"""Copies start from nothing, are named and paused as asked, and are never recognised as already made."""

from typing import Any

import pytest

from metasim.state import Ad, AdSet
from metasim.testing import ACCOUNT, Advertiser, RefusedError


def name_and_status(advertiser: Advertiser, node_id: str) -> tuple[str, str]:
    node = advertiser.get(node_id, fields="name,status")
    return node["name"], node["status"]


def test_a_campaign_is_copied_alone_by_default(advertiser: Advertiser) -> None:
    source = advertiser.split_test("A")["campaign"]
    answer = advertiser.post(f"{source}/copies")
    twin = answer["copied_campaign_id"]
    assert name_and_status(advertiser, twin) == ("Campaign [ap-test/c] - Copy", "PAUSED")
    assert advertiser.get(f"{twin}/adsets")["data"] == []
    assert advertiser.get(twin, fields="source_campaign_id")["source_campaign_id"] == source
    rows = answer["ad_object_ids"]
    assert rows == [{"ad_object_type": "campaign", "source_id": source, "copied_id": twin}]


def test_a_deep_copy_takes_ad_sets_and_ads_along_but_no_history(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("AB")
    advertiser.pass_time(hours=5)
    answer = advertiser.post(
        f"{ids['campaign']}/copies", deep_copy=True, status_option="INHERITED_FROM_SOURCE"
    )
    twin = answer["copied_campaign_id"]
    kinds = [row["ad_object_type"] for row in answer["ad_object_ids"]]
    assert sorted(kinds) == ["ad", "ad", "ad_set", "ad_set", "campaign"]
    assert advertiser.figures(twin)["spend"] == 0
    ads = advertiser.get(f"{twin}/ads", fields="effective_status")["data"]
    assert {ad["effective_status"] for ad in ads} == {"PENDING_REVIEW"}
    remaining = advertiser.get(f"{twin}/adsets", fields="budget_remaining")["data"]
    assert {row["budget_remaining"] for row in remaining} == {"5000"}
    advertiser.pass_time(hours=3)
    assert advertiser.figures(twin)["spend"] > 0


@pytest.mark.parametrize(
    ("options", "top", "child"),
    [
        ({}, "Campaign [ap-test/c] - Copy", "Set A"),
        ({"rename_suffix": " II"}, "Campaign [ap-test/c] II", "Set A"),
        ({"rename_strategy": "NO_RENAME"}, "Campaign [ap-test/c]", "Set A"),
        ({"rename_strategy": "DEEP_RENAME", "rename_prefix": "x "}, "x Campaign [ap-test/c]", "x Set A"),
    ],
)
def test_copies_are_renamed_as_asked(
    advertiser: Advertiser, options: dict[str, str], top: str, child: str
) -> None:
    source = advertiser.split_test("A")["campaign"]
    twin = advertiser.post(f"{source}/copies", deep_copy=True, rename_options=options)["copied_campaign_id"]
    assert name_and_status(advertiser, twin)[0] == top
    assert advertiser.get(f"{twin}/adsets", fields="name")["data"][0]["name"] == child


def test_an_ad_set_and_an_ad_are_copied_to_another_place(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    other = advertiser.campaign("Other")
    adset = advertiser.post(f"{ids['set A']}/copies", campaign_id=other)["copied_adset_id"]
    ad = advertiser.post(f"{ids['A']}/copies", adset_id=adset, status_option="ACTIVE")["copied_ad_id"]
    assert advertiser.get(ad, fields="campaign_id,adset_id,source_ad_id") == {
        "campaign_id": other,
        "adset_id": adset,
        "source_ad_id": ids["A"],
        "id": ad,
    }
    assert name_and_status(advertiser, ad) == ("Ad A - Copy", "ACTIVE")


def test_asking_twice_copies_twice(advertiser: Advertiser) -> None:
    source = advertiser.campaign()
    twins = {advertiser.post(f"{source}/copies")["copied_campaign_id"] for _ in range(2)}
    assert len(twins) == 2


def test_a_validated_copy_is_not_made(advertiser: Advertiser) -> None:
    source = advertiser.campaign()
    assert advertiser.post(f"{source}/copies", execution_options=["validate_only"]) == {"success": True}
    assert len(advertiser.get(f"{ACCOUNT}/campaigns")["data"]) == 1


def refused(advertiser: Advertiser, path: str, **params: Any) -> tuple[int, int | None]:
    with pytest.raises(RefusedError) as caught:
        advertiser.post(path, **params)
    return caught.value.codes


def test_more_than_three_ads_are_not_copied_at_once(advertiser: Advertiser) -> None:
    source = advertiser.split_test("ABCD")["campaign"]
    assert refused(advertiser, f"{source}/copies", deep_copy=True) == (100, 1885194)


def test_an_ended_ad_set_needs_a_new_end(advertiser: Advertiser) -> None:
    adset = advertiser.split_test("A", hours=1)["set A"]
    advertiser.pass_time(hours=2)
    assert refused(advertiser, f"{adset}/copies") == (100, 1487033)
    assert advertiser.post(f"{adset}/copies", end_time=advertiser.moment(hours=30))["copied_adset_id"]


def test_deleted_things_and_unknown_options_are_refused(advertiser: Advertiser) -> None:
    gone, kept = advertiser.campaign("Gone"), advertiser.campaign("Kept")
    advertiser.call("DELETE", gone)
    assert refused(advertiser, f"{gone}/copies") == (100, None)
    assert refused(advertiser, f"{kept}/copies", status_option="SLEEPING") == (100, None)


def test_campaigns_are_deleted_by_strategy_oldest_first(advertiser: Advertiser) -> None:
    ids = []
    for name in "abc":
        ids.append(advertiser.campaign(name))
        advertiser.pass_time(minutes=1)
    answer = advertiser.call(
        "DELETE", f"{ACCOUNT}/campaigns", delete_strategy="DELETE_OLDEST", object_count=2
    )
    assert answer == {"objects_left_to_delete_count": 1, "deleted_object_ids": ids[:2]}
    assert [row["id"] for row in advertiser.get(f"{ACCOUNT}/campaigns")["data"]] == ids[2:]


def test_only_campaigns_archived_before_a_date_are_deleted(advertiser: Advertiser) -> None:
    archived = advertiser.campaign("old")
    advertiser.campaign("new")
    advertiser.post(archived, status="ARCHIVED")
    answer = advertiser.call(
        "DELETE",
        f"{ACCOUNT}/campaigns",
        delete_strategy="DELETE_ARCHIVED_BEFORE",
        before_date=advertiser.moment(hours=1),
        object_count=10,
    )
    assert answer["deleted_object_ids"] == [archived]


@pytest.mark.parametrize("params", [{}, {"delete_strategy": "DELETE_ALL"}])
def test_a_mass_deletion_needs_a_known_strategy(advertiser: Advertiser, params: dict[str, str]) -> None:
    with pytest.raises(RefusedError) as caught:
        advertiser.call("DELETE", f"{ACCOUNT}/campaigns", **params)
    assert caught.value.codes == (100, None)


def test_a_copy_has_no_history_in_the_market_either(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A", hours=48, lifetime_budget=20_000)
    advertiser.pass_time(hours=6)
    twin = advertiser.post(f"{ids['set A']}/copies", deep_copy=True)["copied_adset_id"]
    state = advertiser.simulator.state
    (ad,) = state.children(Ad, twin)
    assert (ad.worth, ad.contacts) == ([], {})
    assert state.need(AdSet, twin).learning == {}
