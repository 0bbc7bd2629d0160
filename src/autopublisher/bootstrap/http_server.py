"""The HTTP server in a thread of its own, so that signals and the end of the process stay with the main thread."""

import asyncio
import errno
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any, Self

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from autopublisher.domain.errors import ConfigurationError, UnavailableError
from autopublisher.domain.faults import Fault
from autopublisher.domain.messages import refusal

START_SECONDS = 20.0
STOP_SECONDS = 10.0
PORTS_TRIED = 50
HEAD_SECONDS = 15.0
"""How long a client may take to say what it wants; idle connections are closed sooner, slow bodies by the application."""


def listen(host: str, port: int, *, or_next: bool = False) -> socket.socket:
    """Return a socket that listens; with ``or_next`` on the next free port where this one is taken.

    Raises ConfigurationError naming the variable where that is impossible.
    """
    last = port + PORTS_TRIED if or_next and port else port
    for candidate in range(port, min(last, 65_535) + 1):
        found = _bound(host, candidate)
        if found is not None:
            return found
    taken = Fault.PORT_TAKEN(port=str(port), host=host)
    raise refusal(ConfigurationError, taken, name="AUTO_PUBLISHER_PORT")


def _bound(host: str, port: int) -> socket.socket | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sends answers at once; without, each may wait 40 ms for an acknowledgement.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(128)
    except OSError as error:
        found.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            return None
        raise ConfigurationError(name="AUTO_PUBLISHER_HOST", reason=Fault.HOST_UNUSABLE(host=host)) from error
    return found


def _patient_protocol(head_seconds: float) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol with a limit to the time between a request's first byte and the end of its head."""

    class PatientProtocol(H11Protocol):
        """Closes a connection whose client says nothing, or says it too slowly."""

        _head: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)  # type: ignore[arg-type]  # a TCP server gives a full transport
            self._await_head()

        def data_received(self, data: bytes) -> None:
            if self._head is None and self.conn.their_state is h11.IDLE:
                self._await_head()
            super().data_received(data)
            if self.conn.their_state is not h11.IDLE:
                self._end_waiting()

        def connection_lost(self, exc: Exception | None) -> None:
            self._end_waiting()
            super().connection_lost(exc)

        def _await_head(self) -> None:
            self._head = self.loop.call_later(head_seconds, self.transport.close)

        def _end_waiting(self) -> None:
            if self._head is not None:
                self._head.cancel()
                self._head = None

    return PatientProtocol


class HttpServer:
    """An ASGI application served from a thread, between ``start`` and ``stop``."""

    def __init__(
        self,
        app: Any,
        listener: socket.socket,
        trusted_proxies: Sequence[str] = (),
        head_seconds: float = HEAD_SECONDS,
    ) -> None:
        self._listener = listener
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
            # Without a list of its own the server would believe X-Forwarded-* from this machine.
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
            http=_patient_protocol(head_seconds),
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="autopublisher-http", daemon=True)

    @property
    def url(self) -> str:
        """The address to call, with the port it really listens on."""
        host, port = self._listener.getsockname()[:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - where "all" is reached
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Serve, and return once requests are answered; raises UnavailableError where the start fails."""
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise UnavailableError(reason=Fault.SERVER_DID_NOT_START())
            time.sleep(0.02)

    def stop(self) -> None:
        """Answer what is being asked, then close."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
        self._listener.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._listener])
