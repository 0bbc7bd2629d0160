"""How long the building of a test takes at Meta's latency, beside a script that makes the same writes and nothing else."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from benchmarks.databases import SQLITE
from benchmarks.measuring import Line, Setting, ratio
from benchmarks.seeding import submitted
from benchmarks.ticks import SqlMachine

from autopublisher.domain.runs.run import RunStatus
from support.counting import CountedTransport
from support.direct import ADDRESS, DirectTransport

LATENCY_SECONDS = 0.15
READ = "GET"


def build(setting: Setting) -> Iterator[Line]:
    """Building a test at 150 ms a request, on SQLite, beside the same writes sent one after the other by a plain script."""
    for arms in setting.sizes((2,), (2, 10)):
        machine, product = _built(setting, arms)
        plain = _replayed(machine)
        yield product
        yield plain
        yield ratio(f"{arms} arms, product against script", product, plain)
        requests_made, writes = sum(product.counts.values()), sum(plain.counts.values())
        yield Line(f"{arms} arms, requests to writes", "times", (requests_made / writes,))


class DistantTransport(CountedTransport):
    """A transport that takes its time, and keeps the writes it has carried."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.writes: list[requests.PreparedRequest] = []
        self.latency = 0.0

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override] # as its base
        if request.method != READ:
            self.writes.append(request)
        time.sleep(self.latency)
        return super().send(request, **options)


class DistantMachine(SqlMachine):
    """A machine far from Meta."""

    transport: DistantTransport
    transport_kind = DistantTransport


def _built(setting: Setting, arms: int) -> tuple[DistantMachine, Line]:
    """Build a test; return the machine with its writes, and how long it took."""
    database = setting.databases.opened(SQLITE, setting.databases.address(SQLITE))
    machine = DistantMachine(database.engine)
    run_id = submitted(machine, arms)
    machine.tick(run_id)
    machine.transport.writes.clear()
    machine.transport.latency = LATENCY_SECONDS
    with machine.counted() as counts:
        began = time.perf_counter()
        while machine.run(run_id).status is RunStatus.CREATING_CAMPAIGNS:
            machine.tick(run_id)
        lasted = time.perf_counter() - began
    found = {f"{method} requests": float(count) for method, count in sorted(counts.calls.items())}
    return machine, Line("product", "s", (lasted,), arms, found)


def _replayed(machine: DistantMachine) -> Line:
    """Send each write of a machine once more, alone: what was a batch as single requests."""
    writes = [one for write in machine.transport.writes for one in _singly(write)]
    transport = DirectTransport(machine.simulator)
    began = time.perf_counter()
    for write in writes:
        time.sleep(LATENCY_SECONDS)
        transport.send(write)
    lasted = time.perf_counter() - began
    arms = sum(str(write.url).endswith("/adsets") for write in writes)
    return Line("plain script", "s", (lasted,), arms, {"POST requests": float(len(writes))})


def _singly(write: requests.PreparedRequest) -> Sequence[requests.PreparedRequest]:
    """Return the writes of a request, which are several where it is a batch."""
    text = write.body.decode() if isinstance(write.body, bytes) else str(write.body or "")
    batch: Sequence[Mapping[str, Any]] = json.loads(dict(parse_qsl(text)).get("batch", "[]"))
    version = urlsplit(str(write.url)).path.split("/")[1]
    return [
        requests.Request(
            str(one["method"]),
            f"{ADDRESS}/{version}/{one['relative_url']}",
            headers={"Authorization": write.headers["Authorization"]},
            data=dict(parse_qsl(str(one.get("body", "")))),
        ).prepare()
        for one in batch
        if one["method"] != READ
    ] or [write]
