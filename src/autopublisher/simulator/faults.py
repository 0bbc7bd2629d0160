"""Faults on demand: what goes wrong between a client and Meta, told in advance by a test.

Each kind is a pure function from its parameters to a `Disturbance`; a new kind is one more entry of `KINDS`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from autopublisher.simulator.graph.errors import GraphError, expired_token, throttled
from autopublisher.simulator.graph.wire import Call, Reply, reply_of
from autopublisher.simulator.times import SECOND

LOG_LIMIT = 5000
TRACE = "AFaultTraceId"
BAD_GATEWAY = (
    "<!DOCTYPE html><html><head><title>Error</title></head><body>Sorry, something went wrong.</body></html>"
)
Details = Mapping[str, Any]


@dataclass(frozen=True)
class Disturbance:
    """What happens to one request instead of, or besides, its true answer."""

    kind: str = ""
    commit: bool = False  # the request takes effect
    reply: Reply | None = None  # answer given in place of the true one
    delay_s: float = 0.0  # real seconds before the end
    ending: Literal["answer", "close", "reset"] = "answer"
    hide_us: int = 0  # new objects stay out of edges for so long, simulated
    report_fate: str = ""  # an insights run started by the request ends so
    full_usage: bool = False  # usage headers show exhaustion


def _number(details: Details, name: str, default: float) -> float:
    return float(details.get(name, default))


def _commit_then_timeout(details: Details) -> Disturbance:
    return Disturbance(commit=True, delay_s=_number(details, "seconds", 0.0), ending="close")


def _drop_before_commit(details: Details) -> Disturbance:
    return Disturbance(delay_s=_number(details, "seconds", 0.0), ending="close")


def _connection_reset(details: Details) -> Disturbance:
    return Disturbance(commit=bool(details.get("commit")), ending="reset")


def _html_502(details: Details) -> Disturbance:
    status = int(_number(details, "status", 502))
    return Disturbance(commit=bool(details.get("commit")), reply=Reply(status, None, html=BAD_GATEWAY))


def _error_200(details: Details) -> Disturbance:
    return _error(details, GraphError("Service temporarily unavailable", 2, transient=True, http=200))


def _transient(details: Details) -> Disturbance:
    return _error(details, GraphError("An unexpected error has occurred.", 2, transient=True, http=500))


def _throttle(details: Details) -> Disturbance:
    code = int(_number(details, "code", 17))
    subcode = details.get("subcode", 2446079 if code in (17, 80000, 80004) else None)
    text = "There have been too many calls from this ad-account. Wait a bit and try again."
    disturbance = _error({**details, "code": code, "subcode": subcode}, throttled(code, subcode, text))
    return Disturbance(commit=disturbance.commit, reply=disturbance.reply, full_usage=True)


def _token_expired(details: Details) -> Disturbance:
    return _error(details, expired_token())


def _slow(details: Details) -> Disturbance:
    return Disturbance(commit=True, delay_s=_number(details, "seconds", 1.0))


def _read_lag(details: Details) -> Disturbance:
    return Disturbance(commit=True, hide_us=int(_number(details, "seconds", 60.0) * SECOND))


def _report(fate: str) -> Callable[[Details], Disturbance]:
    return lambda _details: Disturbance(commit=True, report_fate=fate)


def _error(details: Details, usual: GraphError) -> Disturbance:
    """Answer with an error whose code, subcode, message and HTTP status the fault may override."""
    error = GraphError(
        str(details.get("message", usual.message)),
        int(details.get("code", usual.code)),
        details.get("subcode", usual.subcode),
        usual.title,
        usual.user_message,
        http=int(details.get("http", usual.http)),
        transient=bool(details.get("is_transient", usual.transient)),
    )
    return Disturbance(commit=bool(details.get("commit")), reply=reply_of(error, TRACE))


KINDS: dict[str, Callable[[Details], Disturbance]] = {
    "commit_then_timeout": _commit_then_timeout,
    "drop_before_commit": _drop_before_commit,
    "connection_reset": _connection_reset,
    "html_502": _html_502,
    "error_200": _error_200,
    "transient": _transient,
    "throttle": _throttle,
    "token_expired": _token_expired,
    "slow": _slow,
    "read_lag": _read_lag,
    "report_failed": _report("failed"),
    "report_skipped": _report("skipped"),
    "report_stuck": _report("stuck"),
}
LASTING = frozenset({"read_lag"})  # kinds that go on until cleared unless told otherwise
PLAN_KEYS = frozenset({"kind", "match", "after", "times"})


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
    seen: int = 0
    fired: int = 0

    def fits(self, call: Call) -> bool:
        """Tell whether the fault is about such a request."""
        same_method = self.method is None or self.method == call.method
        return same_method and (self.path_regex is None or re.search(self.path_regex, call.path) is not None)

    def is_due(self) -> bool:
        """Tell whether the request just seen is one to disturb."""
        return self.seen > self.after and (self.times is None or self.fired < self.times)


class FaultBook:
    """The planned faults and the log of those that happened."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.log: list[dict[str, Any]] = []
        self.changed = False
        self._next = 1

    def plan(self, request: Mapping[str, Any]) -> Fault:
        """Add a fault described as JSON. Raises ValueError if it is not understood."""
        kind = str(request.get("kind"))
        if kind not in KINDS:
            message = f"unknown fault {kind!r}; known: {', '.join(sorted(KINDS))}"
            raise ValueError(message)
        match = request.get("match") or {}
        pattern = match.get("path_regex")
        if pattern is not None:
            _check_pattern(pattern)
        times = request.get("times", None if kind in LASTING else 1)
        details = {name: value for name, value in request.items() if name not in PLAN_KEYS}
        KINDS[kind](details)  # refuses details it cannot read
        method = match.get("method")
        fault = Fault(self._next, kind, method and method.upper(), pattern, int(request.get("after", 0)))
        fault.times = None if times is None else int(times)
        fault.details = details
        self._next += 1
        self.faults.append(fault)
        self.changed = True
        return fault

    def clear(self) -> None:
        """Forget all planned faults; the log stays."""
        self.faults.clear()
        self.changed = True

    def meet(self, call: Call, now: str) -> Disturbance | None:
        """Count a request for every fault it fits, and return the first disturbance that is due."""
        due: Fault | None = None
        for fault in self.faults:
            if fault.fits(call):
                fault.seen += 1
                self.changed = True
                if due is None and fault.is_due():
                    due = fault
        if due is None:
            return None
        due.fired += 1
        entry = {"fault": due.id, "kind": due.kind, "method": call.method, "path": call.path, "at": now}
        self.log = [*self.log[-LOG_LIMIT + 1 :], entry]
        disturbance = KINDS[due.kind](due.details)
        return Disturbance(**{**_fields(disturbance), "kind": due.kind})

    def dump(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"next": self._next, "faults": [asdict(fault) for fault in self.faults], "log": self.log}

    def load(self, body: Mapping[str, Any]) -> None:
        """Restore what `dump` gave."""
        self._next = body["next"]
        self.faults = [Fault(**row) for row in body["faults"]]
        self.log = list(body["log"])


def _fields(disturbance: Disturbance) -> dict[str, Any]:
    return {name: getattr(disturbance, name) for name in Disturbance.__dataclass_fields__}


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        message = f"path_regex: {error}"
        raise ValueError(message) from error
