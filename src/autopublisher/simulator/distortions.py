"""Faults that leave a request alone and distort its true answer: pages without rows, lists with gaps, restated figures."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import urlencode

from autopublisher.simulator.disturbances import Disturbance, Order
from autopublisher.simulator.graph.service import account_of_call
from autopublisher.simulator.graph.wire import Call, Params, Reply
from autopublisher.simulator.times import local_day
from autopublisher.simulator.world import World

SKIP = "later."
"""Marks a cursor that an empty page handed out; what follows is the cursor that was asked for."""

UNRESTATED = frozenset({"link_click", "landing_page_view", "post_engagement", "page_engagement"})
COUNTS, AMOUNTS = ("actions",), ("action_values", "purchase_roas", "website_purchase_roas")
Row = dict[str, Any]


def empty_page_with_next(_order: Order) -> Disturbance:
    """Answer a page without rows whose `next` leads to the rows that were asked for."""
    return Disturbance(commit=True, edit=_postponed)


def partial_list(order: Order) -> Disturbance:
    """Leave out a share of a page's rows (at least one) and the way to the pages after it."""
    share, chance = _share(order, 0.5), order.chance
    return Disturbance(commit=True, edit=lambda reply, _call, _world: _thinned(reply, share, chance))


def insights_restated(order: Order) -> Disturbance:
    """Change the conversions of rows that hold past days: by `factor`, else by chance up to `share` either way."""
    share, chance = _share(order, 0.2), order.chance
    fixed = order.number("factor", 1.0) if "factor" in order.details else None

    def factor() -> float:
        return fixed if fixed is not None else 1 + share * chance.uniform(-1, 1)

    return Disturbance(
        commit=True, edit=lambda reply, call, world: _restated(reply, _today(call, world), factor)
    )


def unskipped(call: Call) -> Call:
    """Return a call with the cursor it would have had without empty pages before it."""
    after = call.params.text("after") or ""
    if not after.startswith(SKIP):
        return call
    wanted = after.removeprefix(SKIP)
    kept = {name: call.params[name] for name in call.params if name != "after"}
    return unskipped(replace(call, params=Params({**kept, **({"after": wanted} if wanted else {})})))


def _share(order: Order, default: float) -> float:
    share = order.number("share", default)
    if not 0 <= share <= 1:
        raise ValueError("share: between 0 and 1")
    return share


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


def _today(call: Call, world: World) -> str:
    account = account_of_call(world, call) or world.scenario.accounts[0]
    return local_day(world.figures_us, account.zone).isoformat()


def _restated(reply: Reply, today: str, factor: Callable[[], float]) -> Reply:
    rows = _rows(reply)
    if not rows:
        return reply
    changed = [_restated_row(row, factor()) if _is_past(row, today) else row for row in rows]
    return replace(reply, body={**reply.body, "data": changed})


def _is_past(row: Row, today: str) -> bool:
    return str(row.get("date_start", today)) < today


def _restated_row(row: Row, factor: float) -> Row:
    changed = dict(row)
    for names, spell in ((COUNTS, lambda value: str(round(value))), (AMOUNTS, lambda value: f"{value:.2f}")):
        for name in names:
            stats = [_restated_stat(stat, factor, spell) for stat in changed.pop(name, [])]
            if left := [stat for stat in stats if float(stat["value"]) > 0]:  # zero is left out
                changed[name] = left
    return changed


def _restated_stat(
    stat: Mapping[str, Any], factor: float, spell: Callable[[float], str]
) -> Mapping[str, Any]:
    if stat.get("action_type") in UNRESTATED:
        return stat
    return {
        name: value if name == "action_type" else spell(float(value) * factor) for name, value in stat.items()
    }
