"""Signing in over HTTP."""

from fastapi import APIRouter, Request

from autopublisher.api.access import Caller, address_of, public, signed_in
from autopublisher.api.exact_json import ExactRoute
from autopublisher.api.openapi import problems
from autopublisher.api.presenters import present_user
from autopublisher.api.schemas import SignInIn
from autopublisher.api.services import Given
from autopublisher.api.views import TokenOut, UserOut
from autopublisher.flows.requests.people import SESSION_LIFETIME

router = APIRouter(prefix="/auth", tags=["people"], route_class=ExactRoute)


@router.post(
    "/token",
    summary="Sign in",
    responses=problems(400, 401, 413, 415, 422, 429, 503),
    **public(),
)
def token(asked: SignInIn, services: Given, request: Request) -> TokenOut:
    """Exchange a name and its password for a bearer token."""
    fresh, _ = services.people.sign_in(asked.username, asked.password, address_of(request))
    return TokenOut(access_token=fresh, expires_in=int(SESSION_LIFETIME.total_seconds()))


@router.get("/me", summary="Say who I am", responses=problems(401, 503), **signed_in())
def me(user: Caller) -> UserOut:
    """Return whose token this is, and what it permits."""
    return present_user(user)
