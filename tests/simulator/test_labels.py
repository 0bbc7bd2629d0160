"""Labels: added, replaced, taken away, and the lookups by any or all of them."""

from typing import Any

import pytest

from metasim.testing import ACCOUNT, Advertiser, RefusedError


def label(advertiser: Advertiser, name: str) -> str:
    return str(advertiser.post(f"{ACCOUNT}/adlabels", name=name)["id"])


def labels_of(advertiser: Advertiser, node_id: str) -> list[str]:
    rows = advertiser.get(node_id, fields="adlabels").get("adlabels", [])
    return sorted(row["name"] for row in rows)


def found(advertiser: Advertiser, edge: str, **params: Any) -> list[str]:
    return [row["id"] for row in advertiser.get(f"{ACCOUNT}/{edge}", **params)["data"]]


def test_posting_to_the_edge_adds_while_updating_replaces(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign(adlabels=[{"name": "run-1"}])
    advertiser.post(f"{campaign}/adlabels", adlabels=[{"name": "test"}, {"name": "run-1"}])
    assert labels_of(advertiser, campaign) == ["run-1", "test"]
    advertiser.post(campaign, adlabels=[{"name": "other"}])
    assert labels_of(advertiser, campaign) == ["other"]


def test_labels_are_taken_away_one_by_one(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign(adlabels=[{"name": "a"}, {"name": "b"}])
    advertiser.call("DELETE", f"{campaign}/adlabels", adlabels=[{"name": "a"}])
    assert labels_of(advertiser, campaign) == ["b"]


def test_a_deleted_label_leaves_what_carried_it(advertiser: Advertiser) -> None:
    mark = label(advertiser, "gone")
    campaign = advertiser.campaign(adlabels=[{"id": mark}])
    advertiser.call("DELETE", mark)
    assert labels_of(advertiser, campaign) == []
    assert advertiser.get(f"{ACCOUNT}/adlabels")["data"] == []


def test_every_kind_is_found_by_any_or_all_of_its_labels(advertiser: Advertiser) -> None:
    one, two = label(advertiser, "one"), label(advertiser, "two")
    campaign = advertiser.campaign(adlabels=[{"id": one}])
    both = advertiser.campaign(adlabels=[{"id": one}, {"id": two}])
    adset = advertiser.adset(campaign, adlabels=[{"id": two}])
    creative = advertiser.creative("A")
    advertiser.post(f"{creative}/adlabels", adlabels=[{"id": one}])
    ad = advertiser.ad(adset, creative, adlabels=[{"id": one}])
    assert found(advertiser, "campaignsbylabels", ad_label_ids=[one, two]) == [both, campaign]
    assert found(advertiser, "campaignsbylabels", ad_label_ids=[one, two], operator="ALL") == [both]
    assert found(advertiser, "adsetsbylabels", ad_label_ids=[two]) == [adset]
    assert found(advertiser, "adsbylabels", ad_label_ids=[one]) == [ad]
    assert found(advertiser, "adcreativesbylabels", ad_label_ids=[one]) == [creative]
    assert found(advertiser, "adsbylabels", ad_label_ids=["on"]) == []


@pytest.mark.parametrize("params", [{}, {"ad_label_ids": ["1"], "operator": "SOME"}])
def test_a_lookup_needs_ids_and_a_known_operator(advertiser: Advertiser, params: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as caught:
        advertiser.get(f"{ACCOUNT}/campaignsbylabels", **params)
    assert caught.value.codes == (100, None)


def test_an_object_carries_at_most_fifty_labels(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign(adlabels=[{"name": f"l{number}"} for number in range(50)])
    with pytest.raises(RefusedError) as caught:
        advertiser.post(f"{campaign}/adlabels", adlabels=[{"name": "one more"}])
    assert caught.value.codes == (100, None)


def test_the_edge_needs_labels(advertiser: Advertiser) -> None:
    with pytest.raises(RefusedError, match="adlabels is required"):
        advertiser.post(f"{advertiser.campaign()}/adlabels")


def test_a_lookup_is_paged(advertiser: Advertiser) -> None:
    mark = label(advertiser, "many")
    for number in range(3):
        advertiser.campaign(f"C{number}", adlabels=[{"id": mark}])
    page = advertiser.get(f"{ACCOUNT}/campaignsbylabels", ad_label_ids=[mark], limit=2, fields="name")
    assert [row["name"] for row in page["data"]] == ["C2", "C1"]
    assert "campaignsbylabels?" in page["paging"]["next"]
