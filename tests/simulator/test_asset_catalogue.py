"""Everything around ad accounts can be read: edges, expansions, estimates; an edge nobody has is an unknown field."""

import importlib
import inspect
import re
from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.graph.asset_catalogue import EDGES, FIELDS
from metasim.testing import (
    ACCOUNT,
    INSTAGRAM,
    PAGE,
    PIXEL,
    TARGETING,
    Advertiser,
    RefusedError,
    story,
)

BUSINESS = "5001"
SDK_NAMES = {"AdCampaignGroup": "Campaign", "AdCampaign": "AdSet", "AdGroup": "Ad", "Video": "AdVideo"}


def sdk_class(kind: str) -> Any:
    name = SDK_NAMES.get(kind, kind)
    return getattr(importlib.import_module(f"facebook_business.adobjects.{name.lower()}"), name)


@pytest.mark.parametrize("kind", EDGES)
def test_edges_are_those_of_the_installed_sdk(kind: str) -> None:
    requests = re.findall(r"method='(\w+)',\s+endpoint='/([^']+)'", inspect.getsource(sdk_class(kind)))
    assert EDGES[kind] == {edge for method, edge in requests if method == "GET"}


@pytest.mark.parametrize("kind", FIELDS)
def test_fields_are_those_of_the_installed_sdk(kind: str) -> None:
    known = vars(sdk_class(kind).Field).items()
    assert FIELDS[kind] == {value for name, value in known if not name.startswith("_")}


NEEDS_PARAMETERS = {"delivery_estimate", "reachestimate", "generatepreviews"}
BY_LABEL = {edge for edge in EDGES["AdAccount"] if edge.endswith("bylabels")}


@pytest.mark.parametrize("edge", sorted(EDGES["AdAccount"] - NEEDS_PARAMETERS - BY_LABEL))
def test_every_edge_of_an_account_answers_with_a_list(advertiser: Advertiser, edge: str) -> None:
    assert isinstance(advertiser.get(f"{ACCOUNT}/{edge}")["data"], list)


FULL = [
    (f"{ACCOUNT}/adspixels", [PIXEL]),
    (f"{ACCOUNT}/customconversions", ["3001"]),
    (f"{ACCOUNT}/instagram_accounts", [INSTAGRAM]),
    (f"{ACCOUNT}/promote_pages", [PAGE]),
    (f"{ACCOUNT}/customaudiences", []),
    (f"{ACCOUNT}/activities", []),
    ("me/businesses", [BUSINESS]),
    ("me/adaccounts", [ACCOUNT]),
    (f"{BUSINESS}/owned_ad_accounts", [ACCOUNT]),
    (f"{BUSINESS}/client_ad_accounts", []),
    (f"{BUSINESS}/owned_pages", [PAGE]),
    (f"{BUSINESS}/owned_pixels", [PIXEL]),
    (f"{BUSINESS}/business_users", ["10150000000000001"]),
    (f"{PAGE}/instagram_accounts", [INSTAGRAM]),
    (f"{PAGE}/posts", []),
    (f"{PIXEL}/stats", []),
]


@pytest.mark.parametrize(("path", "ids"), FULL)
def test_an_edge_holds_what_the_scenario_has(advertiser: Advertiser, path: str, ids: list[str]) -> None:
    assert [row["id"] for row in advertiser.get(path, fields="id")["data"]] == ids


@pytest.mark.parametrize(
    "owner", [PAGE, PIXEL, INSTAGRAM, BUSINESS, "me", ACCOUNT, "campaign", "adset", "ad"]
)
def test_an_edge_nobody_has_is_an_unknown_field(advertiser: Advertiser, owner: str) -> None:
    ids = advertiser.split_test("A")
    known = {"campaign": ids["campaign"], "adset": ids["set A"], "ad": ids["A"]}
    with pytest.raises(RefusedError, match="nonexisting field") as refused:
        advertiser.get(f"{known.get(owner, owner)}/wishes")
    assert refused.value.codes == (100, None)


def test_what_does_not_exist_has_no_edges_either(advertiser: Advertiser) -> None:
    with pytest.raises(RefusedError) as refused:
        advertiser.get("999/posts")
    assert refused.value.codes == (100, 33)


def test_fields_expand_from_the_person_down_to_the_ads(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    fields = "name,adaccounts.limit(1){name,campaigns{name,ads{id}},adspixels{name}},businesses{id,owned_pages{name}}"
    me = advertiser.get("me", fields=fields)
    account = me["adaccounts"]["data"][0]
    assert account["campaigns"]["data"][0]["ads"]["data"] == [{"id": ids["A"]}]
    assert account["adspixels"]["data"][0]["name"] == "Demo pixel"
    assert me["businesses"]["data"][0]["owned_pages"]["data"][0]["name"] == "Demo page"


def test_insights_of_an_account_expand_as_a_field(advertiser: Advertiser) -> None:
    advertiser.split_test("A")
    advertiser.pass_time(hours=5)
    read = advertiser.get(ACCOUNT, fields="name,insights.date_preset(maximum).level(ad){ad_name,spend}")
    assert read["insights"]["data"][0]["ad_name"] == "Ad A"


def test_accounts_of_a_business_come_in_pages() -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="large"))
    first = advertiser.get(f"{BUSINESS}/owned_ad_accounts", limit=2, fields="name", summary="total_count")
    after = first["paging"]["cursors"]["after"]
    second = advertiser.get(f"{BUSINESS}/owned_ad_accounts", limit=2, fields="name", after=after)
    names = [row["name"] for row in (*first["data"], *second["data"])]
    assert names == ["Large account", "Large account 2", "Large account 3"]
    assert (first["summary"], "next" in second["paging"]) == ({"total_count": 3}, False)


def test_children_by_other_ways(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    twin = advertiser.post(f"{ids['A']}/copies")["copied_ad_id"]
    label = advertiser.post(f"{ACCOUNT}/adlabels", name="L")["id"]
    advertiser.post(ids["campaign"], adlabels=[{"id": label}])
    found = [
        advertiser.get(f"{ids['A']}/copies")["data"],
        advertiser.get(f"{label}/campaigns")["data"],
        advertiser.get(f"{ids['set A']}/adcreatives")["data"],
        advertiser.get(f"{ids['A']}/leads")["data"],
    ]
    creative = advertiser.get(ids["A"], fields="creative")["creative"]["id"]
    assert found == [[{"id": twin}], [{"id": ids["campaign"]}], [{"id": creative}], []]


def test_estimates_are_ranges_of_people(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    reach = advertiser.get(f"{ACCOUNT}/reachestimate", targeting_spec=TARGETING)["data"]
    assert 0 < reach["users_lower_bound"] <= reach["users_upper_bound"]
    for path in (f"{ACCOUNT}/delivery_estimate", f"{ids['set A']}/delivery_estimate"):
        row = advertiser.get(path, targeting_spec=TARGETING, optimization_goal="REACH")["data"][0]
        assert row["estimate_ready"] is True


def test_previews_show_the_words(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    existing = advertiser.get(f"{ids['A']}/previews", ad_format="MOBILE_FEED_STANDARD")["data"][0]["body"]
    made_up = advertiser.get(
        f"{ACCOUNT}/generatepreviews", ad_format="MOBILE_FEED_STANDARD", creative=story("Z")
    )
    assert "Headline A" in existing
    assert "Headline Z" in made_up["data"][0]["body"]
    assert not [
        row for row in advertiser.get(f"{ACCOUNT}/adcreatives", fields="title")["data"] if "Z" in row["title"]
    ]


def test_countries_can_be_searched_for(advertiser: Advertiser) -> None:
    rows = advertiser.get("search", type="adgeolocation", location_types=["country"], q="es")["data"]
    assert [row["key"] for row in rows] == ["ES"]
    assert advertiser.get("search", type="adinterest", q="shoes")["data"] == []
    with pytest.raises(RefusedError):
        advertiser.get("search", type="adwish", q="x")


def test_an_app_gets_a_token_by_its_secret(advertiser: Advertiser) -> None:
    app = {"client_id": "700000000000001", "client_secret": "app-secret"}
    token = advertiser.get("oauth/access_token", grant_type="client_credentials", **app)["access_token"]
    assert token == "700000000000001|app-secret"
    with pytest.raises(RefusedError):
        advertiser.get(
            "oauth/access_token", grant_type="client_credentials", **{**app, "client_secret": "no"}
        )
