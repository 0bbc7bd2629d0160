"""What each kind of fault looks like from outside: codes and headers, distorted lists and figures, Meta's own changes."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from metasim import SimulatorConfig
from metasim.graph.wire import Call, Params
from metasim.testing import ACCOUNT, Advertiser, RefusedError, action

ERRORS: dict[str, tuple[dict[str, Any], int, tuple[int, int | None]]] = {
    "nobody knows": ({"kind": "unknown_error"}, 500, (1, 99)),
    "permission of the app": ({"kind": "permission_lost", "code": 10}, 403, (10, None)),
    "permission of the user": ({"kind": "permission_lost"}, 403, (200, None)),
    "permission for ads": ({"kind": "permission_lost", "code": 294}, 403, (294, None)),
    "app removed": ({"kind": "token_invalid", "subcode": 458}, 400, (190, 458)),
    "checkpoint": ({"kind": "token_invalid", "subcode": 459}, 400, (190, 459)),
    "password changed": ({"kind": "token_invalid", "subcode": 460}, 400, (190, 460)),
    "unconfirmed": ({"kind": "token_invalid", "subcode": 464}, 400, (190, 464)),
    "logged out": ({"kind": "token_invalid"}, 400, (190, 467)),
    "no role on the page": ({"kind": "token_invalid", "subcode": 492}, 400, (190, 492)),
    "block": ({"kind": "policy_block"}, 400, (368, None)),
    "app limit": ({"kind": "throttle", "code": 4}, 400, (4, 1504022)),
    "account limit": ({"kind": "throttle", "code": 613}, 400, (613, 1487742)),
    "business limit": ({"kind": "throttle", "code": 80004}, 400, (80004, 2446079)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_has_metas_numbers_once(advertiser: Advertiser, name: str) -> None:
    plan, status, codes = ERRORS[name]
    advertiser.simulator.faults.plan(plan)
    with pytest.raises(RefusedError) as refused:
        advertiser.get(ACCOUNT)
    assert (refused.value.status, refused.value.codes) == (status, codes)
    assert advertiser.get(ACCOUNT)["id"] == ACCOUNT


def usage(advertiser: Advertiser, code: int) -> dict[str, Any]:
    """Return the usage headers of an answer throttled with a code."""
    advertiser.simulator.faults.plan({"kind": "throttle", "code": code, "wait_minutes": 7})
    call = Call("GET", (ACCOUNT, "insights"), Params({}), "v26.0", "stub-token")
    headers = advertiser.simulator.handle(call).reply.headers
    return {name: json.loads(text) for name, text in headers.items() if name.endswith(("Usage", "Throttle"))}


def test_the_apps_limit_shows_in_the_apps_header_only(advertiser: Advertiser) -> None:
    headers = usage(advertiser, 4)
    assert headers["X-App-Usage"] == {"call_count": 100, "total_time": 100, "total_cputime": 100}
    assert headers["X-Ad-Account-Usage"]["acc_id_util_pct"] < 100
    assert headers["X-Business-Use-Case-Usage"]["123456789"][0]["call_count"] < 100


@pytest.mark.parametrize("code", [17, 613])
def test_the_accounts_limit_shows_in_the_accounts_header(advertiser: Advertiser, code: int) -> None:
    header = usage(advertiser, code)["X-Ad-Account-Usage"]
    assert (header["acc_id_util_pct"], header["reset_time_duration"]) == (100.0, 420)


@pytest.mark.parametrize(("code", "case"), [(80004, "ads_management"), (80000, "ads_insights")])
def test_a_business_limit_says_in_its_header_when_to_come_back(
    advertiser: Advertiser, code: int, case: str
) -> None:
    (row,) = usage(advertiser, code)["X-Business-Use-Case-Usage"]["123456789"]
    assert (row["type"], row["call_count"], row["estimated_time_to_regain_access"]) == (case, 100, 7)


def test_the_insights_limit_has_a_header_of_its_own(advertiser: Advertiser) -> None:
    assert usage(advertiser, 80000)["X-FB-Ads-Insights-Throttle"]["acc_id_util_pct"] == 100.0


def test_only_what_makes_creatives_meets_the_creative_flake(advertiser: Advertiser) -> None:
    advertiser.simulator.faults.plan({"kind": "flake_1487390", "rate": 1})
    advertiser.campaign()
    with pytest.raises(RefusedError) as refused:
        advertiser.creative()
    assert refused.value.codes == (100, 1487390)
    assert refused.value.error["is_transient"] is False


def listed(advertiser: Advertiser, **params: Any) -> list[str]:
    return [row["id"] for row in advertiser.get(f"{ACCOUNT}/campaigns", **params)["data"]]


@pytest.mark.parametrize("limit", [2, 100])
def test_an_empty_page_leads_to_the_rows_that_were_asked_for(advertiser: Advertiser, limit: int) -> None:
    made = [advertiser.campaign() for _ in range(3)]
    advertiser.simulator.faults.plan({"kind": "empty_page_with_next", "times": 3})
    answer = advertiser.get(f"{ACCOUNT}/campaigns", limit=limit)
    pages = [[row["id"] for row in answer["data"]]]
    while "next" in answer.get("paging", {}):
        query = dict(parse_qsl(urlsplit(answer["paging"]["next"]).query))
        answer = advertiser.get(f"{ACCOUNT}/campaigns", **query)
        pages.append([row["id"] for row in answer["data"]])
    assert pages[:3] == [[], [], []]
    assert [one for page in pages for one in page] == made[::-1]


def test_an_empty_page_among_insights_leads_to_them(advertiser: Advertiser) -> None:
    ids = advertiser.split_test()
    advertiser.pass_time(hours=3)
    advertiser.simulator.faults.plan({"kind": "empty_page_with_next"})
    empty = advertiser.get(f"{ids['campaign']}/insights", level="ad", date_preset="maximum")
    after = empty["paging"]["cursors"]["after"]
    assert empty["data"] == []
    assert (
        len(
            advertiser.get(f"{ids['campaign']}/insights", level="ad", date_preset="maximum", after=after)[
                "data"
            ]
        )
        == 2
    )


def test_a_partial_list_lacks_rows_and_does_not_say_so(advertiser: Advertiser) -> None:
    made = {advertiser.campaign() for _ in range(4)}
    advertiser.simulator.faults.plan({"kind": "partial_list", "share": 0.5})
    answer = advertiser.get(f"{ACCOUNT}/campaigns", limit=4)
    assert len(answer["data"]) == 2
    assert "next" not in answer["paging"]
    assert set(listed(advertiser)) == made


def test_a_partial_list_lacks_at_least_one_row(advertiser: Advertiser) -> None:
    advertiser.campaign()
    advertiser.simulator.faults.plan({"kind": "partial_list", "share": 0})
    assert listed(advertiser) == []


def test_a_stale_filter_does_not_see_what_the_whole_edge_shows(advertiser: Advertiser) -> None:
    by_name = [{"field": "name", "operator": "CONTAIN", "value": "Campaign"}]
    advertiser.simulator.faults.plan({"kind": "stale_filter", "seconds": 90})
    made = advertiser.campaign()
    assert listed(advertiser, filtering=by_name) == []
    assert listed(advertiser) == [made]
    advertiser.pass_time(minutes=2)
    assert listed(advertiser, filtering=by_name) == [made]


def test_edges_by_labels_are_stale_as_well(advertiser: Advertiser) -> None:
    label = advertiser.post(f"{ACCOUNT}/adlabels", name="ours")["id"]
    made = advertiser.campaign(adlabels=[{"id": label}])
    advertiser.simulator.faults.plan({"kind": "stale_filter", "seconds": 90})
    address, wanted = f"{ACCOUNT}/campaignsbylabels", json.dumps([label])
    assert advertiser.get(address, ad_label_ids=wanted)["data"] == []
    advertiser.pass_time(minutes=2)
    assert [row["id"] for row in advertiser.get(address, ad_label_ids=wanted)["data"]] == [made]


def sales(advertiser: Advertiser, node_id: str, day: str = "2026-11-22") -> tuple[float, float]:
    """Return a day's purchases and their value; the default is the first day of every world."""
    asked = {"fields": "actions,action_values", "time_range": json.dumps({"since": day, "until": day})}
    (row,) = advertiser.get(f"{node_id}/insights", **asked)["data"]
    return action(row, "actions"), action(row, "action_values")


@pytest.fixture
def second_day(advertiser: Advertiser) -> dict[str, str]:
    """Return the ids of a test in the middle of its second day, which delivers no more."""
    ids = advertiser.split_test("ABCDEF", hours=48, lifetime_budget=20_000)
    advertiser.pass_time(hours=30)
    advertiser.post(ids["campaign"], status="PAUSED")
    return ids


def test_restated_figures_are_those_of_past_days(advertiser: Advertiser, second_day: dict[str, str]) -> None:
    count, value = sales(advertiser, second_day["A"])
    advertiser.simulator.faults.plan({"kind": "insights_restated", "factor": 1.5})
    more, worth = sales(advertiser, second_day["A"])
    assert more == round(count * 1.5)
    assert worth == pytest.approx(value * 1.5, abs=0.01)


def test_figures_of_today_are_not_restated(advertiser: Advertiser, second_day: dict[str, str]) -> None:
    known = sales(advertiser, second_day["A"], "2026-11-23")
    advertiser.simulator.faults.plan({"kind": "insights_restated", "factor": 1.5})
    assert sales(advertiser, second_day["A"], "2026-11-23") == known


def test_days_are_restated_up_and_down(advertiser: Advertiser, second_day: dict[str, str]) -> None:
    known = {letter: sales(advertiser, second_day[letter])[0] for letter in "ABCDEF"}
    advertiser.simulator.faults.plan({"kind": "insights_restated", "share": 0.3})
    changes = [sales(advertiser, second_day[letter])[0] / known[letter] for letter in "ABCDEF"]
    assert min(changes) < 1 < max(changes)
    assert all(0.69 <= change <= 1.31 for change in changes)


def test_a_restatement_lasts_and_is_not_drawn_again(
    advertiser: Advertiser, second_day: dict[str, str]
) -> None:
    advertiser.simulator.faults.plan({"kind": "insights_restated", "rate": 1, "share": 0.3})
    first = sales(advertiser, second_day["A"])
    assert [sales(advertiser, second_day["A"]) for _ in range(3)] == [first] * 3
    advertiser.simulator.faults.clear()
    assert sales(advertiser, second_day["A"]) == first


def test_every_report_shows_the_same_restatement(advertiser: Advertiser, second_day: dict[str, str]) -> None:
    advertiser.simulator.faults.plan({"kind": "insights_restated", "share": 0.3})
    arms = sum(sales(advertiser, second_day[letter])[0] for letter in "ABCDEF")
    assert sales(advertiser, second_day["campaign"])[0] == arms


def test_a_restatement_survives_a_restart(tmp_path: Path) -> None:
    config = SimulatorConfig(state_path=tmp_path / "world.db")
    advertiser = Advertiser(config)
    ids = advertiser.split_test("A", hours=48, lifetime_budget=20_000)
    advertiser.pass_time(hours=30)
    advertiser.simulator.faults.plan({"kind": "insights_restated", "factor": 0.5})
    known = sales(advertiser, ids["A"])
    advertiser.simulator.close()
    again = Advertiser(config)
    assert sales(again, ids["A"]) == known
    again.simulator.close()


def test_a_stale_filter_knows_former_names(advertiser: Advertiser) -> None:
    renamed = advertiser.campaign("Before")
    advertiser.pass_time(minutes=5)
    advertiser.post(renamed, name="After")
    advertiser.simulator.faults.plan({"kind": "stale_filter", "seconds": 90})

    def found(name: str) -> list[str]:
        return listed(advertiser, filtering=[{"field": "name", "operator": "EQUAL", "value": name}])

    assert (found("Before"), found("After")) == ([renamed], [])
    advertiser.pass_time(minutes=2)
    assert (found("Before"), found("After")) == ([], [renamed])


def test_a_stale_filter_knows_former_statuses(advertiser: Advertiser) -> None:
    started = advertiser.campaign()
    advertiser.pass_time(minutes=5)
    advertiser.post(started, status="ACTIVE")
    advertiser.simulator.faults.plan({"kind": "stale_filter", "seconds": 90})
    running = [{"field": "effective_status", "operator": "IN", "value": ["ACTIVE"]}]
    assert listed(advertiser, filtering=running) == []
    advertiser.pass_time(minutes=2)
    assert listed(advertiser, filtering=running) == [started]


def test_edges_by_labels_know_former_labels(advertiser: Advertiser) -> None:
    label = advertiser.post(f"{ACCOUNT}/adlabels", name="ours")["id"]
    made = advertiser.campaign(adlabels=[{"id": label}])
    advertiser.pass_time(minutes=5)
    advertiser.call("DELETE", f"{made}/adlabels", adlabels=[{"id": label}])
    advertiser.simulator.faults.plan({"kind": "stale_filter", "seconds": 90})
    address, wanted = f"{ACCOUNT}/campaignsbylabels", json.dumps([label])
    assert [row["id"] for row in advertiser.get(address, ad_label_ids=wanted)["data"]] == [made]


def test_a_disabled_account_spends_nothing_more_and_refuses_writes(advertiser: Advertiser) -> None:
    ids = advertiser.split_test()
    advertiser.pass_time(hours=6)
    advertiser.simulator.faults.plan({"kind": "account_disabled"})
    row = advertiser.get(ACCOUNT, fields="account_status,disable_reason")
    spent = advertiser.figures(ids["A"])["spend"]
    advertiser.pass_time(hours=6)
    with pytest.raises(RefusedError) as refused:
        advertiser.campaign()
    assert (row["account_status"], row["disable_reason"]) == (2, 1)
    assert refused.value.codes[0] == 3910001
    assert advertiser.figures(ids["A"])["spend"] == pytest.approx(spent, rel=0.2)


def test_an_account_is_disabled_once(advertiser: Advertiser) -> None:
    advertiser.simulator.faults.plan({"kind": "account_disabled", "rate": 1})
    for _ in range(3):
        advertiser.get(ACCOUNT)
    assert len(advertiser.simulator.faults.log) == 1


def test_an_ad_that_ran_is_refused_and_says_why(advertiser: Advertiser) -> None:
    advertiser.simulator.faults.plan({"kind": "ad_disapproved", "ad": "Ad B"})
    ids = advertiser.split_test()
    before = advertiser.get(ids["B"], fields="effective_status")
    advertiser.pass_time(hours=2)
    row = advertiser.get(ids["B"], fields="effective_status,issues_info,ad_review_feedback")
    spent = advertiser.figures(ids["B"])["spend"]
    advertiser.pass_time(hours=6)
    assert before["effective_status"] == "PENDING_REVIEW"
    assert row["effective_status"] == "DISAPPROVED"
    assert row["issues_info"][0]["error_code"] == 2490427
    assert advertiser.get(ids["A"], fields="effective_status")["effective_status"] == "ACTIVE"
    assert advertiser.figures(ids["B"])["spend"] == pytest.approx(spent, rel=0.2)
