"""Who is calling, and whether they may: each route names its permission once, for the check and for the document."""

from typing import Annotated, Any

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from autopublisher.api.services import Given
from autopublisher.domain.access import Permission, require
from autopublisher.domain.errors import NotAuthenticatedError
from autopublisher.domain.records import User

PUBLIC = "public"
"""What a route without a permission says of itself."""

SIGNED_IN = "signed-in"
"""What a route says of itself that is open to everybody who has a token."""

_bearer = HTTPBearer(
    auto_error=False, scheme_name="bearer", description="A token of POST /auth/token, or an API token."
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


def caller(services: Given, credentials: Credentials) -> User:
    """Return who is calling; raises NotAuthenticatedError."""
    if credentials is None:
        raise NotAuthenticatedError
    return services.people.identify(credentials.credentials)


Caller = Annotated[User, Depends(caller)]
"""The person behind the request."""


def guarded(permission: Permission) -> dict[str, Any]:
    """Return the route arguments that let only holders of ``permission`` pass, and say so in the document."""

    def check(user: Caller) -> None:
        require(user.role, permission)

    return {"dependencies": [Depends(check)], "openapi_extra": {"x-permission": permission.value}}


def signed_in() -> dict[str, Any]:
    """Return the route arguments of what everybody with a token may do."""
    return {"dependencies": [Depends(caller)], "openapi_extra": {"x-permission": SIGNED_IN}}


def public() -> dict[str, Any]:
    """Return the route arguments of what anybody may do."""
    return {"openapi_extra": {"x-permission": PUBLIC}}


def public_or_more() -> dict[str, Any]:
    """Return the route arguments of what anybody may do and a token shows more of."""
    return {"openapi_extra": {"x-permission": PUBLIC, "security": [{}]}}
