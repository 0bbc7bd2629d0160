"""What every request gets: an id in logs and answer, headers against guessing and embedding, a limit on its body."""

import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from random import uniform
from typing import Final
from uuid import uuid4

import structlog
from anyio import current_time, fail_after, sleep
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autopublisher.api.loggers import REQUESTS_LOGGER

SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
}
"""Set unless the answer brings its own."""

STRICT_TRANSPORT: Final = "max-age=31536000; includeSubDomains"
"""Sent over TLS only: the browser then never asks this host without it again, for a year."""

LONGEST_PATH: Final = 200
"""Characters of an address that are logged: whoever asks may send 64 kB of it."""

SLOWEST_BODY: Final = 128 * 1024
"""Bytes a second a body has to come at on the whole, as if it were as large as it may be."""

BODY_GRACE_SECONDS: Final = 20.0
"""Seconds any body may take besides."""

REFUSAL_SECONDS: Final = (2.0, 4.0)
"""How long the refusal of a sign-in is kept back: never equally long, or a crowd would always come back at once."""

MOST_REFUSALS_HELD: Final = 400
"""So many at once; their connections must leave room for those of others."""

SIGN_INS: Final = frozenset({("POST", "/auth/token"), ("POST", "/login")})
"""Where people sign in, at the API and at the dashboard."""

_REFUSALS: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_SCOPE_KEY = "autopublisher.request_id"
LANGUAGE_KEY: Final = "autopublisher.language"
"""Where the scope has the language of an answer that is worded for its reader."""


def bounded(path: str) -> str:
    """Return an address as it is logged."""
    left = len(path) - LONGEST_PATH
    return path if left <= 0 else f"{path[:LONGEST_PATH]} and {left} more"


def request_id_of(scope: Scope) -> str | None:
    """Return the id this request has in the log."""
    return scope.get(_SCOPE_KEY)


class RequestFrame:
    """ASGI middleware around every request. Only method, path and status are logged: no header, no query, no body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with its id in the log's context, and frame the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[_SCOPE_KEY] = request_id = _chosen_id(Headers(scope=scope).get("x-request-id"))

        async def framed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                _frame(headers, request_id, scope["scheme"])
                _name_language(headers, scope)
                structlog.get_logger(REQUESTS_LOGGER).info(
                    "request_answered",
                    method=scope["method"],
                    path=bounded(scope["path"]),
                    status=message["status"],
                )
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, framed)


class BodyLimit:
    """ASGI middleware that refuses a body of more than ``most`` bytes, or what ``by_path`` says for an address.

    It also refuses one that takes longer than its size allows at SLOWEST_BODY, so that nobody holds a request open for ever.

    The framework has such a limit too, but answers it in plain text and outside of every error handler.
    """

    def __init__(
        self, app: ASGIApp, most: int, by_path: Mapping[str, int], grace: float = BODY_GRACE_SECONDS
    ) -> None:
        self._app = app
        self._most = most
        self._grace = grace
        self._by_path = by_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting what is read of its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._by_path.get(scope["path"], self._most)
        told = Headers(scope=scope).get("content-length", "0")
        read, whole = 0, False
        deadline = current_time() + self._grace + most / SLOWEST_BODY

        async def counted() -> Message:
            nonlocal read, whole
            try:
                with fail_after(None if whole else max(0.0, deadline - current_time())):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, headers={"Connection": "close"}) from None
            whole = not message.get("more_body", False)
            read += len(message.get("body", b""))
            if read > most or (told.isdecimal() and int(told) > most):
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        await self._app(scope, counted, send)


Pause = Callable[[float], Awaitable[None]]
"""Waits for so many seconds."""


class HeldRefusals:
    """ASGI middleware that keeps back the refusal of a sign-in, so that refusing does not keep the server busy.

    Who tries again as soon as there is an answer then asks every few seconds, and the kill switch finds the server free.
    """

    def __init__(self, app: ASGIApp, most: int = MOST_REFUSALS_HELD, pause: Pause = sleep) -> None:
        self._app = app
        self._most = most
        self._pause = pause
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a sign-in on, and its refusal back later; all else at once."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) not in SIGN_INS:
            await self._app(scope, receive, send)
            return

        async def held(message: Message) -> None:
            if message.get("status") in _REFUSALS and self._held < self._most:
                self._held += 1
                try:
                    await self._pause(uniform(*REFUSAL_SECONDS))  # noqa: S311 - no secret
                finally:
                    self._held -= 1
            await send(message)

        await self._app(scope, receive, held)


def _chosen_id(given: str | None) -> str:
    return given if given is not None and _GIVEN_ID.fullmatch(given) else uuid4().hex


def _frame(headers: MutableHeaders, request_id: str, scheme: str) -> None:
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    if scheme == "https":
        headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
    headers["X-Request-ID"] = request_id


def _name_language(headers: MutableHeaders, scope: Scope) -> None:
    """Name the language of an answer that was worded for its reader, and what it depends on."""
    if LANGUAGE_KEY in scope:
        headers.setdefault("Content-Language", scope[LANGUAGE_KEY])
        headers.add_vary_header("Accept-Language")
