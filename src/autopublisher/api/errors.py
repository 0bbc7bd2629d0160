"""Every error as problem+json (RFC 9457): one table from the error tree to HTTP, one handler for each source of errors."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from autopublisher.api.exact_json import Unreadable
from autopublisher.api.middleware import SECURITY_HEADERS, bounded, request_id_of
from autopublisher.api.validation import problems_of
from autopublisher.domain import errors
from autopublisher.flows.requests.sign_in_throttle import TooManyAttemptsError

MEDIA_TYPE = "application/problem+json"
LONGEST_FIELD = 200
MOST_PROBLEMS = 50

STATUSES: tuple[tuple[type[errors.AutoPublisherError], int], ...] = (
    (TooManyAttemptsError, 429),
    (errors.DisabledError, 503),
    (errors.NotFoundError, 404),
    (errors.InvalidRequestError, 422),
    (errors.UnknownCurrencyError, 422),
    (errors.CurrencyMismatchError, 422),
    (errors.ConflictError, 409),
    (errors.StaleRunError, 409),
    (errors.GateRefusedError, 409),
    (errors.NotAuthenticatedError, 401),
    (errors.ForbiddenError, 403),
    (errors.UnavailableError, 503),
    (errors.MetaThrottledError, 503),
    (errors.MetaError, 502),
)
"""The first class that fits decides; whatever is not listed is 500."""

_HTTP_DETAILS = {
    404: ("There is nothing at this address.", "GET /openapi.json lists the addresses."),
    405: ("This address does not take that method.", "The Allow header names those it takes."),
    408: ("The body took too long to arrive.", "Send it again, without pauses."),
    413: ("The body is too large.", "Bodies may have 1 MB, image uploads 31 MB."),
    400: ("The body could not be read.", "Check the body against its Content-Type."),
}


_LOST = frozenset({404, 405})
"""What a person who follows a wrong address meets; they get a page where there are pages."""

_HOST_NOT_TRUSTED = "This installation may not be called by the name (the Host header) that was used."
_HOST_REMEDY = "Call it by a name that AUTO_PUBLISHER_TRUSTED_HOSTS lists, or add this one there and restart."


def status_of(error: errors.AutoPublisherError) -> int:
    """Return the HTTP status of an error of the product."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


class ProblemResponse(Response):
    """A problem as its own media type; plain ASCII, so that no text a caller sent can break it."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """Return the JSON text."""
        return json.dumps(content).encode("ascii")


def problem(
    request: Request,
    status: int,
    detail: str,
    *,
    slug: str = "",
    remedy: str = "",
    fields: Sequence[errors.Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> ProblemResponse:
    """Return the response for one problem; ``slug`` names its type, the status alone does where it is empty."""
    body = {
        "type": f"urn:autopublisher:problem:{slug}" if slug else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": [
            {"field": one.field[:LONGEST_FIELD], "reason": one.reason, "remedy": one.remedy, "code": one.code}
            for one in fields[:MOST_PROBLEMS]
        ],
        "remedy": remedy,
        "request_id": request_id_of(request.scope),
    }
    return ProblemResponse(body, status_code=status, headers=None if headers is None else dict(headers))


def install(app: FastAPI) -> None:
    """Make the application answer every error as a problem; the handlers are coroutines, so that none waits for a thread."""
    app.add_exception_handler(errors.AutoPublisherError, _on_domain_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_input)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_unexpected)


async def _on_domain_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, errors.AutoPublisherError):
        raise error
    status = status_of(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return await _on_unexpected(request, error)
    fields = _ordered(error.problems) if isinstance(error, errors.InvalidRequestError) else ()
    return problem(
        request,
        status,
        fields[0].reason if fields else error.message,
        slug=_slug(type(error)),
        remedy=fields[0].remedy if fields else error.remedy,
        fields=fields,
        headers=await _headers_of(request, error),
    )


def _ordered(problems: Sequence[errors.Problem]) -> tuple[errors.Problem, ...]:
    """Put the money first: what the caller reads in ``detail`` is the first problem."""
    return tuple(sorted(problems, key=lambda one: one.code != "insufficient_budget"))


def _slug(kind: type[errors.AutoPublisherError]) -> str:
    name = kind.__name__.removesuffix("Error")
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


async def _headers_of(request: Request, error: errors.AutoPublisherError) -> dict[str, str]:
    if isinstance(error, TooManyAttemptsError):
        return {"Retry-After": str(error.seconds)}
    if isinstance(error, errors.NotAuthenticatedError):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, errors.MetaThrottledError):
        return {"Retry-After": str(await run_in_threadpool(_seconds_until_retry, request, error))}
    return {"Retry-After": "5"} if isinstance(error, errors.UnavailableError) else {}


def _seconds_until_retry(request: Request, error: errors.MetaThrottledError) -> int:
    seconds = None
    if error.retry_at is not None:
        seconds = request.app.state.services.clock.real_seconds_until(error.retry_at)
    return 60 if seconds is None else max(1, ceil(seconds))


async def _on_invalid_input(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    found = error.errors()
    for one in found:
        if isinstance(one.get("input"), Unreadable):
            return problem(
                request,
                400,
                f"The body is not one JSON object: {one['input'].reason}",
                slug="malformed-json",
                remedy="Send one JSON object (RFC 8259) in UTF-8, each key once.",
            )
        if tuple(one["loc"]) == ("body",) and isinstance(one.get("input"), bytes):
            return problem(
                request,
                415,
                "The body is not sent as JSON.",
                slug="not-json",
                remedy="Send Content-Type: application/json.",
            )
    fields = problems_of(found)
    detail = f"{fields[0].field}: {fields[0].reason}"
    return problem(request, 422, detail, slug="invalid-request", remedy=fields[0].remedy, fields=fields)


async def _on_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    page = await _lost_page(request, error.status_code) if error.status_code in _LOST else None
    if page is not None:
        return page
    detail, remedy = _HTTP_DETAILS.get(error.status_code, (str(error.detail), ""))
    return problem(request, error.status_code, detail, remedy=remedy, headers=error.headers)


async def refuse_host(request: Request) -> Response:
    """Answer a request for a host that is not trusted: a page for a browser, a problem for a program."""
    page = await _lost_page(request, HTTPStatus.BAD_REQUEST)
    if page is not None:
        return page
    return problem(request, 400, _HOST_NOT_TRUSTED, slug="host-not-trusted", remedy=_HOST_REMEDY)


async def _lost_page(request: Request, status: int) -> Response | None:
    """Return what a browser is shown where there is nothing for it; None for a program, and without pages."""
    draw = request.app.state.lost_page
    if draw is None or "text/html" not in request.headers.get("accept", ""):
        return None
    page: Response = await run_in_threadpool(draw, request, status)
    return page


async def _on_unexpected(request: Request, error: Exception) -> Response:
    """Log the error under the request's id and tell the caller only that id."""
    # The frame's log context is gone by now, so the id is named here.
    structlog.get_logger().error(
        "request_failed",
        request_id=request_id_of(request.scope),
        method=request.method,
        path=bounded(request.url.path),
        exc_info=error,
    )
    return problem(
        request,
        500,
        "Something went wrong here; it has been written to the log.",
        remedy="Quote request_id when you report it.",
        headers=SECURITY_HEADERS,
    )
