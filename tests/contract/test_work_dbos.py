"""The durable queue and its worker on both databases: what is enqueued runs, once, and one at a time."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from autopublisher.adapters import work_dbos
from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.adapters.work_dbos import DbosTickQueue, DbosWorker, prepare
from autopublisher.adapters.work_dbos_lease import AdvisoryLockLease, FileLease, lock_key
from autopublisher.adapters.work_dbos_store import driver_url, route_logs
from autopublisher.domain.errors import ConfigurationError, ConflictError, UnavailableError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import ActId, RunId
from autopublisher.ports.repositories import UnitOfWork
from autopublisher.ports.work import Tick, TickHandler
from postgres_server import Copied
from support.wording import english

pytestmark = pytest.mark.slow

PATIENCE = 60.0
NORTH, SOUTH = ActId("act_1"), ActId("act_2")
RUNS = (("a", NORTH), ("b", SOUTH))

StartWorker = Callable[[TickHandler], DbosWorker]
Enqueue = Callable[..., None]


class Log:
    """What ran, in order; others may wait for it."""

    def __init__(self) -> None:
        self.ran: list[Tick] = []
        self._changed = threading.Condition()

    def __call__(self, tick: Tick) -> None:
        with self._changed:
            self.ran.append(tick)
            self._changed.notify_all()

    def wait_for(self, *ticks: Tick) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: set(ticks) <= set(self.ran), PATIENCE), self.ran


class Gate(Log):
    """Holds every tick of one account until it is opened."""

    def __init__(self, held: ActId) -> None:
        super().__init__()
        self._held = held
        self.opened = threading.Event()
        self.finished: list[Tick] = []

    def __call__(self, tick: Tick) -> None:
        super().__call__(tick)
        if tick.act_id == self._held:
            assert self.opened.wait(PATIENCE)
        self.finished.append(tick)


def tick(name: str, act_id: ActId = NORTH, version: int = 1) -> Tick:
    return Tick(RunId(name), version, act_id)


def nothing() -> None:
    pass


@pytest.fixture
def url(database_copy: Copied) -> str:
    return database_copy(prepare)


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    engine = open_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def enqueue(engine: sa.Engine) -> Enqueue:
    queue = DbosTickQueue(engine)

    def enqueue(*ticks: Tick, delay_seconds: float = 0.0) -> None:
        with SqlUnitOfWork(engine) as unit:
            for each in ticks:
                queue.enqueue(unit, each, delay_seconds)
            unit.commit()

    return enqueue


@pytest.fixture
def start(url: str) -> Iterator[StartWorker]:
    workers: list[DbosWorker] = []

    def start(handler: TickHandler) -> DbosWorker:
        worker = DbosWorker(url, nothing, polling_seconds=0.1)
        workers.append(worker)
        worker.start(handler)
        return worker

    yield start
    for worker in workers:
        worker.stop(drain_seconds=0)


@contextmanager
def opening(gate: Gate) -> Iterator[None]:
    """Never leave a thread behind a closed gate, not even when the test fails."""
    try:
        yield
    finally:
        gate.opened.set()


def test_a_look_at_an_account_comes_back_as_one(start: StartWorker, enqueue: Enqueue) -> None:
    log = Log()
    start(log)
    enqueue(Tick(None, 3, SOUTH))
    log.wait_for(Tick(None, 3, SOUTH))


def test_ticks_follow_one_another_without_waiting_for_the_next_poll(url: str, engine: sa.Engine) -> None:
    log, due = Log(), threading.Event()
    worker = DbosWorker(url, nothing, polling_seconds=3600, due=due)
    # On a server the worker hears of what other processes enqueue; in a file only of what its own does.
    queue = DbosTickQueue(engine, due if engine.dialect.name == "sqlite" else None)
    ticks = [tick(f"{act_id}-{number}", act_id) for number in range(20) for act_id in (NORTH, SOUTH)]
    worker.start(log)
    try:
        for each in ticks:
            with SqlUnitOfWork(engine) as unit:
                queue.enqueue(unit, each)
                unit.commit()
        log.wait_for(*ticks)
    finally:
        worker.stop()
    assert len(log.ran) == len(ticks)


def test_a_look_at_an_account_waits_for_the_run_that_is_busy_there(
    start: StartWorker, enqueue: Enqueue
) -> None:
    gate = Gate(NORTH)
    with opening(gate):
        start(gate)
        enqueue(tick("a", NORTH))
        gate.wait_for(tick("a", NORTH))
        enqueue(Tick(None, 1, NORTH), tick("b", SOUTH))
        gate.wait_for(tick("b", SOUTH))
        assert Tick(None, 1, NORTH) not in gate.ran
    gate.wait_for(Tick(None, 1, NORTH))


def test_a_committed_tick_runs_with_what_was_enqueued(start: StartWorker, enqueue: Enqueue) -> None:
    log = Log()
    start(log)
    enqueue(tick("a", SOUTH, version=7))
    log.wait_for(tick("a", SOUTH, version=7))


def test_a_tick_enqueued_before_any_worker_runs_when_one_starts(start: StartWorker, enqueue: Enqueue) -> None:
    log = Log()
    enqueue(tick("a"))
    start(log)
    log.wait_for(tick("a"))


def test_a_rolled_back_transaction_leaves_no_tick(
    engine: sa.Engine, start: StartWorker, enqueue: Enqueue
) -> None:
    with SqlUnitOfWork(engine) as unit:
        DbosTickQueue(engine).enqueue(unit, tick("a-undone"))
    enqueue(tick("b"))
    log = Log()
    start(log)
    log.wait_for(tick("b"))
    assert log.ran == [tick("b")]


def test_the_same_tick_enqueued_again_runs_once(start: StartWorker, enqueue: Enqueue) -> None:
    enqueue(tick("a"), tick("a"))
    enqueue(tick("a"))
    log = Log()
    start(log)
    log.wait_for(tick("a"))
    enqueue(tick("a"), tick("b"))
    log.wait_for(tick("b"))
    assert log.ran == [tick("a"), tick("b")]


def test_a_repeated_tick_does_not_spoil_the_callers_transaction(engine: sa.Engine, enqueue: Enqueue) -> None:
    enqueue(tick("a"))
    with SqlUnitOfWork(engine) as unit:
        DbosTickQueue(engine).enqueue(unit, tick("a"))
        unit.connection.execute(sa.text("CREATE TABLE after_the_repetition (id INTEGER)"))
        unit.commit()
    assert sa.inspect(engine).has_table("after_the_repetition")


def test_one_account_does_one_tick_at_a_time_while_others_go_on(start: StartWorker, enqueue: Enqueue) -> None:
    gate = Gate(held=NORTH)
    enqueue(tick("a", NORTH))
    with opening(gate):
        start(gate)
        gate.wait_for(tick("a", NORTH))
        enqueue(tick("b", NORTH), tick("c", SOUTH))
        gate.wait_for(tick("c", SOUTH))
        # One more look at the queue, so that "b" has had every chance to start.
        enqueue(tick("d", SOUTH))
        gate.wait_for(tick("d", SOUTH))
        assert tick("b", NORTH) not in gate.ran
    gate.wait_for(tick("b", NORTH))


def test_a_delayed_tick_waits(start: StartWorker, enqueue: Enqueue) -> None:
    log = Log()
    worker = start(log)
    enqueue(tick("a-later"), delay_seconds=3600)
    enqueue(tick("b"))
    log.wait_for(tick("b"))
    assert log.ran == [tick("b")]
    assert worker.health().waiting == 1


def test_a_delayed_tick_runs_when_its_time_has_come(start: StartWorker, enqueue: Enqueue) -> None:
    log = Log()
    start(log)
    enqueue(tick("a"), delay_seconds=0.2)
    log.wait_for(tick("a"))


def test_a_tick_may_enqueue_the_next_one(engine: sa.Engine, start: StartWorker, enqueue: Enqueue) -> None:
    log, queue = Log(), DbosTickQueue(engine)

    def go_on(tick: Tick) -> None:
        with SqlUnitOfWork(engine) as unit:
            queue.enqueue(unit, replace(tick, version=tick.version + 1))
            unit.commit()
        log(tick)

    start(go_on)
    enqueue(tick("a"), tick("b", SOUTH))
    log.wait_for(*(tick(name, act_id, version) for name, act_id in RUNS for version in range(1, 6)))


def test_a_failing_tick_is_reported_once_and_does_not_block_its_account(
    start: StartWorker, enqueue: Enqueue, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log()

    def fail_first(tick: Tick) -> None:
        if tick.run_id == "a":
            raise LookupError("no such thing")
        log(tick)

    with capture_logs() as events:
        start(fail_first)
        enqueue(tick("a"))
        enqueue(tick("b"))
        log.wait_for(tick("b"))
    failures = [event for event in events if event["event"] == "tick_failed"]
    assert [(event["run_id"], event["version"]) for event in failures] == [("a", 1)]
    assert "no such thing" not in caplog.text


END_PLACES = """
SELECT pg_terminate_backend(held.pid) FROM pg_locks AS held JOIN pg_stat_activity AS holder ON holder.pid = held.pid
WHERE held.locktype = 'advisory' AND holder.application_name = 'autopublisher-worker'
    AND holder.datname = current_database()
"""


@pytest.mark.postgres
def test_a_worker_that_lost_its_place_runs_nothing_until_it_has_it_again(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(postgres_url)
    monkeypatch.setattr(work_dbos, "WATCH_SECONDS", 2.0)
    log, engine, worker = (
        Log(),
        open_engine(postgres_url),
        DbosWorker(postgres_url, nothing, polling_seconds=0.1),
    )
    seen: list[bool] = []

    def look(tick: Tick) -> None:
        with engine.connect() as connection:
            key = lock_key(worker.health().executor_id)
            seen.append(not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(key))))
        log(tick)

    worker.start(look)
    try:
        with engine.connect() as connection:
            while not connection.execute(sa.text(END_PLACES)).all():
                """The worker's first look may still be under way."""
        with SqlUnitOfWork(engine) as unit:
            DbosTickQueue(engine).enqueue(unit, tick("a"))
            unit.commit()
        log.wait_for(tick("a"))
    finally:
        worker.stop(drain_seconds=PATIENCE)
        engine.dispose()
    assert seen == [True]


def test_stop_waits_for_the_tick_in_flight(start: StartWorker, enqueue: Enqueue) -> None:
    gate = Gate(held=NORTH)
    with opening(gate):
        worker = start(gate)
        enqueue(tick("a"))
        gate.wait_for(tick("a"))
        threading.Timer(0.3, gate.opened.set).start()
        worker.stop(drain_seconds=PATIENCE)
    assert gate.finished == [tick("a")]
    assert worker.health().in_flight == 0


def test_a_tick_that_was_not_drained_runs_again_after_the_next_start(
    start: StartWorker, enqueue: Enqueue
) -> None:
    gate, log = Gate(held=NORTH), Log()
    with opening(gate):
        worker = start(gate)
        enqueue(tick("a"))
        gate.wait_for(tick("a"))
        worker.stop(drain_seconds=0)
        worker.start(log)
        log.wait_for(tick("a"))
    worker.stop(drain_seconds=0)


def test_stop_may_be_called_twice(start: StartWorker) -> None:
    worker = start(Log())
    worker.stop(drain_seconds=0)
    worker.stop(drain_seconds=5)
    assert not worker.health().running


def test_health_tells_what_waits_and_what_runs(start: StartWorker, enqueue: Enqueue) -> None:
    gate = Gate(held=NORTH)
    with opening(gate):
        worker = start(gate)
        enqueue(tick("a"), tick("b"))
        gate.wait_for(tick("a"))
        health = worker.health()
    assert (health.running, health.waiting, health.in_flight) == (True, 1, 1)
    assert health.executor_id


def test_purge_forgets_finished_ticks_and_keeps_waiting_ones(start: StartWorker, enqueue: Enqueue) -> None:
    log = Log()
    worker = start(log)
    enqueue(tick("a"))
    enqueue(tick("b-later"), delay_seconds=3600)
    log.wait_for(tick("a"))
    worker.stop(drain_seconds=PATIENCE)
    assert worker.purge_finished(timedelta(days=1)) == 0
    # Into the future, since SQLite keeps the end of a tick by the second.
    assert worker.purge_finished(timedelta(seconds=-5)) == 1
    assert worker.health().waiting == 1


def test_a_running_worker_purges_what_has_ended_by_itself(url: str, enqueue: Enqueue) -> None:
    log = Log()
    # Into the future, since SQLite keeps the end of a tick by the second.
    worker = DbosWorker(
        url, nothing, polling_seconds=0.05, purge_seconds=0.2, kept_finished=timedelta(seconds=-5)
    )
    worker.start(log)
    enqueue(tick("b-later"), delay_seconds=3600)
    enqueue(tick("a"))
    log.wait_for(tick("a"))
    try:
        deadline = time.monotonic() + PATIENCE
        while len(kept(url)) > 1 and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        worker.stop()
    assert kept(url) == [tick("b-later").workflow_id]


def kept(url: str) -> list[str]:
    """Return the ids of the ticks that the database has records of."""
    address = driver_url(url)
    schema = None if address.get_backend_name() == "sqlite" else "dbos"
    rows = sa.table("workflow_status", sa.column("workflow_uuid", sa.Text()), schema=schema)
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return list(connection.scalars(sa.select(rows.c.workflow_uuid)))


def test_a_second_worker_in_one_process_is_refused(url: str, start: StartWorker) -> None:
    start(Log())
    with pytest.raises(ConflictError, match=Fault.WORKER_IN_PROCESS):
        DbosWorker(url, nothing).start(Log())


def test_an_unprepared_database_is_refused_with_the_way_out(database_url: str) -> None:
    with pytest.raises(ConflictError, match=Fault.NOT_PREPARED) as refused:
        DbosWorker(database_url, nothing).start(Log())
    assert "db upgrade" in english(refused.value.remedy)


def test_preparing_again_changes_nothing(url: str, start: StartWorker, enqueue: Enqueue) -> None:
    enqueue(tick("a"))
    prepare(url)
    log = Log()
    start(log)
    log.wait_for(tick("a"))


def test_the_sweep_goes_on_after_a_failure(url: str) -> None:
    swept = threading.Semaphore(0)

    def sweep() -> None:
        swept.release()
        raise LookupError("nothing to sweep")

    worker = DbosWorker(url, sweep, sweep_seconds=0.01)
    with capture_logs() as events:
        worker.start(Log())
        assert all(swept.acquire(timeout=PATIENCE) for _ in range(3))
        worker.stop(drain_seconds=0)
    assert {event["name"] for event in events if event["event"] == "rounds_failed"} == {"autopublisher-sweep"}


def test_a_unit_of_work_without_sql_is_refused(engine: sa.Engine) -> None:
    with pytest.raises(TypeError, match="SQL unit of work"):
        DbosTickQueue(engine).enqueue(cast("UnitOfWork", object()), tick("a"))


@contextmanager
def held(lease: FileLease | AdvisoryLockLease) -> Iterator[None]:
    lease.take()
    try:
        yield
    finally:
        lease.release()


def test_a_sqlite_file_has_one_worker(tmp_path: Path) -> None:
    database = tmp_path / "test.db"
    prepare(f"sqlite:///{database}")
    lock = tmp_path / "test.db.worker.lock"
    with held(FileLease(database)), pytest.raises(ConflictError, match=str(lock)) as refused:
        DbosWorker(f"sqlite:///{database}", nothing).start(Log())
    assert "PostgreSQL" in english(refused.value.remedy)


def test_a_sqlite_database_in_memory_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=Fault.WORK_IN_MEMORY):
        prepare("sqlite://")


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="nowhere"):
        DbosWorker(f"sqlite:///{tmp_path / 'nowhere' / 'test.db'}", nothing).start(Log())


def test_a_server_that_does_not_answer_is_told_without_the_password() -> None:
    worker = DbosWorker("postgresql://somebody:hidden@127.0.0.1:1/nothing", nothing)
    with pytest.raises(UnavailableError, match=Fault.DATABASE_SILENT) as refused:
        worker.start(Log())
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("sqlite:///a.db", "sqlite:///a.db"),
        ("sqlite+aiosqlite:///a.db", "sqlite:///a.db"),
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql+asyncpg://u:p@h/d?ssl=true", "postgresql+psycopg://u:p@h/d?sslmode=require"),
    ],
)
def test_every_address_the_product_takes_reaches_dbos(given: str, used: str) -> None:
    assert driver_url(given).render_as_string(hide_password=False) == used


def test_an_address_that_makes_no_sense_is_refused_without_its_password() -> None:
    with pytest.raises(UnavailableError) as refused:
        DbosWorker("postgresql//u:hidden@h/d", nothing)
    assert "hidden" not in str(refused.value)


def test_what_the_engine_reports_takes_one_line(caplog: pytest.LogCaptureFixture) -> None:
    route_logs()
    cause = LookupError("the cause")
    logging.getLogger("dbos").warning("it went %s\nwith details", "wrong", exc_info=cause)
    assert [record.getMessage() for record in caplog.records] == ["it went wrong LookupError: the cause"]


@pytest.mark.postgres
def test_a_worker_name_is_used_once(postgres_url: str) -> None:
    address = driver_url(postgres_url)
    with held(AdvisoryLockLease(address, "east")), pytest.raises(ConflictError, match="east"):
        AdvisoryLockLease(address, "east").take()


@pytest.mark.postgres
def test_a_presence_cut_off_by_the_server_is_renewed(postgres_url: str) -> None:
    prepare(postgres_url)
    lease = AdvisoryLockLease(driver_url(postgres_url), "east")
    with held(lease):
        terminate_workers(postgres_url)
        lease.watch(pytest.fail)
        assert not lease.is_held()
        lease.watch(pytest.fail)
        assert lease.is_held()


def terminate_workers(url: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE application_name = 'autopublisher-worker' AND datname = current_database()"
            )
        )
