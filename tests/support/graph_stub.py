"""A server on loopback that stands in for Meta and gives the answers of a script, one after the other."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.ids import ActId, MetaId

TOKEN = "EAAB-very-secret-token-0123456789"
APP_SECRET = "0f1e2d3c4b5a-app-secret"
ACT = ActId("act_42")
OBJECT = MetaId("120000000000000001")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAMES = {"name": "Autumn [ap-1]", "status": "PAUSED"}


@dataclass(frozen=True)
class Seen:
    """A request as the server saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query)


Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Gives the next answer of the script, and remembers what was asked."""

    script: ClassVar[list[Answer]]
    seen: ClassVar[list[Seen]]
    release: ClassVar[threading.Event]

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        self.seen.append(Seen(self.command, self.path, dict(self.headers), body))
        self.script.pop(0)(self)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the server's own naming

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the server's own naming
        """Keep quiet."""


@dataclass
class Stub:
    """A server with a script of answers."""

    server: ThreadingHTTPServer
    handler: type[Handler]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def seen(self) -> list[Seen]:
        return self.handler.seen

    def answers(self, *script: Answer) -> None:
        self.handler.script.extend(script)


@dataclass
class HandClock:
    """A clock set by hand; ``broken`` makes it unreadable."""

    present: datetime = NOON
    broken: bool = field(default=False)

    def now(self) -> datetime:
        if self.broken:
            raise UnavailableError(reason="the test's clock")
        return self.present

    def real_seconds_until(self, moment: datetime) -> float:
        return (moment - self.present).total_seconds()


@contextmanager
def stub_server() -> Iterator[Stub]:
    """Serve until the end of the block; an answer that hangs is then released."""
    release = threading.Event()
    handler = type("Scripted", (Handler,), {"script": [], "seen": [], "release": release})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Stub(server, handler)
    finally:
        release.set()
        server.shutdown()
        server.server_close()
        thread.join()


def says(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(text.encode())

    return answer


def fails(code: int, subcode: int | None = None, *, status: int = 400, **more: Any) -> Answer:
    error = {"message": "Something", "type": "OAuthException", "code": code, **more}
    return says({"error": error if subcode is None else {**error, "error_subcode": subcode}}, status)


def resets(handler: Handler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def hangs(handler: Handler) -> None:
    handler.release.wait(30)


def breaks_off(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"id": "12')


HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
NO_USABLE_ANSWER = {
    "reset": resets,
    "timeout": hangs,
    "cut short": breaks_off,
    "HTML with 502": says(HTML, 502),
    "HTML with 200": says(HTML),
    "an error page naming the service": says("Service Unavailable", 503),
    "nothing": says(""),
    "null": says("null"),
    "true": says("true"),
    "a list": says([1, 2]),
    "an empty object": says({}),
    "no success": says({"success": False}),
    "an error without code": says({"error": {"message": "?"}}),
    "an error that is a text": says({"error": "nope"}, 400),
    "a redirect": says("", 302, {"Location": "http://127.0.0.1:9/elsewhere"}),
    "deep nesting": says("[" * 100_000),
}


def page(stub: Stub, rows: Sequence[Mapping[str, Any]], after: str | None = None, host: str = "") -> Answer:
    address = f"{host or stub.url}/v26.0/act_42/ads?access_token={TOKEN}&after={after}"
    paging = {"cursors": {"before": "b", "after": after or "end"}}
    return says({"data": rows, "paging": paging if after is None else {**paging, "next": address}})
