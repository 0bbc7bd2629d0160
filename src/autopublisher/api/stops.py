"""The kill switch over HTTP: stop, see how far it has come, resume."""

from fastapi import APIRouter, status

from autopublisher.api.access import Stopper, UrgentCaller, guarded_stop, urgent
from autopublisher.api.exact_json import ExactRoute
from autopublisher.api.openapi import problems
from autopublisher.api.reader import Reader
from autopublisher.api.reserved_threads import in_stop_thread, in_watch_thread
from autopublisher.api.services import Given
from autopublisher.api.stop_models import ResumeIn, StopIn, StopOut, StopsOut, present_stop
from autopublisher.domain.access import Permission
from autopublisher.domain.errors import InvalidRequestError, Problem
from autopublisher.domain.ids import AccountId, StopId
from autopublisher.domain.messages import Message

_ONE_SCOPE = Problem("meta_account_id", Message("api.one_scope"), Message("api.one_scope.remedy"))

router = APIRouter(prefix="/meta/autopilot", tags=["kill switch"], route_class=ExactRoute)


@router.post(
    "/stop",
    summary="Stop an account, or everything",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(400, 401, 403, 404, 413, 415, 422, 503),
    **guarded_stop(),
)
@in_stop_thread
def stop(asked: StopIn, services: Given, user: Stopper, reader: Reader) -> StopOut:
    """Stop at once: no write but pauses, deletes, earlier ends and smaller budgets is sent from now on.

    Everything of ours at Meta is then switched off and read back; ``GET /meta/autopilot/stops`` says how far that has come.
    Where the database cannot take the stop, everything is paused before the answer, and ``unrecorded`` says so.
    """
    if asked.all == (asked.meta_account_id is not None):
        raise InvalidRequestError([_ONE_SCOPE])
    account = None if asked.meta_account_id is None else AccountId(asked.meta_account_id)
    return present_stop(services.stops.stop(account, asked.reason, user.name), reader)


@router.get(
    "/stops",
    summary="List stops and how far they have come",
    responses=problems(401, 403, 503),
    **urgent(Permission.STOP_READ),
)
@in_watch_thread
def stops(services: Given, reader: Reader) -> StopsOut:
    """Return the stops that hold, then the newest of the others, each with what Meta showed of every object."""
    return StopsOut(stops=[present_stop(one, reader) for one in services.stops.views()])


@router.post(
    "/resume",
    summary="Lift a stop",
    responses=problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
    **urgent(Permission.STOP_LIFT),
)
@in_watch_thread
def resume(asked: ResumeIn, services: Given, user: UrgentCaller, reader: Reader) -> StopsOut:
    """Lift a stop, or those of one account: runs under way go on; final campaigns stay paused unless asked for."""
    lifted = services.stops.resume(
        user.name,
        asked.reason,
        stop_id=None if asked.stop_id is None else StopId(asked.stop_id),
        account_id=None if asked.meta_account_id is None else AccountId(asked.meta_account_id),
        reactivate=asked.reactivate,
    )
    return StopsOut(stops=[present_stop(one, reader) for one in lifted])
