"""Refuses requests for a host this installation is not called by: a foreign name may be pointed here to misuse a browser."""

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

Refusal = Callable[[Request], Awaitable[Response]]
"""Answers a request for a host that is not trusted."""


class TrustedHosts:
    """ASGI middleware that answers only for ``names``, in lower case; ``*.internal`` stands for every name below it.

    The framework's answers in plain text, outside of every error handler, and takes no address in brackets.
    """

    def __init__(self, app: ASGIApp, names: Sequence[str], refuse: Refusal) -> None:
        self._app = app
        self._names = names
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on where its host is trusted, or there is nothing to ask."""
        if scope["type"] != "http" or self._is_trusted(Request(scope)):
            await self._app(scope, receive, send)
            return
        answer = await self._refuse(Request(scope, receive))
        await answer(scope, receive, send)

    def _is_trusted(self, request: Request) -> bool:
        host = _host_in(request.headers.get("host", ""))
        return any(_fits(host, one) for one in self._names)


def _fits(host: str, name: str) -> bool:
    return name in {"*", host} or (name.startswith("*.") and host.endswith(name[1:]))


def _host_in(header: str) -> str:
    """Return the name in a Host header, without its port; empty where it cannot be read."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""
