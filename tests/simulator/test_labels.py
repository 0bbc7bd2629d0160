"""Labels: added, replaced, taken away, and the lookups by any or all of them."""

from typing import Any

import pytest

from metasim.testing import ACCOUNT, Desk, RefusedError


def label(desk: Desk, name: str) -> str:
    return str(desk.post(f"{ACCOUNT}/adlabels", name=name)["id"])


def labels_of(desk: Desk, node_id: str) -> list[str]:
    rows = desk.get(node_id, fields="adlabels").get("adlabels", [])
    return sorted(row["name"] for row in rows)


def found(desk: Desk, edge: str, **params: Any) -> list[str]:
    return [row["id"] for row in desk.get(f"{ACCOUNT}/{edge}", **params)["data"]]


def test_posting_to_the_edge_adds_while_updating_replaces(desk: Desk) -> None:
    campaign = desk.campaign(adlabels=[{"name": "run-1"}])
    desk.post(f"{campaign}/adlabels", adlabels=[{"name": "test"}, {"name": "run-1"}])
    assert labels_of(desk, campaign) == ["run-1", "test"]
    desk.post(campaign, adlabels=[{"name": "other"}])
    assert labels_of(desk, campaign) == ["other"]


def test_labels_are_taken_away_one_by_one(desk: Desk) -> None:
    campaign = desk.campaign(adlabels=[{"name": "a"}, {"name": "b"}])
    desk.call("DELETE", f"{campaign}/adlabels", adlabels=[{"name": "a"}])
    assert labels_of(desk, campaign) == ["b"]


def test_a_deleted_label_leaves_what_carried_it(desk: Desk) -> None:
    mark = label(desk, "gone")
    campaign = desk.campaign(adlabels=[{"id": mark}])
    desk.call("DELETE", mark)
    assert labels_of(desk, campaign) == []
    assert desk.get(f"{ACCOUNT}/adlabels")["data"] == []


def test_every_kind_is_found_by_any_or_all_of_its_labels(desk: Desk) -> None:
    one, two = label(desk, "one"), label(desk, "two")
    campaign = desk.campaign(adlabels=[{"id": one}])
    both = desk.campaign(adlabels=[{"id": one}, {"id": two}])
    adset = desk.adset(campaign, adlabels=[{"id": two}])
    creative = desk.creative("A")
    desk.post(f"{creative}/adlabels", adlabels=[{"id": one}])
    ad = desk.ad(adset, creative, adlabels=[{"id": one}])
    assert found(desk, "campaignsbylabels", ad_label_ids=[one, two]) == [both, campaign]
    assert found(desk, "campaignsbylabels", ad_label_ids=[one, two], operator="ALL") == [both]
    assert found(desk, "adsetsbylabels", ad_label_ids=[two]) == [adset]
    assert found(desk, "adsbylabels", ad_label_ids=[one]) == [ad]
    assert found(desk, "adcreativesbylabels", ad_label_ids=[one]) == [creative]
    assert found(desk, "adsbylabels", ad_label_ids=["on"]) == []


@pytest.mark.parametrize("params", [{}, {"ad_label_ids": ["1"], "operator": "SOME"}])
def test_a_lookup_needs_ids_and_a_known_operator(desk: Desk, params: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as caught:
        desk.get(f"{ACCOUNT}/campaignsbylabels", **params)
    assert caught.value.codes == (100, None)


def test_an_object_carries_at_most_fifty_labels(desk: Desk) -> None:
    campaign = desk.campaign(adlabels=[{"name": f"l{number}"} for number in range(50)])
    with pytest.raises(RefusedError) as caught:
        desk.post(f"{campaign}/adlabels", adlabels=[{"name": "one more"}])
    assert caught.value.codes == (100, None)


def test_the_edge_needs_labels(desk: Desk) -> None:
    with pytest.raises(RefusedError, match="adlabels is required"):
        desk.post(f"{desk.campaign()}/adlabels")


def test_a_lookup_is_paged(desk: Desk) -> None:
    mark = label(desk, "many")
    for number in range(3):
        desk.campaign(f"C{number}", adlabels=[{"id": mark}])
    page = desk.get(f"{ACCOUNT}/campaignsbylabels", ad_label_ids=[mark], limit=2, fields="name")
    assert [row["name"] for row in page["data"]] == ["C2", "C1"]
    assert "campaignsbylabels?" in page["paging"]["next"]
