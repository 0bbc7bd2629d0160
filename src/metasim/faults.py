"""Planned faults: what goes wrong between a client and Meta, told in advance by a test, a scenario or a command line.

A new kind is one more entry of `KINDS`. A fault may come at a rate; then chance is keyed by seed, plan and request, so that
the same requests meet the same faults again.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from random import Random
from typing import Any

from metasim import answer_faults, fault_effects, world_events
from metasim.fault_effects import FaultEffect, FaultSettings
from metasim.graph.wire import Call
from metasim.times import iso_utc
from metasim.world import World

LOG_LIMIT = 5000
ERROR_KEYS = frozenset({"code", "subcode", "message", "http", "is_transient", "commit"})
MATCH_KEYS = frozenset({"method", "path_regex"})
PLAN_KEYS = frozenset({"kind", "match", "after", "times", "rate", "seed"})
FOREVER = "forever"
_CREATIVE_EDGES = frozenset({"ads", "adcreatives"})


def _any(_call: Call) -> bool:
    return True


def _lists(call: Call) -> bool:
    return call.method == "GET" and len(call.segments) > 1


def _searches(call: Call) -> bool:
    return _lists(call) and (call.params.given("filtering") or call.segments[-1].endswith("bylabels"))


def _reads_insights(call: Call) -> bool:
    return _lists(call) and call.segments[-1] == "insights"


def _starts_report(call: Call) -> bool:
    return call.method == "POST" and call.segments[-1:] == ("insights",)


def _makes_creative(call: Call) -> bool:
    return call.method == "POST" and bool(_CREATIVE_EDGES & set(call.segments[-1:]))


def _always(_world: World, _call: Call, _details: Mapping[str, Any]) -> bool:
    return True


@dataclass(frozen=True)
class Kind:
    """A kind of fault: what it does, which keys it takes, which requests it can be about, and when it can happen."""

    make: Callable[[FaultSettings], FaultEffect]
    keys: frozenset[str] = frozenset()
    concerns: Callable[[Call], bool] = _any
    ready: Callable[[World, Call, Mapping[str, Any]], bool] = _always
    lasting: bool = False  # goes on until cleared unless told otherwise


def _keys(*names: str) -> frozenset[str]:
    return frozenset(names)


KINDS: Mapping[str, Kind] = {
    "commit_then_timeout": Kind(fault_effects.commit_then_timeout, _keys("seconds")),
    "drop_before_commit": Kind(fault_effects.drop_before_commit, _keys("seconds")),
    "connection_reset": Kind(fault_effects.connection_reset, _keys("commit")),
    "html_502": Kind(fault_effects.html_502, _keys("commit", "status")),
    "slow": Kind(fault_effects.slow, _keys("seconds")),
    "error_200": Kind(fault_effects.error_200, ERROR_KEYS),
    "transient": Kind(fault_effects.transient, ERROR_KEYS),
    "unknown_error": Kind(fault_effects.unknown_error, ERROR_KEYS),
    "flake_1487390": Kind(fault_effects.flake_1487390, ERROR_KEYS, _makes_creative),
    "throttle": Kind(fault_effects.throttle, ERROR_KEYS | {"wait_minutes"}),
    "token_expired": Kind(fault_effects.token_expired, ERROR_KEYS),
    "token_invalid": Kind(fault_effects.token_invalid, ERROR_KEYS),
    "permission_lost": Kind(fault_effects.permission_lost, ERROR_KEYS),
    "policy_block": Kind(fault_effects.policy_block, ERROR_KEYS),
    "read_lag": Kind(fault_effects.hide_young, _keys("seconds"), lasting=True),
    "stale_filter": Kind(fault_effects.hide_young, _keys("seconds"), _searches, lasting=True),
    "empty_page_with_next": Kind(answer_faults.empty_page_with_next, concerns=_lists),
    "partial_list": Kind(answer_faults.partial_list, _keys("share"), _lists),
    "insights_restated": Kind(world_events.insights_restated, _keys("share", "factor"), _reads_insights),
    "account_disabled": Kind(
        world_events.account_disabled,
        _keys("account_status", "disable_reason"),
        ready=world_events.account_is_usable,
    ),
    "ad_disapproved": Kind(world_events.ad_disapproved, _keys("ad"), ready=world_events.an_ad_runs),
    "report_failed": Kind(fault_effects.report("failed"), concerns=_starts_report),
    "report_skipped": Kind(fault_effects.report("skipped"), concerns=_starts_report),
    "report_stuck": Kind(fault_effects.report("stuck"), concerns=_starts_report),
}


@dataclass
class Fault:
    """A planned fault: which requests it meets, after how many, how often, and how many it has met."""

    id: int
    kind: str
    method: str | None = None
    path_regex: str | None = None
    after: int = 0
    times: int | None = 1  # None = for good
    details: dict[str, Any] = field(default_factory=dict)
    rate: float | None = None  # None = every request that is due
    seed: int | None = None  # None = the simulator's
    seen: int = 0
    fired: int = 0

    def fits(self, call: Call) -> bool:
        """Tell whether the fault is about such a request."""
        same_method = self.method is None or self.method == call.method
        same_path = self.path_regex is None or re.search(self.path_regex, call.path) is not None
        return same_method and same_path and KINDS[self.kind].concerns(call)

    def chance(self, seed: int) -> Random:
        """Return the chance of the request just seen, keyed so that it does not depend on what else was drawn."""
        return Random(f"fault/{seed if self.seed is None else self.seed}/{self.id}/{self.seen}")

    def is_due(self, chance: Random) -> bool:
        """Tell whether the request just seen is one to disturb."""
        drawn = chance.random()  # drawn first, or a rate would change what comes after
        left = self.times is None or self.fired < self.times
        return self.seen > self.after and left and (self.rate is None or drawn < self.rate)

    def is_like(self, other: "Fault") -> bool:
        """Tell whether another plan asks for the same."""
        return replace(self, id=0, seen=0, fired=0) == replace(other, id=0, seen=0, fired=0)


class FaultBook:
    """The planned faults and the log of those that happened."""

    def __init__(self, seed: int = 0) -> None:
        self.faults: list[Fault] = []
        self.log: list[dict[str, Any]] = []
        self.unsaved: list[dict[str, Any]] = []
        self.changed = False
        self._seed = seed
        self._next = 1
        self._injected = 0

    def plan(self, request: Mapping[str, Any]) -> Fault:
        """Add a fault described as JSON. Raises ValueError if it is not understood."""
        return self._add(fault_of(self._next, request))

    def plan_once(self, request: Mapping[str, Any]) -> None:
        """Add a fault unless the same was planned before, perhaps by an earlier process."""
        fault = fault_of(self._next, request)
        if not any(fault.is_like(known) for known in self.faults):
            self._add(fault)

    def _add(self, fault: Fault) -> Fault:
        self._next += 1
        self.faults.append(fault)
        self.changed = True
        return fault

    def clear(self) -> None:
        """Forget all planned faults; the log stays."""
        self.faults.clear()
        self.changed = True

    def meet(self, call: Call, world: World) -> FaultEffect | None:
        """Count a request for every fault it fits, and return the first effect that is due."""
        met: tuple[Fault, Random] | None = None
        for fault in self.faults:
            if fault.fits(call):
                fault.seen += 1
                self.changed = True
                chance = fault.chance(self._seed)
                due = fault.is_due(chance) and KINDS[fault.kind].ready(world, call, fault.details)
                met = (fault, chance) if met is None and due else met
        return None if met is None else self._fire(*met, call, world)

    def _fire(self, fault: Fault, chance: Random, call: Call, world: World) -> FaultEffect:
        fault.fired += 1
        self._injected += 1
        entry = {
            "number": self._injected,
            "fault": fault.id,
            "kind": fault.kind,
            "method": call.method,
            "path": call.path,
            "request": fault.seen,
            "at": iso_utc(world.now_us),
        }
        self.log = [*self.log[-LOG_LIMIT + 1 :], entry]
        self.unsaved.append(entry)
        return replace(
            KINDS[fault.kind].make(FaultSettings(fault.details, chance, self._key(fault))), kind=fault.kind
        )

    def _key(self, fault: Fault) -> str:
        return f"{self._seed if fault.seed is None else fault.seed}/{fault.id}"

    def dump(self) -> dict[str, Any]:
        """Return the JSON form of the plans; the log's entries are saved one by one."""
        return {"next": self._next, "faults": [asdict(fault) for fault in self.faults]}

    def load(self, body: Mapping[str, Any]) -> None:
        """Restore what `dump` gave."""
        self._next = body["next"]
        self.faults = [Fault(**row) for row in body["faults"]]

    def load_entry(self, entry: dict[str, Any]) -> None:
        """Restore one entry of the log."""
        self.log = [*self.log[-LOG_LIMIT + 1 :], entry]
        self._injected = max(self._injected, int(entry["number"]))


def fault_of(number: int, request: Mapping[str, Any]) -> Fault:
    """Return the fault that a request describes. Raises ValueError if it is not understood."""
    kind = str(request.get("kind"))
    if kind not in KINDS:
        message = f"unknown fault {kind!r}; known: {', '.join(sorted(KINDS))}"
        raise ValueError(message)
    match = dict(request.get("match") or {})
    _refuse_unknown("match", match, MATCH_KEYS)
    details = {name: value for name, value in request.items() if name not in PLAN_KEYS}
    _refuse_unknown(kind, details, KINDS[kind].keys)
    KINDS[kind].make(FaultSettings(details, Random(0)))  # refuses values it cannot read
    method, rate, seed = match.get("method"), request.get("rate"), request.get("seed")
    return Fault(
        number,
        kind,
        method and str(method).upper(),
        _pattern(match.get("path_regex")),
        int(request.get("after", 0)),
        _times(request, KINDS[kind]),
        details,
        None if rate is None else _rate(rate),
        None if seed is None else int(seed),
    )


def read_fault(text: str) -> dict[str, Any]:
    """Read a fault from a command line: JSON, or `kind:key=value,...` with `path` and `method` for what it matches.

    Raises:
        ValueError: the text is neither.
    """
    if text.lstrip().startswith("{"):
        return dict(json.loads(text))
    kind, _, rest = text.partition(":")
    pairs = [part.partition("=") for part in rest.split(",") if part]
    if any(not mark for _, mark, _ in pairs):
        message = f"--fault {text}: write kind:key=value,key=value"
        raise ValueError(message)
    values = {name.strip(): _value(value.strip()) for name, _, value in pairs}
    match = {"path_regex": values.pop("path", None), "method": values.pop("method", None)}
    given = {name: str(value) for name, value in match.items() if value is not None}
    return {"kind": kind.strip(), **({"match": given} if given else {}), **values}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _times(request: Mapping[str, Any], kind: Kind) -> int | None:
    """Return how often at most; unless told, a fault that lasts or comes at a rate has no limit."""
    usual = None if kind.lasting or request.get("rate") is not None else 1
    times = request.get("times", usual)
    return None if times in (None, FOREVER) else int(times)


def _rate(value: Any) -> float:
    rate = float(value)
    if not 0 < rate <= 1:
        raise ValueError("rate: above 0, at most 1")
    return rate


def _refuse_unknown(what: str, given: Mapping[str, Any], known: frozenset[str]) -> None:
    if unknown := set(given) - known:
        message = f"{what}: unknown {sorted(unknown)}; known: {sorted(known)}"
        raise ValueError(message)


def _pattern(pattern: str | None) -> str | None:
    try:
        re.compile(pattern or "")
    except re.error as error:
        message = f"path_regex: {error}"
        raise ValueError(message) from error
    return pattern
