"""The batch root: items in order, each on its own, references between them, and what goes missing."""

import json
from typing import Any

import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.api import FacebookAdsApi

from metasim.graph.wire import Call, Params
from metasim.testing import ACCOUNT, Advertiser, RefusedError

CAMPAIGN = (
    "name=C&objective=OUTCOME_SALES&status=PAUSED&special_ad_categories=%5B%5D"
    "&is_adset_budget_sharing_enabled=false"
)


def create(**item: Any) -> dict[str, Any]:
    return {"method": "POST", "relative_url": f"v26.0/{ACCOUNT}/campaigns", "body": CAMPAIGN, **item}


def batch(advertiser: Advertiser, *items: dict[str, Any], **params: Any) -> list[Any]:
    call = Call("POST", (), Params({"batch": json.dumps(items), **params}), "v26.0", "stub-token")
    answer: list[Any] = advertiser.send(call)
    return answer


def campaigns(advertiser: Advertiser) -> int:
    return len(advertiser.get(f"{ACCOUNT}/campaigns")["data"])


def test_items_are_answered_in_order_with_their_own_codes_and_headers(advertiser: Advertiser) -> None:
    bad = {"method": "GET", "relative_url": "999"}
    rows = batch(advertiser, create(), bad, create())
    assert [row["code"] for row in rows] == [200, 400, 200]
    assert json.loads(rows[1]["body"])["error"]["error_subcode"] == 33
    assert "X-Business-Use-Case-Usage" in {header["name"] for header in rows[0]["headers"]}
    assert campaigns(advertiser) == 2


def test_a_later_item_uses_an_earlier_answer_which_is_then_left_out(advertiser: Advertiser) -> None:
    rows = batch(
        advertiser,
        create(name="first"),
        {"method": "POST", "relative_url": "{result=first:$.id}", "body": "name=Renamed"},
    )
    assert rows[0] is None
    assert json.loads(rows[1]["body"]) == {"success": True}
    assert advertiser.get(f"{ACCOUNT}/campaigns", fields="name")["data"][0]["name"] == "Renamed"


def test_the_answer_referred_to_is_kept_when_asked_for(advertiser: Advertiser) -> None:
    rows = batch(
        advertiser,
        create(name="first", omit_response_on_success=False),
        {"method": "GET", "relative_url": "%7Bresult%3Dfirst%3A%24.id%7D?fields=name"},
    )
    assert json.loads(rows[0]["body"])["id"] == json.loads(rows[1]["body"])["id"]


def test_lists_are_referred_to_by_index_and_wildcard(advertiser: Advertiser) -> None:
    advertiser.campaign("One")
    advertiser.campaign("Two")
    listing = {"method": "GET", "relative_url": f"{ACCOUNT}/campaigns", "name": "all"}
    rows = batch(
        advertiser,
        listing,
        {"method": "GET", "relative_url": "{result=all:$.data[1].id}?fields=name"},
        {"method": "GET", "relative_url": ACCOUNT + "/campaigns?effective_status={result=all:$.data.*.id}"},
    )
    assert json.loads(rows[1]["body"])["name"] == "One"
    assert json.loads(rows[2]["body"]) == {"data": []}


def test_a_reference_into_a_failed_item_fails_and_a_mere_dependant_stays_null(advertiser: Advertiser) -> None:
    rows = batch(
        advertiser,
        {"method": "GET", "relative_url": "999", "name": "lost"},
        {"method": "GET", "relative_url": "{result=lost:$.id}"},
        create(depends_on="lost"),
    )
    assert json.loads(rows[1]["body"])["error"]["code"] == 100
    assert rows[2] is None
    assert campaigns(advertiser) == 0


def test_more_than_fifty_items_are_refused_and_fifty_are_not(advertiser: Advertiser) -> None:
    one = {"method": "GET", "relative_url": "me"}
    assert len(batch(advertiser, *[one] * 50)) == 50
    with pytest.raises(RefusedError, match="Maximum batch size is 50"):
        batch(advertiser, *[one] * 51)


def test_a_fault_that_cuts_an_item_leaves_it_null_whether_or_not_it_took_effect(
    advertiser: Advertiser,
) -> None:
    for kind, expected in (("commit_then_timeout", 1), ("drop_before_commit", 1)):
        advertiser.simulator.faults.plan(
            {"kind": kind, "match": {"path_regex": "campaigns$", "method": "POST"}}
        )
        assert batch(advertiser, create(), include_headers=False) == [None]
        assert campaigns(advertiser) == expected


def test_a_batch_is_answered_when_its_slowest_items_are(advertiser: Advertiser) -> None:
    advertiser.simulator.faults.plan({"kind": "slow", "seconds": 2, "match": {"path_regex": "campaigns$"}})
    call = Call("POST", (), Params({"batch": json.dumps([create(), create()])}), "v26.0", "stub-token")
    assert advertiser.simulator.handle(call).delay_s >= 2
    alone = Call("GET", (ACCOUNT,), Params({}), "v26.0", "stub-token")
    assert advertiser.simulator.handle(alone).delay_s == 0


def test_headers_are_left_out_on_request(advertiser: Advertiser) -> None:
    assert "headers" not in batch(advertiser, create(), include_headers=False)[0]


def test_every_item_is_charged(advertiser: Advertiser) -> None:
    batch(advertiser, create(), create())
    reply = advertiser.simulator.handle(Call("GET", (ACCOUNT,), Params({}), "v26.0", "stub-token")).reply
    used = json.loads(reply.headers["X-Ad-Account-Usage"])["acc_id_util_pct"]
    assert used == round(100 * 7 / 9000, 2)


def test_the_sdk_runs_a_batch(account: AdAccount, api: FacebookAdsApi) -> None:
    names: list[str] = []
    errors: list[int] = []
    queue = api.new_batch()
    params = {
        "name": "By batch",
        "objective": "OUTCOME_SALES",
        "special_ad_categories": [],
        "is_adset_budget_sharing_enabled": False,
    }
    account.create_campaign(
        params=params, batch=queue, success=lambda reply: names.append(reply.json()["id"])
    )
    account.create_campaign(
        params={"name": "x"},
        batch=queue,
        failure=lambda reply: errors.append(reply.error().api_error_code()),
    )
    queue.execute()
    assert len(names) == 1
    assert errors == [100]
