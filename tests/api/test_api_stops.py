"""The kill switch over HTTP: who may press it, what it answers, and who may lift it."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.adapters.memory.work import MemoryTickQueue
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account

Bearer = Callable[[Role], dict[str, str]]
REASON = "the price is wrong"


@pytest.fixture
def post(client: TestClient, bearer: Bearer, account: Account) -> Callable[..., Any]:
    assert account.act_id

    def send(path: str, role: Role = Role.MANAGER, **body: Any) -> Any:
        return client.post(f"/meta/autopilot/{path}", json=body, headers=bearer(role))

    return send


def test_a_stop_of_everything_is_accepted_with_nothing_confirmed_yet(post: Callable[..., Any]) -> None:
    answer = post("stop", all=True, reason=REASON)
    assert answer.status_code == 202
    stop = answer.json()
    assert (stop["scope"], stop["holds"], stop["confirmed"], stop["by"]) == (
        "everything",
        True,
        False,
        "manager",
    )
    assert stop["accounts"][0]["not_confirmed"] == ["nobody has looked at the account yet"]


def test_a_stop_of_one_account_names_it(post: Callable[..., Any], account: Account) -> None:
    stop = post("stop", meta_account_id=account.id, reason=REASON).json()
    assert (stop["scope"], stop["act_id"]) == ("account", account.act_id)


def test_a_stop_has_the_account_looked_at_at_once(
    post: Callable[..., Any], ticks: MemoryTickQueue, account: Account
) -> None:
    post("stop", all=True, reason=REASON)
    due = ticks.due()
    assert due is not None
    assert due.tick.workflow_id == f"account:{account.act_id}:2"


@pytest.mark.parametrize("body", [{"all": True}, {"all": True, "reason": ""}, {"all": True, "reason": "  "}])
def test_a_stop_without_a_reason_is_refused(post: Callable[..., Any], body: dict[str, Any]) -> None:
    assert post("stop", **body).status_code == 422


def test_a_stop_names_exactly_one_scope(post: Callable[..., Any], account: Account) -> None:
    assert post("stop", reason=REASON).status_code == 422
    assert post("stop", reason=REASON, all=True, meta_account_id=account.id).status_code == 422


def test_a_stop_of_an_unknown_account_is_404(post: Callable[..., Any]) -> None:
    answer = post("stop", meta_account_id="nobody", reason=REASON)
    assert (answer.status_code, answer.json()["detail"]) == (404, "Meta account not found")


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MANAGER, Role.OPERATOR])
def test_whoever_works_here_may_stop(post: Callable[..., Any], role: Role) -> None:
    assert post("stop", role, all=True, reason=REASON).status_code == 202


def test_a_viewer_may_not_stop(post: Callable[..., Any]) -> None:
    assert post("stop", Role.VIEWER, all=True, reason=REASON).status_code == 403


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_an_operator_may_not_resume(post: Callable[..., Any], role: Role) -> None:
    stop = post("stop", all=True, reason=REASON).json()
    assert post("resume", role, stop_id=stop["stop_id"], reason="mended").status_code == 403


def test_a_stop_is_lifted_by_its_id(post: Callable[..., Any]) -> None:
    stop = post("stop", all=True, reason=REASON).json()
    answer = post("resume", Role.ADMIN, stop_id=stop["stop_id"], reason="mended")
    assert answer.status_code == 200
    (lifted,) = answer.json()["stops"]
    assert (lifted["holds"], lifted["lifted_by"], lifted["lift_reason"]) == (False, "admin", "mended")


@pytest.mark.slow
def test_the_stops_of_an_account_are_lifted_by_its_id(post: Callable[..., Any], account: Account) -> None:
    post("stop", meta_account_id=account.id, reason=REASON)
    answer = post("resume", meta_account_id=account.id, reason="mended", reactivate=True)
    assert [one["reactivate"] for one in answer.json()["stops"]] == [True]


@pytest.mark.parametrize("body", [{}, {"stop_id": "x", "meta_account_id": "y"}])
def test_resume_names_exactly_one_stop_or_account(post: Callable[..., Any], body: dict[str, str]) -> None:
    assert post("resume", reason="mended", **body).status_code == 422


def test_resume_needs_a_reason(post: Callable[..., Any]) -> None:
    stop = post("stop", all=True, reason=REASON).json()
    assert post("resume", stop_id=stop["stop_id"]).status_code == 422


def test_a_stop_that_does_not_exist_cannot_be_lifted(post: Callable[..., Any]) -> None:
    assert post("resume", stop_id="nobody", reason="mended").status_code == 404


def test_an_account_that_is_not_stopped_cannot_be_resumed(post: Callable[..., Any], account: Account) -> None:
    assert post("resume", meta_account_id=account.id, reason="mended").status_code == 409


@pytest.mark.parametrize("role", list(Role))
def test_everybody_sees_the_stops(
    client: TestClient, bearer: Bearer, post: Callable[..., Any], role: Role
) -> None:
    post("stop", all=True, reason=REASON)
    answer = client.get("/meta/autopilot/stops", headers=bearer(role))
    assert [one["reason"] for one in answer.json()["stops"]] == [REASON]


def test_health_shows_the_stops_that_hold(
    client: TestClient, bearer: Bearer, post: Callable[..., Any]
) -> None:
    post("stop", all=True, reason=REASON)
    details = client.get("/meta/autopilot/health", headers=bearer(Role.VIEWER)).json()["details"]
    assert [one["reason"] for one in details["stops"]] == [REASON]


def test_registering_an_account_gives_it_a_watch(database: MemoryDatabase, account: Account) -> None:
    with database.unit_of_work() as unit:
        assert [one.act_id for one in unit.watches.all()] == [account.act_id]
