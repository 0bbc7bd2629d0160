"""The brief's endpoints, under ``/meta/autopilot``: paths, fields and role lists as it gives them, and a few more."""

from math import ceil
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response, status

from autopublisher.api.access import Caller, Credentials, caller, guarded, public_or_more, shown
from autopublisher.api.fields import MOST_RUNS, Identifier
from autopublisher.api.openapi import problems
from autopublisher.api.presenters import STATUS_PATH, present_health, present_run, present_summary
from autopublisher.api.reader import Reader
from autopublisher.api.reserved_threads import in_watch_thread
from autopublisher.api.schemas import AdoptIn, CancelIn, PublishWinnerIn, RunRequestIn, ScheduleIn
from autopublisher.api.services import Given, Services
from autopublisher.api.shown import ShowRoute, shown_to
from autopublisher.api.views import HealthOut, RunOut, RunPageOut
from autopublisher.api.waiting import asked_wait, rests
from autopublisher.domain.access import Permission, allows
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.messages import Language

SLOWEST_RETRY = 60
"""Seconds after which a caller is told to look again at the latest."""

router = APIRouter(prefix="/meta/autopilot", tags=["autopilot"], route_class=ShowRoute)

Prefer = Annotated[
    str | None,
    Header(description="`wait=N`: hold the answer until the run rests, for N seconds (60) at most."),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key with the same body gives the run it gave before; with another body it is refused.",
    ),
]

PlanDigest = Annotated[
    str | None,
    Query(
        pattern=r"^[0-9a-f]{64}$",
        description="The `digest` of `POST /meta/autopilot/plan`: the run starts only if its plan is still the same.",
    ),
]

_WAITED: dict[int | str, dict[str, Any]] = {
    200: {"model": RunOut, "description": "The run rests; only with `Prefer: wait`."}
}


@router.post(
    "/run",
    summary="Run an A/B test and publish its winner",
    status_code=status.HTTP_202_ACCEPTED,
    responses={**_WAITED, **problems(400, 401, 403, 404, 409, 413, 415, 422, 502, 503)},
    **guarded(Permission.RUN_CREATE),
)
def run(
    *,
    asked: RunRequestIn,
    services: Given,
    user: Caller,
    response: Response,
    reader: Reader,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
    plan_digest: PlanDigest = None,
) -> RunOut:
    """Accept a run. It is created at once and carried out in the background."""
    accepted = services.intake.submit(asked.to_domain(), user.name, idempotency_key, plan_digest)
    return _answer(services, accepted, response, prefer, reader)


@router.post(
    "/schedule",
    summary="Schedule a run",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(400, 401, 403, 404, 409, 413, 415, 422, 502, 503),
    **guarded(Permission.RUN_SCHEDULE),
)
def schedule(  # noqa: PLR0917 - the framework names them
    asked: ScheduleIn,
    services: Given,
    user: Caller,
    response: Response,
    reader: Reader,
    idempotency_key: IdempotencyKey = None,
) -> RunOut:
    """Accept a run that begins at ``scheduled_for``."""
    accepted = services.intake.submit(asked.to_domain(), user.name, idempotency_key)
    return _answer(services, accepted, response, None, reader)


@router.get(
    "/status/{run_id}",
    summary="Follow a run",
    responses=problems(401, 403, 404, 422, 503),
    **shown(Permission.RUN_READ),
)
@shown_to(Permission.RUN_READ)
def run_status(
    run_id: Identifier, services: Given, response: Response, reader: Reader, prefer: Prefer = None
) -> RunOut:
    """Return a run as it stands; ``Prefer: wait=N`` waits for it to rest."""
    _hold(services, RunId(run_id), response, prefer)
    return present_run(services.reports.view(RunId(run_id)), reader)


@router.post(
    "/publish-winner",
    summary="Release the winner of a test",
    status_code=status.HTTP_202_ACCEPTED,
    responses={**_WAITED, **problems(400, 401, 403, 404, 409, 413, 415, 422, 503)},
    **guarded(Permission.WINNER_PUBLISH),
)
def publish_winner(  # noqa: PLR0917 - as above
    asked: PublishWinnerIn,
    services: Given,
    user: Caller,
    response: Response,
    reader: Reader,
    prefer: Prefer = None,
) -> RunOut:
    """Release the run's winner, or the variant named; ``plan_digest`` binds the release to the plan that was seen.

    A choice against the verdict is an override: it needs a manager or an admin, and a reason in ``comment``.
    """
    released = services.approvals.publish_winner(
        RunId(asked.run_id),
        user.name,
        variant=asked.variant_id,
        comment=asked.comment,
        digest=asked.plan_digest,
        role=user.role,
        way=asked.way,
    )
    return _answer(services, released, response, prefer, reader)


@router.post(
    "/cancel",
    summary="Stop a run",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
    **guarded(Permission.RUN_CANCEL),
)
def cancel(asked: CancelIn, services: Given, user: Caller, response: Response, reader: Reader) -> RunOut:
    """Ask for a run's end: its next step pauses or deletes what it made at Meta."""
    stopped = services.approvals.cancel(RunId(asked.run_id), user.name, reason=asked.reason)
    return _answer(services, stopped, response, None, reader)


@router.post(
    "/runs/{run_id}/adopt",
    summary="Take over what Meta holds of a run",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
    **guarded(Permission.RUN_ADOPT),
)
def adopt(  # noqa: PLR0917 - as above
    run_id: Identifier, asked: AdoptIn, services: Given, user: Caller, response: Response, reader: Reader
) -> RunOut:
    """Have a run whose database is older than Meta go on with what Meta holds of it, as its ``older`` shows."""
    told = services.approvals.adopt(RunId(run_id), user.name, digest=asked.found_digest)
    return _answer(services, told, response, None, reader)


@router.get(
    "/runs",
    summary="List runs, newest first",
    responses=problems(401, 403, 404, 422, 503),
    **shown(Permission.RUN_READ),
)
@shown_to(Permission.RUN_READ)
def runs(
    services: Given,
    reader: Reader,
    before: Annotated[Identifier | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_RUNS)] = 20,
    only: Annotated[list[RunStatus] | None, Query(alias="status", description="Only these statuses.")] = None,
) -> RunPageOut:
    """Return one page of runs."""
    cursor = None if before is None else RunId(before)
    found = services.reports.lines(cursor, limit, None if only is None else frozenset(only))
    return RunPageOut(
        runs=[present_summary(one.run, one.money, reader) for one in found.lines], next=found.older
    )


@router.get(
    "/health",
    summary="Say how the system is",
    responses=problems(401, 503),
    response_model_exclude_unset=True,
    **public_or_more(),
)
@in_watch_thread
def health(services: Given, credentials: Credentials, reader: Reader) -> HealthOut:
    """Say that the process lives; with a token of somebody who may know, also how each part is."""
    basics = {"version": services.version, "mode": services.mode, "enabled": services.enabled}
    if credentials is None or not allows(caller(services, credentials).role, Permission.HEALTH_READ):
        return HealthOut.model_validate({"status": "ok", **basics})
    found = services.monitor.health()
    state = "ok" if found.is_ok else "degraded"
    return HealthOut.model_validate({"status": state, **basics, "details": present_health(found, reader)})


def _answer(services: Services, run: Run, response: Response, prefer: str | None, reader: Language) -> RunOut:
    """Answer with a run that has been set going: 200 once it rests, 202 while it moves."""
    waited = _hold(services, run.id, response, prefer)
    view = services.reports.view(run.id)
    response.headers["Location"] = STATUS_PATH + run.id
    if waited and rests(view.run):
        response.status_code = status.HTTP_200_OK
    else:
        response.headers["Retry-After"] = str(_seconds_to_next_look(services, view.run))
    return present_run(view, reader)


def _hold(services: Services, run_id: RunId, response: Response, prefer: str | None) -> bool:
    """Wait as the caller prefers, and say so; False where they do not, or nobody more can wait."""
    seconds = asked_wait(prefer)
    if seconds is None:
        return False
    if not services.patience.wait(lambda: services.reports.run(run_id), seconds):
        return False
    response.headers["Preference-Applied"] = f"wait={seconds}"
    return True


def _seconds_to_next_look(services: Services, run: Run) -> int:
    if run.next_tick_at is None:
        return SLOWEST_RETRY
    seconds = services.clock.real_seconds_until(run.next_tick_at)
    return 5 if seconds is None else min(SLOWEST_RETRY, max(1, ceil(seconds)))
