"""Creative bytes in the database, the one place that the machines of an installation share."""

from datetime import datetime

from sqlalchemy import Connection, Engine, select

from autopublisher.adapters.db.session import Session
from autopublisher.adapters.db.tables import files
from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.adapters.storage_keys import checked_key
from autopublisher.domain.errors import NotFoundError
from autopublisher.domain.faults import Thing
from autopublisher.ports.clock import Clock


class SqlStorage:
    """Implements ``ports.storage.Storage`` on the table ``files``, each call in a transaction of its own."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def read(self, key: str) -> bytes:
        """Return the bytes under a key; raises NotFoundError, or UnavailableError where the database does not answer."""
        place = checked_key(key)
        with SqlUnitOfWork(self._engine) as unit:
            row = Session(unit.connection).row(select(files.c.content).where(files.c.key == place))
        if row is None:
            raise NotFoundError(what=Thing.FILE(), id=key)
        return bytes(row["content"])

    def write(self, key: str, content: bytes) -> None:
        """Store bytes under a key, replacing what was there; UnavailableError where the database does not answer.

        They are durable on return, before any row that names them is.
        """
        with SqlUnitOfWork(self._engine) as unit:
            keep_file(unit.connection, key, content, self._clock.now())
            unit.commit()


def keep_file(connection: Connection, key: str, content: bytes, now: datetime) -> None:
    """Store bytes in a transaction of somebody else's."""
    row = {"key": checked_key(key), "content": content, "written_at": now}
    Session(connection).put(files, row, ["key"])
