"""The web application: routes, errors, limits and headers around the services it is given."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from autopublisher.api import account_memory, auth, errors, exposure, openapi, plan, resources, router, stops
from autopublisher.api.access import public
from autopublisher.api.middleware import BodyLimit, HeldRefusals, RequestFrame
from autopublisher.api.services import Hook, Services
from autopublisher.api.trusted_hosts import TrustedHosts

LARGEST_BODY = 1024 * 1024
"""Bytes of a body, image uploads apart."""


def create_app(
    services: Services,
    pages: Sequence[APIRouter] = (),
    start: Hook | None = None,
    stop: Hook | None = None,
    *,
    trusted_hosts: Sequence[str] = (),
    lost_page: Callable[[Request, int], Response] | None = None,
) -> FastAPI:
    """Return the application. ``pages`` are further routers (the dashboard's); ``start`` and ``stop`` frame its life.

    A request for a host that is not among ``trusted_hosts`` is refused, unless there are none.
    ``lost_page`` draws what a browser gets where there is nothing for it; without, it gets a problem like all others.
    """
    app = _bare_app(services.version, start, stop, trusted_hosts)
    app.state.services = services
    app.state.lost_page = lost_page
    for one in pages:
        app.include_router(one)
    return app


def openapi_document(version: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document, for which nothing needs to run."""
    return _bare_app(version, None, None).openapi()


class _Application(FastAPI):
    """FastAPI with our own document."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = openapi.document(self)
        return self.openapi_schema


def _bare_app(
    version: str, start: Hook | None, stop: Hook | None, trusted_hosts: Sequence[str] = ()
) -> FastAPI:
    app = _Application(
        title="AutoPublisher",
        version=version,
        openapi_url=None,  # a route of our own below, so that it names its permission like every other
        docs_url=None,  # these pages load scripts from a third party
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        lifespan=_life(start, stop),
    )
    app.add_middleware(BodyLimit, most=LARGEST_BODY, by_path={"/meta/creatives": resources.LARGEST_UPLOAD})
    app.add_middleware(HeldRefusals)
    if trusted_hosts:
        app.add_middleware(TrustedHosts, names=trusted_hosts, refuse=errors.refuse_host)
    app.add_middleware(RequestFrame)
    errors.install(app)
    app.add_api_route(
        "/openapi.json",
        lambda: JSONResponse(app.openapi()),
        methods=["GET"],
        include_in_schema=False,
        **public(),
    )
    for one in (
        router.router,
        stops.router,
        exposure.router,
        account_memory.router,
        plan.router,
        resources.router,
        resources.uploads,
        auth.router,
    ):
        app.include_router(one)
    return app


def _life(start: Hook | None, stop: Hook | None) -> Any:
    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        if start is not None:
            await run_in_threadpool(start)
        try:
            yield
        finally:
            if stop is not None:
                await run_in_threadpool(stop)

    return life
