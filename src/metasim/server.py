"""Runs the simulator on loopback: in the foreground, or in a thread for tests."""

import asyncio
import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from metasim.app import create_app
from metasim.clock import real_seconds
from metasim.config import SimulatorConfig
from metasim.engine import Simulator
from metasim.http import TRANSPORT

Announce = Callable[[str], None]
START_LIMIT_S = 30.0
PACE_S = 0.1


class _Connected:
    """Lends each request its connection, so that faults can cut it, and remembers when one last came."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.last_request = real_seconds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.last_request = real_seconds()
        cycle = getattr(send, "__self__", None)
        transport = getattr(cycle, "transport", None)
        if scope["type"] == "http" and transport is not None:
            scope["extensions"] = {**(scope.get("extensions") or {}), TRANSPORT: transport}
        await self._app(scope, receive, send)
        self.last_request = real_seconds()


class _AnnouncingServer(uvicorn.Server):
    """A uvicorn server that says when it listens and may stop when nobody asks anything."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce."""
        await super().startup(sockets)
        self._listening()


def serve(
    config: SimulatorConfig,
    host: str = "127.0.0.1",
    port: int = 0,
    announce: Announce | None = None,
    idle_exit_s: float | None = None,
) -> None:
    """Serve until stopped; `announce` gets the base URL once the socket listens.

    Args:
        config: what to simulate.
        host: loopback address to bind.
        port: port to bind, 0 for a free one.
        announce: called with the real base URL.
        idle_exit_s: stop after so many real seconds without a request; None to stay.
    """
    server, sock, _ = _prepare(config, host, port, announce or (lambda _url: None), idle_exit_s)
    with sock:
        server.run(sockets=[sock])


def _prepare(
    config: SimulatorConfig, host: str, port: int, announce: Announce, idle_exit_s: float | None
) -> tuple[_AnnouncingServer, socket.socket, Simulator]:
    app = create_app(config)
    connected = _Connected(app)
    sock = _listening(host, port)
    url = f"http://{host}:{sock.getsockname()[1]}"
    tasks: list[asyncio.Future[None]] = []  # held, or the loop would drop it
    server = _AnnouncingServer(_uvicorn_config(connected), lambda: _on_listening(server, connected))

    def _on_listening(running: uvicorn.Server, watched: _Connected) -> None:
        announce(url)
        if config.mode == "speed":
            tasks.append(asyncio.ensure_future(_keep_pace(running, app.state.simulator)))
        if idle_exit_s is not None:
            tasks.append(asyncio.ensure_future(_stop_when_idle(running, watched, idle_exit_s)))

    return server, sock, app.state.simulator


def _listening(host: str, port: int) -> socket.socket:
    """Return a listening socket; with its protocol named, asyncio turns Nagle's delay off for each answer."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(128)
    except OSError:
        sock.close()
        raise
    return sock


def _uvicorn_config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",  # its request cycle exposes the connection, which faults need
        ws="none",
        interface="asgi3",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_level="warning",
        log_config=None,
        timeout_graceful_shutdown=1,
    )


async def _keep_pace(server: uvicorn.Server, simulator: Simulator) -> None:
    """Let the market follow a running clock, so that no request has to wait for hours that nobody asked about."""
    while not server.should_exit:
        await asyncio.sleep(PACE_S)
        simulator.keep_up()


async def _stop_when_idle(server: uvicorn.Server, app: _Connected, limit_s: float) -> None:
    left_s = limit_s
    while left_s > 0:
        await asyncio.sleep(left_s)
        left_s = limit_s - (real_seconds() - app.last_request)
    server.should_exit = True


class SimulatorThread:
    """The simulator in a thread of this process, on a free port: `with SimulatorThread(config) as sim: sim.url`."""

    def __init__(self, config: SimulatorConfig | None = None) -> None:
        """Prepare a simulator; it listens once the context is entered."""
        self.url = ""
        self._ready = threading.Event()
        self._server, self._sock, self.simulator = _prepare(
            config or SimulatorConfig(), "127.0.0.1", 0, self._announce, None
        )
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)

    def _announce(self, url: str) -> None:
        self.url = url
        self._ready.set()

    def _run(self) -> None:
        with self._sock:
            self._server.run(sockets=[self._sock])

    def start(self) -> Self:
        """Start and wait until it listens. Raises TimeoutError if it does not."""
        self._thread.start()
        if not self._ready.wait(START_LIMIT_S):
            raise TimeoutError("the simulator did not start")
        return self

    def stop(self) -> None:
        """Stop and wait until the thread has ended."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(START_LIMIT_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def write_url_file(path: Path, url: str, token: str) -> None:
    """Write base URL, process id and the controls' token as JSON, whole or not at all, for its owner only."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    draft.touch(0o600)
    draft.write_text(json.dumps({"url": url, "pid": os.getpid(), "token": token}), "utf-8")
    draft.replace(path)
