"""Renders pages: templates, the reader's language, and the policy that lets a browser load nothing but our style."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from autopublisher.dashboard.figures import Figures
from autopublisher.dashboard.session import (
    FORM_COOKIE,
    LANGUAGE_COOKIE,
    Desk,
    cookie_of,
    form_token,
    keep,
    prepare_form,
)
from autopublisher.domain.access import Permission, allows
from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.ids import ActId
from autopublisher.domain.people import User
from autopublisher.messages import error_text, language_of, remedy_text, words_in
from autopublisher.views.moments import Zones, zones_of

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
_YEAR = 365 * 24 * 3600
_T = TypeVar("_T")


class PageRenderer:
    """Turns a template and its figures into a page for one reader."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._templates = _templates()

    def page(
        self,
        request: Request,
        template: str,
        status: int = 200,
        *,
        about: ActId | None = None,
        **figures: Any,
    ) -> HTMLResponse:
        """Return a page; ``about`` is the account that it is about as a whole, whose zone its moments are in."""
        asked = request.query_params.get("lang")
        language = language_of(
            asked, cookie_of(request, LANGUAGE_COOKIE), request.headers.get("accept-language")
        )
        fresh = prepare_form(request)
        html = self._templates.get_template(template).render(
            language=language,
            words=words_in(language),
            show=Figures(language, cache(self._zones), about),
            form=form_token(request),
            path=request.url.path if request.method == "GET" else "/",
            here=_address_of(request),
            now=self._now(request),
            user=getattr(request.state, "user", None),
            may=_rights(getattr(request.state, "user", None)),
            held=self._held(request),
            **figures,
        )
        response = HTMLResponse(
            html,
            status,
            headers={
                "Content-Security-Policy": POLICY,
                "Referrer-Policy": "same-origin",
                "Content-Language": language,
                "Vary": "Accept-Language, Cookie",
            },
        )
        if fresh is not None:
            keep(request, response, FORM_COOKIE, fresh)
        if asked == language:
            keep(request, response, LANGUAGE_COOKIE, language, _YEAR)
        return response

    def _now(self, request: Request) -> datetime | None:
        """Return the moment a page's figures are of; None for strangers, whose pages have none, and without a clock."""
        if getattr(request.state, "user", None) is None:
            return None
        try:
            return self._desk.clock.now()
        except UnavailableError:
            return None

    def _zones(self) -> Zones:
        return zones_of(_readable(self._desk.stops.accounts))

    def _held(self, request: Request) -> Sequence[Stop]:
        """Return the stops that every page has to show to whoever has signed in."""
        return () if getattr(request.state, "user", None) is None else _readable(self._desk.stops.holding)


@cache
def _templates() -> Environment:
    """Return the templates, which are compiled once in a process, however many renderers it has."""
    templates = Environment(
        loader=PackageLoader("autopublisher.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals |= {"error_text": error_text, "remedy_text": remedy_text}
    return templates


def _address_of(request: Request) -> str:
    """Return where the same page is found again."""
    if request.method != "GET":
        return "/"
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path


def _readable(read: Callable[[], Sequence[_T]]) -> Sequence[_T]:
    """Return what the database says, nothing where it is unreachable: a page about that must still be drawn."""
    try:
        return read()
    except UnavailableError:
        return ()


def _rights(user: User | None) -> dict[str, bool]:
    """Return which permissions the reader holds, by name."""
    return {one.name: user is not None and allows(user.role, one) for one in Permission}
