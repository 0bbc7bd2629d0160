"""Several calls in one request: each item is answered in turn, on its own, and may refer to earlier answers.

A batch is not atomic; every item is charged as a call. An item without an answer (timed out, left out) is null.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from metasim.graph.errors import GraphError, malformed, refusal
from metasim.graph.relaxed_json import read_pairs
from metasim.graph.wire import Call, Params, Reply
from metasim.state import AdSet, State

BATCH_LIMIT = 50
METHODS = ("GET", "POST", "DELETE")
_REFERENCE = re.compile(r"\{result=([^:{}]+):\$((?:\.[\w*]+|\[[\d*]+\])+)\}")
_STEP = re.compile(r"\.([\w*]+)|\[([\d*]+)\]")
_VERSION = re.compile(r"v\d+\.\d+")
Answer = Callable[[Call], Reply | None]
Family = Callable[[Call], str | None]


@dataclass(frozen=True)
class Item:
    """One operation of a batch as it was written."""

    row: dict[str, Any]

    @property
    def name(self) -> str:
        """The name by which later items may refer to this one."""
        return str(self.row.get("name") or "")

    @property
    def needs(self) -> set[str]:
        """Names of the items this one waits for."""
        named = {str(self.row["depends_on"])} if self.row.get("depends_on") else set()
        return named | self.refers

    @property
    def refers(self) -> set[str]:
        """Names of the items whose answers this one uses."""
        text = unquote(f"{self.row.get('relative_url', '')} {self.row.get('body', '')}".replace("+", " "))
        return {found.group(1) for found in _REFERENCE.finditer(text)}


@dataclass
class Ledger:
    """What the items of one batch answered so far, by name; None where there was no answer or an error."""

    bodies: dict[str, Any] = field(default_factory=dict)

    def note(self, name: str, reply: Reply | None) -> None:
        """Remember an answer that others may refer to."""
        if name:
            self.bodies[name] = reply.body if reply is not None and _is_fine(reply) else None

    def fill(self, text: str) -> str:
        """Replace every `{result=name:$.path}`. Raises GraphError where the path leads nowhere."""
        return _REFERENCE.sub(lambda found: _follow(self.bodies.get(found[1]), found), text)


def is_batch(call: Call) -> bool:
    """Tell whether a call is a batch."""
    return call.method == "POST" and not call.segments and "batch" in call.params


def run_batch(call: Call, answer: Answer, family: Family) -> list[dict[str, Any] | None]:
    """Answer every item in order; `answer` gives None for an item that timed out. Raises GraphError.

    `family` names the campaign whose ad set a call writes: a batch may write one ad set of each only.
    """
    items = _items(call.params)
    referred = {name for item in items for name in item.refers}
    headers = call.params.flag("include_headers") is not False
    ledger, rows = Ledger(), list[dict[str, Any] | None]()
    seen: set[str] = set()
    for item in items:
        reply = _run(call, item, ledger, lambda inner: _once(inner, family(inner), seen, answer))
        ledger.note(item.name, reply)
        omit = item.row.get("omit_response_on_success", item.name in referred)
        hidden = reply is None or (bool(omit) and _is_fine(reply) and bool(item.name))
        rows.append(None if hidden or reply is None else _shown(reply, headers=headers))
    return rows


def _once(call: Call, campaign: str | None, seen: set[str], answer: Answer) -> Reply | None:
    if campaign is not None and campaign in seen:
        text = "A batch cannot include multiple ad sets under the same campaign."
        error = refusal(None, "Ad sets of one campaign", text, "batch")
        return Reply(error.http, error.body("ABatchItem"))
    if campaign is not None:
        seen.add(campaign)
    return answer(call)


def written_family(state: State, call: Call) -> str | None:
    """Return the campaign whose ad set a call creates or changes, or None."""
    if call.method != "POST":
        return None
    if len(call.segments) == 2 and call.segments[1] == "adsets":  # noqa: PLR2004 - account and edge
        return call.params.text("campaign_id")
    adset = state.get(AdSet, call.segments[0]) if len(call.segments) == 1 else None
    return None if adset is None else adset.campaign_id


def _items(params: Params) -> list[Item]:
    rows = params.structure("batch")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise malformed("batch", "a non-empty array of objects")
    if len(rows) > BATCH_LIMIT:
        text = f"Too many requests in batch message. Maximum batch size is {BATCH_LIMIT}"
        raise GraphError(text, 100, kind="GraphBatchException")
    return [Item(row) for row in rows]


def _run(call: Call, item: Item, ledger: Ledger, answer: Answer) -> Reply | None:
    waits_for = str(item.row.get("depends_on") or "")
    if waits_for and ledger.bodies.get(waits_for) is None:
        return None
    try:
        inner = item_call(call, item, ledger)
    except GraphError as error:
        return Reply(error.http, error.body("ABatchItem"))
    return answer(inner)


def item_call(outer: Call, item: Item, ledger: Ledger) -> Call:
    """Return the call an item stands for. Raises GraphError where it refers to nothing or has no such method."""
    method = str(item.row.get("method") or "GET").upper()
    if method not in METHODS:
        raise malformed("method", f"one of {', '.join(METHODS)}")
    path, _, query = str(item.row.get("relative_url") or "").partition("?")
    segments = [ledger.fill(unquote(part)) for part in path.split("/") if part]
    version = segments.pop(0) if segments and _VERSION.fullmatch(segments[0]) else outer.version
    values = _pairs(query, ledger) | _pairs(str(item.row.get("body") or ""), ledger)
    names = [name.strip() for name in str(item.row.get("attached_files") or "").split(",") if name.strip()]
    token = str(values.pop("access_token", "") or outer.token or "")
    files = {name: outer.files[name] for name in names if name in outer.files}
    return Call(
        method,
        tuple(segments),
        Params(values),
        version,
        token or None,
        outer.base_url,
        files,
        outer.asynchronous,
    )


def _pairs(text: str, ledger: Ledger) -> dict[str, Any]:
    return read_pairs((name, ledger.fill(value)) for name, value in parse_qsl(text, keep_blank_values=True))


def _follow(body: Any, found: re.Match[str]) -> str:
    values = [body]
    for key, index in _STEP.findall(found[2]):
        values = [inner for value in values for inner in _step(value, key or index)]
    if not values or values == [None]:
        raise GraphError(f"(#100) Cannot resolve the reference {found[0]}", 100)
    return ",".join(value if isinstance(value, str) else json.dumps(value) for value in values)


def _step(value: Any, key: str) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values()) if key == "*" else [value[key]] if key in value else []
    if not isinstance(value, list):
        return []
    if key == "*":
        return value
    return value[int(key) : int(key) + 1] if key.isdigit() else []


def _is_fine(reply: Reply) -> bool:
    return isinstance(reply.body, (dict, list)) and "error" not in reply.body


def _shown(reply: Reply, *, headers: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"code": reply.status}
    if headers:
        kept = {"Content-Type": "application/json; charset=UTF-8", **reply.headers}
        row["headers"] = [{"name": name, "value": value} for name, value in kept.items()]
    return {**row, "body": reply.html if reply.html is not None else json.dumps(reply.body)}
