"""What the server makes of a connection: whose word on address and TLS it takes, and how long it waits."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest

from autopublisher.bootstrap.http_server import HttpServer, listen

Ask = Callable[..., dict[str, Any]]
FORWARDED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with where a request came from."""
    if scope["type"] == "lifespan":
        for kind in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{kind}.complete"})
        return
    seen = json.dumps({"client": scope["client"][0], "scheme": scope["scheme"]}).encode()
    headers = [(b"content-length", str(len(seen)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": seen})


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Return a way to serve with trusted proxies and ask once."""
    with ExitStack() as served:

        def asked(*trusted: str) -> dict[str, Any]:
            server = served.enter_context(HttpServer(echo, listen("127.0.0.1", 0), trusted))
            answer = httpx2.get(server.url, headers=FORWARDED, trust_env=False)
            found: dict[str, Any] = answer.json()
            return found

        yield asked


@pytest.mark.parametrize("trusted", [(), ("10.0.0.0/8",)], ids=["nobody", "somebody else"])
def test_a_strangers_word_on_address_and_tls_is_not_taken(ask: Ask, trusted: tuple[str, ...]) -> None:
    assert ask(*trusted) == {"client": "127.0.0.1", "scheme": "http"}


@pytest.mark.parametrize("trusted", ["127.0.0.1", "127.0.0.0/8"])
def test_a_trusted_proxys_word_is_taken(ask: Ask, trusted: str) -> None:
    assert ask(trusted) == {"client": "203.0.113.9", "scheme": "https"}


@pytest.fixture
def hasty() -> Iterator[HttpServer]:
    """A server whose clients have a fifth of a second to say what they want."""
    with HttpServer(echo, listen("127.0.0.1", 0), head_seconds=0.2) as server:
        yield server


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: here\r\nX-Slow: "], ids=["nothing", "half"])
def test_who_does_not_say_what_they_want_is_cut_off(hasty: HttpServer, said: bytes) -> None:
    with socket.create_connection(hasty._listener.getsockname(), timeout=60) as client:
        client.sendall(said)
        assert client.recv(100) == b""


def test_a_second_request_may_not_take_its_time_either(hasty: HttpServer) -> None:
    with socket.create_connection(hasty._listener.getsockname(), timeout=60) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET / HTTP/1.1\r\n")
        while client.recv(1000):
            pass  # what is left of the first answer


def test_who_takes_no_time_is_answered(hasty: HttpServer) -> None:
    assert httpx2.get(hasty.url, trust_env=False).status_code == 200
