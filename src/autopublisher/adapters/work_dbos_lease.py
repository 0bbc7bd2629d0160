"""Worker leases: one worker per SQLite file; on PostgreSQL any number, which notice each other's death.

Open-source DBOS gives a dead worker's ticks to the living only when a worker of the same name starts. Here
each PostgreSQL worker holds a session advisory lock under its name; one that can be taken means a death. The session
that holds it is used every second; one that was not used for long belongs to a frozen process, and is ended for it.
"""

import fcntl
import hashlib
import os
import socket
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Protocol

import sqlalchemy as sa
import structlog

from autopublisher.adapters.work_dbos_store import IN_FLIGHT, QUEUE, is_sqlite, sqlite_file
from autopublisher.domain.errors import ConflictError, UnavailableError
from autopublisher.domain.faults import Fault
from autopublisher.domain.messages import remedied

LOCAL = "local"
_log = structlog.get_logger(__name__)

# A vanished machine is noticed after about 25 s, however the server is configured.
SERVER_KEEPALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
CLIENT_KEEPALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10000,
}

KEPT_CONNECTIONS = 8
"""So many connections stay open on which ticks ask for their claim: opening one costs the server more than the tick."""

FROZEN_AFTER_SECONDS = 15.0
"""After so long without a sign of life, by the server's clock, a worker counts as frozen."""

# The holder's last statement is its heartbeat: PostgreSQL keeps the time of it, so no table and no clock of ours is
# needed. Of sessions of another role it tells no time, so those are left alone.
END_FROZEN = """
SELECT pg_terminate_backend(holder.pid)
FROM pg_locks AS held JOIN pg_stat_activity AS holder ON holder.pid = held.pid
WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND held.classid::bigint = :high AND held.objid::bigint = :low
    AND holder.state_change < clock_timestamp() - make_interval(secs => :seconds)
"""

# Read in one statement with the session that was the claim's before: if it still has the lock, it had it all along, so
# nobody has taken the tick from us; the tick's token tells whether somebody did before that session began.
STILL_OURS = """
SELECT begun.owner_xid = :owner AS is_ours, EXISTS (
    SELECT FROM pg_locks AS held
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1 AND held.pid = :session
        AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND held.classid::bigint = :high AND held.objid::bigint = :low
) AS is_present
FROM dbos.workflow_status AS begun WHERE begun.workflow_uuid = :tick
"""
RENEWAL_SECONDS = 30.0
"""How long a tick waits for its worker's claim to be renewed; longer is a failure."""
RENEWAL_POLL_SECONDS = 0.2


class WorkerLease(Protocol):
    """A worker's claim to be alive, under the name that DBOS writes on the ticks it runs."""

    executor_id: str

    def take(self) -> None:
        """Claim; raises ConflictError where somebody else holds the claim."""
        ...

    def is_held(self) -> bool:
        """Say whether the claim stood when it was last looked at."""
        ...

    def may_run(self, tick: str, owner: str) -> bool:
        """Say whether a tick that this process has taken is still its to run; ``owner`` is the token it was taken with.

        Waits while the claim is being renewed, so a worker that was frozen runs nothing before it has its place
        again; raises UnavailableError if that takes too long.
        """
        ...

    def watch(self, requeue: Callable[[str], None]) -> None:
        """Renew the claim if it was lost, and have the ticks of every dead worker recovered by its name."""
        ...

    def release(self) -> None:
        """Give the claim up."""
        ...


def lease_for(url: sa.URL, executor_id: str | None) -> WorkerLease:
    """Return the lease fit for this database; without a name, PostgreSQL workers get one per start."""
    if is_sqlite(url):
        return FileLease(Path(sqlite_file(url)))
    return AdvisoryLockLease(url, executor_id or unique_name())


def unique_name() -> str:
    """Return a name no other start has: two workers of one name would run the same ticks at once."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


class FileLease:
    """A lock on a file beside the database; the kernel drops it with the process, however that ends.

    The name is always the same, so DBOS itself recovers what the process before this one left.
    """

    executor_id = LOCAL

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_name(f"{database.name}.worker.lock")
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Lock the file; raises ConflictError naming it, UnavailableError where there is no place for it."""
        try:
            file = self._path.open("a", encoding="utf-8")
        except OSError as error:
            raise UnavailableError(
                reason=Fault.LOCK_FILE(path=str(self._path), why=str(error.strerror))
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            taken = Fault.WORKER_ON_DATABASE(database=str(self._database), path=str(self._path))
            raise ConflictError(*remedied(taken)) from error
        self._file = file

    def is_held(self) -> bool:
        """Say whether the file is locked by this object."""
        return self._file is not None

    def may_run(self, tick: str, owner: str) -> bool:  # noqa: ARG002 - the protocol's
        """Return True: nobody takes the lock of a frozen process away, nor its ticks."""
        return True

    def watch(self, requeue: Callable[[str], None]) -> None:
        """Do nothing: a file's only worker has no others to bury."""

    def release(self) -> None:
        """Unlock. The file stays, since removing it could cut off a worker that is just opening it."""
        if self._file is not None:
            self._file.close()
        self._file = None


class AdvisoryLockLease:
    """A session advisory lock per worker, on a connection of its own that also looks for the dead and the frozen.

    Calling a living worker dead is safe: DBOS refuses what it has to say of a tick that was given away, and the run's
    version fences whatever it writes itself.
    """

    def __init__(
        self, url: sa.URL, executor_id: str, frozen_after_seconds: float = FROZEN_AFTER_SECONDS
    ) -> None:
        self.executor_id = executor_id
        self._frozen_after_seconds = frozen_after_seconds
        self._engine = sa.create_engine(
            url,
            poolclass=sa.NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={
                "connect_timeout": 5,
                "application_name": "autopublisher-worker",
                **CLIENT_KEEPALIVE,
            },
        )
        # Of its own, for ticks ask from their threads. A connection that has died is asked for again as a lost claim is.
        self._ticks = sa.create_engine(
            url,
            pool_size=KEPT_CONNECTIONS,
            max_overflow=-1,
            isolation_level="AUTOCOMMIT",
            connect_args={"connect_timeout": 5, **CLIENT_KEEPALIVE},
        )
        self._connection: sa.Connection | None = None
        self._held = False
        self._session = 0

    def take(self) -> None:
        """Take the lock; raises ConflictError if a living worker has this name."""
        self._connection = self._connect()
        self._held = self._try_lock(self._connection, self.executor_id)
        if not self._held:
            self.release()
            raise ConflictError(*remedied(Fault.WORKER_NAMED(name=self.executor_id)))

    def is_held(self) -> bool:
        """Say whether the lock was held at the last look."""
        return self._held

    def may_run(self, tick: str, owner: str) -> bool:
        """Say whether nobody else can have got the tick, nor can get it unless this process freezes again."""
        deadline = time.monotonic() + RENEWAL_SECONDS
        while (standing := self._standing(tick, owner)) is None:
            if time.monotonic() > deadline:
                raise UnavailableError(reason=Fault.WORKER_WITHOUT_LOCK(name=self.executor_id))
            time.sleep(RENEWAL_POLL_SECONDS)
        return standing

    def watch(self, requeue: Callable[[str], None]) -> None:
        """Keep the lock, reconnecting where needed, and recover the ticks of workers whose lock is free."""
        try:
            connection = self._renewed()
            for name in self._unfinished(connection):
                self._bury(connection, name, requeue)
        except sa.exc.DBAPIError as error:
            reason = str(error.orig).partition("\n")[0]
            _log.warning("worker_lease_lost", executor_id=self.executor_id, reason=reason)
            self._disconnect()

    def release(self) -> None:
        """Close the connection, and with it the lock."""
        self._disconnect()
        self._engine.dispose()
        self._ticks.dispose()

    def _renewed(self) -> sa.Connection:
        if self._connection is None:
            self._connection = self._connect()
        if not self._held:
            # False until the server notices the end of our old session, which till then speaks for us.
            self._held = self._try_lock(self._connection, self.executor_id)
        return self._connection

    def _bury(self, connection: sa.Connection, name: str, requeue: Callable[[str], None]) -> None:
        # The lock is held meanwhile, so one living worker does this at a time.
        if not self._try_lock(connection, name):
            self._end_if_frozen(connection, name)
            return
        try:
            _log.warning("dead_worker_found", executor_id=name, by=self.executor_id)
            requeue(name)
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(lock_key(name))))

    def _standing(self, tick: str, owner: str) -> bool | None:
        """Return whether the tick is ours to run, None where that is not known while the claim is not held."""
        values = {**lock_halves(self.executor_id), "session": self._session, "tick": tick, "owner": owner}
        try:
            with self._ticks.connect() as connection:
                found = connection.execute(sa.text(STILL_OURS), values).one_or_none()
        except sa.exc.DBAPIError as error:
            reason = str(error.orig).partition("\n")[0]
            _log.warning("tick_claim_not_read", executor_id=self.executor_id, tick=tick, reason=reason)
            return None
        if found is None or not found.is_ours:
            return False
        return True if found.is_present else None

    def _end_if_frozen(self, connection: sa.Connection, name: str) -> None:
        """End the session of a worker that shows no sign of life; its lock is then free for the next round."""
        values = {**lock_halves(name), "seconds": self._frozen_after_seconds}
        if connection.execute(sa.text(END_FROZEN), values).all():
            _log.warning("frozen_worker_ended", executor_id=name, by=self.executor_id)

    def _unfinished(self, connection: sa.Connection) -> Sequence[str]:
        query = sa.text(
            "SELECT DISTINCT executor_id FROM dbos.workflow_status "
            "WHERE status = :status AND queue_name = :queue AND executor_id <> :own"
        )
        values = {"status": IN_FLIGHT, "queue": QUEUE, "own": self.executor_id}
        return [str(name) for (name,) in connection.execute(query, values)]

    def _connect(self) -> sa.Connection:
        connection = self._engine.connect()
        for name, value in SERVER_KEEPALIVE.items():
            connection.execute(sa.select(sa.func.set_config(name, value, sa.false())))
        self._session = connection.execute(sa.select(sa.func.pg_backend_pid())).scalar_one()
        return connection

    def _disconnect(self) -> None:
        self._held = False
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    @staticmethod
    def _try_lock(connection: sa.Connection, name: str) -> bool:
        return bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(lock_key(name)))))


def lock_number(name: str) -> int:
    """Return the signed 64-bit number of a worker's advisory lock."""
    digest = hashlib.sha256(f"autopublisher.worker:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def lock_halves(name: str) -> dict[str, int]:
    """Return the same number in the two halves that PostgreSQL shows of it."""
    high, low = divmod(lock_number(name) % 2**64, 2**32)
    return {"high": high, "low": low}


def lock_key(name: str) -> sa.ColumnElement[int]:
    """Return the same number as PostgreSQL takes it."""
    return sa.cast(lock_number(name), sa.BigInteger)
