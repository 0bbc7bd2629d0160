"""The whole product, assembled from its settings: the one place that builds adapters and hands them on."""

import math
import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import TracebackType
from typing import Self

import structlog
from fastapi import FastAPI
from sqlalchemy import Engine

from autopublisher import __version__
from autopublisher.adapters.clock_simulated import SimulatedClock
from autopublisher.adapters.clock_system import SystemClock, seconds_since_boot
from autopublisher.adapters.db.file_changes import FileChanges
from autopublisher.adapters.db.place import place_of
from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.adapters.passwords_argon2 import Argon2Passwords
from autopublisher.adapters.tokens_hmac import HmacTokens
from autopublisher.adapters.work_dbos import DbosTickQueue, DbosWorker
from autopublisher.api.app import create_app
from autopublisher.api.reserved_threads import in_stop_thread, in_watch_thread
from autopublisher.api.services import Services
from autopublisher.bootstrap.clocks import opened_clock
from autopublisher.bootstrap.database import opened_database, units_of
from autopublisher.bootstrap.emergency import EmergencyKeeper, emergency_files, keeper_of
from autopublisher.bootstrap.exposures import spend_rules_of
from autopublisher.bootstrap.files import storage_of
from autopublisher.bootstrap.home_mark import HomeMark, MarkedTicks
from autopublisher.bootstrap.http_server import HttpServer
from autopublisher.bootstrap.meta_client import client_of
from autopublisher.bootstrap.rounds import JumpDriver, Round, SimulatorKeeper, SteppedTicks
from autopublisher.bootstrap.secret_file import secret_key
from autopublisher.bootstrap.simulator_process import SimulatorProcess, simulator_of
from autopublisher.dashboard.pages import lost_page, pages
from autopublisher.dashboard.session import Desk
from autopublisher.domain.errors import ConflictError
from autopublisher.flows.dispatcher import EngineConfig, build_dispatcher
from autopublisher.flows.requests.account_memory import AccountMemories
from autopublisher.flows.requests.accounts import Accounts
from autopublisher.flows.requests.approvals import Approvals
from autopublisher.flows.requests.exposure import Exposures
from autopublisher.flows.requests.intake import Intake, IntakeLimits
from autopublisher.flows.requests.monitor import Monitor
from autopublisher.flows.requests.people import People
from autopublisher.flows.requests.planner import Planner
from autopublisher.flows.requests.reports import Reports
from autopublisher.flows.requests.stops import Stops
from autopublisher.flows.watch.sweeper import Sweeper
from autopublisher.flows.writes.claims import AccountClaims
from autopublisher.flows.writes.emergency_pause import EmergencyPause
from autopublisher.flows.writes.money_gate import MoneyGate
from autopublisher.flows.writes.patience import Patience
from autopublisher.ports.clock import Clock, SteppedClock
from autopublisher.ports.repositories import OpenUnitOfWork
from autopublisher.ports.storage import Storage
from autopublisher.ports.work import TickHandler
from autopublisher.settings import LIVE_GRAPH_URL, Settings, StubClock

_log = structlog.get_logger(__name__)


class Work(StrEnum):
    """Whether this process runs ticks: not at all, always, or if nobody else does on this database."""

    NONE = "none"
    HERE = "here"
    IF_FREE = "if_free"


@dataclass(frozen=True)
class Rhythm:
    """Real seconds: pause after housekeeping (``idle`` where nothing was due), between polls, until a tick is dead."""

    sweep: float
    idle: float
    queue: float
    dead_tick: float

    @property
    def sweeps_before_lifting(self) -> int:
        """For how many rounds the same tick may be overdue."""
        return math.ceil(self.dead_tick / self.sweep)


STUB_RHYTHM = Rhythm(sweep=0.05, idle=0.5, queue=0.2, dead_tick=20.0)
JUMPING_LOOK = timedelta(hours=12)
EMERGENCY_PATIENCE_SECONDS = 5.0
LIVE_RHYTHM = Rhythm(sweep=30.0, idle=30.0, queue=1.0, dead_tick=300.0)


@dataclass(frozen=True)
class Outside:
    """The adapters of one product."""

    engine: Engine
    open_unit: OpenUnitOfWork
    clock: Clock
    meta: SdkMetaAds
    storage: Storage
    ticks: DbosTickQueue


class Product:
    """AutoPublisher as one process runs it, between ``start`` and ``stop``; every choice comes from the settings."""

    services: Services
    outside: Outside
    meta_url: str
    works: bool = False

    def __init__(self, settings: Settings, work: Work = Work.HERE, *, new_database: bool = False) -> None:
        self.settings = settings
        self._work = work
        self._new_database = new_database
        self._cleanup = ExitStack()
        self._simulator: SimulatorProcess | None = None
        self._due = threading.Event()
        self._emergency_files = emergency_files(settings)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Bring everything up, migrating the database first; what was begun is undone where that fails.

        Raises ConfigurationError, among them LostDatabaseError unless ``new_database`` is set, UnavailableError, and
        ConflictError where a worker is wanted but one runs already.
        """
        with ExitStack() as undo:
            key = secret_key(self.settings)
            self.meta_url = self._graph(undo)
            outside = self._outside(undo)
            pause, keeper = self._emergency(undo, outside)
            worker = self._worker(undo, outside)
            self.outside = outside
            passwords = undo.enter_context(Argon2Passwords())
            self.services = self._services(outside, key, worker, passwords, pause=pause, keeper=keeper)
            self.works = worker is not None
            self._cleanup = undo.pop_all()
        _log.info("product_started", mode=self.settings.meta_api_mode, works=self.works)

    def stop(self) -> None:
        """End the ticks in flight, close everything, and end the simulator; twice is harmless."""
        self._cleanup.close()

    def app(self) -> FastAPI:
        """Return the web application over this product: the API and the dashboard."""
        known = self.services
        desk = Desk(
            people=known.people,
            reports=known.reports,
            approvals=known.approvals,
            monitor=known.monitor,
            stops=known.stops,
            exposures=known.exposures,
            clock=known.clock,
            in_stop_thread=in_stop_thread,
            in_watch_thread=in_watch_thread,
        )
        return create_app(
            known,
            pages=(pages(desk),),
            trusted_hosts=self.settings.trusted_hosts,
            lost_page=lost_page(desk),
        )

    def http_server(self, listener: socket.socket) -> HttpServer:
        """Return the server of this product's web application, yet to be started."""
        return HttpServer(self.app(), listener, self.settings.trusted_proxies)

    @property
    def simulator_token(self) -> str:
        """What the own simulator's controls ask for; empty without one."""
        return "" if self._simulator is None else self._simulator.token

    def _graph(self, undo: ExitStack) -> str:
        """Return the address of the Marketing API, starting the simulator where it is ours."""
        settings = self.settings
        if not settings.supervises_simulator:
            return settings.meta_graph_url or LIVE_GRAPH_URL
        self._simulator = simulator_of(settings)
        undo.callback(self._simulator.stop)
        return self._simulator.start()

    def _outside(self, undo: ExitStack) -> Outside:
        settings = self.settings
        engine = undo.enter_context(opened_database(settings.database))
        HomeMark(settings.home, units_of(engine)).check(new_database=self._new_database)
        clock = undo.enter_context(opened_clock(settings, self.meta_url, self.simulator_token))
        return Outside(
            engine=engine,
            open_unit=units_of(engine, self._emergency_files.notes.pending),
            clock=clock,
            meta=undo.enter_context(client_of(settings, clock, self.meta_url)),
            storage=storage_of(engine, settings.files_folder, clock),
            ticks=DbosTickQueue(engine, self._due),
        )

    def _emergency(self, undo: ExitStack, outside: Outside) -> tuple[EmergencyPause, EmergencyKeeper]:
        """Take in what an emergency has left before any tick runs, and be ready for the next."""
        files, clock = self._emergency_files, outside.clock
        pause = EmergencyPause(outside.meta, files.notes, files.book, clock.now)
        keeper = keeper_of(files, pause, outside.open_unit, clock, outside.ticks)
        rounds = keeper.start()
        undo.callback(rounds.stop, EMERGENCY_PATIENCE_SECONDS)
        return pause, keeper

    def _worker(self, undo: ExitStack, outside: Outside) -> DbosWorker | None:
        if self._work is Work.NONE:
            return None
        settings = self.settings
        rhythm = STUB_RHYTHM if settings.is_stub else LIVE_RHYTHM
        sweeper = Sweeper(outside.open_unit, outside.ticks, outside.clock, rhythm.sweeps_before_lifting)
        keeper = None if self._simulator is None else SimulatorKeeper(self._simulator)
        simulated = outside.clock if isinstance(outside.clock, SimulatedClock) else None
        worker = DbosWorker(
            settings.database,
            Round(sweeper.sweep, keeper, self._driver(outside), simulated, _changes(outside.engine, undo)),
            sweep_seconds=rhythm.sweep,
            idle_seconds=rhythm.idle,
            polling_seconds=rhythm.queue,
            due=self._due,
        )
        config = EngineConfig(
            most_runs_at_once=settings.auto_publisher_max_concurrent_runs,
            poll=timedelta(minutes=settings.auto_publisher_poll_minutes),
            look=self._look,
            approval_lasts=timedelta(hours=settings.auto_publisher_approval_hours),
            patience=Patience(absent_after=timedelta(minutes=settings.auto_publisher_absent_minutes)),
            spend=spend_rules_of(settings),
            native_rule=settings.auto_publisher_native_rule,
            split_tests=settings.auto_publisher_split_tests,
            stopwatch=seconds_since_boot,
        )
        parts = (outside.open_unit, outside.meta, outside.storage, outside.clock, outside.ticks, config)
        place = place_of(outside.engine)
        claimed = (outside.open_unit, outside.meta, outside.clock, place, self._look)
        claims = AccountClaims(*claimed, nonce=lambda: secrets.token_hex(6), stopwatch=seconds_since_boot)
        ticks: TickHandler = build_dispatcher(*parts, claims=claims)
        if simulated is not None:
            ticks = SteppedTicks(ticks, simulated)
        try:
            worker.start(MarkedTicks(ticks, HomeMark(settings.home, outside.open_unit)))
        except ConflictError:
            if self._work is Work.IF_FREE:
                return None
            raise
        undo.callback(worker.stop)
        return worker

    @property
    def _look(self) -> timedelta:
        """How often an account is looked at; jumping time would otherwise pass a look with every jump."""
        wanted = timedelta(minutes=self.settings.auto_publisher_watch_minutes)
        jumps = self.settings.is_stub and self.settings.stub_clock is StubClock.JUMP
        return max(wanted, JUMPING_LOOK) if jumps else wanted

    @property
    def stepped_clock(self) -> SteppedClock | None:
        """The clock of stub mode where time moves only when it is told to; None where it passes by itself."""
        return self._stepped(self.outside.clock)

    def _stepped(self, clock: Clock) -> SteppedClock | None:
        jumps = self.settings.stub_clock is StubClock.JUMP
        return clock if jumps and isinstance(clock, SimulatedClock) else None

    def _driver(self, outside: Outside) -> JumpDriver | None:
        clock = self._stepped(outside.clock)
        return None if clock is None else JumpDriver(outside.open_unit, clock)

    def _services(
        self,
        outside: Outside,
        key: bytes,
        worker: DbosWorker | None,
        passwords: Argon2Passwords,
        *,
        pause: EmergencyPause,
        keeper: EmergencyKeeper,
    ) -> Services:
        settings, unit, clock = self.settings, outside.open_unit, outside.clock
        enabled, mode = settings.auto_publisher_enabled, settings.meta_api_mode.value
        limits = IntakeLimits(enabled, settings.spend_limits)
        intake = Intake(unit, outside.meta, clock, outside.ticks, limits)
        return Services(
            intake=intake,
            planner=Planner(unit, intake, clock, timedelta(minutes=settings.auto_publisher_poll_minutes)),
            approvals=Approvals(unit, clock, outside.ticks),
            reports=Reports(unit, clock, stretch=settings.auto_publisher_daily_stretch_percent),
            # People live in real time: a simulated week must not end their sessions.
            people=People(unit, SystemClock(), HmacTokens(key), passwords),
            accounts=Accounts(unit, outside.meta, outside.storage, clock, registered=keeper.book_accounts),
            monitor=Monitor(unit, clock, worker, mode=mode, enabled=enabled),
            exposures=Exposures(unit, clock, MoneyGate(spend_rules_of(settings))),
            memories=AccountMemories(unit),
            stops=Stops(unit, clock, outside.ticks, pause),
            clock=clock,
            enabled=enabled,
            mode=mode,
            version=__version__,
        )


def _changes(engine: Engine, undo: ExitStack) -> Callable[[], bool]:
    """Return what tells whether anything has been stored; of a server's database that cannot be told so cheaply."""
    if engine.url.get_backend_name() != "sqlite":
        return lambda: True
    changes = FileChanges(str(engine.url.database))
    undo.callback(changes.close)
    return changes
