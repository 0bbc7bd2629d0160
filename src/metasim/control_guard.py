"""Who may use the addresses under /_sim: callers of this machine who hold the token, and no page of another site.

Without a token (a simulator nobody announced) the Host and Origin of a request are looked at all the same: a page in a
browser on this machine could else reach the controls by a name of its own that leads here.
"""

from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

TOKEN_VARIABLE: Final = "SIMULATOR_TOKEN"  # noqa: S105 - the name, not a token
"""By which whoever starts a simulator hands it a token, so that one brought back keeps the old one."""

OPEN_PATH: Final = "/_sim/health"
"""Says what runs, and nothing that would help anybody; open to all of this machine."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

Handler = Callable[[Request], Awaitable[Response]]


def guarded(handle: Handler, token: str | None) -> Handler:
    """Return the handler behind the checks; it answers 403 to a foreign host or origin and 401 without the token."""

    async def checked(request: Request) -> Response:
        if not _is_local(request):
            return JSONResponse({"error": "this host or origin may not use the simulator's controls"}, 403)
        if token is not None and request.url.path != OPEN_PATH and not _holds(request, token):
            return JSONResponse(
                {"error": "send 'Authorization: Bearer ...' with the token of the announcement file"}, 401
            )
        return await handle(request)

    return checked


def _is_local(request: Request) -> bool:
    """Tell whether the request names this machine as its host, and comes from no page of another site."""
    host, origin = request.headers.get("host", ""), request.headers.get("origin")
    server = request.scope.get("server") or ("", None)
    name = urlsplit(f"//{host}").hostname
    return (name in _LOOPBACK or name == server[0]) and (origin is None or urlsplit(origin).netloc == host)


def _holds(request: Request, token: str) -> bool:
    """Tell whether the request bears the token, as a header or, for a page that a person opens, in its address."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if request.method == "GET":
        given = given or request.query_params.get("token", "")
    return compare_digest(given.encode(), token.encode())
