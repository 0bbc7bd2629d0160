"""Migration of the database to this release's tables; any number of processes may start at once."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, func, select

from autopublisher.adapters.db.revisions import FOLDER, knows
from autopublisher.adapters.db.session import reachable
from autopublisher.adapters.db.unit_of_work import lock_number
from autopublisher.domain.errors import NewerDatabaseError, UnavailableError
from autopublisher.domain.faults import Fault

_LOCK = "autopublisher: migrate"


def upgrade(engine: Engine) -> None:
    """Run every migration that is missing, all or none; UnavailableError where that is impossible.

    The transaction holds a lock, so the first process migrates and the others find nothing left to do.
    """
    with reachable(), exclusive(engine) as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        if revision is not None and not knows(revision):
            raise NewerDatabaseError(revision=revision)
        try:
            command.upgrade(settings_on(connection), "head")
        except CommandError as error:
            raise UnavailableError(reason=Fault.DATABASE_OF_ANOTHER_RELEASE(why=str(error))) from error
        check_references(connection)
        connection.commit()


def _settings() -> Config:
    settings = Config()
    # ConfigParser takes a percent sign for the start of an interpolation.
    settings.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    return settings


def settings_on(connection: Connection) -> Config:
    """Return what Alembic's commands need to work within a transaction."""
    settings = _settings()
    settings.attributes["connection"] = connection
    return settings


@contextmanager
def exclusive(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction that changes tables; one process at a time, the others wait."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(lock_number(_LOCK))))
        else:
            _loosen_references(connection)
            connection.begin()
        yield connection


def _loosen_references(connection: Connection) -> None:
    """SQLite changes a table by copying and dropping it, which references to it would forbid.

    The pragma does nothing within a transaction and must not outlive this use, so the connection leaves the pool.
    """
    driver = connection.connection.driver_connection
    connection.detach()
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError("an SQLite engine gave a connection of another kind")
    driver.execute("PRAGMA foreign_keys=OFF")


def check_references(connection: Connection) -> None:
    """Raise UnavailableError where a row refers to nothing, which SQLite does not look at while tables change."""
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise UnavailableError(reason=Fault.ROW_WITHOUT_ITS_OWNER(table=str(broken[0])))
