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
from autopublisher.api.reader import reader_of
from autopublisher.api.validation import problems_of
from autopublisher.domain import errors
from autopublisher.domain.messages import Message, Param, said_of
from autopublisher.flows.requests.sign_in_throttle import TooManyAttemptsError
from autopublisher.messages import Language, is_worded, problem_texts, remedy_text, wording

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

_LOST = frozenset({404, 405})
"""What a person who follows a wrong address meets; they get a page where there are pages."""


def status_of(error: errors.AutoPublisherError) -> int:
    """Return the HTTP status of an error of the product."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


class ProblemResponse(Response):
    """A problem as its own media type; plain ASCII, so that no text a caller sent can break it."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """Return the JSON text."""
        return json.dumps(content).encode("ascii")


async def problem(
    request: Request,
    status: int,
    detail: Message | str,
    *,
    slug: str = "",
    remedy: Message | str = "",
    fields: Sequence[errors.Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> ProblemResponse:
    """Return the response for one problem in the caller's language; ``slug`` names its type, else the status."""
    language = await reader_of(request)
    body = {
        "type": f"urn:autopublisher:problem:{slug}" if slug else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": wording(detail, language),
        "errors": [_field(one, language) for one in fields[:MOST_PROBLEMS]],
        "remedy": wording(remedy, language),
        "request_id": request_id_of(request.scope),
    }
    return ProblemResponse(body, status_code=status, headers=None if headers is None else dict(headers))


def _field(one: errors.Problem, language: Language) -> dict[str, str]:
    reason, remedy = problem_texts(one, language)
    return {"field": one.field[:LONGEST_FIELD], "reason": reason, "remedy": remedy, "code": one.code}


def _both(code: str, **params: Param) -> dict[str, Any]:
    """Return what is said by a code and by its remedy."""
    return {"detail": Message(code, params), "remedy": Message(f"{code}.remedy")}


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
    return await problem(
        request,
        status,
        fields[0].reason if fields else said_of(error),
        slug=_slug(type(error)),
        remedy=fields[0].remedy if fields else remedy_text(error, await reader_of(request)),
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
            said = _both("api.malformed_json", why=one["input"].reason)
            return await problem(request, 400, slug="malformed-json", **said)
        if tuple(one["loc"]) == ("body",) and isinstance(one.get("input"), bytes):
            return await problem(request, 415, slug="not-json", **_both("api.not_json"))
    fields = problems_of(found)
    detail = f"{fields[0].field}: {wording(fields[0].reason, await reader_of(request))}"
    return await problem(request, 422, detail, slug="invalid-request", remedy=fields[0].remedy, fields=fields)


async def _on_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    page = await _lost_page(request, error.status_code) if error.status_code in _LOST else None
    if page is not None:
        return page
    code = f"http.{error.status_code}"
    said = _both(code) if is_worded(code, {}) else {"detail": str(error.detail)}
    return await problem(request, error.status_code, headers=error.headers, **said)


async def refuse_host(request: Request) -> Response:
    """Answer a request for a host that is not trusted: a page for a browser, a problem for a program."""
    page = await _lost_page(request, HTTPStatus.BAD_REQUEST)
    if page is not None:
        return page
    return await problem(request, 400, slug="host-not-trusted", **_both("api.host_not_trusted"))


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
    return await problem(request, 500, headers=SECURITY_HEADERS, **_both("api.unexpected"))
