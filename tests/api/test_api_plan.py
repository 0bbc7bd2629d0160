"""Plans over HTTP: what a request would lead to, in figures and sentences, and a start bound to it."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.meta_ads import MemoryMetaAds
from autopublisher.domain.access import Role

Headers = dict[str, str]
Bearer = Callable[[Role], Headers]
PLAN, RUN = "/meta/autopilot/plan", "/meta/autopilot/run"
KNOWN = {"expected_cost_per_event": 20.0, "expected_value_per_event": 65.0}


def test_a_plan_says_what_is_created_risked_proved_and_earned(
    client: TestClient, bearer: Bearer, body: dict[str, Any], meta: MemoryMetaAds
) -> None:
    answer = client.post(PLAN, json=body | KNOWN, headers=bearer(Role.MANAGER))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["money"] == {
        "total_at_worst": 500.0,
        "test_at_worst": 100.0,
        "left_to_publish": 400.0,
        "smallest_daily": 1.0,
        "smallest_test_per_variant": 1.0,
    }
    assert (told["meta"]["objects"], told["meta"]["writes"]) == (10, 16)
    assert (told["currency"], told["longest_days"], told["past_tests"]) == ("EUR", 4.0, 0)
    (outlook,) = told["outlooks"]
    assert (outlook["basis"], outlook["events_per_variant"]) == ("asked", 2.5)
    assert [one["lift"] for one in outlook["proof"]] == [0.1, 0.2, 0.3, 0.5, 1.0]
    gain = outlook["gain"]
    assert gain["amount"] == pytest.approx(gain["share"] * 25 * 65, abs=0.01)
    assert gain["amount_range"][0] < 0 < gain["amount"] < gain["amount_range"][1]
    assert [one["variants"] for one in outlook["by_variants"]] == list(range(2, 11))
    assert any("Proof is unlikely here" in one for one in outlook["sentences"])
    assert meta.objects == {}


def test_without_a_known_cost_there_are_several_cases_and_no_amounts(
    client: TestClient, bearer: Bearer, body: dict[str, Any]
) -> None:
    told = client.post(PLAN, json=body, headers=bearer(Role.ADMIN)).json()
    assert [one["basis"] for one in told["outlooks"]] == ["supposed"] * 3
    assert [round(one["events_per_variant"]) for one in told["outlooks"]] == [5, 15, 45]
    assert {one["gain"]["amount"] for one in told["outlooks"]} == {None}
    assert any("is not known yet" in one for one in told["sentences"])


def test_a_plan_speaks_the_readers_language(client: TestClient, bearer: Bearer, body: dict[str, Any]) -> None:
    headers = bearer(Role.ADMIN) | {"Accept-Language": "es"}
    told = client.post(PLAN, json=body | KNOWN, headers=headers).json()
    assert told["sentences"][0].startswith("Crea 2 variantes")
    assert any("En dinero" in one for one in told["outlooks"][0]["sentences"])


def test_a_start_bound_to_a_plan_is_accepted_while_the_plan_stands(
    client: TestClient, bearer: Bearer, body: dict[str, Any]
) -> None:
    digest = client.post(PLAN, json=body, headers=bearer(Role.MANAGER)).json()["digest"]
    other = body | {"notes": "changed"}
    refused = client.post(RUN, json=other, params={"plan_digest": digest}, headers=bearer(Role.MANAGER))
    assert refused.status_code == 409
    assert "not the one that was confirmed" in refused.text
    started = client.post(RUN, json=body, params={"plan_digest": digest}, headers=bearer(Role.MANAGER))
    assert started.status_code == 202, started.text


def test_the_planner_changes_no_digest_by_what_is_expected(
    client: TestClient, bearer: Bearer, body: dict[str, Any]
) -> None:
    plain, expected = (
        client.post(PLAN, json=asked, headers=bearer(Role.MANAGER)).json()["digest"]
        for asked in (body, body | KNOWN)
    )
    assert plain == expected


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_who_may_not_start_a_run_may_not_plan_one(
    client: TestClient, bearer: Bearer, body: dict[str, Any], role: Role
) -> None:
    assert client.post(PLAN, json=body, headers=bearer(role)).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"expected_cost_per_event": 0}, "expected_cost_per_event"),
        ({"expected_value_per_event": -3}, "expected_value_per_event"),
        ({"expected_cost_per_event": "20"}, "expected_cost_per_event"),
        ({"expected_cost": 20}, "expected_cost"),
    ],
)
def test_what_is_wrong_is_named(
    client: TestClient, bearer: Bearer, body: dict[str, Any], wrong: dict[str, Any], field: str
) -> None:
    answer = client.post(PLAN, json=body | wrong, headers=bearer(Role.ADMIN))
    assert answer.status_code == 422
    assert field in answer.text


def test_a_request_that_could_not_start_is_refused_as_a_start_is(
    client: TestClient, bearer: Bearer, body: dict[str, Any]
) -> None:
    poor = body | {"budget_config": {"total_budget": 99}}
    planned, started = (client.post(path, json=poor, headers=bearer(Role.ADMIN)) for path in (PLAN, RUN))
    assert (planned.status_code, started.status_code) == (422, 422)
    assert planned.json()["errors"] == started.json()["errors"] != []


def test_a_plan_states_the_longest_test_its_test_may_become(
    client: TestClient, body: dict[str, Any], bearer: Callable[[Role], dict[str, str]]
) -> None:
    asked = body | {"ab_test_config": {**body["ab_test_config"], "on_no_winner": "extend"}}
    told = client.post(PLAN, json=asked, headers=bearer(Role.MANAGER)).json()
    assert (told["further_days"], told["longest_days"]) == (1, 5.0)
    assert (told["money"]["test_at_worst"], told["money"]["left_to_publish"]) == (200.0, 300.0)
    assert any("past its plan by whole days, 1 at most" in one for one in told["sentences"])
