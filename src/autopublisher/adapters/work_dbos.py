"""Durable ticks on DBOS: a queue in the caller's transaction, and the worker that runs what lies in it.

A tick is one short workflow without steps. It may run again after a crash, so its handler is idempotent and fenced by
the version of the run, or of the account's watch. Waiting is a delayed row, never a sleeping workflow; cancelling is
product data.
"""

import contextlib
import threading
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSConfig, EnqueueOptions
from dbos import error as dbos_error
from dbos._context import current_owner_xid  # private: decision 0036

from autopublisher.adapters.db.file_changes import FileChanges
from autopublisher.adapters.db.session import reachable
from autopublisher.adapters.work_dbos_claims import Claims, Listener
from autopublisher.adapters.work_dbos_lease import FROZEN_AFTER_SECONDS, WorkerLease, lease_for
from autopublisher.adapters.work_dbos_rounds import Rounds
from autopublisher.adapters.work_dbos_store import (
    APPLICATION,
    APPLICATION_VERSION,
    CHANNEL,
    QUEUE,
    SERIALIZER,
    WORKFLOW,
    WorkStore,
    driver_url,
    is_sqlite,
    open_client,
    origin_of,
    prepare,
    route_logs,
    sqlite_file,
)
from autopublisher.domain.errors import ConflictError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.messages import remedied
from autopublisher.ports.repositories import UnitOfWork
from autopublisher.ports.work import Tick, TickHandler, TickKind, WorkHealth

__all__ = ["DbosTickQueue", "DbosWorker", "prepare"]

_log = structlog.get_logger(__name__)
WATCH_SECONDS = 1.0
PURGE_SECONDS = 600.0
# A tick that is enqueued once more after its record is gone finds its run's version moved on, and does nothing.
KEPT_FINISHED = timedelta(hours=1)
# An account's look goes before its runs: the kill switch must not queue behind hundreds of them.
LOOK_FIRST, RUNS_AFTER = 1, 2
# Beyond the ticks: queue threads, background jobs, notifications and a reserve.
CONNECTIONS_BESIDE_TICKS = 8

# DBOS keeps its one engine in a variable of its module; a second worker would silently share it.
ONE_PER_PROCESS = threading.Lock()


class DbosTickQueue:
    """Enqueues ticks on the caller's connection; needs neither a worker nor a connection of its own.

    ``due`` is set once a tick that is due at once has been committed: a worker of this process waits for it. Those of other
    processes hear of it where they share a PostgreSQL server, and otherwise see it at their next poll.
    """

    def __init__(self, engine: sa.Engine, due: threading.Event | None = None) -> None:
        route_logs()
        self._client = open_client(engine)
        self._due = due or threading.Event()
        self._origin = "" if due is None else origin_of(due)

    def enqueue(self, unit: UnitOfWork, tick: Tick, delay_seconds: float = 0.0) -> None:
        """Enqueue within the unit's transaction; the same tick again changes nothing, not even its delay.

        Raises UnavailableError if the database does not answer, TypeError for a unit of work without SQL.
        """
        connection = getattr(unit, "connection", None)
        if not isinstance(connection, sa.Connection):
            raise TypeError("ticks are enqueued on the connection of an SQL unit of work")
        with reachable():
            self._client.enqueue_in_transaction(
                connection, options(tick, delay_seconds), tick.run_id, tick.version, tick.act_id
            )
            if delay_seconds <= 0:
                self._announce(unit, connection)

    def _announce(self, unit: UnitOfWork, connection: sa.Connection) -> None:
        unit.after_commit(self._due.set)
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_notify(CHANNEL, self._origin)))


def options(tick: Tick, delay_seconds: float) -> EnqueueOptions:
    """Say how DBOS is to treat a tick."""
    chosen = EnqueueOptions(
        workflow_name=WORKFLOW,
        queue_name=QUEUE,
        workflow_id=tick.workflow_id,
        queue_partition_key=tick.act_id,
        app_version=APPLICATION_VERSION,
        priority=LOOK_FIRST if tick.kind is TickKind.ACCOUNT else RUNS_AFTER,
    )
    if delay_seconds > 0:
        chosen["delay_seconds"] = delay_seconds
    return chosen


class DbosWorker:
    """Runs ticks in this process: one at a time per ad account, several accounts at once.

    ``sweep`` is called beside the ticks, the first time at the start; again after ``sweep_seconds``, or ``idle_seconds``
    where it returned False, having found nothing to do. Every ``purge_seconds`` the records of ticks that ended
    ``kept_finished`` ago are deleted.
    At most ``concurrency`` ticks run at once in this process. The queue is asked again when one of them ends, when ``due``
    is set, when another process has enqueued one on the same server, and every ``polling_seconds``.
    """

    def __init__(
        self,
        url: str,
        sweep: Callable[[], bool | None],
        *,
        sweep_seconds: float = 60.0,
        idle_seconds: float | None = None,
        concurrency: int = 8,
        polling_seconds: float = 1.0,
        executor_id: str | None = None,
        purge_seconds: float = PURGE_SECONDS,
        kept_finished: timedelta = KEPT_FINISHED,
        due: threading.Event | None = None,
    ) -> None:
        self._due = due or threading.Event()
        self._purge_seconds = purge_seconds
        self._kept_finished = kept_finished
        self._url = driver_url(url)
        self._sweep = sweep
        self._sweep_seconds = sweep_seconds
        self._idle_seconds = idle_seconds
        self._concurrency = concurrency
        self._polling_seconds = polling_seconds
        self._wanted_id = executor_id
        self._store = WorkStore(self._url)
        self._lease: WorkerLease | None = None
        self._rounds: tuple[Rounds, ...] = ()
        self._claims: Claims | None = None
        self._draining = False
        self._cleanup = contextlib.ExitStack()

    def start(self, handler: TickHandler) -> None:
        """Start running ticks, first of all those a dead process left.

        Raises ConflictError if a worker runs already where only one may, or if the database is not prepared;
        UnavailableError if it does not answer.
        """
        with contextlib.ExitStack() as undo:
            self._occupy_process(undo)
            self._draining = False
            lease = self._claim(undo)
            self._claims = claims = self._launch(undo, handler, lease)
            self._rounds = (
                Rounds("autopublisher-watch", self._watch, WATCH_SECONDS),
                Rounds("autopublisher-claims", claims.take, self._polling_seconds, early=self._due),
                Rounds(
                    "autopublisher-sweep", self._sweep, self._sweep_seconds, idle_seconds=self._idle_seconds
                ),
                Rounds("autopublisher-purge", self._purge, self._purge_seconds),
                *self._listening(undo),
            )
            for rounds in self._rounds:
                rounds.start()
            self._cleanup = undo.pop_all()
        _log.info("worker_started", executor_id=lease.executor_id, concurrency=self._concurrency)

    def stop(self, drain_seconds: float = 20.0) -> None:
        """Take no more ticks, wait this long for those in flight, and release everything; twice is harmless.

        What has not ended by then runs again, here after the next start or at once in another worker.
        """
        self._draining = True
        beating, resting = self._rounds[:1], self._rounds[1:]
        for rounds in resting:
            rounds.stop(patience_seconds=max(drain_seconds, 1.0))
        if drain_seconds > 0 and self._lease is not None:
            # Before the claim is given up: nobody may take a tick over that is just ending here.
            # Its sign of life goes on meanwhile: to the others a silent worker is a frozen one.
            # The waiting is ours as well: DBOS's own sleeps for a second before it looks whether anything is in flight.
            if self._claims is not None:
                self._claims.drain(drain_seconds)
            DBOS.destroy(destroy_registry=True)
        for rounds in beating:
            rounds.stop(patience_seconds=max(drain_seconds, 1.0))
        self._rounds = ()
        self._cleanup.close()

    def health(self) -> WorkHealth:
        """Say how this worker is doing and what lies waiting for all workers; raises UnavailableError."""
        backlog = self._store.backlog()
        lease = self._lease
        return WorkHealth(
            running=lease is not None
            and lease.is_held()
            and all(rounds.is_alive() for rounds in self._rounds),
            executor_id="" if lease is None else lease.executor_id,
            waiting=backlog.waiting,
            in_flight=backlog.in_flight,
        )

    def purge_finished(self, older_than: timedelta) -> int:
        """Delete the records of ticks that ended longer ago; returns how many. Raises UnavailableError."""
        return self._store.purge(older_than)

    def _purge(self) -> None:
        """Delete what ended long enough ago: finished ticks were a large part of the database."""
        purged = self._store.purge(self._kept_finished, lambda: self._draining)
        if purged:
            _log.info("ticks_purged", ticks=purged)

    def _occupy_process(self, undo: contextlib.ExitStack) -> None:
        if not ONE_PER_PROCESS.acquire(blocking=False):
            raise ConflictError(*remedied(Fault.WORKER_IN_PROCESS()))
        undo.callback(ONE_PER_PROCESS.release)

    def _claim(self, undo: contextlib.ExitStack) -> WorkerLease:
        lease = lease_for(self._url, self._wanted_id)
        with reachable():
            lease.take()
        self._lease = lease
        undo.callback(self._unclaim)
        return lease

    def _unclaim(self) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            lease.release()

    def _listening(self, undo: contextlib.ExitStack) -> tuple[Rounds, ...]:
        if is_sqlite(self._url):
            return ()
        listener = Listener(self._url, self._due)
        undo.callback(listener.close)
        return (Rounds("autopublisher-listener", listener.listen, 0.0, interrupt=listener.interrupt),)

    def _launch(self, undo: contextlib.ExitStack, handler: TickHandler, lease: WorkerLease) -> Claims:
        route_logs()
        self._store.make_ready()
        undo.callback(DBOS.destroy, destroy_registry=True)
        DBOS(config=self._configuration(lease.executor_id))
        register(handler, lease)
        DBOS.listen_queues([])  # the claims are ours
        try:
            with reachable():
                DBOS.launch()
                queue = DBOS.register_queue(QUEUE, partition_concurrency=1, on_conflict="always_update")
        except dbos_error.DBOSInitializationError as error:
            raise ConflictError(*remedied(Fault.NOT_PREPARED())) from error
        if not is_sqlite(self._url):
            return Claims(queue, lease.executor_id, self._concurrency, self._due)
        changes = FileChanges(sqlite_file(self._url))
        undo.callback(changes.close)
        return Claims(queue, lease.executor_id, self._concurrency, self._due, changes)

    def _configuration(self, executor_id: str) -> DBOSConfig:
        return DBOSConfig(
            name=APPLICATION,
            system_database_url=self._url.render_as_string(hide_password=False),
            application_version=APPLICATION_VERSION,
            executor_id=executor_id,
            serializer=SERIALIZER,
            sys_db_pool_size=self._concurrency + CONNECTIONS_BESIDE_TICKS,
            # A process frozen within a transaction must not keep its locks from the others for long.
            sys_db_idle_transaction_timeout_sec=FROZEN_AFTER_SECONDS,
            run_migrations=False,
            enable_otlp=False,
            log_level="WARNING",
            # Ticks neither send nor wait for notifications, so the default of a hundred wake-ups a second is
            # for nothing; much slower would only delay the stop, which waits for both threads.
            notification_coalesce_sec=0.2,
            notification_listener_polling_interval_sec=0.2,
        )

    def _watch(self) -> None:
        lease = self._lease
        if lease is not None:
            lease.watch(ignore_dead_worker if self._draining else requeue)


def register(handler: TickHandler, lease: WorkerLease) -> None:
    """Tell DBOS what a tick does. Attempts are not limited, because each restart counts as one."""

    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
    def tick(run_id: str | None, version: int, act_id: str) -> None:
        due = Tick(None if run_id is None else RunId(run_id), version, ActId(act_id))
        try:
            if may_run(lease):
                handler(due)
            else:
                # Whoever has it now will say how it ended: DBOS takes no such word from us.
                _log.warning("tick_reassigned", run_id=run_id, version=version, act_id=act_id)
        except Exception:
            # DBOS keeps it as failed and runs it no more; the sweep moves the run on under its next version.
            _log.exception("tick_failed", run_id=run_id, version=version, act_id=act_id)
            raise


def may_run(lease: WorkerLease) -> bool:
    """Say whether the tick this thread is about to run is still this worker's; raises UnavailableError."""
    tick = str(DBOS.workflow_id)
    return lease.may_run(tick, str(current_owner_xid(tick)))


def ignore_dead_worker(_executor_id: str) -> None:
    """Take nothing over: this worker is about to end."""


def requeue(executor_id: str) -> None:
    """Give the ticks that are still a dead worker's back to the queue; DBOS's public way has no such condition."""
    DBOS._recover_pending_workflows([executor_id])  # noqa: SLF001 - decision 0036
