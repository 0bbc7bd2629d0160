"""A route whose errors become pages, because a person and not a program reads them."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from autopublisher.dashboard.rendering import PageRenderer
from autopublisher.dashboard.session import StaleFormError, home_of, reader_of
from autopublisher.domain.errors import (
    AutoPublisherError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotAuthenticatedError,
    NotFoundError,
    UnavailableError,
)

_STATUSES: tuple[tuple[type[AutoPublisherError], int], ...] = (
    (ForbiddenError, 403),
    (NotFoundError, 404),
    (ConflictError, 409),
    (InvalidRequestError, 422),
    (UnavailableError, 503),
)
Enter = Callable[[Request], None]
"""Lets the reader of a page in, or raises."""

_EXPECTED = tuple(kind for kind, _ in _STATUSES)


def page_route(renderer: PageRenderer) -> type[APIRoute]:
    """Return the route class that draws its errors; what is not expected goes on to the application."""

    class PageRoute(APIRoute):
        """A route for people."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            """Return the usual handler, its expected errors turned into pages."""
            handle = super().get_route_handler()

            enter: Enter | None = getattr(self.endpoint, "enter", None)

            async def drawn(request: Request) -> Response:
                try:
                    return await answered(request)
                except NotAuthenticatedError:
                    return RedirectResponse("/login", 303)
                except _EXPECTED as error:
                    return await run_in_threadpool(_explain, renderer, request, error)

            async def answered(request: Request) -> Response:
                try:
                    return await handle(request)
                except RequestValidationError:
                    if enter is not None:
                        await run_in_threadpool(enter, request)
                    return await run_in_threadpool(_error_page, renderer, request, 422, None, "form_invalid")

            return drawn

    return PageRoute


def entered(handler: Callable[..., Response], enter: Enter) -> Callable[..., Response]:
    """Return a handler that lets its reader in first, in the same visit to a thread."""

    @functools.wraps(handler)
    def within(**given: Any) -> Response:
        enter(given["request"])
        return handler(**given)

    vars(within).update(enter=enter)
    return within


def _explain(renderer: PageRenderer, request: Request, error: AutoPublisherError) -> Response:
    if isinstance(error, StaleFormError):
        return _error_page(renderer, request, 403, None, "form_stale")
    if isinstance(error, ForbiddenError) and request.url.path == "/":
        return RedirectResponse(home_of(reader_of(request).role), 303)
    status = next(status for kind, status in _STATUSES if isinstance(error, kind))
    return _error_page(renderer, request, status, error, "")


def _error_page(
    renderer: PageRenderer, request: Request, status: int, error: AutoPublisherError | None, word: str
) -> Response:
    return renderer.page(request, "error.html", status, error=error, word=word)
