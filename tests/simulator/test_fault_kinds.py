"""What each kind of fault looks like from outside: codes and headers, distorted lists and figures, Meta's own changes."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from metasim import SimulatorConfig
from metasim.graph.wire import Call, Params
from metasim.testing import ACCOUNT, Desk, RefusedError, action

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
def test_an_error_has_metas_numbers_once(desk: Desk, name: str) -> None:
    plan, status, codes = ERRORS[name]
    desk.simulator.faults.plan(plan)
    with pytest.raises(RefusedError) as refused:
        desk.get(ACCOUNT)
    assert (refused.value.status, refused.value.codes) == (status, codes)
    assert desk.get(ACCOUNT)["id"] == ACCOUNT


def usage(desk: Desk, code: int) -> dict[str, Any]:
    """Return the usage headers of an answer throttled with a code."""
    desk.simulator.faults.plan({"kind": "throttle", "code": code, "wait_minutes": 7})
    call = Call("GET", (ACCOUNT, "insights"), Params({}), "v26.0", "stub-token")
    headers = desk.simulator.handle(call).reply.headers
    return {name: json.loads(text) for name, text in headers.items() if name.endswith(("Usage", "Throttle"))}


def test_the_apps_limit_shows_in_the_apps_header_only(desk: Desk) -> None:
    headers = usage(desk, 4)
    assert headers["X-App-Usage"] == {"call_count": 100, "total_time": 100, "total_cputime": 100}
    assert headers["X-Ad-Account-Usage"]["acc_id_util_pct"] < 100
    assert headers["X-Business-Use-Case-Usage"]["123456789"][0]["call_count"] < 100


@pytest.mark.parametrize("code", [17, 613])
def test_the_accounts_limit_shows_in_the_accounts_header(desk: Desk, code: int) -> None:
    header = usage(desk, code)["X-Ad-Account-Usage"]
    assert (header["acc_id_util_pct"], header["reset_time_duration"]) == (100.0, 420)


@pytest.mark.parametrize(("code", "case"), [(80004, "ads_management"), (80000, "ads_insights")])
def test_a_business_limit_says_in_its_header_when_to_come_back(desk: Desk, code: int, case: str) -> None:
    (row,) = usage(desk, code)["X-Business-Use-Case-Usage"]["123456789"]
    assert (row["type"], row["call_count"], row["estimated_time_to_regain_access"]) == (case, 100, 7)


def test_the_insights_limit_has_a_header_of_its_own(desk: Desk) -> None:
    assert usage(desk, 80000)["X-FB-Ads-Insights-Throttle"]["acc_id_util_pct"] == 100.0


def test_only_what_makes_creatives_meets_the_creative_flake(desk: Desk) -> None:
    desk.simulator.faults.plan({"kind": "flake_1487390", "rate": 1})
    desk.campaign()
    with pytest.raises(RefusedError) as refused:
        desk.creative()
    assert refused.value.codes == (100, 1487390)
    assert refused.value.error["is_transient"] is False


def listed(desk: Desk, **params: Any) -> list[str]:
    return [row["id"] for row in desk.get(f"{ACCOUNT}/campaigns", **params)["data"]]


@pytest.mark.parametrize("limit", [2, 100])
def test_an_empty_page_leads_to_the_rows_that_were_asked_for(desk: Desk, limit: int) -> None:
    made = [desk.campaign() for _ in range(3)]
    desk.simulator.faults.plan({"kind": "empty_page_with_next", "times": 3})
    answer = desk.get(f"{ACCOUNT}/campaigns", limit=limit)
    pages = [[row["id"] for row in answer["data"]]]
    while "next" in answer.get("paging", {}):
        query = dict(parse_qsl(urlsplit(answer["paging"]["next"]).query))
        answer = desk.get(f"{ACCOUNT}/campaigns", **query)
        pages.append([row["id"] for row in answer["data"]])
    assert pages[:3] == [[], [], []]
    assert [one for page in pages for one in page] == made[::-1]


def test_an_empty_page_among_insights_leads_to_them(desk: Desk) -> None:
    ids = desk.split_test()
    desk.pass_time(hours=3)
    desk.simulator.faults.plan({"kind": "empty_page_with_next"})
    empty = desk.get(f"{ids['campaign']}/insights", level="ad", date_preset="maximum")
    after = empty["paging"]["cursors"]["after"]
    assert empty["data"] == []
    assert (
        len(desk.get(f"{ids['campaign']}/insights", level="ad", date_preset="maximum", after=after)["data"])
        == 2
    )


def test_a_partial_list_lacks_rows_and_does_not_say_so(desk: Desk) -> None:
    made = {desk.campaign() for _ in range(4)}
    desk.simulator.faults.plan({"kind": "partial_list", "share": 0.5})
    answer = desk.get(f"{ACCOUNT}/campaigns", limit=4)
    assert len(answer["data"]) == 2
    assert "next" not in answer["paging"]
    assert set(listed(desk)) == made


def test_a_partial_list_lacks_at_least_one_row(desk: Desk) -> None:
    desk.campaign()
    desk.simulator.faults.plan({"kind": "partial_list", "share": 0})
    assert listed(desk) == []


def test_a_stale_filter_does_not_see_what_the_whole_edge_shows(desk: Desk) -> None:
    by_name = [{"field": "name", "operator": "CONTAIN", "value": "Campaign"}]
    desk.simulator.faults.plan({"kind": "stale_filter", "seconds": 90})
    made = desk.campaign()
    assert listed(desk, filtering=by_name) == []
    assert listed(desk) == [made]
    desk.pass_time(minutes=2)
    assert listed(desk, filtering=by_name) == [made]


def test_edges_by_labels_are_stale_as_well(desk: Desk) -> None:
    label = desk.post(f"{ACCOUNT}/adlabels", name="ours")["id"]
    made = desk.campaign(adlabels=[{"id": label}])
    desk.simulator.faults.plan({"kind": "stale_filter", "seconds": 90})
    address, wanted = f"{ACCOUNT}/campaignsbylabels", json.dumps([label])
    assert desk.get(address, ad_label_ids=wanted)["data"] == []
    desk.pass_time(minutes=2)
    assert [row["id"] for row in desk.get(address, ad_label_ids=wanted)["data"]] == [made]


def sales(desk: Desk, node_id: str, day: str = "2026-11-22") -> tuple[float, float]:
    """Return a day's purchases and their value; the default is the first day of every world."""
    asked = {"fields": "actions,action_values", "time_range": json.dumps({"since": day, "until": day})}
    (row,) = desk.get(f"{node_id}/insights", **asked)["data"]
    return action(row, "actions"), action(row, "action_values")


@pytest.fixture
def second_day(desk: Desk) -> dict[str, str]:
    """Return the ids of a test in the middle of its second day, which delivers no more."""
    ids = desk.split_test("ABCDEF", hours=48, lifetime_budget=20_000)
    desk.pass_time(hours=30)
    desk.post(ids["campaign"], status="PAUSED")
    return ids


def test_restated_figures_are_those_of_past_days(desk: Desk, second_day: dict[str, str]) -> None:
    count, value = sales(desk, second_day["A"])
    desk.simulator.faults.plan({"kind": "insights_restated", "factor": 1.5})
    more, worth = sales(desk, second_day["A"])
    assert more == round(count * 1.5)
    assert worth == pytest.approx(value * 1.5, abs=0.01)


def test_figures_of_today_are_not_restated(desk: Desk, second_day: dict[str, str]) -> None:
    known = sales(desk, second_day["A"], "2026-11-23")
    desk.simulator.faults.plan({"kind": "insights_restated", "factor": 1.5})
    assert sales(desk, second_day["A"], "2026-11-23") == known


def test_days_are_restated_up_and_down(desk: Desk, second_day: dict[str, str]) -> None:
    known = {letter: sales(desk, second_day[letter])[0] for letter in "ABCDEF"}
    desk.simulator.faults.plan({"kind": "insights_restated", "share": 0.3})
    changes = [sales(desk, second_day[letter])[0] / known[letter] for letter in "ABCDEF"]
    assert min(changes) < 1 < max(changes)
    assert all(0.69 <= change <= 1.31 for change in changes)


def test_a_restatement_lasts_and_is_not_drawn_again(desk: Desk, second_day: dict[str, str]) -> None:
    desk.simulator.faults.plan({"kind": "insights_restated", "rate": 1, "share": 0.3})
    first = sales(desk, second_day["A"])
    assert [sales(desk, second_day["A"]) for _ in range(3)] == [first] * 3
    desk.simulator.faults.clear()
    assert sales(desk, second_day["A"]) == first


def test_every_report_shows_the_same_restatement(desk: Desk, second_day: dict[str, str]) -> None:
    desk.simulator.faults.plan({"kind": "insights_restated", "share": 0.3})
    arms = sum(sales(desk, second_day[letter])[0] for letter in "ABCDEF")
    assert sales(desk, second_day["campaign"])[0] == arms


def test_a_restatement_survives_a_restart(tmp_path: Path) -> None:
    config = SimulatorConfig(state_path=tmp_path / "world.db")
    desk = Desk(config)
    ids = desk.split_test("A", hours=48, lifetime_budget=20_000)
    desk.pass_time(hours=30)
    desk.simulator.faults.plan({"kind": "insights_restated", "factor": 0.5})
    known = sales(desk, ids["A"])
    desk.simulator.close()
    again = Desk(config)
    assert sales(again, ids["A"]) == known
    again.simulator.close()


def test_a_stale_filter_knows_former_names(desk: Desk) -> None:
    renamed = desk.campaign("Before")
    desk.pass_time(minutes=5)
    desk.post(renamed, name="After")
    desk.simulator.faults.plan({"kind": "stale_filter", "seconds": 90})

    def found(name: str) -> list[str]:
        return listed(desk, filtering=[{"field": "name", "operator": "EQUAL", "value": name}])

    assert (found("Before"), found("After")) == ([renamed], [])
    desk.pass_time(minutes=2)
    assert (found("Before"), found("After")) == ([], [renamed])


def test_a_stale_filter_knows_former_statuses(desk: Desk) -> None:
    started = desk.campaign()
    desk.pass_time(minutes=5)
    desk.post(started, status="ACTIVE")
    desk.simulator.faults.plan({"kind": "stale_filter", "seconds": 90})
    running = [{"field": "effective_status", "operator": "IN", "value": ["ACTIVE"]}]
    assert listed(desk, filtering=running) == []
    desk.pass_time(minutes=2)
    assert listed(desk, filtering=running) == [started]


def test_edges_by_labels_know_former_labels(desk: Desk) -> None:
    label = desk.post(f"{ACCOUNT}/adlabels", name="ours")["id"]
    made = desk.campaign(adlabels=[{"id": label}])
    desk.pass_time(minutes=5)
    desk.call("DELETE", f"{made}/adlabels", adlabels=[{"id": label}])
    desk.simulator.faults.plan({"kind": "stale_filter", "seconds": 90})
    address, wanted = f"{ACCOUNT}/campaignsbylabels", json.dumps([label])
    assert [row["id"] for row in desk.get(address, ad_label_ids=wanted)["data"]] == [made]


def test_a_disabled_account_spends_nothing_more_and_refuses_writes(desk: Desk) -> None:
    ids = desk.split_test()
    desk.pass_time(hours=6)
    desk.simulator.faults.plan({"kind": "account_disabled"})
    row = desk.get(ACCOUNT, fields="account_status,disable_reason")
    spent = desk.figures(ids["A"])["spend"]
    desk.pass_time(hours=6)
    with pytest.raises(RefusedError) as refused:
        desk.campaign()
    assert (row["account_status"], row["disable_reason"]) == (2, 1)
    assert refused.value.codes[0] == 3910001
    assert desk.figures(ids["A"])["spend"] == pytest.approx(spent, rel=0.2)


def test_an_account_is_disabled_once(desk: Desk) -> None:
    desk.simulator.faults.plan({"kind": "account_disabled", "rate": 1})
    for _ in range(3):
        desk.get(ACCOUNT)
    assert len(desk.simulator.faults.log) == 1


def test_an_ad_that_ran_is_refused_and_says_why(desk: Desk) -> None:
    desk.simulator.faults.plan({"kind": "ad_disapproved", "ad": "Ad B"})
    ids = desk.split_test()
    before = desk.get(ids["B"], fields="effective_status")
    desk.pass_time(hours=2)
    row = desk.get(ids["B"], fields="effective_status,issues_info,ad_review_feedback")
    spent = desk.figures(ids["B"])["spend"]
    desk.pass_time(hours=6)
    assert before["effective_status"] == "PENDING_REVIEW"
    assert row["effective_status"] == "DISAPPROVED"
    assert row["issues_info"][0]["error_code"] == 2490427
    assert desk.get(ids["A"], fields="effective_status")["effective_status"] == "ACTIVE"
    assert desk.figures(ids["B"])["spend"] == pytest.approx(spent, rel=0.2)
