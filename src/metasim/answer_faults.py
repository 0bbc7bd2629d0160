"""Faults of answers: the request is done, and its true answer changed into pages without rows or lists with gaps."""

from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import urlencode

from metasim.fault_effects import FaultEffect, FaultSettings
from metasim.graph.wire import Call, Params, Reply
from metasim.world import World

SKIP = "later."
"""Marks a cursor that an empty page handed out; what follows is the cursor that was asked for."""

Row = dict[str, Any]


def empty_page_with_next(_order: FaultSettings) -> FaultEffect:
    """Answer a page without rows whose `next` leads to the rows that were asked for."""
    return FaultEffect(commit=True, edit=_postponed)


def partial_list(order: FaultSettings) -> FaultEffect:
    """Leave out a share of a page's rows (at least one) and the way to the pages after it."""
    share, chance = order.share(0.5), order.chance
    return FaultEffect(commit=True, edit=lambda reply, _call, _world: _thinned(reply, share, chance))


def unskipped(call: Call) -> Call:
    """Return a call with the cursor it would have had without empty pages before it."""
    after = call.params.text("after") or ""
    if not after.startswith(SKIP):
        return call
    wanted = after.removeprefix(SKIP)
    kept = {name: call.params[name] for name in call.params if name != "after"}
    return unskipped(replace(call, params=Params({**kept, **({"after": wanted} if wanted else {})})))


def _rows(reply: Reply) -> list[Row] | None:
    body = reply.body if reply.html is None else None
    rows = body.get("data") if isinstance(body, dict) and "error" not in body else None
    return rows if isinstance(rows, list) else None


def _postponed(reply: Reply, call: Call, _world: World) -> Reply:
    if _rows(reply) is None:
        return reply
    cursor = SKIP + (call.params.text("after") or "")
    kept = {name: call.params.text(name) or "" for name in call.params if name not in ("after", "before")}
    query = urlencode({"access_token": call.token or "", **kept, "after": cursor})
    version = f"/{call.version}" if call.version else ""
    paging = {
        "cursors": {"before": cursor, "after": cursor},
        "next": f"{call.base_url}{version}/{call.path}?{query}",
    }
    return replace(reply, body={"data": [], "paging": paging})


def _thinned(reply: Reply, share: float, chance: Random) -> Reply:
    rows = _rows(reply)
    if not rows:
        return reply
    gone = set(chance.sample(range(len(rows)), max(1, round(share * len(rows)))))
    paging = {name: value for name, value in reply.body.get("paging", {}).items() if name != "next"}
    left = [row for number, row in enumerate(rows) if number not in gone]
    return replace(reply, body={**reply.body, "data": left, **({"paging": paging} if paging else {})})
