"""Every error is a problem: one shape, one media type, nothing of the inside."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NoReturn

import pytest
import structlog
from fastapi import FastAPI
from fastapi.testclient import TestClient

from autopublisher.api.app import create_app
from autopublisher.api.errors import status_of
from autopublisher.api.services import Services
from autopublisher.domain import errors
from autopublisher.domain.accounts.accounts import Account
from autopublisher.flows.requests.reports import Reports

Headers = dict[str, str]
SHAPE = {"type", "title", "status", "detail", "errors", "remedy", "request_id"}
SECRET = "the password of the database"


class BrokenReports(Reports):
    """Reports that fail in a way nobody foresaw."""

    def lines(self, *_: object) -> NoReturn:
        raise RuntimeError(SECRET)


@pytest.fixture
def broken(services: Services, database: Any) -> TestClient:
    reports = BrokenReports(database.unit_of_work)
    return TestClient(create_app(replace(services, reports=reports)), raise_server_exceptions=False)


def assert_problem(answer: Any, status: int) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert set(answer.json()) == SHAPE
    assert answer.json()["status"] == status


def chunks() -> Iterator[bytes]:
    for _ in range(200):
        yield b" " * 10_000


def test_an_unknown_address_is_a_problem(client: TestClient) -> None:
    assert_problem(client.get("/nowhere"), 404)


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(client: TestClient) -> None:
    answer = client.put("/meta/autopilot/run")
    assert_problem(answer, 405)
    assert answer.headers["Allow"] == "POST"


def test_a_missing_token_is_a_problem(client: TestClient) -> None:
    assert_problem(client.get("/meta/autopilot/runs"), 401)


def test_a_body_that_is_no_json_is_a_problem_that_says_where(client: TestClient, manager: Headers) -> None:
    headers = manager | {"Content-Type": "application/json"}
    answer = client.post("/meta/autopilot/run", content=b'{"a": ', headers=headers)
    assert_problem(answer, 400)
    assert "line 1, column 6" in answer.json()["detail"]


@pytest.mark.parametrize(
    "content",
    [b"", b"[" * 100_000, b"\xff\xfe", b'{"a": 1, "a": 2}', b"[]", b'"text"', b"null"],
    ids=["empty", "deep", "not utf-8", "key twice", "list", "text", "null"],
)
def test_a_body_that_is_no_object_is_a_problem(client: TestClient, manager: Headers, content: bytes) -> None:
    headers = manager | {"Content-Type": "application/json"}
    answer = client.post("/meta/autopilot/run", content=content, headers=headers)
    assert_problem(answer, answer.status_code)
    assert answer.status_code in {400, 422}


def test_a_body_that_is_not_sent_as_json_is_a_problem(client: TestClient, manager: Headers) -> None:
    headers = manager | {"Content-Type": "text/plain"}
    assert_problem(client.post("/meta/autopilot/run", content=b"{}", headers=headers), 415)


def test_a_body_that_says_it_is_too_large_is_a_problem(client: TestClient, manager: Headers) -> None:
    headers = manager | {"Content-Type": "application/json"}
    assert_problem(client.post("/meta/autopilot/run", content=b" " * 1_100_000, headers=headers), 413)


def test_a_body_that_turns_out_too_large_is_a_problem(client: TestClient, manager: Headers) -> None:
    headers = manager | {"Content-Type": "application/json"}
    assert_problem(client.post("/meta/autopilot/run", content=chunks(), headers=headers), 413)


def test_an_unknown_field_is_named(client: TestClient, manager: Headers, body: dict[str, Any]) -> None:
    typo = body | {"budget_config": body["budget_config"] | {"totl_budget": 1}}
    answer = client.post("/meta/autopilot/run", json=typo, headers=manager)
    assert_problem(answer, 422)
    assert [one["field"] for one in answer.json()["errors"]] == ["budget_config.totl_budget"]


def test_a_missing_field_is_named(client: TestClient, manager: Headers, body: dict[str, Any]) -> None:
    answer = client.post(
        "/meta/autopilot/run", json={k: v for k, v in body.items() if k != "objective"}, headers=manager
    )
    assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [("objective", "missing")]


def test_a_wrong_list_item_is_named_by_its_place(
    client: TestClient, manager: Headers, body: dict[str, Any]
) -> None:
    answer = client.post("/meta/autopilot/run", json=body | {"headlines": ["a", 5]}, headers=manager)
    assert answer.json()["errors"][0]["field"] == "headlines[1]"


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[2J"], ids=["nul", "escape"])
def test_text_no_database_can_keep_is_refused(
    client: TestClient, manager: Headers, body: dict[str, Any], text: str
) -> None:
    headers = manager | {"Content-Type": "application/json"}
    content = json.dumps(body | {"campaign_name": text}).encode()
    assert_problem(client.post("/meta/autopilot/run", content=content, headers=headers), 422)


def test_broken_field_names_do_not_break_the_answer(
    client: TestClient, manager: Headers, body: dict[str, Any]
) -> None:
    headers = manager | {"Content-Type": "application/json"}
    content = json.dumps(body | {"\U0001f600\x00" * 1000: 1}).encode()
    assert_problem(client.post("/meta/autopilot/run", content=content, headers=headers), 422)


def test_a_nul_in_an_address_is_refused(client: TestClient, manager: Headers) -> None:
    assert_problem(client.get("/meta/autopilot/status/%00", headers=manager), 422)


def test_an_unforeseen_error_tells_the_caller_only_its_id(broken: TestClient, manager: Headers) -> None:
    answer = broken.get("/meta/autopilot/runs", headers=manager)
    assert_problem(answer, 500)
    assert SECRET not in answer.text
    assert answer.json()["request_id"]


def test_an_unforeseen_error_is_logged_under_its_id(broken: TestClient, manager: Headers) -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logged:
        answer = broken.get("/meta/autopilot/runs", headers=manager)
    failed = [entry for entry in logged if entry["event"] == "request_failed"]
    assert [entry["request_id"] for entry in failed] == [answer.json()["request_id"]]


def test_the_token_is_never_logged(client: TestClient, manager: Headers) -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logged:
        client.get("/meta/autopilot/runs?access_token=abcdef", headers=manager)
    assert logged
    assert manager["Authorization"].removeprefix("Bearer ") not in str(logged)
    assert "abcdef" not in str(logged)


def test_a_callers_own_request_id_is_kept(client: TestClient) -> None:
    assert (
        client.get("/nowhere", headers={"X-Request-ID": "trace-12345"}).json()["request_id"] == "trace-12345"
    )


def test_an_unfit_request_id_is_replaced(client: TestClient) -> None:
    assert "<" not in client.get("/nowhere", headers={"X-Request-ID": "<script>"}).headers["X-Request-ID"]


@pytest.mark.parametrize("path", ["/nowhere", "/meta/autopilot/health", "/meta/autopilot/runs"])
def test_every_answer_forbids_guessing_and_embedding(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_even_an_unforeseen_error_forbids_guessing(broken: TestClient, manager: Headers) -> None:
    answer = broken.get("/meta/autopilot/runs", headers=manager)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.DisabledError(), 503),
        (errors.RunNotFoundError(id="x"), 404),
        (errors.CreativesNotFoundError(ids="x"), 404),
        (errors.InvalidRequestError([errors.Problem("f", "r", "m")]), 422),
        (errors.ConflictError("x"), 409),
        (errors.GateRefusedError(key="k", reason="r"), 409),
        (errors.NotAuthenticatedError(), 401),
        (errors.ForbiddenError(role="r", allowed="a"), 403),
        (errors.UnavailableError(reason="x"), 503),
        (errors.MetaThrottledError("x"), 503),
        (errors.MetaAuthorisationError("x"), 502),
        (errors.MetaOutcomeUnknownError("x"), 502),
        (errors.ConfigurationError(name="n", reason="r"), 500),
        (errors.AutoPublisherError(), 500),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_has_its_status(error: errors.AutoPublisherError, status: int) -> None:
    assert status_of(error) == status


def test_there_is_no_page_that_loads_scripts(app: FastAPI) -> None:
    assert (app.docs_url, app.redoc_url) == (None, None)


def test_over_tls_the_browser_is_told_to_stay_there(app: FastAPI) -> None:
    answer = TestClient(app, base_url="https://testserver").get("/nowhere")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_without_tls_nothing_is_said_of_it(client: TestClient) -> None:
    assert "Strict-Transport-Security" not in client.get("/nowhere").headers


@pytest.mark.parametrize(
    ("field", "value", "remedy"),
    [
        ("headlines", ["One", 2], "Give a text in double quotes."),
        ("headlines", "One", "Give a list in square brackets, such as []."),
        ("headlines", ["x"] * 51, "Give at most 50 entries."),
        ("require_human_approval", "yes", "Give true or false, without quotes."),
        ("budget_config", 5, "Give an object in braces, such as {}."),
        ("campaign_name", "bell \u0007", "Leave out control characters; line breaks and tabs are allowed."),
    ],
)
def test_a_remedy_says_what_is_allowed(
    client: TestClient, manager: Headers, body: dict[str, Any], *, field: str, value: Any, remedy: str
) -> None:
    answer = client.post("/meta/autopilot/run", json=body | {field: value}, headers=manager)
    (problem,) = answer.json()["errors"]
    assert (answer.status_code, problem["remedy"]) == (422, remedy)


def test_a_word_that_is_none_of_the_allowed_is_answered_with_those(
    client: TestClient, manager: Headers, body: dict[str, Any]
) -> None:
    odd = body | {"ab_test_config": body["ab_test_config"] | {"strategy": "split"}}
    (problem,) = client.post("/meta/autopilot/run", json=odd, headers=manager).json()["errors"]
    assert problem["remedy"] == ("Allowed: 'creative_split', 'copy_split', 'placement_split' or 'factorial'.")


def test_an_account_may_be_named_by_metas_id(
    client: TestClient, manager: Headers, body: dict[str, Any], account: Account
) -> None:
    answer = client.post(
        "/meta/autopilot/run", json=body | {"meta_account_id": account.act_id}, headers=manager
    )
    assert answer.status_code == 202, answer.text
    listed = client.get(f"/meta/creatives?meta_account_id={account.act_id}", headers=manager)
    assert listed.status_code == 200
    assert (
        client.get(f"/meta/autopilot/exposure?meta_account_id={account.act_id}", headers=manager).status_code
        == 200
    )
