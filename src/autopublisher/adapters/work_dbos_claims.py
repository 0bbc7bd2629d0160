"""Claims of due ticks: asked for again as soon as one ends or another is enqueued, not at every poll only.

DBOS's own thread asks once per polling interval and takes one tick of an ad account each time. Polling faster would cost
an idle worker more than its work; so the asking is ours, and the statements that claim are DBOS's.
"""

import selectors
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any
from uuid import uuid4

import psycopg
import sqlalchemy as sa
import structlog
from dbos import Queue
from dbos import error as dbos_error
from dbos._core import WorkflowHandleFuture, execute_dequeued_workflow  # private: decision 0036
from dbos._dbos import _get_dbos_instance  # private: decision 0036

from autopublisher.adapters.db.session import reachable
from autopublisher.adapters.work_dbos_store import APPLICATION_VERSION, CHANNEL, origin_of
from autopublisher.domain.errors import UnavailableError

_log = structlog.get_logger(__name__)
CONNECT_SECONDS = 5
LISTENING_SECONDS = 30.0
"""For how long a call waits for a notification, unless it is interrupted."""


class Claims:
    """Begins due ticks while fewer than ``concurrency`` of them run; ``due`` is set when there may be another to begin.

    ``changed`` tells whether anything has been stored since it was last asked: what is due only becomes so by that.
    """

    def __init__(
        self,
        queue: Queue,
        executor_id: str,
        concurrency: int,
        due: threading.Event,
        changed: Callable[[], bool] = lambda: True,
    ) -> None:
        self._queue = queue
        self._executor_id = executor_id
        self._concurrency = concurrency
        self._due = due
        self._changed = changed
        self._unanswered = True
        self._running: dict[str, Future[Any]] = {}

    def take(self) -> None:
        """Begin what is due, as far as there is room; raises UnavailableError.

        One question is enough: it claims one tick of each account, and another only becomes due when one of these ends.
        """
        room = self._concurrency - len(self._running)
        if room > 0 and (self._changed() or self._unanswered):
            self._unanswered = True
            self._begin(room)
            self._unanswered = False

    def drain(self, patience_seconds: float) -> None:
        """Wait until what has begun has ended, for this long at most; ``take`` is called no more."""
        wait(list(self._running.values()), patience_seconds)

    def _begin(self, room: int) -> None:
        dbos, token = _get_dbos_instance(), str(uuid4())
        with reachable():
            claimed = dbos._sys_db.start_queued_partitioned_workflows(  # noqa: SLF001 - decision 0036
                self._queue,
                self._executor_id,
                APPLICATION_VERSION,
                room,
                owner_xid=token,
                is_latest_version=False,  # every tick names its version, so there is none without one to ask for
            )
            found = dbos._sys_db.get_workflow_statuses(claimed) if claimed else []  # noqa: SLF001 - decision 0036
        for status in found:
            try:
                handle = execute_dequeued_workflow(dbos, status, token)
            except dbos_error.DBOSException:
                # Nothing ran; the sweep moves the run on under its next version.
                _log.exception("tick_begin_failed", tick=status["workflow_uuid"])
                continue
            if isinstance(handle, WorkflowHandleFuture):
                self._follow(handle.workflow_id, handle.future)

    def _follow(self, tick: str, outcome: Future[Any]) -> None:
        self._running[tick] = outcome

        def end(_outcome: Future[Any]) -> None:
            # Its outcome is stored by now, so that the account's next tick may be claimed.
            self._running.pop(tick, None)
            self._due.set()

        outcome.add_done_callback(end)


class Listener:
    """Sets ``due`` when another process that shares the PostgreSQL server has enqueued a tick.

    What was enqueued here with the same ``due`` has set it already.
    """

    def __init__(self, url: sa.URL, due: threading.Event) -> None:
        self._url = url
        self._due = due
        self._connection: psycopg.Connection | None = None
        self._interruption, self._interrupter = socket.socketpair()

    def listen(self) -> None:
        """Wait until notifications come or ``interrupt`` is called, or for a while; raises UnavailableError."""
        try:
            if self._connection is None:
                self._connection = self._connected()
                self._due.set()  # what was enqueued while nobody listened
            self._wait_for_any(self._connection)
            for heard in self._connection.notifies(timeout=0):
                if heard.payload != origin_of(self._due):
                    self._due.set()
        except psycopg.OperationalError as error:
            self._disconnect()
            raise UnavailableError(reason=str(error).partition("\n")[0]) from error

    def interrupt(self) -> None:
        """Have the call under way, or else the next, return at once: a stop need not wait for a notification."""
        self._interrupter.send(b"!")

    def close(self) -> None:
        """End the connection."""
        self._disconnect()
        self._interruption.close()
        self._interrupter.close()

    def _wait_for_any(self, connection: psycopg.Connection) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            selector.register(self._interruption, selectors.EVENT_READ)
            ready = [key.fileobj for key, _ in selector.select(LISTENING_SECONDS)]
        if self._interruption in ready:
            self._interruption.recv(1)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> psycopg.Connection:
        address = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = psycopg.connect(address, autocommit=True, connect_timeout=CONNECT_SECONDS)
        connection.execute(f"LISTEN {CHANNEL}")
        return connection
