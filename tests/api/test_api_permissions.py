"""Who may call what: the brief's role lists, and every route against the one table of grants."""

from collections.abc import Callable

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from autopublisher.domain.access import GRANTS, Permission, Role

Bearer = Callable[[Role], dict[str, str]]
NOWHERE = "00000000-0000-4000-8000-000000000000"
REFUSED = {401, 403}

BRIEF = {
    ("POST", "/meta/autopilot/run"): {"admin", "manager"},
    ("POST", "/meta/autopilot/schedule"): {"manager"},
    ("GET", f"/meta/autopilot/status/{NOWHERE}"): {"admin", "manager"},
    ("POST", "/meta/autopilot/publish-winner"): {"operator", "manager", "admin"},
}


def api_routes(app: FastAPI) -> list[tuple[str, str, str]]:
    """Return method, path with ids filled in, and permission of every documented route."""
    return [
        (
            method.upper(),
            path.replace("{run_id}", NOWHERE).replace("{account_id}", NOWHERE),
            operation["x-permission"],
        )
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
    ]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("call", BRIEF, ids=" ".join)
def test_the_briefs_endpoints_let_exactly_the_briefs_roles_pass(
    client: TestClient, bearer: Bearer, call: tuple[str, str], role: Role
) -> None:
    answer = client.request(*call, headers=bearer(role))
    assert (answer.status_code not in REFUSED) == (role.value in BRIEF[call])


@pytest.mark.slow
@pytest.mark.parametrize("role", Role)
def test_every_route_lets_exactly_the_granted_roles_pass(
    app: FastAPI, client: TestClient, bearer: Bearer, role: Role
) -> None:
    headers = bearer(role)
    passed = {}
    expected = {}
    for method, path, permission in api_routes(app):
        if permission in {"public", "signed-in"}:
            continue
        status = client.request(method, path, headers=headers).status_code
        passed[method, path] = status not in REFUSED
        expected[method, path] = role in GRANTS[Permission(permission)]
    assert passed == expected


def test_every_route_but_the_public_ones_refuses_who_has_no_token(app: FastAPI, client: TestClient) -> None:
    statuses = {
        (method, path): client.request(method, path).status_code
        for method, path, permission in api_routes(app)
        if permission != "public"
    }
    assert set(statuses.values()) == {401}


def test_only_signing_in_and_health_are_public(app: FastAPI) -> None:
    public = {(method, path) for method, path, permission in api_routes(app) if permission == "public"}
    assert public == {("POST", "/auth/token"), ("GET", "/meta/autopilot/health")}


def test_every_page_names_a_permission_or_says_that_it_is_public(dashboard: APIRouter) -> None:
    known = {permission.value for permission in Permission} | {"public"}
    named = [
        (route.openapi_extra or {}).get("x-permission")
        for route in dashboard.routes
        if isinstance(route, APIRoute)
    ]
    assert len(named) == len(dashboard.routes)
    assert set(named) <= known


def test_a_refused_role_is_told_which_roles_may(client: TestClient, bearer: Bearer) -> None:
    answer = client.post("/meta/autopilot/schedule", headers=bearer(Role.ADMIN))
    assert answer.json()["detail"] == "Your role (admin) may not do this; it needs one of: manager."


def test_who_may_call_is_settled_before_what_was_sent(client: TestClient) -> None:
    answer = client.post("/meta/autopilot/run", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 401


def test_a_missing_token_is_asked_for_as_bearer(client: TestClient) -> None:
    assert client.get("/meta/autopilot/runs").headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer nonsense", "Basic YTpi", "Bearer ", "ap_x"])
def test_what_is_no_valid_token_is_refused(client: TestClient, header: str) -> None:
    assert client.get("/meta/autopilot/runs", headers={"Authorization": header}).status_code == 401
