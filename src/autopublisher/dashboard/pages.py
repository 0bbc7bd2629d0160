"""The dashboard's pages. Each names its permission once; a POST must carry its form's token."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from pydantic import AfterValidator
from starlette.responses import HTMLResponse, RedirectResponse, Response

from autopublisher.dashboard.api_reference import models_of, operations_of
from autopublisher.dashboard.figures import NOTHING
from autopublisher.dashboard.log_view import method_notes
from autopublisher.dashboard.page_route import entered, page_route
from autopublisher.dashboard.progress import awaits_approval, steps_of
from autopublisher.dashboard.rendering import PageRenderer
from autopublisher.dashboard.session import (
    SESSION_COOKIE,
    Desk,
    address_of,
    check_form,
    cookie_of,
    drop,
    entry,
    entry_to_stop,
    home_of,
    keep_session,
    reader_of,
)
from autopublisher.domain.access import Permission, allows
from autopublisher.domain.errors import (
    InvalidRequestError,
    NotAuthenticatedError,
    Problem,
    UnavailableError,
)
from autopublisher.domain.ids import AccountId, RunId, StopId
from autopublisher.domain.messages import Message, remedied
from autopublisher.domain.runs.run import RunStatus, Way
from autopublisher.flows.requests.people import WrongPasswordError
from autopublisher.flows.requests.refusals import Refusal
from autopublisher.flows.requests.sign_in_throttle import TooManyAttemptsError
from autopublisher.ports.passwords import PasswordsBusyError
from autopublisher.views.outcome import outcome_of
from autopublisher.views.progress import progress_of
from autopublisher.views.worth import worth_of

PAGE_SIZE: Final = 25
WAITING: Final = frozenset({RunStatus.WAITING_APPROVAL, RunStatus.PUBLISHING_FINAL})
MOST_EVENTS: Final = 200

RELEASED: Final = frozenset(
    {RunStatus.SCALING_BUDGET, RunStatus.PUBLISHING_FINAL, RunStatus.COMPLETED, RunStatus.WAITING_APPROVAL}
)
"""Statuses in which a run may have been released."""

RUN_ID: Final = r"^[0-9A-Za-z-]{1,64}$"


def _readable(text: str) -> str:
    """Return what a person can have meant: no control characters, which some databases refuse, and no blanks around."""
    return "".join(letter for letter in text if letter.isprintable()).strip()


NOT_SURE: Final = Problem("sure", Message("page.not_sure"), Message("page.not_sure.remedy"))

RunPath = Annotated[str, Path(pattern=RUN_ID)]
Typed = Annotated[str, Form(max_length=2000), AfterValidator(_readable)]
Ticked = Annotated[bool, Form()]
"""A box; one that is not ticked is not sent."""

Handler = Callable[..., Response]


def pages(desk: Desk) -> APIRouter:
    """Return the router with every page."""
    renderer = PageRenderer(desk)
    made = _Pages(desk, renderer)
    router = APIRouter(
        route_class=page_route(renderer), include_in_schema=False, default_response_class=HTMLResponse
    )
    way = _Way(router, desk)
    way.public("GET", "/static/style.css", made.style)
    way.public("GET", "/docs", made.docs)
    way.public("GET", "/login", made.login)
    way.public("POST", "/login", made.sign_in)
    way.public("POST", "/logout", made.sign_out)
    way.guarded("GET", "/", made.runs, Permission.RUN_READ)
    way.guarded("GET", "/runs/{run_id}", made.run, Permission.RUN_READ)
    way.guarded("POST", "/runs/{run_id}/cancel", made.cancel, Permission.RUN_CANCEL)
    way.guarded("POST", "/runs/{run_id}/adopt", made.adopt, Permission.RUN_ADOPT)
    way.guarded("GET", "/approvals", made.approvals, Permission.WINNER_PUBLISH)
    way.guarded("GET", "/approvals/{run_id}", made.approval, Permission.WINNER_PUBLISH)
    way.guarded("POST", "/approvals/{run_id}", made.approve, Permission.WINNER_PUBLISH)
    way.guarded("POST", "/approvals/{run_id}/reject", made.reject, Permission.RUN_CANCEL)
    way.kill_switch("GET", "/stops", made.stops, Permission.STOP_READ)
    way.kill_switch("POST", "/stops", made.stop, Permission.STOP_CREATE)
    way.urgent("POST", "/stops/{stop_id}/resume", made.resume, Permission.STOP_LIFT)
    way.urgent("GET", "/exposure", made.exposure, Permission.EXPOSURE_READ)
    way.urgent("GET", "/system", made.system, Permission.HEALTH_READ)
    return router


class _Way:
    """Adds routes, each with its permission and, for a POST, its form check."""

    def __init__(self, router: APIRouter, desk: Desk) -> None:
        self._router = router
        self._desk = desk

    def public(self, method: str, path: str, handler: Handler) -> None:
        self._add(method, path, handler, "public", [])

    def guarded(self, method: str, path: str, handler: Handler, permission: Permission) -> None:
        enter = entry(self._desk.people, permission)
        if method == "GET":
            self._add(method, path, entered(handler, enter), permission.value, [])
        else:
            self._add(method, path, handler, permission.value, [Depends(enter)])

    def kill_switch(self, method: str, path: str, handler: Handler, permission: Permission) -> None:
        own = self._desk.in_stop_thread
        enter = own(entry_to_stop(self._desk.people, permission))
        self._add(method, path, own(handler), permission.value, [Depends(enter)])

    def urgent(self, method: str, path: str, handler: Handler, permission: Permission) -> None:
        own = self._desk.in_watch_thread
        enter = own(entry(self._desk.people, permission))
        self._add(method, path, own(handler), permission.value, [Depends(enter)])

    def _add(self, method: str, path: str, handler: Handler, permission: str, entries: list[Any]) -> None:
        checks = [Depends(check_form)] if method == "POST" else []
        self._router.add_api_route(
            path,
            handler,
            methods=[method],
            dependencies=entries + checks,
            response_model=None,
            openapi_extra={"x-permission": permission},
        )


class _Pages:
    """What each page shows and does."""

    def __init__(self, desk: Desk, renderer: PageRenderer) -> None:
        self._desk = desk
        self._renderer = renderer
        self._style = files("autopublisher.dashboard").joinpath("static/style.css").read_text("utf-8")

    def style(self) -> Response:
        return Response(self._style, media_type="text/css", headers={"Cache-Control": "max-age=300"})

    def docs(self, request: Request) -> Response:
        document = request.app.openapi()
        return self._renderer.page(
            request,
            "docs.html",
            calls=operations_of(document),
            models=partial(models_of, document),
            none_shown=NOTHING,
        )

    def login(self, request: Request) -> Response:
        return self._renderer.page(request, "login.html", problem=None)

    def sign_in(
        self,
        request: Request,
        username: Annotated[str, Form(max_length=512)] = "",
        password: Annotated[str, Form(max_length=1024)] = "",
    ) -> Response:
        people = self._desk.people
        try:
            token, _ = people.sign_in(username, password, address_of(request))
        except (TooManyAttemptsError, PasswordsBusyError):
            return self._renderer.page(request, "login.html", 429, problem="too_many")
        except WrongPasswordError:
            return self._renderer.page(request, "login.html", 401, problem="wrong_password")
        response = RedirectResponse(home_of(people.identify(token).role), 303)
        keep_session(request, response, token)
        return response

    def sign_out(self, request: Request) -> Response:
        self._desk.people.revoke(cookie_of(request, SESSION_COOKIE))
        response = RedirectResponse("/login", 303)
        drop(request, response, SESSION_COOKIE)
        return response

    def runs(self, request: Request, before: Annotated[str | None, Query(pattern=RUN_ID)] = None) -> Response:
        found = self._desk.reports.lines(None if before is None else RunId(before), PAGE_SIZE)
        return self._renderer.page(request, "runs.html", lines=found.lines, older=found.older)

    def run(self, request: Request, run_id: RunPath) -> Response:
        view = self._desk.reports.view(RunId(run_id))
        return self._renderer.page(
            request,
            "run.html",
            about=view.run.act_id,
            view=view,
            steps=steps_of(view.run),
            awaits=awaits_approval(view.run),
            progress=progress_of(view),
            notes=method_notes(view.decision),
            worth=worth_of(view),
            outcome=outcome_of(view),
            events=view.events[: -MOST_EVENTS - 1 : -1],
        )

    def cancel(self, request: Request, run_id: RunPath, reason: Typed = "", sure: Ticked = False) -> Response:  # noqa: FBT002
        _need_sure(sure=sure)
        self._desk.approvals.cancel(RunId(run_id), reader_of(request).name, reason=reason)
        return RedirectResponse(f"/runs/{run_id}", 303)

    def adopt(self, request: Request, run_id: RunPath, digest: Typed = "") -> Response:
        self._desk.approvals.adopt(RunId(run_id), reader_of(request).name, digest=digest)
        return RedirectResponse(f"/runs/{run_id}", 303)

    def reject(self, request: Request, run_id: RunPath, reason: Typed = "", sure: Ticked = False) -> Response:  # noqa: FBT002
        _need_sure(sure=sure)
        self._desk.approvals.reject(RunId(run_id), reader_of(request).name, reason=reason)
        return RedirectResponse(f"/runs/{run_id}", 303)

    def approvals(self, request: Request, done: Annotated[bool, Query()] = False) -> Response:  # noqa: FBT002 - ?done=1
        waiting = self._desk.reports.page(None, PAGE_SIZE, WAITING)
        since = self._desk.reports.page(None, PAGE_SIZE, RELEASED)
        given = self._desk.reports.releases([one for one in since if one.release.approval is not None])
        return self._renderer.page(
            request,
            "approvals.html",
            runs=[one for one in waiting if awaits_approval(one)],
            given=given,
            done=done,
        )

    def approval(self, request: Request, run_id: RunPath) -> Response:
        view = self._desk.reports.view(RunId(run_id))
        return self._renderer.page(
            request,
            "approval.html",
            about=view.run.act_id,
            view=view,
            awaits=awaits_approval(view.run),
            notes=method_notes(view.decision),
            worth=worth_of(view),
        )

    def approve(  # noqa: PLR0917 - one field of the form each
        self,
        request: Request,
        run_id: RunPath,
        variant: Typed = "",
        digest: Typed = "",
        comment: Typed = "",
        way: Typed = Way.SCALED.value,
    ) -> Response:
        reader = reader_of(request)
        self._desk.approvals.publish_winner(
            RunId(run_id),
            reader.name,
            variant=None if variant == Way.KEEP_ALL.value else variant or None,
            comment=comment,
            digest=digest,
            role=reader.role,
            way=_way_of(variant if variant == Way.KEEP_ALL.value else way),
        )
        target = f"/runs/{run_id}" if allows(reader.role, Permission.RUN_READ) else "/approvals?done=1"
        return RedirectResponse(target, 303)

    def stops(self, request: Request) -> Response:
        stops = self._desk.stops
        try:
            figures: dict[str, Any] = {
                "views": stops.views(),
                "accounts": stops.accounts(),
                "unreadable": None,
            }
        except UnavailableError as error:
            noted, booked = stops.noted()
            figures = {"views": noted, "accounts": booked, "unreadable": error}
        return self._renderer.page(request, "stops.html", **figures)

    def stop(
        self,
        request: Request,
        account: Typed = "",
        reason: Typed = "",
        sure: Ticked = False,  # noqa: FBT002
    ) -> Response:
        _need_sure(sure=sure)
        chosen = AccountId(account) if account else None
        self._desk.stops.stop(chosen, reason, reader_of(request).name)
        return RedirectResponse("/stops", 303)

    def resume(
        self,
        request: Request,
        stop_id: RunPath,
        reason: Typed = "",
        reactivate: Annotated[bool, Form()] = False,  # noqa: FBT002 - a box that is not ticked is not sent
    ) -> Response:
        self._desk.stops.resume(
            reader_of(request).name, reason, stop_id=StopId(stop_id), reactivate=reactivate
        )
        return RedirectResponse("/stops", 303)

    def exposure(
        self, request: Request, before: Annotated[str | None, Query(pattern=RUN_ID)] = None
    ) -> Response:
        found = self._desk.exposures.of(before=None if before is None else RunId(before), limit=PAGE_SIZE)
        return self._renderer.page(request, "exposure.html", accounts=found)

    def system(self, request: Request) -> Response:
        return self._renderer.page(request, "system.html", health=self._desk.monitor.health())


def _need_sure(*, sure: bool) -> None:
    if not sure:
        raise InvalidRequestError([NOT_SURE])


def lost_page(desk: Desk) -> Callable[[Request, int], Response]:
    """Return what draws the page of an address where there is nothing, or of a host not trusted, for whoever looks."""
    renderer = PageRenderer(desk)

    def draw(request: Request, status: int) -> Response:
        with suppress(NotAuthenticatedError, UnavailableError):
            request.state.user = desk.people.identify(cookie_of(request, SESSION_COOKIE))
        word = "host_not_trusted" if status == HTTPStatus.BAD_REQUEST else "lost"
        return renderer.page(request, "error.html", status, error=None, word=word)

    return draw


def _way_of(typed: str) -> Way:
    """Return a way of publishing by its name; raises InvalidRequestError for what is none."""
    if typed not in set(Way):
        said = Refusal.NO_SUCH_WAY(way=typed, ways=tuple(Way))
        raise InvalidRequestError([Problem("way", *remedied(said))])
    return Way(typed)
