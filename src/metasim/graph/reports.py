"""Asynchronous insights: report runs and how they come to an end.

A run ends a simulated minute after it was asked for, or at the third look at it, whichever is first: a client may
poll whether or not the simulated clock moves.
"""

from typing import Any

from metasim.graph.errors import GraphError, no_such_object
from metasim.graph.insights import read_insights
from metasim.graph.wire import Call, Params
from metasim.state import ReportRun
from metasim.times import DAY, MINUTE, SECOND
from metasim.world import World

LIFE = 30 * DAY
LOOKS = 3
STAGES = (("Job Not Started", 0), ("Job Started", 10), ("Job Running", 60))
DONE = ("Job Completed", 100)
KEPT_OUT = frozenset({"access_token", "async", "method"})


def start_report(world: World, call: Call, owner_id: str) -> dict[str, Any]:
    """Start a run for an account (`act_...`) or a node; what cannot be asked for is refused at once."""
    asked = {name: value for name, value in call.params.items() if name not in KEPT_OUT}
    trial = Call("GET", (owner_id, "insights"), Params(asked), call.version, call.token, call.base_url)
    read_insights(world, trial, owner_id)
    now, account_id = world.now_us, _account_id(world, owner_id)
    run = ReportRun(world.state.new_id(), account_id, "report", created_us=now, updated_us=now)
    run.owner_id, run.params, run.fate = owner_id, asked, world.report_fate
    world.state.add(run)
    return {"report_run_id": run.id}


def _account_id(world: World, owner_id: str) -> str:
    if owner_id.startswith("act_"):
        return owner_id.removeprefix("act_")
    return world.state.nodes[owner_id].account_id


def look_at(world: World, run: ReportRun) -> None:
    """Note that somebody looked at a run. Raises 100/33 once the run is too old."""
    if world.now_us - run.created_us > LIFE:
        raise no_such_object(run.id)
    run.looks += 1
    world.state.touch(run)


def render_report(world: World, run: ReportRun) -> dict[str, Any]:
    """Return what can be read of a run."""
    status, percent = progress(world, run)
    values = {
        **run.params,
        "id": run.id,
        "account_id": run.account_id,
        "async_status": status,
        "async_percent_completion": percent,
        "is_running": status in {stage for stage, _ in STAGES},
        "time_ref": run.created_us // SECOND,
        "time_completed": run.created_us // SECOND + 60 if percent == DONE[1] else 0,
    }
    return values | (_failure() if status == "Job Failed" else {})


def progress(world: World, run: ReportRun) -> tuple[str, int]:
    """Return a run's status and percentage; status and percentage are complete together."""
    over = run.looks >= LOOKS or world.now_us - run.created_us >= MINUTE
    if run.fate == "stuck" or not over:
        return STAGES[min(max(run.looks - 1, 0), len(STAGES) - 1)]
    if run.fate == "failed":
        return "Job Failed", STAGES[-1][1]
    return ("Job Skipped", 0) if run.fate == "skipped" else DONE


def _failure() -> dict[str, Any]:
    text = "The report could not be made. Please try again later."
    return {
        "error_code": -2,
        "error_message": text,
        "error_subcode": 2490547,
        "error_user_title": "Report failed",
        "error_user_msg": text,
    }


def report_rows(world: World, run: ReportRun, call: Call) -> dict[str, Any]:
    """Return a page of a finished run's rows. Raises GraphError while it is not finished."""
    if world.now_us - run.created_us > LIFE:
        raise no_such_object(run.id)
    status, _ = progress(world, run)
    if status == "Job Failed":
        raise GraphError("The report failed.", -2, 2490547, transient=True)
    if status != DONE[0]:
        raise GraphError(f"(#2601) The report is not ready: {status}", 2601, transient=True)
    paging = {name: call.params[name] for name in ("limit", "after", "before") if name in call.params}
    asked = Call(
        "GET", (run.id, "insights"), Params({**run.params, **paging}), call.version, call.token, call.base_url
    )
    return read_insights(world, asked, run.owner_id, f"{run.id}/insights")
