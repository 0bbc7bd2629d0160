"""Who is looking: the session cookie, the form tokens that bind a POST to it, and what a page needs."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import Form, Request
from starlette.responses import Response

from autopublisher.domain.access import Permission, Role, allows, require
from autopublisher.domain.errors import ForbiddenError, NotAuthenticatedError
from autopublisher.domain.people import User
from autopublisher.flows.requests.approvals import Approvals
from autopublisher.flows.requests.exposure import Exposures
from autopublisher.flows.requests.monitor import Monitor
from autopublisher.flows.requests.people import SESSION_LIFETIME, People
from autopublisher.flows.requests.reports import Reports
from autopublisher.flows.requests.stops import Stops
from autopublisher.ports.clock import Clock

SESSION_COOKIE: Final = "ap_session"
FORM_COOKIE: Final = "ap_form"
LANGUAGE_COOKIE: Final = "ap_lang"


InThread = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Returns work as a coroutine that runs it in threads kept for one purpose."""


@dataclass(frozen=True)
class Desk:
    """The use cases behind the pages."""

    people: People
    reports: Reports
    approvals: Approvals
    monitor: Monitor
    stops: Stops
    exposures: Exposures
    clock: Clock
    in_stop_thread: InThread
    in_watch_thread: InThread


class StaleFormError(ForbiddenError):
    """This form is no longer valid."""

    def __init__(self) -> None:
        super().__init__()


def home_of(role: Role) -> str:
    """Return the first page a role may see."""
    if allows(role, Permission.RUN_READ):
        return "/"
    return "/approvals" if allows(role, Permission.WINNER_PUBLISH) else "/system"


def entry(people: People, permission: Permission) -> Callable[[Request], None]:
    """Return the dependency that lets only holders of ``permission`` into a page."""

    def enter(request: Request) -> None:
        user = people.identify(cookie_of(request, SESSION_COOKIE))
        request.state.user = user
        require(user.role, permission)

    return enter


def entry_to_stop(people: People, permission: Permission) -> Callable[[Request], None]:
    """Return the dependency of the kill switch's pages, which open even while the database cannot be asked."""

    def enter(request: Request) -> None:
        user = people.identify_to_stop(cookie_of(request, SESSION_COOKIE))
        request.state.user = user
        require(user.role, permission)

    return enter


def reader_of(request: Request) -> User:
    """Return who has entered; raises NotAuthenticatedError on a page that let everybody in."""
    user: User | None = getattr(request.state, "user", None)
    if user is None:
        raise NotAuthenticatedError
    return user


def address_of(request: Request) -> str:
    """Return the address a request came from, as far as it is known; a proxy's word counts where it is trusted."""
    return request.client.host if request.client is not None else "unknown"


def form_token(request: Request) -> str:
    """Return the token that this browser's forms must carry."""
    return _derived(_browser_secret(request))


async def check_form(request: Request, form: Annotated[str, Form(max_length=100)] = "") -> None:
    """Refuse a POST that does not come from a form this browser was given, or from another site; raises StaleFormError."""
    if not _from_here(request):
        raise StaleFormError
    secret = _browser_secret(request)
    if not secret or not hmac.compare_digest(_derived(secret).encode(), form.encode("utf-8", "replace")):
        raise StaleFormError


def _from_here(request: Request) -> bool:
    """Tell whether a browser says that one of our own pages sent this; an old one that says nothing has its form's token."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site == "same-origin"
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _browser_secret(request: Request) -> str:
    """Return what only this browser holds: its session, or before that a random value of its own."""
    held = cookie_of(request, SESSION_COOKIE) or cookie_of(request, FORM_COOKIE)
    return held or str(getattr(request.state, "fresh_secret", ""))


def _derived(secret: str) -> str:
    return hmac.new(secret.encode("utf-8", "replace"), b"dashboard form", hashlib.sha256).hexdigest()


def prepare_form(request: Request) -> str | None:
    """Give a browser without any secret a fresh one, and return it for its cookie."""
    if _browser_secret(request):
        return None
    fresh: str = secrets.token_urlsafe(24)
    request.state.fresh_secret = fresh
    return fresh


def keep(request: Request, response: Response, name: str, value: str, seconds: int | None = None) -> None:
    """Set a cookie that scripts cannot read and other sites cannot send with a POST."""
    response.set_cookie(
        _named(request, name),
        value,
        max_age=seconds,
        httponly=True,
        samesite="lax",
        secure=_is_secure(request),
        path="/",
    )


def keep_session(request: Request, response: Response, token: str) -> None:
    """Set the session cookie for as long as its token lives."""
    keep(request, response, SESSION_COOKIE, token, int(SESSION_LIFETIME.total_seconds()))
    drop(request, response, FORM_COOKIE)


def drop(request: Request, response: Response, name: str) -> None:
    """Have the browser forget a cookie."""
    response.delete_cookie(_named(request, name), path="/", secure=_is_secure(request), httponly=True)


def cookie_of(request: Request, name: str) -> str:
    """Return a cookie's value; empty without one."""
    return request.cookies.get(_named(request, name), "")


def _named(request: Request, name: str) -> str:
    """Return a cookie's name; over TLS one that no other host, and nothing without TLS, can have set."""
    return f"__Host-{name}" if _is_secure(request) else name


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
