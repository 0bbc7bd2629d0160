"""DBOS's side of the database: its names, its tables and its client.

DBOS keeps its tables beside the product's, in the same database, so that a tick can be enqueued in the
transaction that makes it necessary.
"""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, WorkflowStatusString

from autopublisher.adapters.clock_system import SystemClock
from autopublisher.adapters.db.session import reachable
from autopublisher.domain.errors import ConfigurationError, UnavailableError
from autopublisher.domain.faults import Fault

APPLICATION = "autopublisher"
# A constant: DBOS would derive a version from source code, and strand the ticks of an older one.
APPLICATION_VERSION = "1"
QUEUE = "ticks"
CHANNEL = "autopublisher_ticks"
"""On which PostgreSQL tells the workers of a tick that is due at once."""

WORKFLOW = "tick"
SERIALIZER = DBOSPortableJSONSerializer()
"""Plain JSON: the default is pickle, which runs code when it reads."""

PURGE_BATCH = 500
FINISHED = (
    WorkflowStatusString.SUCCESS.value,
    WorkflowStatusString.ERROR.value,
    WorkflowStatusString.CANCELLED.value,
    WorkflowStatusString.MAX_RECOVERY_ATTEMPTS_EXCEEDED.value,
)
WAITING = (WorkflowStatusString.ENQUEUED.value, WorkflowStatusString.DELAYED.value)
IN_FLIGHT = WorkflowStatusString.PENDING.value

# The worker logs a failed tick itself, with the run's id; DBOS would print the same stack a second time.
REPEATED_BY_DBOS = "Exception encountered in background workflow:"


@dataclass(frozen=True)
class Backlog:
    """How many ticks wait for their time or a worker, and how many some worker has claimed."""

    waiting: int
    in_flight: int


class OneLinePerRecord(logging.Filter):
    """Keep DBOS's records to one line: the error is named; its stack and the driver's advice are left out."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten a record in place; False drops the one that repeats the worker's own."""
        first, *_ = record.getMessage().splitlines() or [""]
        error = record.exc_info[1] if record.exc_info else None
        record.msg = first if error is None else f"{first} {type(error).__name__}: {error}".splitlines()[0]
        record.args = record.exc_info = record.exc_text = None
        return not first.startswith(REPEATED_BY_DBOS)


def origin_of(due: threading.Event) -> str:
    """Return what tells an enqueuing of ticks that sets this event from all others."""
    return f"{os.getpid()}-{id(due):x}"


def route_logs() -> None:
    """Let DBOS's warnings go where all records of the standard library go, not to its own handler."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        # With any handler present DBOS adds none and leaves propagation on.
        logger.addHandler(logging.NullHandler())
    if not any(isinstance(present, OneLinePerRecord) for present in logger.filters):
        logger.addFilter(OneLinePerRecord())
    logger.setLevel(logging.WARNING)


def driver_url(url: str) -> sa.URL:
    """Return the address with the driver DBOS knows, psycopg 3 or the standard library's SQLite.

    Raises UnavailableError for an address that cannot be understood, without repeating its password.
    """
    try:
        address = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise UnavailableError(reason=Fault.DATABASE_ADDRESS()) from None
    if address.drivername.startswith("sqlite"):
        return address.set(drivername="sqlite")
    mode = address.query.get("ssl")
    if mode is not None:
        # asyncpg's name for what libpq calls sslmode.
        chosen = "require" if mode == "true" else mode
        address = address.difference_update_query(["ssl"]).update_query_dict({"sslmode": chosen})
    return address.set(drivername="postgresql+psycopg")


def is_sqlite(url: sa.URL) -> bool:
    """Say whether the database is a file of this machine."""
    return url.get_backend_name() == "sqlite"


def sqlite_file(url: sa.URL) -> str:
    """Return the database's file; ConfigurationError for one in memory, which ticks could not survive in."""
    if not url.database or url.database == ":memory:":
        raise ConfigurationError(name="DATABASE_URL", reason=Fault.WORK_IN_MEMORY())
    return url.database


def write_ahead(engine: sa.Engine) -> None:
    """Put a SQLite file into WAL mode, which persists and writes several times faster."""
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL").all()


def open_store_engine(url: sa.URL) -> sa.Engine:
    """Return an engine that keeps no connection between uses; raises ConfigurationError for SQLite in memory."""
    if is_sqlite(url):
        sqlite_file(url)
    return sa.create_engine(url, poolclass=sa.NullPool)


def open_client(engine: sa.Engine) -> DBOSClient:
    """Return a client that uses this engine, connects when it must and does not wait for a lost database."""
    return DBOSClient(
        system_database_engine=engine,
        serializer=SERIALIZER,
        application_name=APPLICATION,
        system_database_polling_concurrency=1,
        lazy=True,
        retry_connection_errors=False,
    )


def prepare(url: str) -> None:
    """Create DBOS's tables and the queue, or bring them to the installed release; harmless when repeated.

    Must not run inside a transaction on the same database: it would wait for itself.
    Raises UnavailableError where the database cannot be reached.
    """
    route_logs()
    address = driver_url(url)
    engine = open_store_engine(address)
    with reachable():
        if is_sqlite(address):
            write_ahead(engine)
        else:
            engine.connect().close()
        DBOS.migrate(address.render_as_string(hide_password=False))
        # So that a worker finds the queue at launch, for DBOS looks for new ones only once a second. The worker
        # sets its own pace when it starts.
        open_client(engine).register_queue(
            QUEUE, partition_concurrency=1, polling_interval_sec=0.1, on_conflict="never_update"
        )


def forget_ticks(connection: sa.Connection) -> None:
    """Delete every tick, waiting or finished, in the caller's transaction: those of another database's runs mean nothing.

    One that has run already under the same version would never run again.
    """
    schema = "dbos." if connection.dialect.name == "postgresql" else ""
    for table in ("workflow_status", "workflow_input", "workflow_output", "operation_outputs"):
        connection.execute(sa.text(f"DELETE FROM {schema}{table}"))  # noqa: S608 (names of our own)


class WorkStore:
    """DBOS's rows, read and swept without a running worker."""

    def __init__(self, url: sa.URL) -> None:
        self._url = url
        self._engine = open_store_engine(url)
        self._client = open_client(self._engine)
        self._rows = sa.table(
            "workflow_status",
            sa.column("status", sa.Text()),
            sa.column("queue_name", sa.Text()),
            schema=None if is_sqlite(url) else "dbos",
        )

    def make_ready(self) -> None:
        """Set what a worker relies on; raises UnavailableError."""
        if is_sqlite(self._url):
            with reachable():
                write_ahead(self._engine)

    def backlog(self) -> Backlog:
        """Count unfinished ticks of all workers; raises UnavailableError."""
        rows = self._rows
        query = (
            sa.select(rows.c.status, sa.func.count().label("ticks"))
            .where(rows.c.queue_name == QUEUE, rows.c.status.in_((*WAITING, IN_FLIGHT)))
            .group_by(rows.c.status)
        )
        with reachable(), self._engine.connect() as connection:
            counts: dict[str, int] = {row.status: row.ticks for row in connection.execute(query)}
        return Backlog(sum(counts.get(status, 0) for status in WAITING), counts.get(IN_FLIGHT, 0))

    def purge(self, older_than: timedelta, is_enough: Callable[[], bool] = lambda: False) -> int:
        """Delete ticks that ended longer ago, by real time, batch by batch until ``is_enough``; returns how many.

        What waits or runs is never deleted. Raises UnavailableError.
        """
        moment = (SystemClock().now() - older_than).isoformat()
        purged = 0
        with reachable():
            while not is_enough() and (batch := self._finished_before(moment)):
                self._client.delete_workflows(list(batch))
                purged += len(batch)
        return purged

    def _finished_before(self, moment: str) -> Sequence[str]:
        found = self._client.list_workflows(
            status=list(FINISHED),
            name=WORKFLOW,
            completed_before=moment,
            limit=PURGE_BATCH,
            load_input=False,
            load_output=False,
        )
        return [status.workflow_id for status in found]
