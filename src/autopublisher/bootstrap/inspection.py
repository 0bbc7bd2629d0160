"""What the doctor looks at: database, clock and Meta, and health over them; no work engine and no web application."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine

from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.bootstrap.clocks import opened_clock
from autopublisher.bootstrap.database import opened_tables, units_of
from autopublisher.bootstrap.home_mark import HomeMark
from autopublisher.bootstrap.meta_client import client_of
from autopublisher.bootstrap.secret_file import secret_key
from autopublisher.bootstrap.simulator_process import simulator_of
from autopublisher.flows.requests.monitor import Monitor
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork
from autopublisher.settings import LIVE_GRAPH_URL, Settings


@dataclass(frozen=True)
class Inspection:
    """One installation as it is looked at."""

    settings: Settings
    engine: Engine
    open_unit: OpenUnitOfWork
    clock: Clock
    meta: SdkMetaAds
    meta_url: str
    monitor: Monitor


@contextmanager
def opened_inspection(settings: Settings) -> Iterator[Inspection]:
    """Open all of it as the product would, the simulator too where it is ours.

    Raises ConfigurationError, among them LostDatabaseError, and UnavailableError.
    """
    with ExitStack() as undo:
        secret_key(settings)
        simulator = simulator_of(settings) if settings.supervises_simulator else None
        url = settings.meta_graph_url or LIVE_GRAPH_URL
        if simulator is not None:
            undo.callback(simulator.stop)
            url = simulator.start()
        engine = undo.enter_context(opened_tables(settings.database))
        open_unit = units_of(engine)
        HomeMark(settings.home, open_unit).check()
        token = "" if simulator is None else simulator.token
        clock = undo.enter_context(opened_clock(settings, url, token))
        meta = undo.enter_context(client_of(settings, clock, url))
        mode, enabled = settings.meta_api_mode.value, settings.auto_publisher_enabled
        monitor = Monitor(open_unit, clock, None, mode=mode, enabled=enabled)
        yield Inspection(settings, engine, open_unit, clock, meta, url, monitor)
