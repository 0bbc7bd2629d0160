"""Liveness of workers on a database, asked from a process that is none."""

import fcntl
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Engine, text

from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.session import reachable

_WORKER_SESSIONS = text(
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE application_name = 'autopublisher-worker' AND datname = current_database()"
)


def workers_alive(url: str) -> int:
    """Return how many workers run on a database; raises UnavailableError where it does not answer."""
    engine = open_engine(url)
    try:
        if engine.dialect.name == "postgresql":
            return _worker_sessions(engine)
        return int(_is_locked(Path(f"{engine.url.database}.worker.lock")))
    finally:
        engine.dispose()


def _worker_sessions(engine: Engine) -> int:
    """Each worker holds one connection of this name for as long as it lives."""
    with reachable(), engine.connect() as connection:
        return int(connection.execute(_WORKER_SESSIONS).scalar_one())


def _is_locked(path: Path) -> bool:
    """Tell whether somebody holds the lock that the one worker of a SQLite file holds."""
    with suppress(FileNotFoundError), path.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
