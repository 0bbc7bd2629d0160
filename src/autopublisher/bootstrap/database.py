"""The database, opened and brought to this release's tables: ours, and beside them those of the work engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError

from autopublisher.adapters.clock_system import SystemClock
from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.migrate import current_revision, is_current, upgrade
from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.adapters.emergency_files import NOTES_FOLDER, FileEmergencyNotes
from autopublisher.adapters.noted_stops import Pending
from autopublisher.bootstrap.home_mark import HomeMark
from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.ids import InstallationId
from autopublisher.domain.installation import Installation
from autopublisher.ports.repositories import OpenUnitOfWork


@contextmanager
def opened_database(url: str) -> Iterator[Engine]:
    """Open the database and migrate it where it is behind; several processes may do so at once.

    Raises UnavailableError where it cannot be reached or understood.
    """
    # The work engine takes a second to load, and what only reads the database does not need it.
    from autopublisher.adapters.work_dbos import prepare  # noqa: PLC0415 - see above

    with _migrated(url) as engine:
        prepare(url)
        yield engine


@contextmanager
def opened_units(url: str, home: Path | None = None) -> Iterator[OpenUnitOfWork]:
    """Open the database alone, without Meta, the simulator, a clock or the work engine.

    Raises LostDatabaseError where it cannot be the one of the data folder ``home``.
    """
    with _migrated(url) as engine:
        noted: Pending = tuple if home is None else FileEmergencyNotes(home / NOTES_FOLDER).pending
        open_unit = units_of(engine, noted)
        if home is not None:
            HomeMark(home, open_unit).check()
        yield open_unit


@contextmanager
def _migrated(url: str) -> Iterator[Engine]:
    """Open the database with our own tables at this release."""
    _make_folder(url)
    engine = open_engine(url)
    try:
        if not is_current(engine):
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


def prove_database_writable(url: str) -> None:
    """Raise UnavailableError where the database is gone, does not answer or takes no writes; it is not created."""
    address = _address(url)
    if address is not None and address.get_backend_name() == "sqlite" and not _is_there(address):
        raise UnavailableError(reason=f"the database {address.database} is gone")
    engine = open_engine(url)
    try:
        with SqlUnitOfWork(engine) as unit:
            unit.prove_writable()
            unit.commit()
    finally:
        engine.dispose()


def _is_there(address: URL) -> bool:
    return Path(address.database or "").is_file()


@dataclass(frozen=True)
class DatabaseState:
    """At which revision the tables are, None where there are none, and whether that is this release's."""

    revision: str | None
    is_current: bool


def database_state(url: str) -> DatabaseState:
    """Look at the database without changing its tables; raises UnavailableError."""
    _make_folder(url)
    engine = open_engine(url)
    try:
        return DatabaseState(current_revision(engine), is_current(engine))
    finally:
        engine.dispose()
