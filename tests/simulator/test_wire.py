"""Every encoding, token place and address form Meta accepts says the same thing."""

import json
from typing import Any

import pytest
import requests

from metasim.server import SimulatorThread

CAMPAIGN = {
    "name": "Wire",
    "objective": "OUTCOME_SALES",
    "special_ad_categories": [],
    "is_adset_budget_sharing_enabled": False,
    "status": "PAUSED",
}
AS_TEXT = {name: value if isinstance(value, str) else json.dumps(value) for name, value in CAMPAIGN.items()}
ENCODINGS: dict[str, dict[str, Any]] = {
    "query": {"params": AS_TEXT},
    "form": {"data": AS_TEXT},
    "multipart": {"files": {name: (None, value) for name, value in AS_TEXT.items()}},
    "json": {"json": CAMPAIGN},
}
ADDRESS = "/v26.0/act_123456789/campaigns"
BEARER = {"Authorization": "Bearer stub-token"}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_all_encodings_create_the_same_campaign(served: SimulatorThread, encoding: str) -> None:
    created = requests.post(served.url + ADDRESS, headers=BEARER, timeout=20, **ENCODINGS[encoding]).json()
    fields = "name,objective,special_ad_categories,status,is_adset_budget_sharing_enabled"
    read = requests.get(
        f"{served.url}/v26.0/{created['id']}", {"fields": fields}, headers=BEARER, timeout=20
    ).json()
    assert read == {**CAMPAIGN, "id": created["id"]}


@pytest.mark.parametrize("address", ["/v25.0/me", "/v26.0/me/", "/me", "/v26.0/me"])
def test_live_versions_slashes_and_no_version_are_served(served: SimulatorThread, address: str) -> None:
    answer = requests.get(served.url + address, headers=BEARER, timeout=20)
    assert answer.status_code == 200


def test_an_old_version_is_refused(served: SimulatorThread) -> None:
    error = requests.get(f"{served.url}/v24.0/me", headers=BEARER, timeout=20).json()["error"]
    assert error["code"] == 2635


@pytest.mark.parametrize(
    ("token", "codes"), [("nobody", (190, None)), ("expired-token", (190, 463)), ("", (104, None))]
)
def test_bad_tokens_are_refused_with_http_400(
    served: SimulatorThread, token: str, codes: tuple[int, int | None]
) -> None:
    answer = requests.get(f"{served.url}/v26.0/me", {"access_token": token}, timeout=20)
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error["code"], error.get("error_subcode"), error["type"]) == (*codes, "OAuthException")


def test_a_post_may_stand_for_another_method(served: SimulatorThread) -> None:
    created = requests.post(served.url + ADDRESS, headers=BEARER, json=CAMPAIGN, timeout=20).json()
    address = f"{served.url}/v26.0/{created['id']}"
    deleted = requests.post(address, {"method": "DELETE"}, headers=BEARER, timeout=20).json()
    status = requests.post(address, {"method": "GET", "fields": "status"}, headers=BEARER, timeout=20).json()
    assert (deleted, status["status"]) == ({"success": True}, "DELETED")


def test_next_is_an_absolute_address_that_carries_the_token(served: SimulatorThread) -> None:
    for number in range(3):
        body = {**CAMPAIGN, "name": f"Page {number}"}
        requests.post(served.url + ADDRESS, headers=BEARER, json=body, timeout=20)
    query = {"limit": "2", "fields": "name", "access_token": "stub-token"}
    first = requests.get(served.url + ADDRESS, query, timeout=20).json()
    second = requests.get(first["paging"]["next"], timeout=20).json()
    names = [row["name"] for row in first["data"] + second["data"]]
    assert names == ["Page 2", "Page 1", "Page 0"]
    assert "next" not in second["paging"]


def test_every_answer_shows_usage_and_a_trace(served: SimulatorThread) -> None:
    headers = requests.get(f"{served.url}/v26.0/act_123456789", headers=BEARER, timeout=20).headers
    usage = json.loads(headers["X-Ad-Account-Usage"])
    assert usage["ads_api_access_tier"] == "standard_access"
    assert usage["acc_id_util_pct"] == round(100 / 9000, 2)
    assert "123456789" in json.loads(headers["X-Business-Use-Case-Usage"])
    assert {"call_count", "total_time", "total_cputime"} == set(json.loads(headers["X-App-Usage"]))
    assert headers["x-fb-trace-id"]


def test_the_crash_reporter_is_swallowed(served: SimulatorThread) -> None:
    answer = requests.post(f"{served.url}/v26.0/700000000000001/instruments", {"x": "1"}, timeout=20)
    assert answer.json() == {"success": True}


def test_an_unreadable_body_is_an_error_not_a_crash(served: SimulatorThread) -> None:
    headers = {**BEARER, "Content-Type": "application/json"}
    answer = requests.post(served.url + ADDRESS, b"{not json", headers=headers, timeout=20)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)
