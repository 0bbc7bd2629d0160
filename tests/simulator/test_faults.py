"""Each planned fault is seen by the client as announced, and only by the requests it is meant for."""

import json
from typing import Any

import pytest
import requests

from metasim.server import SimulatorThread
from metasim.testing import ACCOUNT

pytestmark = pytest.mark.slow  # answers that take their time

HEADERS = {"Authorization": "Bearer stub-token"}
CAMPAIGN = {
    "name": "Faulty",
    "objective": "OUTCOME_SALES",
    "special_ad_categories": [],
    "is_adset_budget_sharing_enabled": False,
    "status": "PAUSED",
}
CREATION = {"method": "POST", "path_regex": r"/campaigns$"}


def plan(simulator: SimulatorThread, **fault: Any) -> None:
    answer = requests.post(f"{simulator.url}/_sim/faults", json={"match": CREATION, **fault}, timeout=20)
    assert answer.status_code == 200, answer.text


def create(simulator: SimulatorThread, timeout: float = 20) -> requests.Response:
    address = f"{simulator.url}/v26.0/{ACCOUNT}/campaigns"
    return requests.post(address, headers=HEADERS, json=CAMPAIGN, timeout=timeout)


def listed(simulator: SimulatorThread) -> int:
    address = f"{simulator.url}/v26.0/{ACCOUNT}/campaigns"
    return len(requests.get(address, headers=HEADERS, timeout=20).json()["data"])


def test_commit_then_timeout_creates_but_never_answers(served: SimulatorThread) -> None:
    plan(served, kind="commit_then_timeout", seconds=2)
    with pytest.raises(requests.Timeout):
        create(served, timeout=0.3)
    assert listed(served) == 1


def test_commit_then_timeout_ends_by_hanging_up(served: SimulatorThread) -> None:
    plan(served, kind="commit_then_timeout")
    with pytest.raises(requests.ConnectionError):
        create(served)
    assert listed(served) == 1


@pytest.mark.parametrize("kind", ["drop_before_commit", "connection_reset"])
def test_a_dropped_connection_leaves_nothing_behind(served: SimulatorThread, kind: str) -> None:
    plan(served, kind=kind)
    with pytest.raises(requests.ConnectionError):
        create(served)
    assert listed(served) == 0


def test_a_reset_may_come_after_the_commit(served: SimulatorThread) -> None:
    plan(served, kind="connection_reset", commit=True)
    with pytest.raises(requests.ConnectionError):
        create(served)
    assert listed(served) == 1


def test_a_gateway_answers_in_html(served: SimulatorThread) -> None:
    plan(served, kind="html_502")
    answer = create(served)
    assert (answer.status_code, answer.text[:9]) == (502, "<!DOCTYPE")
    assert listed(served) == 0


ERRORS: dict[str, tuple[dict[str, Any], int, tuple[int, int | None]]] = {
    "error_200": ({}, 200, (2, None)),
    "transient": ({}, 500, (2, None)),
    "throttle": ({}, 400, (17, 2446079)),
    "token_expired": ({}, 400, (190, 463)),
    "throttle by another code": ({"kind": "throttle", "code": 613, "subcode": 1487742}, 400, (613, 1487742)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_planned_errors_arrive_with_their_codes(served: SimulatorThread, name: str) -> None:
    details, status, codes = ERRORS[name]
    plan(served, **{"kind": name, **details})
    answer = create(served)
    error = answer.json()["error"]
    assert (answer.status_code, (error["code"], error.get("error_subcode"))) == (status, codes)
    assert listed(served) == 0
    assert create(served).json()["id"]


def test_a_throttle_shows_in_the_usage_headers(served: SimulatorThread) -> None:
    plan(served, kind="throttle")
    usage = json.loads(create(served).headers["X-Business-Use-Case-Usage"])["123456789"][0]
    assert usage["call_count"] == 100
    assert usage["estimated_time_to_regain_access"] >= 1


def test_a_slow_answer_is_still_the_true_one(served: SimulatorThread) -> None:
    plan(served, kind="slow", seconds=0.2)
    answer = create(served)
    assert answer.elapsed.total_seconds() >= 0.2
    assert answer.json()["id"]


@pytest.mark.parametrize("match", [CREATION, {"method": "GET", "path_regex": "campaigns"}])
def test_read_lag_hides_new_objects_from_edges_for_a_while(
    served: SimulatorThread, match: dict[str, str]
) -> None:
    plan(served, kind="read_lag", seconds=90, match=match)
    node_id = create(served).json()["id"]
    assert listed(served) == 0
    assert requests.get(f"{served.url}/v26.0/{node_id}", headers=HEADERS, timeout=20).json()["id"] == node_id
    requests.post(f"{served.url}/_sim/clock", json={"advance_seconds": 91}, timeout=20)
    assert listed(served) == 1


def test_after_and_times_choose_which_requests_are_met(served: SimulatorThread) -> None:
    plan(served, kind="transient", after=1, times=2)
    assert [create(served).status_code for _ in range(4)] == [200, 500, 500, 200]
    listing = requests.get(f"{served.url}/_sim/faults", timeout=20).json()
    assert [entry["kind"] for entry in listing["log"]] == ["transient", "transient"]


def test_cleared_faults_do_not_happen(served: SimulatorThread) -> None:
    plan(served, kind="transient", times=None)
    requests.delete(f"{served.url}/_sim/faults", timeout=20)
    assert create(served).status_code == 200


def test_an_unknown_fault_is_refused_with_the_known_ones(served: SimulatorThread) -> None:
    answer = requests.post(f"{served.url}/_sim/faults", json={"kind": "earthquake"}, timeout=20)
    assert answer.status_code == 400
    assert "commit_then_timeout" in answer.json()["error"]


def test_the_request_log_hides_tokens_and_tells_outcomes(served: SimulatorThread) -> None:
    plan(served, kind="transient")
    create(served)
    address = f"{served.url}/v26.0/{ACCOUNT}?access_token=stub-token"
    requests.get(address, timeout=20)
    rows = requests.get(f"{served.url}/_sim/requests", timeout=20)
    assert "stub-token" not in rows.text
    assert [row["outcome"] for row in rows.json()["data"]] == ["fault:transient", "ok"]
