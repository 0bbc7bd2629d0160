"""Work asked for now and done later: ad sets of requests, batches of an account, sessions of copies."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from metasim import SimulatorConfig
from metasim.graph.wire import Call, Params
from metasim.testing import ACCOUNT, Advertiser, RefusedError

COUNTS = "is_completed,total_count,initial_count,in_progress_count,success_count,error_count,canceled_count"
CAMPAIGN = urlencode(
    {
        "name": "Later",
        "objective": "OUTCOME_SALES",
        "status": "PAUSED",
        "special_ad_categories": "[]",
        "is_adset_budget_sharing_enabled": "false",
    }
)


def ad_specs(advertiser: Advertiser, number: int) -> list[dict[str, Any]]:
    adset, creative = advertiser.adset(advertiser.campaign()), advertiser.creative()
    spec = {"adset_id": adset, "creative": {"creative_id": creative}, "status": "PAUSED"}
    spec["conversion_domain"] = "shop.example"
    return [{**spec, "name": f"Ad {each}"} for each in range(number)]


def ask_for_ads(advertiser: Advertiser, specs: list[dict[str, Any]]) -> str:
    return str(advertiser.post(f"{ACCOUNT}/asyncadrequestsets", name="Many ads", ad_specs=specs)["id"])


def adbatch(advertiser: Advertiser, *items: dict[str, Any]) -> str:
    made = advertiser.post(f"{ACCOUNT}/async_batch_requests", name="Batch", adbatch=json.dumps(items))
    return str(made["id"])


def item(name: str, body: str = CAMPAIGN, url: str = f"{ACCOUNT}/campaigns") -> dict[str, Any]:
    return {"name": name, "relative_url": url, "body": body}


def requests_of(advertiser: Advertiser, group: str) -> list[dict[str, Any]]:
    rows = advertiser.get(f"{group}/requests", fields="status,result,input")["data"]
    return list(reversed(rows))


def names(advertiser: Advertiser, edge: str) -> list[str]:
    return [row["name"] for row in advertiser.get(f"{ACCOUNT}/{edge}", fields="name")["data"]]


def test_ads_asked_for_are_there_a_minute_later(advertiser: Advertiser) -> None:
    group = ask_for_ads(advertiser, ad_specs(advertiser, 3))
    assert names(advertiser, "ads") == []
    advertiser.pass_time(minutes=1)
    assert names(advertiser, "ads") == ["Ad 2", "Ad 1", "Ad 0"]
    read = advertiser.get(group, fields=COUNTS)
    assert (read["is_completed"], read["total_count"], read["success_count"]) == (True, 3, 3)


def test_a_set_moves_on_when_it_is_looked_at(advertiser: Advertiser) -> None:
    group = ask_for_ads(advertiser, ad_specs(advertiser, 1))
    seen = [advertiser.get(group, fields=COUNTS) for _ in range(3)]
    assert [each["is_completed"] for each in seen] == [False, False, True]
    assert [each["in_progress_count"] for each in seen] == [0, 1, 0]
    assert len(names(advertiser, "ads")) == 1


def test_each_request_tells_its_own_fate(advertiser: Advertiser) -> None:
    good, bad = ad_specs(advertiser, 2)
    group = ask_for_ads(advertiser, [good, {**bad, "adset_id": "9"}])
    advertiser.pass_time(minutes=2)
    rows = requests_of(advertiser, group)
    assert [row["status"] for row in rows] == ["SUCCESS", "ERROR"]
    assert rows[0]["result"]["id"]
    assert rows[1]["result"]["error"]["error_subcode"] == 33
    assert rows[0]["input"]["name"] == "Ad 0"


def test_a_set_can_be_given_up_before_it_is_done(advertiser: Advertiser) -> None:
    group = ask_for_ads(advertiser, ad_specs(advertiser, 2))
    assert advertiser.call("DELETE", group) == {"success": True}
    advertiser.pass_time(minutes=2)
    assert names(advertiser, "ads") == []
    assert advertiser.get(group, fields=COUNTS)["canceled_count"] == 2


def test_the_account_lists_its_sets(advertiser: Advertiser) -> None:
    group = ask_for_ads(advertiser, ad_specs(advertiser, 1))
    assert [row["id"] for row in advertiser.get(f"{ACCOUNT}/asyncadrequestsets")["data"]] == [group]


def test_an_account_batch_is_done_in_order_and_refers_to_earlier_answers(advertiser: Advertiser) -> None:
    rename = item("second", "name=Renamed", "{result=first:$.id}")
    group = adbatch(advertiser, item("first"), rename)
    advertiser.pass_time(minutes=1)
    assert [row["status"] for row in requests_of(advertiser, group)] == ["SUCCESS", "SUCCESS"]
    assert names(advertiser, "campaigns") == ["Renamed"]


def test_a_reference_to_a_failure_fails(advertiser: Advertiser) -> None:
    group = adbatch(advertiser, item("first", "name=x"), item("second", "name=y", "{result=first:$.id}"))
    advertiser.pass_time(minutes=1)
    assert [row["status"] for row in requests_of(advertiser, group)] == ["ERROR", "ERROR"]


BAD_BATCHES: dict[str, Any] = {
    "nothing": [],
    "no address": [{"name": "x", "body": "a=b"}],
    "no name": [{"relative_url": f"{ACCOUNT}/campaigns", "body": "a=b"}],
    "no body": [{"name": "x", "relative_url": f"{ACCOUNT}/campaigns"}],
    "too many": [item(str(number)) for number in range(1001)],
}


@pytest.mark.parametrize("case", BAD_BATCHES)
def test_account_batches_that_are_refused(advertiser: Advertiser, case: str) -> None:
    with pytest.raises(RefusedError) as caught:
        adbatch(advertiser, *BAD_BATCHES[case])
    assert caught.value.codes == (100, None)


def test_work_survives_a_killed_simulator(tmp_path: Path) -> None:
    config = SimulatorConfig(state_path=tmp_path / "state.db")
    group = adbatch(Advertiser(config), item("first"))
    later = Advertiser(config)
    later.pass_time(minutes=1)
    assert names(Advertiser(config), "campaigns") == ["Later"]
    assert Advertiser(config).get(group, fields=COUNTS)["success_count"] == 1


def test_a_fault_meets_the_work_when_it_is_done(advertiser: Advertiser) -> None:
    group = adbatch(advertiser, item("first"))
    advertiser.simulator.faults.plan({"kind": "transient", "match": {"path_regex": "campaigns"}})
    advertiser.pass_time(minutes=1)
    assert requests_of(advertiser, group)[0]["result"]["error"]["code"] == 2
    assert names(advertiser, "campaigns") == []


def large(advertiser: Advertiser, ads: int) -> str:
    campaign, creative = advertiser.campaign("Large"), advertiser.creative()
    for start in range(0, ads, 50):
        adset = advertiser.adset(campaign)
        for number in range(start, min(ads, start + 50)):
            advertiser.ad(adset, creative, f"Ad {number}")
    return campaign


def copy_later(advertiser: Advertiser, source: str, **params: Any) -> str:
    body = urlencode({"deep_copy": "true", **params})
    row = {"method": "POST", "relative_url": f"{source}/copies", "name": "copy", "body": body}
    call = Call("POST", (), Params({"asyncbatch": json.dumps([row])}), "v26.0", "stub-token")
    sessions: list[dict[str, str]] = advertiser.send(call)["async_sessions"]
    assert [each["name"] for each in sessions] == ["copy"]
    return sessions[0]["id"]


def test_a_large_copy_is_made_in_a_session(advertiser: Advertiser) -> None:
    source = large(advertiser, 4)
    with pytest.raises(RefusedError) as caught:
        advertiser.post(f"{source}/copies", deep_copy=True)
    assert caught.value.codes == (100, 1885194)
    session = copy_later(advertiser, source)
    assert advertiser.get(session)["status"] == "NOT_STARTED"
    advertiser.pass_time(minutes=1)
    read = advertiser.get(session)
    copied = json.loads(read["result"])["copied_campaign_id"]
    assert read["status"] == "COMPLETED"
    assert len(advertiser.get(f"{copied}/ads")["data"]) == 4


def test_a_copy_of_more_than_51_ads_fails_even_later(advertiser: Advertiser) -> None:
    session = copy_later(advertiser, large(advertiser, 52))
    advertiser.pass_time(minutes=1)
    read = advertiser.get(session)
    assert (read["status"], read["error_code"]) == ("FAILED", 100)


def test_only_copies_are_made_in_sessions(advertiser: Advertiser) -> None:
    row = {"method": "POST", "relative_url": f"{ACCOUNT}/campaigns", "name": "x", "body": CAMPAIGN}
    call = Call("POST", (), Params({"asyncbatch": json.dumps([row])}), "v26.0", "stub-token")
    with pytest.raises(RefusedError):
        advertiser.send(call)


def test_a_copy_can_differ_from_its_source(advertiser: Advertiser) -> None:
    source = advertiser.adset(advertiser.campaign(), "Source")
    overrides = {"lifetime_budget": 9000, "name": "Other"}
    made = advertiser.post(f"{source}/copies", parameter_overrides=overrides)["copied_adset_id"]
    read = advertiser.get(made, fields="name,lifetime_budget")
    assert (read["name"], read["lifetime_budget"]) == ("Other", "9000")
    assert advertiser.get(source, fields="lifetime_budget")["lifetime_budget"] == "5000"


def test_overrides_obey_the_rules(advertiser: Advertiser) -> None:
    source = advertiser.adset(advertiser.campaign(), "Source")
    with pytest.raises(RefusedError) as caught:
        advertiser.post(f"{source}/copies", parameter_overrides={"lifetime_budget": 10})
    assert caught.value.codes == (100, 1885272)
    assert len(names(advertiser, "adsets")) == 1


def batch(advertiser: Advertiser, *items: dict[str, Any]) -> list[Any]:
    call = Call("POST", (), Params({"batch": json.dumps(items)}), "v26.0", "stub-token")
    answer: list[Any] = advertiser.send(call)
    return answer


def test_a_batch_writes_one_ad_set_of_a_campaign(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign()
    sets = [advertiser.adset(campaign, str(number)) for number in range(2)]
    other = advertiser.adset(advertiser.campaign("Other"))
    rows = [
        {"method": "POST", "relative_url": each, "body": "name=New"} for each in (sets[0], sets[1], other)
    ]
    rows.append({"method": "GET", "relative_url": sets[1]})
    answers = batch(advertiser, *rows)
    assert [row["code"] for row in answers] == [200, 400, 200, 200]
    assert "multiple ad sets" in json.loads(answers[1]["body"])["error"]["error_user_msg"]
    assert advertiser.get(sets[1], fields="name")["name"] == "1"


def test_requests_can_be_chosen_by_their_status(advertiser: Advertiser) -> None:
    group = ask_for_ads(advertiser, [*ad_specs(advertiser, 2), {"adset_id": "1", "name": "Lost"}])
    advertiser.pass_time(minutes=2)

    def number(*statuses: str) -> int:
        return len(advertiser.get(f"{group}/requests", statuses=list(statuses))["data"])

    assert (number("SUCCESS"), number("ERROR"), number("INITIAL")) == (2, 1, 0)
    assert number("SUCCESS", "ERROR") == 3


def test_a_status_nobody_knows_is_refused(advertiser: Advertiser) -> None:
    group = ask_for_ads(advertiser, ad_specs(advertiser, 1))
    with pytest.raises(RefusedError) as refused:
        advertiser.get(f"{group}/requests", statuses=["LOST"])
    assert refused.value.codes == (100, None)
