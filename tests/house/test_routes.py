"""Every route of the whole application names the permission it asks for, or says that it needs none.

A route names it with openapi_extra={"x-permission": ...}, which also shows it in the API's description; that the named
permission is enforced is what tests/api/test_api_permissions.py proves.
"""

from types import SimpleNamespace
from typing import Any, cast

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from autopublisher.api.access import SIGNED_IN
from autopublisher.api.app import create_app
from autopublisher.api.reserved_threads import in_stop_thread, in_watch_thread
from autopublisher.api.services import Services
from autopublisher.dashboard.pages import pages
from autopublisher.dashboard.session import Desk
from autopublisher.domain.access import Permission

KNOWN = {*map(str, Permission), "public", SIGNED_IN}
DOCUMENT = "/openapi.json"  # the framework's own route; it serves the public description


def whole_application() -> FastAPI:
    """Build the application with every page; no request is made, so nothing behind it is needed."""
    nothing = cast("Any", None)
    unused = SimpleNamespace(version="0")
    desk = Desk(
        nothing, nothing, nothing, nothing, nothing, nothing, nothing, in_stop_thread, in_watch_thread
    )
    return create_app(cast("Services", unused), pages=(pages(desk),))


def routes_of(owner: Any) -> list[APIRoute]:
    """Return the routes of an application or router, those of included routers among them."""
    found: list[APIRoute] = []
    for route in owner.routes:
        if isinstance(route, APIRoute):
            found.append(route)
        elif hasattr(route, "original_router"):
            found += routes_of(route.original_router)
        elif getattr(route, "path", None) != DOCUMENT:
            raise AssertionError(f"a route of an unknown kind: {route!r}")
    return found


def without_permission(routes: list[APIRoute]) -> list[str]:
    """Return the paths of the routes that name no known permission."""
    return [route.path for route in routes if (route.openapi_extra or {}).get("x-permission") not in KNOWN]


def test_every_route_names_a_permission() -> None:
    routes = routes_of(whole_application())
    paths = {route.path for route in routes}
    assert any(path.endswith("/run") for path in paths)
    assert any("approvals" in path for path in paths)
    assert without_permission(routes) == []


def test_a_route_without_a_known_permission_is_recognised() -> None:
    def answer() -> str:
        return "here"

    router = APIRouter()
    router.get("/open", openapi_extra={"x-permission": "public"})(answer)
    router.get("/forgotten")(answer)
    router.get("/mistyped", openapi_extra={"x-permission": "pubic"})(answer)
    assert without_permission(routes_of(router)) == ["/forgotten", "/mistyped"]
