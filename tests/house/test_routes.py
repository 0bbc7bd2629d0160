"""Every route names the permission it asks for, or says that it is public.

A route names it with openapi_extra={"x-permission": ...}, which also shows it in the API's description.
Routers are found as APIRouter objects in the modules of `api` and `dashboard`, or as what their functions
without arguments return.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from enum import StrEnum
from types import ModuleType
from typing import Any, get_type_hints

import pytest
from fastapi import APIRouter

FACES = ("autopublisher.api", "autopublisher.dashboard")
PUBLIC = "public"


def modules_below(package_name: str) -> Iterator[ModuleType]:
    """Import and yield a package and its modules."""
    package = importlib.import_module(package_name)
    yield package
    for module in pkgutil.walk_packages(package.__path__, f"{package_name}."):
        yield importlib.import_module(module.name)


def routers_of(module: ModuleType) -> Iterator[APIRouter]:
    """Yield the routers a module holds or builds."""
    for value in vars(module).values():
        if isinstance(value, APIRouter):
            yield value
        elif inspect.isfunction(value) and value.__module__ == module.__name__ and builds_a_router(value):
            yield value()


def builds_a_router(function: Any) -> bool:
    """Tell whether a function needs no argument and returns a router."""
    needed = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    return not needed and get_type_hints(function).get("return") is APIRouter


def permission_of(route: Any) -> object:
    """Return what a route names as its permission, None when it names nothing."""
    return (getattr(route, "openapi_extra", None) or {}).get("x-permission")


def without_permission(router: APIRouter, known: set[str]) -> list[str]:
    """Return the paths of a router's routes that name no known permission."""
    return [
        str(getattr(route, "path", route)) for route in router.routes if permission_of(route) not in known
    ]


@pytest.fixture
def known_permissions() -> set[str]:
    access = importlib.import_module("autopublisher.domain.access")
    permissions = access.Permission
    assert issubclass(permissions, StrEnum)
    return {*map(str, permissions), PUBLIC}


@pytest.mark.parametrize("face", FACES)
def test_every_route_names_a_permission(face: str, known_permissions: set[str]) -> None:
    routers = [router for module in modules_below(face) for router in routers_of(module)]
    assert [route for router in routers for route in router.routes], f"{face} has no routes"
    assert [path for router in routers for path in without_permission(router, known_permissions)] == []


def test_a_route_without_a_known_permission_is_recognised() -> None:
    def answer() -> str:
        return "here"

    router = APIRouter()
    router.get("/open", openapi_extra={"x-permission": PUBLIC})(answer)
    router.get("/forgotten")(answer)
    router.get("/mistyped", openapi_extra={"x-permission": "pubic"})(answer)
    assert without_permission(router, {PUBLIC}) == ["/forgotten", "/mistyped"]
