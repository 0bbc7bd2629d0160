"""Identity of the place where a database lies, by which a copy is told from a restart."""

from pathlib import Path

from sqlalchemy import Engine, text

from autopublisher.adapters.db.session import reachable

_MAY_ASK = text("SELECT has_function_privilege('pg_control_system()', 'execute')")
_SERVER = text("SELECT system_identifier::text FROM pg_control_system()")
_DATABASE = text("SELECT oid::text FROM pg_database WHERE datname = current_database()")


def place_of(engine: Engine) -> str:
    """Return a word for the file or the server's database; raises UnavailableError.

    A file is known by its inode, which a move keeps and a copy does not; a database by its number in its server, and the
    server by its own where this role may ask for it.
    """
    if engine.dialect.name != "postgresql":
        return f"file {Path(str(engine.url.database)).stat().st_ino}"
    with reachable(), engine.connect() as connection:
        server = connection.scalar(_SERVER) if connection.scalar(_MAY_ASK) else ""
        return f"database {server}/{connection.scalar(_DATABASE)}"
