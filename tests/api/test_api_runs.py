"""The brief's endpoints over HTTP: asking for runs, following, scheduling, releasing and stopping them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.meta_ads import Fault, MemoryMetaAds
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.api.app import create_app
from autopublisher.api.services import Services
from autopublisher.domain.access import Role
from autopublisher.domain.errors import MetaOutcomeUnknownError, MetaThrottledError
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import Control, Release, Run, RunStatus
from autopublisher.flows.requests.intake import Intake, IntakeLimits
from autopublisher.flows.requests.monitor import HealthMessage
from support.wording import english

RUN = "11111111-2222-4333-8444-555555555555"
Headers = dict[str, str]
PutRun = Callable[..., Run]


# --- run ------------------------------------------------------------------------------------------


def test_a_run_is_accepted_with_where_to_follow_it(
    client: TestClient, manager: Headers, body: dict[str, Any]
) -> None:
    answer = client.post("/meta/autopilot/run", json=body, headers=manager)
    run_id = answer.json()["run_id"]
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/meta/autopilot/status/{run_id}")


def test_an_accepted_run_says_when_to_look_again(
    client: TestClient, manager: Headers, body: dict[str, Any]
) -> None:
    answer = client.post("/meta/autopilot/run", json=body, headers=manager)
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_a_fresh_run_has_the_briefs_shape(client: TestClient, manager: Headers, body: dict[str, Any]) -> None:
    told = client.post("/meta/autopilot/run", json=body, headers=manager).json()
    brief = {name: told[name] for name in ("status", "campaign_ids", "winner_selection", "overall_roas")}
    assert brief == {"status": "pending", "campaign_ids": [], "winner_selection": None, "overall_roas": None}


def test_a_legacy_objective_is_accepted_with_a_warning(
    client: TestClient, manager: Headers, body: dict[str, Any]
) -> None:
    told = client.post("/meta/autopilot/run", json=body, headers=manager).json()
    assert any("OUTCOME_SALES" in warning for warning in told["warnings"])


def test_a_disabled_autopublisher_says_so_in_the_briefs_words(
    services: Services, database: MemoryDatabase, manager: Headers, body: dict[str, Any]
) -> None:
    off = Intake(
        database.unit_of_work,
        services.intake._clients,
        services.clock,
        services.intake._ticks,
        IntakeLimits(enabled=False),
    )
    client = TestClient(create_app(replace(services, intake=off)))
    answer = client.post("/meta/autopilot/run", json=body, headers=manager)
    assert (answer.status_code, answer.json()["detail"]) == (503, "AutoPublisher is disabled")


def test_an_unknown_account_is_told_in_the_briefs_words(
    client: TestClient, manager: Headers, body: dict[str, Any]
) -> None:
    answer = client.post("/meta/autopilot/run", json=body | {"meta_account_id": "uuid"}, headers=manager)
    assert (answer.status_code, answer.json()["detail"]) == (404, "Meta account not found")


def test_too_small_a_budget_is_told_in_the_briefs_words(
    client: TestClient, manager: Headers, body: dict[str, Any]
) -> None:
    poor = body | {"budget_config": {"total_budget": 99.99}}
    answer = client.post("/meta/autopilot/run", json=poor, headers=manager)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("Insufficient budget")
    assert answer.json()["errors"][0]["field"] == "budget_config.total_budget"


def test_the_same_key_and_body_give_the_same_run(
    client: TestClient, manager: Headers, body: dict[str, Any]
) -> None:
    headers = manager | {"Idempotency-Key": "once"}
    ids = {client.post("/meta/autopilot/run", json=body, headers=headers).json()["run_id"] for _ in range(2)}
    assert len(ids) == 1


def test_the_same_key_with_another_body_is_refused(
    client: TestClient, manager: Headers, body: dict[str, Any]
) -> None:
    headers = manager | {"Idempotency-Key": "once"}
    client.post("/meta/autopilot/run", json=body, headers=headers)
    answer = client.post("/meta/autopilot/run", json=body | {"notes": "other"}, headers=headers)
    assert answer.status_code == 409


def test_meta_throttling_is_told_with_when_to_come_back(
    client: TestClient, meta: MemoryMetaAds, manager: Headers, body: dict[str, Any]
) -> None:
    meta.faults.append(Fault(MetaThrottledError("too many calls"), "account"))
    answer = client.post("/meta/autopilot/run", json=body, headers=manager)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")


def test_a_silent_meta_means_that_nothing_can_be_verified_now(
    client: TestClient, meta: MemoryMetaAds, manager: Headers, body: dict[str, Any]
) -> None:
    meta.faults.append(Fault(MetaOutcomeUnknownError("no answer"), "account"))
    assert client.post("/meta/autopilot/run", json=body, headers=manager).status_code == 503


# --- schedule -------------------------------------------------------------------------------------


def test_a_scheduled_run_waits_for_its_moment(
    client: TestClient, clock: ManualClock, manager: Headers, body: dict[str, Any]
) -> None:
    moment = (clock.now() + timedelta(days=2)).isoformat()
    answer = client.post("/meta/autopilot/schedule", json=body | {"scheduled_for": moment}, headers=manager)
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert answer.json()["scheduled_for"] == "2026-11-04T09:00:00Z"


@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-01T09:00:00Z",
        "2026-12-01T09:00:00",
        "2028-12-01T09:00:00Z",
        "0001-01-01T00:00:00Z",
        "soon",
        "1790000000",
        1790000000,
        None,
    ],
    ids=["past", "no zone", "years ahead", "long ago", "words", "digits", "number", "null"],
)
def test_what_is_no_moment_ahead_is_refused(
    client: TestClient, manager: Headers, body: dict[str, Any], moment: object
) -> None:
    answer = client.post("/meta/autopilot/schedule", json=body | {"scheduled_for": moment}, headers=manager)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "scheduled_for")


def test_a_run_now_takes_no_moment(client: TestClient, manager: Headers, body: dict[str, Any]) -> None:
    answer = client.post(
        "/meta/autopilot/run", json=body | {"scheduled_for": "2027-01-01T00:00:00Z"}, headers=manager
    )
    assert answer.json()["errors"][0]["code"] == "unknown_field"


# --- status ---------------------------------------------------------------------------------------


def test_a_tested_run_has_the_briefs_winner_selection(
    client: TestClient, put_run: PutRun, manager: Headers
) -> None:
    put_run()
    told = client.get(f"/meta/autopilot/status/{RUN}", headers=manager).json()
    assert told["winner_selection"] == {
        "winner_variant_id": f"{RUN}:A",
        "winner_name": "Test Campaign - Variant A",
        "winner_metrics": {"spend": 50.0, "roas": 3.5, "conversions": 45},
        "improvement_percentage": 39.0,
        "basis": "proven",
    }
    assert told["overall_roas"] == 2.8


def test_a_run_lists_its_campaigns_by_our_id_and_by_metas(
    client: TestClient, put_run: PutRun, manager: Headers
) -> None:
    put_run()
    told = client.get(f"/meta/autopilot/status/{RUN}", headers=manager).json()
    assert (told["campaign_ids"], told["meta_campaign_ids"]) == ([f"0000{RUN[4:]}"], ["120211111111"])


def test_a_run_says_its_verdict_in_both_languages(
    client: TestClient, put_run: PutRun, manager: Headers
) -> None:
    put_run()
    verdict = client.get(f"/meta/autopilot/status/{RUN}", headers=manager).json()["verdict"]
    assert (verdict["sentence_en"], verdict["sentence_es"]) == (
        "Variant A earned more per euro.",
        "La variante A rindió más por euro.",
    )


def test_a_run_shows_each_variants_interval(client: TestClient, put_run: PutRun, manager: Headers) -> None:
    put_run()
    first = client.get(f"/meta/autopilot/status/{RUN}", headers=manager).json()["variants"][0]
    assert (first["roas_low"], first["roas_high"]) == (2.9, 4.1)


def test_a_verdict_tells_its_estimate_its_range_and_what_was_seen_apart(
    client: TestClient, put_run: PutRun, manager: Headers
) -> None:
    put_run()
    told = client.get(f"/meta/autopilot/status/{RUN}", headers=manager).json()["verdict"]["improvement"]
    assert told == {
        "leader": f"{RUN}:A",
        "against": f"{RUN}:B",
        "measure": "ROAS",
        "percentage": 39.0,
        "low": 4.0,
        "high": 131.0,
        "seen": 66.67,
    }


def test_an_unknown_run_is_404(client: TestClient, manager: Headers) -> None:
    assert client.get(f"/meta/autopilot/status/{RUN}", headers=manager).status_code == 404


def test_a_run_id_in_capitals_is_the_same_run(client: TestClient, put_run: PutRun, manager: Headers) -> None:
    run = put_run(run_id=RunId("aaaaaaaa-2222-4333-8444-555555555555"))
    assert client.get(f"/meta/autopilot/status/{run.id.upper()}", headers=manager).status_code == 200


# --- publish-winner and cancel --------------------------------------------------------------------


@pytest.mark.parametrize("named", [None, "A", f"{RUN}:A", "Test Campaign - Variant A"])
def test_a_winner_can_be_released_under_each_of_its_names(
    client: TestClient, put_run: PutRun, bearer: Callable[[Role], Headers], named: str | None
) -> None:
    put_run()
    answer = client.post(
        "/meta/autopilot/publish-winner",
        json={"run_id": RUN, "variant_id": named, "comment": "good"},
        headers=bearer(Role.OPERATOR),
    )
    assert answer.status_code == 202
    released = answer.json()["approval"]["released"]
    assert (released["variant_id"], released["by"], released["comment"]) == (f"{RUN}:A", "operator", "good")


def test_an_override_keeps_verdict_and_choice_apart(
    client: TestClient, put_run: PutRun, manager: Headers
) -> None:
    put_run()
    asked = {"run_id": RUN, "variant_id": "B", "comment": "A is out of stock"}
    told = client.post("/meta/autopilot/publish-winner", json=asked, headers=manager).json()
    assert (told["proven"], told["override"]) == (False, True)
    assert (told["verdict"]["winner"], told["verdict"]["proven"]) == (f"{RUN}:A", True)
    chosen = told["winner_selection"]
    assert (chosen["winner_variant_id"], chosen["improvement_percentage"]) == (f"{RUN}:B", None)
    released = told["approval"]["released"]
    assert (released["by"], released["comment"]) == ("manager", "A is out of stock")
    assert (released["variant_id"], released["override"]) == (f"{RUN}:B", True)


@pytest.mark.parametrize(("role", "comment", "status"), [(Role.OPERATOR, "why", 403), (Role.ADMIN, " ", 422)])
def test_an_override_needs_the_role_and_a_reason(
    client: TestClient,
    put_run: PutRun,
    bearer: Callable[[Role], Headers],
    *,
    role: Role,
    comment: str,
    status: int,
) -> None:
    put_run()
    asked = {"run_id": RUN, "variant_id": "B", "comment": comment}
    answer = client.post("/meta/autopilot/publish-winner", json=asked, headers=bearer(role))
    assert answer.status_code == status


def test_a_release_for_a_plan_that_has_changed_is_refused(
    client: TestClient, put_run: PutRun, manager: Headers
) -> None:
    put_run()
    asked = {"run_id": RUN, "plan_digest": "0123456789abcdef"}
    assert client.post("/meta/autopilot/publish-winner", json=asked, headers=manager).status_code == 409


def test_a_release_for_the_plan_that_was_shown_is_taken(
    client: TestClient, put_run: PutRun, manager: Headers
) -> None:
    put_run()
    shown = client.get(f"/meta/autopilot/status/{RUN}", headers=manager).json()["approval"]["digest"]
    asked = {"run_id": RUN, "plan_digest": shown}
    assert client.post("/meta/autopilot/publish-winner", json=asked, headers=manager).status_code == 202


def test_a_run_that_is_not_waiting_takes_no_release(
    client: TestClient, put_run: PutRun, manager: Headers
) -> None:
    put_run(status=RunStatus.AB_TESTING, release=Release())
    asked = {"run_id": RUN, "variant_id": "A"}
    assert client.post("/meta/autopilot/publish-winner", json=asked, headers=manager).status_code == 409


def test_without_a_proven_winner_the_variant_must_be_named(
    client: TestClient, put_run: PutRun, manager: Headers
) -> None:
    put_run(release=Release(leader="A"))
    answer = client.post("/meta/autopilot/publish-winner", json={"run_id": RUN}, headers=manager)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "variant_id")


def test_a_cancelled_run_says_that_it_is_being_stopped(
    client: TestClient, put_run: PutRun, manager: Headers
) -> None:
    put_run()
    answer = client.post("/meta/autopilot/cancel", json={"run_id": RUN, "reason": "typo"}, headers=manager)
    assert (answer.status_code, answer.json()["cancelling"]) == (202, True)


def test_a_cancelled_run_is_marked_for_the_next_tick(
    client: TestClient, database: MemoryDatabase, put_run: PutRun, manager: Headers
) -> None:
    put_run()
    client.post("/meta/autopilot/cancel", json={"run_id": RUN}, headers=manager)
    with database.unit_of_work() as unit:
        assert unit.runs.get(RunId(RUN)).control is Control.CANCEL


def test_an_ended_run_cannot_be_cancelled(client: TestClient, put_run: PutRun, manager: Headers) -> None:
    put_run(status=RunStatus.COMPLETED)
    answer = client.post("/meta/autopilot/cancel", json={"run_id": RUN}, headers=manager)
    assert answer.status_code == 409


# --- list and health ------------------------------------------------------------------------------


def test_runs_are_paged_newest_first(client: TestClient, put_run: PutRun, manager: Headers) -> None:
    clock_start = put_run().created_at
    for index in range(1, 3):
        put_run(run_id=RunId(f"{index}0000000{RUN[8:]}"), created_at=clock_start + timedelta(hours=index))
    first = client.get("/meta/autopilot/runs?limit=2", headers=manager).json()
    second = client.get(f"/meta/autopilot/runs?limit=2&before={first['next']}", headers=manager).json()
    shown = [one["run_id"] for one in first["runs"] + second["runs"]]
    assert shown == [f"20000000{RUN[8:]}", f"10000000{RUN[8:]}", RUN]
    assert second["next"] is None


def test_runs_can_be_asked_for_by_status(client: TestClient, put_run: PutRun, manager: Headers) -> None:
    put_run()
    found = client.get("/meta/autopilot/runs?status=completed&status=failed", headers=manager).json()
    assert found["runs"] == []


def test_health_without_a_token_tells_nothing_of_the_inside(client: TestClient) -> None:
    assert client.get("/meta/autopilot/health").json() == {
        "status": "ok",
        "version": "0.1.0",
        "mode": "stub",
        "enabled": True,
    }


def test_health_with_a_token_tells_how_each_part_is(client: TestClient, manager: Headers) -> None:
    details = client.get("/meta/autopilot/health", headers=manager).json()["details"]
    assert (details["database"], details["work"]["running"]) == ("ok", True)
    assert (details["meta"], details["meta_at"]) == (english(HealthMessage.META_NOT_ASKED()), None)


def test_health_with_a_wrong_token_is_refused(client: TestClient) -> None:
    answer = client.get("/meta/autopilot/health", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401
