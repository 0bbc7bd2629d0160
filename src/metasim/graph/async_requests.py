"""Asynchronous requests: sets of requests, batches of an account, and sessions of copies.

A request is done a simulated minute after it was asked for, or at the third look at it or its set, whichever is
first. The engine does it, as a call like any other; this module keeps what was asked and what came of it.
"""

from typing import Any
from urllib.parse import parse_qsl, unquote

from metasim.graph.batch import Item, Ledger, item_call
from metasim.graph.errors import GraphError, malformed, missing, refusal
from metasim.graph.relaxed_json import read_pairs
from metasim.graph.wire import Call, Params, Reply
from metasim.scenario import Account
from metasim.state import AsyncRequest, AsyncSession, AsyncSet, State
from metasim.times import MINUTE
from metasim.world import World

LOOKS = 3
MOST_ADS, MOST_ITEMS, MOST_SESSIONS = 1000, 1000, 50
MODES = ("OFF", "ON_COMPLETE")
Body = dict[str, Any]


def start_ad_set_requests(world: World, account: Account, call: Call) -> Body:
    """Ask for ads to be created later, one request for each of `ad_specs`."""
    specs = _objects(call.params, "ad_specs", MOST_ADS)
    work = [{"relative_url": f"act_{account.id}/ads", "spec": spec} for spec in specs]
    return _start(world, account, call.params, work)


def start_batch_requests(world: World, account: Account, call: Call) -> Body:
    """Ask for the writes of `adbatch` to be done later, in order; later ones may refer to earlier answers."""
    rows = _objects(call.params, "adbatch", MOST_ITEMS)
    call.params.need_text("name")
    for row in rows:
        for name in ("name", "relative_url", "body"):
            if not row.get(name):
                raise missing(f"adbatch[{name}]")
    return _start(world, account, call.params, rows)


def _objects(params: Params, name: str, most: int) -> list[Body]:
    rows = params.structure(name)
    if rows is None:
        raise missing(name)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise malformed(name, "a non-empty array of objects")
    if len(rows) > most:
        raise malformed(name, f"at most {most} objects long")
    return rows


def _start(world: World, account: Account, params: Params, work: list[Body]) -> Body:
    mode, now = params.choice("notification_mode", MODES) or "OFF", world.now_us
    label = params.text("name") or "Async request set"
    group = AsyncSet(world.state.new_id(), account.id, label, created_us=now, updated_us=now)
    group.extra = {"notification_mode": mode, "notification_uri": params.text("notification_uri")}
    world.state.add(group)
    for row in work:
        name, request_id = str(row.get("name") or ""), world.state.new_id()
        request = AsyncRequest(request_id, account.id, name, created_us=now, updated_us=now)
        request.set_id, request.row = group.id, row
        world.state.add(request)
    return {"id": group.id}


def is_session_batch(call: Call) -> bool:
    """Tell whether a call asks the root for asynchronous sessions."""
    return call.method == "POST" and not call.segments and "asyncbatch" in call.params


def start_sessions(world: World, call: Call) -> Body:
    """Ask for copies to be made later, one session for each; only copies may be asked for."""
    rows = _objects(call.params, "asyncbatch", MOST_SESSIONS)
    for row in rows:
        path = str(row.get("relative_url") or "").partition("?")[0].strip("/")
        if not row.get("name") or not path.endswith("/copies"):
            text = "Each request needs a name, and only copies can be asked for."
            raise refusal(None, "Request not available", text, "asyncbatch")
    sessions = [_session(world, row) for row in rows]
    return {"async_sessions": [{"id": each.id, "name": each.name} for each in sessions]}


def _session(world: World, row: Body) -> AsyncSession:
    source = world.state.nodes.get(str(row["relative_url"]).strip("/").split("/")[-2])
    account_id = source.account_id if source is not None else world.scenario.accounts[0].id
    now = world.now_us
    session = AsyncSession(world.state.new_id(), account_id, str(row["name"]), created_us=now, updated_us=now)
    session.row = row
    world.state.add(session)
    return session


def waiting(state: State) -> list[AsyncRequest]:
    """Return what was asked for and is not done, oldest first."""
    asked = [*state.of_kind(AsyncRequest), *state.of_kind(AsyncSession)]
    return [request for request in asked if request.outcome is None]


def due_us(state: State, request: AsyncRequest) -> int:
    """Return the moment from which a request is to be done; looking at it hastens it."""
    looks = request.looks
    if request.set_id:
        looks = max(looks, state.need(AsyncSet, request.set_id).looks)
    return request.created_us if looks >= LOOKS - 1 else request.created_us + MINUTE


def look_at_request(world: World, node: AsyncRequest | AsyncSet) -> None:
    """Note that somebody looked at a request or set."""
    node.looks += 1
    world.state.touch(node)


def call_of(state: State, request: AsyncRequest, token: str, version: str) -> Call | Reply:
    """Return the call a request stands for, or the refusal that meets it where it refers to nothing."""
    outer = Call("POST", (), Params({}), version, token, asynchronous=True)
    row = {"method": "POST", **request.row}
    if "spec" in row:
        return Call("POST", tuple(str(row["relative_url"]).split("/")), Params(row["spec"]), version, token)
    try:
        return item_call(outer, Item(row), _answers(state, request))
    except GraphError as error:
        return Reply(error.http, error.body("AAsyncItem"))


def _answers(state: State, request: AsyncRequest) -> Ledger:
    ledger = Ledger()
    for other in state.children(AsyncRequest, request.set_id) if request.set_id else []:
        if other.outcome is not None:
            ledger.note(other.name, Reply(int(other.outcome["code"]), other.outcome["body"]))
    return ledger


def conclude(world: World, request: AsyncRequest, reply: Reply | None) -> None:
    """Keep what came of a request; one that nobody answered failed for a reason that is not known."""
    lost = GraphError("An unknown error occurred", 1, http=500, transient=True)
    answer = reply or Reply(lost.http, lost.body("AAsyncItem"))
    request.outcome = {"code": answer.status, "body": answer.body}
    request.updated_us = world.now_us
    world.state.touch(request)


def cancel_requests(world: World, group: AsyncSet) -> Body:
    """Give up what a set has not done yet."""
    for request in world.state.children(AsyncRequest, group.id):
        if request.outcome is None:
            request.outcome = {"code": 0, "body": {"canceled": True}}
            world.state.touch(request)
    return {"success": True}


def status_of(state: State, request: AsyncRequest) -> str:
    """Return a request's status in the words of asynchronous request sets."""
    outcome = request.outcome
    if outcome is None:
        group = state.get(AsyncSet, request.set_id)
        looks = max(request.looks, group.looks if group else 0)
        return "INITIAL" if looks < LOOKS - 1 else "IN_PROGRESS"
    if outcome["code"] == 0:
        return "USER_CANCELED"
    return "ERROR" if "error" in outcome["body"] else "SUCCESS"


def input_of(request: AsyncRequest) -> Body:
    """Return what a request was asked to do, as parameters."""
    spec: Body | None = request.row.get("spec")
    if spec is not None:
        return spec
    body = str(request.row.get("body") or "")
    return read_pairs((name, unquote(value)) for name, value in parse_qsl(body, keep_blank_values=True))
