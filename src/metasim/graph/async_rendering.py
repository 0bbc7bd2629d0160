"""Rendering of asynchronous sets, requests and sessions as they read back."""

import json
from collections import Counter
from typing import Any

from metasim.graph.async_requests import input_of, status_of
from metasim.graph.errors import not_one_of
from metasim.graph.wire import Params
from metasim.state import AsyncRequest, AsyncSession, AsyncSet, Node
from metasim.world import World

Values = dict[str, Any]
PENDING = ("INITIAL", "IN_PROGRESS")
REQUEST_STATUSES = (
    *("CANCELED", "CANCELED_DEPENDENCY", "ERROR", "ERROR_CONFLICTS", "ERROR_DEPENDENCY", "INITIAL"),
    *("IN_PROGRESS", "PENDING_DEPENDENCY", "PROCESS_BY_AD_ASYNC_ENGINE", "PROCESS_BY_EVENT_PROCESSOR"),
    *("SUCCESS", "USER_CANCELED", "USER_CANCELED_DEPENDENCY"),
)
SESSION_WORDS = {
    "INITIAL": "NOT_STARTED",
    "IN_PROGRESS": "IN_PROGRESS",
    "SUCCESS": "COMPLETED",
    "ERROR": "FAILED",
}


def by_request_status(world: World, nodes: list[Node], params: Params) -> list[Node]:
    """Return the requests that are where `statuses` says; all of them if it says nothing."""
    wanted = params.words("statuses")
    if wanted is None:
        return nodes
    for status in wanted:
        if status not in REQUEST_STATUSES:
            raise not_one_of("statuses", REQUEST_STATUSES)
    requests = (node for node in nodes if isinstance(node, AsyncRequest))
    return [request for request in requests if status_of(world.state, request) in wanted]


def render_set(world: World, group: AsyncSet) -> Values:
    """Return what can be read of a set: how many of its requests are where."""
    requests = world.state.children(AsyncRequest, group.id)
    counts = Counter(status_of(world.state, request) for request in requests)
    account = world.account_of(group)
    done = not any(counts[status] for status in PENDING)
    return {
        **group.extra,
        "id": group.id,
        "owner_id": group.account_id,
        "name": group.name,
        "is_completed": done,
        "total_count": len(requests),
        "initial_count": counts["INITIAL"],
        "in_progress_count": counts["IN_PROGRESS"],
        "success_count": counts["SUCCESS"],
        "error_count": counts["ERROR"],
        "canceled_count": counts["USER_CANCELED"],
        "notification_status": "NOT_SENT",
        "created_time": world.spell(group.created_us, account),
        "updated_time": world.spell(
            max([group.updated_us, *(each.updated_us for each in requests)]), account
        ),
    }


def render_request(world: World, request: AsyncRequest) -> Values:
    """Return what can be read of a request: its status, and once it is done the answer it got."""
    outcome, account = request.outcome, world.account_of(request)
    return {
        "id": request.id,
        "scope_object_id": request.account_id,
        "status": status_of(world.state, request),
        "input": input_of(request),
        "result": None if outcome is None or outcome["code"] == 0 else outcome["body"],
        "async_request_set": {"id": request.set_id},
        "created_time": world.spell(request.created_us, account),
        "updated_time": world.spell(request.updated_us, account),
    }


def render_session(world: World, session: AsyncSession) -> Values:
    """Return what can be read of a session; its result is the answer as JSON text."""
    outcome, account = session.outcome, world.account_of(session)
    error: Values = (outcome or {"body": {}})["body"].get("error") or {}
    return {
        "id": session.id,
        "name": session.name,
        "method": "POST",
        "uri": f"/{session.row['relative_url']}",
        "status": SESSION_WORDS[status_of(world.state, session)],
        "result": None if outcome is None else json.dumps(outcome["body"]),
        "error_code": error.get("code"),
        "exception": error.get("message"),
        "start_time": world.spell(session.created_us, account),
        "complete_time": None if outcome is None else world.spell(session.updated_us, account),
    }
