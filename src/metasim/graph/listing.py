"""Edges as pages: default hiding, status filters, `filtering`, cursors and absolute `next` addresses."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from metasim.graph.catalogue import FIELDS_OF
from metasim.graph.errors import GraphError, malformed
from metasim.graph.index_lag import as_seen
from metasim.graph.render import render
from metasim.graph.wire import Call, Params
from metasim.state import Ad, AdSet, Campaign, Node
from metasim.status import GONE, effective_status
from metasim.times import SECOND
from metasim.world import World

PAGE_SIZE = 25
PAGE_LIMIT = 5000
PARENTS: dict[str, tuple[str, type[Node]]] = {
    "campaign": ("campaign_id", Campaign),
    "adset": ("adset_id", AdSet),
}


@dataclass(frozen=True)
class Page:
    """Nodes of one page, and the paging and summary parts of the answer."""

    nodes: list[Node]
    frame: dict[str, Any]


def list_nodes(world: World, nodes: list[Node], params: Params, call: Call, address: str) -> Page:
    """Filter, order (newest first) and cut an edge's nodes."""
    visible = [node for node in nodes if _is_listed(world, node) and _is_as_completed(world, node, params)]
    chosen = [
        node
        for node in _by_status(world, visible, params)
        if _passes_all(world, as_seen(world, node), params)
    ]
    chosen.reverse()
    keys = [node.id for node in chosen]
    start, stop = page_bounds(keys, params)
    page = chosen[start:stop]
    frame = paging_frame(keys, (start, stop), params, call, address)
    if wants_summary(params):
        frame["summary"] = {"total_count": len(chosen)}
    return Page(page, frame)


def wants_summary(params: Params) -> bool:
    """Tell whether the caller asked for the number of all items."""
    wanted = params.text("summary") or ""
    return wanted == "true" or "total_count" in wanted


def page_bounds(keys: list[str], params: Params) -> tuple[int, int]:
    """Return which slice of the keys a page shows, by `limit`, `after` and `before`."""
    limit = params.integer("limit") or PAGE_SIZE
    if limit < 1:
        raise malformed("limit", "a positive integer")
    limit = min(limit, PAGE_LIMIT)
    if params.given("after"):
        start = _position(keys, _uncursor(params.need_text("after"))) + 1
        return start, min(len(keys), start + limit)
    if params.given("before"):
        stop = _position(keys, _uncursor(params.need_text("before")))
        return max(0, stop - limit), stop
    return 0, min(len(keys), limit)


def paging_frame(
    keys: list[str], bounds: tuple[int, int], params: Params, call: Call, address: str
) -> dict[str, Any]:
    """Return the answer's `paging` part; `next` carries every parameter and the token, as Meta's does."""
    start, stop = bounds
    if start >= stop:
        return {}
    before, after = _cursor(keys[start]), _cursor(keys[stop - 1])
    paging: dict[str, Any] = {"cursors": {"before": before, "after": after}}
    if stop < len(keys):
        paging["next"] = _link(call, params, address, {"after": after})
    if start > 0:
        paging["previous"] = _link(call, params, address, {"before": before})
    return {"paging": paging}


def _link(call: Call, params: Params, address: str, cursor: dict[str, str]) -> str:
    kept = {name: params.text(name) or "" for name in params if name not in ("after", "before", "method")}
    query = urlencode({"access_token": call.token or "", **kept, **cursor})
    version = f"/{call.version}" if call.version else ""
    return f"{call.base_url}{version}/{address}?{query}"


def _cursor(key: str) -> str:
    return base64.urlsafe_b64encode(f"c:{key}".encode()).decode().rstrip("=")


def _uncursor(text: str) -> str:
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise malformed("after", "a valid cursor") from error
    if not plain.startswith("c:"):
        raise malformed("after", "a valid cursor")
    return plain.removeprefix("c:")


def _position(keys: list[str], key: str) -> int:
    """Return where a key is; a node that has left the list keeps its place, for ids fall along the list."""
    if key in keys:
        return keys.index(key)
    return sum(1 for other in keys if _rank(other) > _rank(key)) - 1


def _rank(key: str) -> tuple[int, str]:
    return len(key), key


def _is_listed(world: World, node: Node) -> bool:
    lagging = world.read_lag_us and node.created_us + world.read_lag_us > world.now_us
    return node.listed_from_us <= world.now_us and not lagging


def _is_as_completed(world: World, node: Node, params: Params) -> bool:
    """Tell whether a campaign or ad set has ended, or has not, where `is_completed` asks for one of the two."""
    wanted = params.flag("is_completed")
    if wanted is None or not isinstance(node, (Campaign, AdSet)):
        return True
    parts = [node] if isinstance(node, AdSet) else world.state.children(AdSet, node.id)
    ended = [part.end_us is not None and part.end_us <= world.now_us for part in parts]
    return wanted == (bool(ended) and all(ended))


def _by_status(world: World, nodes: list[Node], params: Params) -> list[Node]:
    wanted = params.words("effective_status")
    statuses = {node.id: effective_status(world.state, as_seen(world, node), world.now_us) for node in nodes}
    configured = params.words("configured_status")
    if configured is not None:
        _refuse_deleted(configured, "configured_status")
        statuses = {node.id: as_seen(world, node).status for node in nodes}
        wanted = configured
    if wanted is None:
        wanted = _statuses_in_filters(params)
    if wanted is None:
        return [node for node in nodes if statuses[node.id] not in GONE]
    _refuse_deleted(wanted, "effective_status")
    return [node for node in nodes if statuses[node.id] in wanted]


def _refuse_deleted(wanted: list[str], name: str) -> None:
    if "DELETED" in wanted:
        raise GraphError("(#100) Cannot request for deleted objects", 100, blame=(name,))


def _statuses_in_filters(params: Params) -> list[str] | None:
    for rule in read_filters(params):
        if rule.field.endswith("effective_status") and rule.operator in ("IN", "EQUAL"):
            values = rule.value if isinstance(rule.value, list) else [rule.value]
            return [str(value) for value in values]
    return None


@dataclass(frozen=True)
class Filter:
    """One entry of `filtering`."""

    field: str
    operator: str
    value: Any


def read_filters(params: Params) -> list[Filter]:
    """Return a call's filters. Raises GraphError on malformed ones."""
    rows = params.structure("filtering") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise malformed("filtering", "an array of objects")
    for row in rows:
        if not row.get("field") or str(row.get("operator", "")).upper() not in OPERATORS:
            raise GraphError(f"(#100) Invalid filtering entry: {row}", 100, blame=("filtering",))
    return [Filter(str(row["field"]), str(row["operator"]).upper(), row.get("value")) for row in rows]


def _passes_all(world: World, node: Node, params: Params) -> bool:
    since = params.integer("updated_since")
    if since is not None and node.updated_us < since * SECOND:
        return False
    return all(passes(rule, filter_value(world, node, rule.field)) for rule in read_filters(params))


def passes(rule: Filter, actual: Any) -> bool:
    """Tell whether a value passes a filter."""
    return OPERATORS[rule.operator](actual, rule.value)


def filter_value(world: World, node: Node, name: str) -> Any:
    """Return the value a filter's field stands for; dotted names reach the node itself or its parents."""
    prefix, dot, rest = name.partition(".")
    if dot and prefix == node.kind:
        name = rest
    elif dot and prefix in PARENTS and isinstance(node, (AdSet, Ad)):
        attribute, kind = PARENTS[prefix]
        parent_id = getattr(node, attribute, None)
        if parent_id is None:
            raise _unfilterable(name)
        return filter_value(world, world.state.need(kind, parent_id), rest)
    values = render(world, node)
    if name in ("created_time", "updated_time"):
        return (node.created_us if name == "created_time" else node.updated_us) // SECOND
    if name not in FIELDS_OF[node.kind]:
        raise _unfilterable(name)
    return values.get(name)


def _unfilterable(name: str) -> GraphError:
    return GraphError(f"(#100) Filtering field '{name}' is not supported", 100, blame=("filtering",))


def _same(actual: Any, wanted: Any) -> bool:
    return str(actual) == str(wanted)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _listed(actual: Any, wanted: Any) -> bool:
    options = wanted if isinstance(wanted, list) else [wanted]
    return any(_same(actual, option) for option in options)


def _contains(actual: Any, wanted: Any) -> bool:
    return str(wanted).lower() in str(actual or "").lower()


def _in_range(actual: Any, wanted: Any) -> bool:
    if not isinstance(wanted, list) or len(wanted) != len(("low", "high")):
        raise malformed("filtering", "such that a range has two ends")
    low, high = (_number(end) for end in wanted)
    return low <= _number(actual) <= high


def _ids(value: Any) -> set[str]:
    items = value if isinstance(value, list) else [value]
    return {
        str(item.get("id")) if isinstance(item, dict) else str(item) for item in items if item is not None
    }


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "EQUAL": _same,
    "NOT_EQUAL": lambda actual, wanted: not _same(actual, wanted),
    "GREATER_THAN": lambda actual, wanted: _number(actual) > _number(wanted),
    "GREATER_THAN_OR_EQUAL": lambda actual, wanted: _number(actual) >= _number(wanted),
    "LESS_THAN": lambda actual, wanted: _number(actual) < _number(wanted),
    "LESS_THAN_OR_EQUAL": lambda actual, wanted: _number(actual) <= _number(wanted),
    "IN_RANGE": _in_range,
    "NOT_IN_RANGE": lambda actual, wanted: not _in_range(actual, wanted),
    "CONTAIN": _contains,
    "NOT_CONTAIN": lambda actual, wanted: not _contains(actual, wanted),
    "IN": _listed,
    "NOT_IN": lambda actual, wanted: not _listed(actual, wanted),
    "ANY": lambda actual, wanted: bool(_ids(actual) & _ids(wanted)),
    "ALL": lambda actual, wanted: _ids(wanted) <= _ids(actual),
    "NONE": lambda actual, wanted: not _ids(actual) & _ids(wanted),
}
