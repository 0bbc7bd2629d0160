"""What a tick costs: a poll that decides nothing, and the building of a test, over the real client and the simulator."""

import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from statistics import median
from typing import Any

import requests
from benchmarks.databases import Database
from benchmarks.measuring import Line, Setting
from benchmarks.seeding import submitted
from benchmarks.ticks import SqlMachine

from autopublisher.domain.ids import RunId
from autopublisher.ports.work import Tick
from support.counting import CountedTransport

ARMS = 2
Sample = tuple[float, Mapping[str, int]]


def poll(setting: Setting) -> Iterator[Line]:
    """A poll of two arms that decides nothing: client, product and database count, the simulator's own work does not."""
    for kind in setting.kinds:
        played = [_played(setting, kind) for _ in range(setting.sizes((1,), (5,))[0])]
        yield _line(f"building, {kind}", [built for built, _ in played])
        yield _line(f"poll, {kind}", [one for _, polls in played for one in polls])


def _played(setting: Setting, kind: str) -> tuple[Sample, list[Sample]]:
    """Build one test and poll it for some hours; return what the building took, and each poll."""
    database = setting.databases.opened(kind, setting.databases.address(kind))
    machine = TimedMachine(database)
    run_id = submitted(machine, ARMS)
    machine.tick(run_id)
    built = _sample(machine, run_id)
    while not _is_judged(machine, run_id):
        machine.tick(run_id)
    return built, [_sample(machine, run_id) for _ in range(setting.sizes((6,), (12,))[0])]


def _is_judged(machine: SqlMachine, run_id: RunId) -> bool:
    """Tell whether the embargo is over, so that a poll judges what it has read."""
    run = machine.run(run_id)
    embargo = timedelta(hours=run.request.ab_test_config.embargo_hours)
    return run.trial.starts_at is not None and machine.clock.now() >= run.trial.starts_at + embargo


class TimedTransport(CountedTransport):
    """Counts the requests it hands over, and how much processor time the simulator takes for them."""

    seconds = 0.0

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override] # as its base
        began = time.process_time()
        try:
            return super().send(request, **options)
        finally:
            self.seconds += time.process_time() - began


class TimedMachine(SqlMachine):
    """A machine over a counted database that knows how much of its processor time the simulator took."""

    transport: TimedTransport
    transport_kind = TimedTransport

    def __init__(self, database: Database) -> None:
        self.database_counted = database
        super().__init__(database.engine)

    def seconds(self) -> float:
        """Return the processor time of the product and its database so far."""
        return time.process_time() + self.database_counted.server_seconds() - self.transport.seconds


def _sample(machine: TimedMachine, run_id: RunId) -> Sample:
    """Run the next tick of a run; return its processor milliseconds and what it counted."""
    database = machine.database_counted
    run = machine.run(run_id)
    machine.clock.advance_to(run.next_tick_at or machine.clock.now())
    database.counts.clear()
    with machine.counted() as counts:
        before = machine.seconds()
        machine.advance(Tick(run.id, run.version, run.act_id))
        spent = machine.seconds() - before
        found = {**database.counts, "calls to Meta": counts.calls.total()}
    assert machine.run(run_id).version > run.version
    return spent * 1000, found


def _line(case: str, samples: list[Sample]) -> Line:
    names = ("statements", "transactions", "commits", "calls to Meta")
    counts = {name: float(median(counted[name] for _, counted in samples)) for name in names}
    return Line(case, "CPU ms", tuple(spent for spent, _ in samples), None, counts)
