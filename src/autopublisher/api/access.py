"""Who is calling, and whether they may: each route names its permission once, for the check and for the document."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any

from fastapi import Depends, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from autopublisher.api.reserved_threads import in_stop_thread, in_watch_thread
from autopublisher.api.services import Given
from autopublisher.domain.access import Permission, require
from autopublisher.domain.errors import NotAuthenticatedError
from autopublisher.domain.people import User

PUBLIC = "public"
"""What a route without a permission says of itself."""

SIGNED_IN = "signed-in"
"""What a route says of itself that is open to everybody who has a token."""

bearer = HTTPBearer(
    auto_error=False, scheme_name="bearer", description="A token of POST /auth/token, or an API token."
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]


def caller(services: Given, credentials: Credentials) -> User:
    """Return who is calling; raises NotAuthenticatedError."""
    if credentials is None:
        raise NotAuthenticatedError
    return services.people.identify(credentials.credentials)


class AuthorisedFirstRoute(APIRoute):
    """A route whose body is read only once the caller is known to be allowed: a large one is not taken from anybody else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the usual handler behind the check of its permission."""
        handle = super().get_route_handler()
        permission = Permission((self.openapi_extra or {})["x-permission"])

        async def authorised(request: Request) -> Response:
            credentials = await bearer(request)
            user = await run_in_threadpool(caller, request.app.state.services, credentials)
            require(user.role, permission)
            return await handle(request)

        return authorised


def stopper(services: Given, credentials: Credentials) -> User:
    """Return who wants to stop, even while the database cannot be asked; raises NotAuthenticatedError."""
    if credentials is None:
        raise NotAuthenticatedError
    return services.people.identify_to_stop(credentials.credentials)


Caller = Annotated[User, Depends(caller)]
"""The person behind the request."""

Stopper = Annotated[User, Depends(in_stop_thread(stopper))]
"""The person who presses the kill switch."""


def address_of(request: Request) -> str:
    """Return the address a request came from, as far as it is known; a proxy's word counts where it is trusted."""
    return request.client.host if request.client is not None else "unknown"


async def known_parameters(request: Request) -> None:
    """Refuse query parameters the route does not know, by name: a misspelt one would else be left out silently."""
    route = request.scope["route"]
    known = {one.alias for one in route.dependant.query_params} if isinstance(route, APIRoute) else set()
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise RequestValidationError([_unknown(one) for one in unknown])


def _unknown(parameter: str) -> dict[str, Any]:
    return {"type": "extra_forbidden", "loc": ("query", parameter), "msg": ""}


_KNOWN = Depends(known_parameters)


async def known_form_fields(request: Request) -> None:
    """Refuse form fields the route does not know, and known ones that come twice: either would be left out silently."""
    route, sent = request.scope["route"], [name for name, _ in (await request.form()).multi_items()]
    known = [one.alias for one in route.dependant.body_params] if isinstance(route, APIRoute) else []
    wrong = [_unknown_field(one, known) for one in sorted(set(sent) - set(known))]
    twice = [_repeated_field(one) for one in known if sent.count(one) > 1]
    if wrong or twice:
        raise RequestValidationError([*wrong, *twice])


def _unknown_field(name: str, known: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "unknown_form_field",
        "loc": ("body", name),
        "msg": "",
        "ctx": {"known": ", ".join(known)},
    }


def _repeated_field(name: str) -> dict[str, Any]:
    return {
        "type": "repeated_form_field",
        "loc": ("body", name),
        "msg": "",
    }


UrgentCaller = Annotated[User, Depends(in_watch_thread(caller))]
"""The person behind a request that must be answered whatever else is going on."""


def guarded(permission: Permission) -> dict[str, Any]:
    """Return the route arguments that let only holders of ``permission`` pass, and say so in the document."""

    async def check(user: Caller) -> None:
        require(user.role, permission)

    return _checked(check, permission)


def shown(permission: Permission) -> dict[str, Any]:
    """Return the route arguments of an endpoint that is ``shown_to`` holders of ``permission`` and lets them in itself."""
    told: dict[str, Any] = {"x-permission": permission.value, "security": [{bearer.scheme_name: []}]}
    return {"dependencies": [_KNOWN], "openapi_extra": told}


def urgent(permission: Permission) -> dict[str, Any]:
    """Return the same as ``guarded``, for a route whose work has threads of its own: no step waits for a common thread."""

    async def check(user: UrgentCaller) -> None:
        require(user.role, permission)

    return _checked(check, permission)


def _checked(check: Callable[..., Coroutine[Any, Any, None]], permission: Permission) -> dict[str, Any]:
    return {"dependencies": [Depends(check), _KNOWN], "openapi_extra": {"x-permission": permission.value}}


def guarded_stop() -> dict[str, Any]:
    """Return the route arguments of the kill switch itself: as ``guarded``, for a ``Stopper``."""

    async def check(user: Stopper) -> None:
        require(user.role, Permission.STOP_CREATE)

    return _checked(check, Permission.STOP_CREATE)


def signed_in() -> dict[str, Any]:
    """Return the route arguments of what everybody with a token may do."""
    return {"dependencies": [Depends(caller), _KNOWN], "openapi_extra": {"x-permission": SIGNED_IN}}


def public() -> dict[str, Any]:
    """Return the route arguments of what anybody may do."""
    return {"dependencies": [_KNOWN], "openapi_extra": {"x-permission": PUBLIC}}


def public_or_more() -> dict[str, Any]:
    """Return the route arguments of what anybody may do and a token shows more of."""
    return {"dependencies": [_KNOWN], "openapi_extra": {"x-permission": PUBLIC, "security": [{}]}}
