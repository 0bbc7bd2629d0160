"""Whose posts the dashboard takes, and which cookies it sets where."""

import re
from typing import Any

import anyio
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from autopublisher.api.app import create_app
from autopublisher.api.middleware import BodyLimit
from autopublisher.api.services import Services
from autopublisher.dashboard.pages import lost_page
from autopublisher.dashboard.session import Desk

PASSWORD = "correct horse battery"


def form_in(html: str) -> str:
    found: list[str] = re.findall(r'name="form" value="([0-9a-f]+)"', html)
    return found[0]


def signs_in(app: FastAPI, headers: dict[str, str], base: str = "http://testserver") -> Any:
    browser = TestClient(app, base_url=base, follow_redirects=False)
    form = form_in(browser.get("/login").text)
    data = {"form": form, "username": "manager", "password": PASSWORD}
    return browser.post("/login", data=data, headers=headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"},
        {"Origin": "http://testserver"},
    ],
)
def test_a_post_from_our_own_page_is_taken(app: FastAPI, headers: dict[str, str]) -> None:
    assert signs_in(app, headers).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://testserver:81"},
        {"Origin": "null"},
    ],
)
def test_a_post_from_elsewhere_is_refused_with_the_right_token_too(
    app: FastAPI, headers: dict[str, str]
) -> None:
    assert signs_in(app, headers).status_code == 403


def test_over_tls_cookies_belong_to_this_host_alone(app: FastAPI) -> None:
    cookies = signs_in(app, {}, "https://testserver").headers.get_list("set-cookie")
    session = next(one for one in cookies if "ap_session" in one)
    assert session.startswith("__Host-ap_session=ap_")
    assert all(part in session for part in ("Secure", "Path=/", "HttpOnly", "SameSite=lax"))
    assert "Domain" not in session


def test_over_tls_a_cookie_without_the_mark_opens_nothing(app: FastAPI) -> None:
    token = signs_in(app, {}).cookies["ap_session"]
    browser = TestClient(app, base_url="https://testserver", follow_redirects=False)
    assert browser.get("/", headers={"Cookie": f"ap_session={token}"}).headers["location"] == "/login"
    assert browser.get("/", headers={"Cookie": f"__Host-ap_session={token}"}).status_code == 200


def test_a_session_that_was_ended_over_tls_is_forgotten(app: FastAPI) -> None:
    browser = TestClient(app, base_url="https://testserver", follow_redirects=False)
    form = form_in(browser.get("/login").text)
    browser.post("/login", data={"form": form, "username": "manager", "password": PASSWORD})
    browser.post("/logout", data={"form": form_in(browser.get("/").text)})
    assert "__Host-ap_session" not in browser.cookies


def test_only_the_named_hosts_are_answered(services: Services, dashboard: APIRouter) -> None:
    app = create_app(services, pages=[dashboard], trusted_hosts=("ads.example.com", "*.internal"))
    status = {
        host: TestClient(app, base_url=f"http://{host}").get("/login").status_code
        for host in ("ads.example.com", "ads.example.com:8000", "a.internal", "evil.example")
    }
    assert status == {
        "ads.example.com": 200,
        "ads.example.com:8000": 200,
        "a.internal": 200,
        "evil.example": 400,
    }


@pytest.fixture
def guarded_app(services: Services, dashboard: APIRouter, desk: Desk) -> FastAPI:
    names = ("ads.example.com", "::1")
    return create_app(services, pages=[dashboard], trusted_hosts=names, lost_page=lost_page(desk))


def test_a_foreign_host_is_a_problem_that_names_the_setting(guarded_app: FastAPI) -> None:
    answer = TestClient(guarded_app, base_url="http://evil.example").get("/meta/accounts")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    told = answer.json()
    assert told["type"] == "urn:autopublisher:problem:host-not-trusted"
    assert "AUTO_PUBLISHER_TRUSTED_HOSTS" in told["remedy"]
    assert told["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("language", "said"), [("en", "may not be called by"), ("es", "no puede llamarse por")]
)
def test_a_foreign_host_is_a_page_for_a_person(guarded_app: FastAPI, language: str, said: str) -> None:
    headers = {"Accept": "text/html", "Accept-Language": language}
    answer = TestClient(guarded_app, base_url="http://evil.example").get("/login", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert said in answer.text
    assert "AUTO_PUBLISHER_TRUSTED_HOSTS" in answer.text


@pytest.mark.parametrize(
    ("host", "status"), [("ADS.Example.com", 200), ("[::1]:8000", 200), ("[::1", 400), ("", 400)]
)
def test_a_host_is_read_as_browsers_write_it(guarded_app: FastAPI, host: str, status: int) -> None:
    assert TestClient(guarded_app).get("/login", headers={"Host": host}).status_code == status


def test_a_body_that_never_ends_is_given_up(services: Services) -> None:
    app = create_app(services)
    hasty = BodyLimit(app.build_middleware_stack(), most=1, by_path={}, grace=0.05)
    answer: list[Any] = []
    sent = iter([{"type": "http.request", "body": b"{", "more_body": True}])

    async def receive() -> Any:
        message = next(sent, None)
        if message is None:
            await anyio.sleep_forever()
        return message

    async def send(message: Any) -> None:
        answer.append(message)

    headers = [(b"content-type", b"application/json"), (b"host", b"here")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/auth/token",
        "raw_path": b"/auth/token",
        "headers": headers,
    }
    whole = scope | {
        "query_string": b"",
        "scheme": "http",
        "client": ("here", 1),
        "app": app,
        "root_path": "",
    }
    anyio.run(hasty, whole, receive, send)
    assert (answer[0]["status"], b"close" in dict(answer[0]["headers"]).values()) == (408, True)
