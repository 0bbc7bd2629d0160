"""The database, opened and brought to this release's tables: ours, and beside them those of the work engine."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError

from autopublisher.adapters.clock_system import SystemClock
from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.revisions import current_revision, is_current, knows
from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.adapters.emergency_files import NOTES_FOLDER, FileEmergencyNotes
from autopublisher.adapters.noted_stops import Pending
from autopublisher.bootstrap.home_mark import HomeMark
from autopublisher.domain.accounts.installation import Installation
from autopublisher.domain.errors import UnavailableError, UnwritableError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import InstallationId
from autopublisher.ports.repositories import OpenUnitOfWork

DATABASE_PATIENCE_SECONDS = 60.0
DATABASE_PAUSE_SECONDS = 1.0
SAID_EVERY = 10
_FINAL = ("authentication failed", "does not exist", "pg_hba.conf", "not permitted")
"""Words of PostgreSQL's about an address that is wrong, and not about a server that is still to come."""


@contextmanager
def opened_database(url: str) -> Iterator[Engine]:
    """Open the database and migrate it where it is behind; several processes may do so at once.

    Raises UnavailableError where it cannot be reached or understood.
    """
    # The work engine takes a second to load, and what only reads the database does not need it.
    from autopublisher.adapters.work_dbos import prepare  # noqa: PLC0415 - see above

    with opened_tables(url) as engine:
        prepare(url)
        yield engine


@contextmanager
def opened_units(url: str, home: Path | None = None) -> Iterator[OpenUnitOfWork]:
    """Open the database alone, without Meta, the simulator, a clock or the work engine.

    Raises LostDatabaseError where it cannot be the one of the data folder ``home``.
    """
    with opened_tables(url) as engine:
        noted: Pending = tuple if home is None else FileEmergencyNotes(home / NOTES_FOLDER).pending
        open_unit = units_of(engine, noted)
        if home is not None:
            HomeMark(home, open_unit).check()
        yield open_unit


@contextmanager
def opened_tables(url: str) -> Iterator[Engine]:
    """Open the database with our own tables at this release; raises UnavailableError."""
    _make_folder(url)
    engine = open_engine(url)
    try:
        if not is_current(engine):
            # Alembic takes a fifth of the time of a command that only looks.
            from autopublisher.adapters.db.migrate import upgrade  # noqa: PLC0415 - see above

            upgrade(engine)
        _be_an_installation(engine)
        yield engine
    finally:
        engine.dispose()


def _be_an_installation(engine: Engine) -> None:
    """Give a database that has no name yet one of its own; of several processes that start at once, one decides."""
    with SqlUnitOfWork(engine) as unit:
        if unit.installations.present() is None:
            unit.installations.add(Installation(InstallationId(str(uuid4())), SystemClock().now()))
            unit.commit()


def units_of(engine: Engine, noted: Pending = tuple) -> OpenUnitOfWork:
    """Return the factory of units of work on an engine; ``noted`` returns the stops that it has not taken yet."""
    return lambda: SqlUnitOfWork(engine, noted)


def _make_folder(url: str) -> None:
    address = _address(url)
    if address is not None and address.get_backend_name() == "sqlite" and address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)


def _address(url: str) -> URL | None:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        return None  # opening it says so, without repeating the address


@dataclass(frozen=True)
class DatabaseState:
    """At which revision the tables are, None where there are none; whether that is this release's, and one it knows."""

    revision: str | None
    is_current: bool
    is_known: bool


def database_state(url: str) -> DatabaseState:
    """Look at the database without changing its tables; raises UnavailableError."""
    _make_folder(url)
    engine = open_engine(url)
    try:
        revision = current_revision(engine)
        return DatabaseState(revision, is_current(engine), revision is None or knows(revision))
    finally:
        engine.dispose()


def wait_for_database(
    url: str,
    say: Callable[[UnavailableError, int], None],
    *,
    attempt: Callable[[str], object] = database_state,
    pause: Callable[[float], None] = time.sleep,
    stopwatch: Callable[[], float] = time.monotonic,
) -> None:
    """Wait until PostgreSQL takes connections, as it may start after us, and say so now and then.

    Raises UnavailableError after ``DATABASE_PATIENCE_SECONDS``, or at once where waiting is of no use.
    """
    address, until, tries = _address(url), stopwatch() + DATABASE_PATIENCE_SECONDS, 0
    while True:
        try:
            attempt(url)
        except UnavailableError as error:
            left = until - stopwatch()
            if address is None or address.get_backend_name() != "postgresql" or _is_final(error) or left <= 0:
                raise
            if tries % SAID_EVERY == 0:
                say(error, round(left))
        else:
            return
        tries += 1
        pause(DATABASE_PAUSE_SECONDS)


def _is_final(error: UnavailableError) -> bool:
    """Tell whether a refusal stands until a person changes something."""
    return isinstance(error, UnwritableError) or any(word in error.message for word in _FINAL)


def prove_database_writable(url: str) -> None:
    """Raise UnavailableError where the database is gone, does not answer or takes no writes; it is not created."""
    address = _address(url)
    if address is not None and address.get_backend_name() == "sqlite" and not _is_there(address):
        raise UnavailableError(reason=Fault.DATABASE_GONE(path=str(address.database)))
    engine = open_engine(url)
    try:
        with SqlUnitOfWork(engine) as unit:
            unit.prove_writable()
            unit.commit()
    finally:
        engine.dispose()


def _is_there(address: URL) -> bool:
    return Path(address.database or "").is_file()
