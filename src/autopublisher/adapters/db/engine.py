"""Opening the database: which driver, which pragmas, and no password in anything that could be printed."""

import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from autopublisher.adapters.db.session import reachable
from autopublisher.adapters.json_text import from_json, to_json
from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.faults import Fault
from autopublisher.ports.database_address import POSTGRES_SCHEMES, SQLITE_SCHEMES

_ONLY_READS = "only_reads"
"""The execution option of a connection to SQLite whose transaction writes nothing."""

_READER: Mapping[str, Mapping[str, Any]] = {
    "sqlite": {_ONLY_READS: True},
    # In READ COMMITTED each statement sees a state of its own anyhow, with a transaction around it or without.
    "postgresql": {"isolation_level": "AUTOCOMMIT"},
}

BUSY_SECONDS = 30
"""How long SQLite waits for another writer, and a thread for a free connection."""

CONNECT_SECONDS = 10
"""How long PostgreSQL may take to accept a connection."""

IDLE_TRANSACTION_SECONDS = 15
"""After so long PostgreSQL ends a session that does nothing in a transaction: its process is frozen, its locks are not."""

_WAL_ATTEMPTS, _WAL_PAUSE_SECONDS = 200, 0.02

_SECRET_OPTIONS = frozenset({"password", "sslpassword"})
_POOL: Mapping[str, Any] = {
    "poolclass": QueuePool,
    "pool_size": 10,
    "max_overflow": 30,
    "pool_timeout": BUSY_SECONDS,
}


def open_engine(url: str) -> Engine:
    """Open the database at ``url`` (SQLite file or PostgreSQL) and prove that it answers; UnavailableError if not.

    PostgreSQL always runs on psycopg 3, whichever driver the address names, in READ COMMITTED.
    """
    engine = _create(_parsed(url))
    try:
        with reachable(), engine.connect():
            return engine
    except UnavailableError:
        engine.dispose()
        raise


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        # The parser's own message repeats the address, and with it the password.
        raise UnavailableError(reason=Fault.DATABASE_ADDRESS()) from None


def _create(url: URL) -> Engine:
    if url.drivername in SQLITE_SCHEMES:
        return _sqlite(url)
    if url.drivername in POSTGRES_SCHEMES:
        return _postgres(url)
    raise UnavailableError(reason=Fault.DATABASE_KIND(kind=url.drivername))


def _sqlite(url: URL) -> Engine:
    if url.database in {None, "", ":memory:"}:
        raise UnavailableError(reason=Fault.DATABASE_IN_MEMORY())
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        json_serializer=to_json,
        json_deserializer=from_json,
        hide_parameters=True,
        **_POOL,
    )
    file = _File(url.database or "")
    event.listen(engine, "do_connect", file.check)
    event.listen(engine, "checkout", file.check)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "connect", file.remember)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


class _File:
    """The database file as it was first opened: what has been removed or replaced since is not written to any more.

    A connection that is open would go on with a file that nobody sees, and a new one would make an empty database.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._identity: tuple[int, int] | None = None

    def remember(self, *_: object) -> None:
        """Note which file was opened."""
        if self._identity is None:
            self._identity = self._found()

    def check(self, *_: object) -> None:
        """Raise UnavailableError where another file stands there now, or none."""
        if self._identity is not None and self._found() != self._identity:
            raise UnavailableError(reason=Fault.DATABASE_REPLACED(path=self._path))

    def _found(self) -> tuple[int, int] | None:
        try:
            status = Path(self._path).stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    if not isinstance(connection, sqlite3.Connection):
        raise TypeError("an SQLite engine gave a connection of another kind")
    # The driver would begin transactions late and never as IMMEDIATE; None leaves beginning them to us.
    connection.isolation_level = None
    for pragma in (f"busy_timeout={BUSY_SECONDS * 1000}", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    _use_wal(connection)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log, which the file then remembers.

    Whoever opens a new file at the same moment can make SQLite refuse this at once, whatever its timeout.
    """
    for _ in range(_WAL_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(_WAL_PAUSE_SECONDS)
        else:
            return
    connection.execute("PRAGMA journal_mode=WAL")


def reading(connection: Connection) -> Connection:
    """Return a connection whose transaction only reads: on SQLite without the write lock, on PostgreSQL none at all."""
    return connection.execution_options(**_READER[connection.dialect.name])


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once, but for a reader: it sees one state and waits for nobody.

    A database that cannot be written is still read.
    """
    if connection.get_execution_options().get(_ONLY_READS):
        connection.connection.cursor().execute("BEGIN")  # takes no lock, and so never fails
        return
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as error:
        if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_READONLY:
            raise
        connection.exec_driver_sql("BEGIN")


def _postgres(url: URL) -> Engine:
    address = _with_libpq_options(url)
    secrets = {name: value for name, value in address.query.items() if name in _SECRET_OPTIONS}
    return create_engine(
        address.difference_update_query(secrets).set(drivername="postgresql+psycopg"),
        connect_args={"connect_timeout": CONNECT_SECONDS, "options": _options(address), **secrets},
        isolation_level="READ COMMITTED",
        json_serializer=to_json,
        json_deserializer=from_json,
        hide_parameters=True,
        pool_pre_ping=True,
        **_POOL,
    )


def _options(url: URL) -> str:
    """Return the settings of each session: the address's own come last, and so win."""
    # Compiling a statement takes the server longer than any of ours runs, and it misjudges those that follow a key.
    usual = f"-c idle_in_transaction_session_timeout={IDLE_TRANSACTION_SECONDS}s -c jit=off"
    own = url.query.get("options", ())
    return " ".join([usual, *([own] if isinstance(own, str) else own)])


def _with_libpq_options(url: URL) -> URL:
    """Asyncpg calls ``ssl`` what libpq, and so psycopg, calls ``sslmode``."""
    mode = url.query.get("ssl")
    if mode is None:
        return url
    chosen = "require" if mode == "true" else mode
    return url.difference_update_query(["ssl"]).update_query_dict({"sslmode": chosen})
