"""A whole machine over a simulator in the same process, without a socket between them, that can die at any moment.

The real client speaks to the simulator through a transport that hands its requests over, so a call costs little more than
the work on both sides: for tests that need many worlds.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy, deepcopy
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter

from autopublisher.adapters.memory.storage import MemoryStorage
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase, MemoryUnitOfWork
from autopublisher.adapters.memory.work import MemoryTickQueue
from autopublisher.domain.accounts.accounts import Account, AdDefaults, Creative
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import Run
from autopublisher.flows.dispatcher import EngineConfig, build_dispatcher
from autopublisher.flows.requests.approvals import Approvals
from autopublisher.flows.requests.intake import Intake
from autopublisher.flows.requests.stops import Stops
from autopublisher.ports.work import Tick
from metasim import SimulatorConfig
from metasim.engine import Simulator
from metasim.graph.wire import Call, Params
from metasim.times import SECOND
from support.crashing_adapters import CrashingClient
from support.crashing_machine import CrashingUnit, CrashPlan, SimulatedCrash
from support.installation import DEFAULTS
from support.pictures import picture
from support.simulated import ACCOUNT, ACT, CREATIVES

ADDRESS = "http://simulator"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DirectTransport(BaseAdapter):
    """Hands a prepared request to a simulator and returns its answer, or fails as a cut connection does."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self._simulator = simulator

    def send(  # type: ignore[override] # the library's timeouts and certificates have no part here
        self, request: requests.PreparedRequest, **_: Any
    ) -> requests.Response:
        delivery = self._simulator.handle(call_of(request))
        if delivery.ending != "answer":
            raise requests.ConnectionError(delivery.ending)
        answer = requests.Response()
        answer.status_code = delivery.reply.status
        answer.headers.update(delivery.reply.headers)
        html = delivery.reply.html
        answer._content = html.encode() if html is not None else json.dumps(delivery.reply.body).encode()
        answer.url, answer.request = str(request.url), request
        return answer

    def close(self) -> None:
        """Nothing is open."""


def call_of(request: requests.PreparedRequest) -> Call:
    """Read a request as the simulator's HTTP face does; the client sends no files."""
    address = urlsplit(str(request.url))
    version, *path = [part for part in address.path.split("/") if part]
    body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
    values = dict(parse_qsl(address.query)) | dict(parse_qsl(body))
    token = request.headers["Authorization"].removeprefix("Bearer ")
    return Call(str(request.method), tuple(path), Params(values), version, token, ADDRESS)


class DirectClock:
    """The simulator's own clock, moved only when told to."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def now(self) -> datetime:
        return EPOCH + timedelta(microseconds=self._simulator.clock.now_us())

    def real_seconds_until(self, moment: datetime) -> float | None:
        del moment
        return None

    def advance_to(self, moment: datetime) -> datetime:
        self._simulator.advance_to((moment - EPOCH) // timedelta(microseconds=1))
        return self.now()


class DirectMachine:
    """One account, a database in memory, a simulator, and a process over them that may die and be started again."""

    def __init__(self, pace: EngineConfig | None = None, config: SimulatorConfig | None = None) -> None:
        self.simulator = Simulator(config or SimulatorConfig(scenario="demo", seed=7))
        self.clock = DirectClock(self.simulator)
        self.crash_plan = CrashPlan()
        self.database = MemoryDatabase()
        self.storage = MemoryStorage()
        self.queue = MemoryTickQueue(self.clock)
        self.pace = pace or EngineConfig(poll=timedelta(hours=8))
        self.crashes = 0
        self._furnish()
        self.start()

    def copied(self) -> Self:
        """Return another machine, its process just started, on copies of what this one's database and simulator hold."""
        other = copy(self)
        other.simulator = deepcopy(self.simulator, {id(self.simulator.lock): RLock()})
        other.clock = DirectClock(other.simulator)
        other.crash_plan = CrashPlan()
        other.database, other.storage = MemoryDatabase(), deepcopy(self.storage)
        other.database.tables = self.database.tables.copy()
        other.queue = MemoryTickQueue(other.clock)
        other.start()
        return other

    def open_unit(self) -> MemoryUnitOfWork:
        return CrashingUnit(self.database, lambda: self.crash_plan)

    def start(self) -> None:
        """Build the process afresh, on whatever the database and Meta hold."""
        self.meta = CrashingClient(ADDRESS, self.clock, lambda: self.crash_plan)
        self.meta._session.requests.mount(ADDRESS, DirectTransport(self.simulator))
        parts = (self.open_unit, self.meta, self.storage, self.clock, self.queue, self.pace)
        self.advance = build_dispatcher(*parts)
        self.stops = Stops(self.open_unit, self.clock, self.queue)
        self.intake = Intake(self.open_unit, self.meta, self.clock, self.queue)
        self.approvals = Approvals(self.open_unit, self.clock, self.queue)

    def _furnish(self) -> None:
        now = self.clock.now()
        with self.open_unit() as unit:
            unit.accounts.add(
                Account(ACCOUNT, ACT, "Demo", "EUR", "Europe/Madrid", AdDefaults(**DEFAULTS), now)
            )
            unit.watches.add(Watch(ACT, 1, now))
            for number, creative in enumerate(CREATIVES):
                key = f"creatives/{number}"
                self.storage.write(key, picture(number))
                unit.creatives.add(
                    Creative(creative, ACCOUNT, f"Creative {number}", key, f"{number:064x}", now)
                )
            unit.commit()

    @contextmanager
    def may_crash(self, crash_at: int = 0) -> Iterator[None]:
        """Die at crash point ``crash_at`` of the block (0: not at all) and start again."""
        self.crash_plan = CrashPlan(crash_at)
        try:
            yield
        except SimulatedCrash:
            self.crashes += 1
            self.meta.close()
            self.start()
        self.crash_plan = CrashPlan()

    def run(self, run_id: RunId) -> Run:
        with self.database.unit_of_work() as unit:
            return unit.runs.get(run_id)

    def tick(self, run_id: RunId, crash_at: int = 0, *, late: bool = True) -> Run:
        """Run the run's current tick, when it is due or (``late`` false) before."""
        run = self.run(run_id)
        if late and run.next_tick_at is not None:
            self.clock.advance_to(run.next_tick_at)
        with self.may_crash(crash_at):
            self.advance(Tick(run.id, run.version, run.act_id))
        return self.run(run_id)

    def watch(self) -> Watch:
        with self.database.unit_of_work() as unit:
            return next(iter(unit.watches.all()))

    def look(self, crash_at: int = 0) -> Watch:
        """Have the account looked at when that is due."""
        watch = self.watch()
        self.clock.advance_to(watch.next_look_at)
        with self.may_crash(crash_at):
            self.advance(Tick(None, watch.version, watch.act_id))
        return self.watch()

    def pass_time(self, seconds: float) -> None:
        self.simulator.advance_to(self.simulator.clock.now_us() + round(seconds * SECOND))

    def edit_at_meta(self, meta_id: str, status: str) -> None:
        """Change an object as a person does in Meta's own pages; Meta may refuse."""
        token = self.simulator.scenario.tokens[0]
        change = Params({"status": status})
        self.simulator.handle(Call("POST", (meta_id,), change, "v26.0", token, ADDRESS))
