"""The kill switch and what shows the danger answer while every common thread is taken."""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from anyio import to_thread
from fastapi import APIRouter
from fastapi.testclient import TestClient

from autopublisher.api.app import create_app
from autopublisher.api.services import Services
from autopublisher.dashboard.session import SESSION_COOKIE
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account
from autopublisher.flows.requests.people import People

PATIENCE = 60
"""Seconds after which a request counts as waiting for a common thread."""

Headers = dict[str, str]
Ask = Callable[..., Any]


@pytest.fixture
def ask(services: Services, dashboard: APIRouter, account: Account) -> Iterator[Ask]:
    """Return a way to ask an application whose only common thread is taken."""
    held, let_go = threading.Event(), threading.Event()
    router = APIRouter()

    @router.get("/narrow")
    async def narrow() -> None:
        to_thread.current_default_thread_limiter().total_tokens = 1

    @router.get("/hold")
    def hold() -> None:
        held.set()
        let_go.wait()

    app = create_app(services, pages=[dashboard, router])
    with TestClient(app, follow_redirects=False) as client, ThreadPoolExecutor() as callers:
        client.get("/narrow")
        holding = callers.submit(client.get, "/hold")
        held.wait()
        try:
            yield lambda *asked, **more: callers.submit(client.request, *asked, **more).result(PATIENCE)
        finally:
            let_go.set()
            holding.result()


@pytest.mark.parametrize(
    ("asked", "body", "status"),
    [
        (("POST", "/meta/autopilot/stop"), {"all": True, "reason": "budget"}, 202),
        (("GET", "/meta/autopilot/stops"), None, 200),
        (("POST", "/meta/autopilot/resume"), {"stop_id": "x", "reason": "over"}, 404),
        (("GET", "/meta/autopilot/exposure"), None, 200),
        (("GET", "/meta/autopilot/health"), None, 200),
        (("POST", "/meta/autopilot/stop"), {"all": "yes"}, 422),
    ],
)
def test_it_answers_whoever_may_ask(
    ask: Ask, manager: Headers, asked: tuple[str, str], body: Any, status: int
) -> None:
    assert ask(*asked, json=body, headers=manager).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/meta/autopilot/stop", 401), ("GET", "/meta/autopilot/health", 200), ("GET", "/nowhere", 404)],
)
def test_it_answers_whoever_may_not(ask: Ask, method: str, path: str, status: int) -> None:
    assert ask(method, path).status_code == status


@pytest.fixture
def reader(people: People) -> Headers:
    token, _ = people.sign_in(Role.MANAGER.value, "correct horse battery")
    return {"Cookie": f"{SESSION_COOKIE}={token}"}


@pytest.mark.parametrize("path", ["/stops", "/exposure", "/system"])
def test_its_pages_are_drawn(ask: Ask, reader: Headers, path: str) -> None:
    assert ask("GET", path, headers=reader).status_code == 200


def test_its_button_works(ask: Ask, reader: Headers) -> None:
    form = re.findall(r'name="form" value="([0-9a-f]+)"', ask("GET", "/stops", headers=reader).text)[0]
    pressed = {"form": form, "reason": "budget", "sure": "true"}
    assert ask("POST", "/stops", data=pressed, headers=reader).status_code == 303
    assert "budget" in ask("GET", "/stops", headers=reader).text
