"""The ASGI face: turns HTTP requests into calls, and deliveries into answers, silence or resets."""

import asyncio
import re
import socket
import struct
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from metasim.engine import Delivery, Simulator
from metasim.graph.errors import GraphError
from metasim.graph.relaxed_json import read_json, read_pairs
from metasim.graph.wire import Call, Params, Reply, Upload, reply_of

TRANSPORT = "autopublisher.transport"  # extension by which the server lends the connection to faults
_VERSION = re.compile(r"v\d+\.\d+")
_OVERRIDES = ("GET", "DELETE", "POST")
_LINGER_OFF = struct.pack("ii", 1, 0)  # closing then resets the connection
_FORM_LIMIT = 64 * 1024 * 1024


class GraphEndpoint:
    """An ASGI application answering everything that is not under /_sim."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            call = await read_call(request)
        except GraphError as error:
            await respond(reply_of(error, "AUnreadable"))(scope, receive, send)
            return
        delivery = self._simulator.handle(call)
        if delivery.delay_s > 0:
            await asyncio.sleep(delivery.delay_s)
        if delivery.ending == "answer":
            await respond(delivery.reply)(scope, receive, send)
        else:
            await _hang_up(scope, delivery)


async def _hang_up(scope: Scope, delivery: Delivery) -> None:
    """End the connection without an answer. Raises ConnectionResetError where there is no connection to end."""
    transport: asyncio.Transport | None = (scope.get("extensions") or {}).get(TRANSPORT)
    if transport is None:
        raise ConnectionResetError(delivery.ending)
    if delivery.ending == "reset":
        raw: socket.socket = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_OFF)
    transport.abort()
    await asyncio.sleep(0)  # lets the loop tell the server that the connection is lost
    await asyncio.sleep(0)


def respond(reply: Reply) -> Response:
    """Return the HTTP response of a reply."""
    if reply.html is not None:
        return HTMLResponse(reply.html, reply.status, headers=reply.headers)
    return JSONResponse(
        reply.body, reply.status, headers={**reply.headers, "Content-Type": "application/json; charset=UTF-8"}
    )


async def read_call(request: Request) -> Call:
    """Read a request in any of the encodings Meta accepts. Raises GraphError if the body is unreadable."""
    values: dict[str, Any] = read_pairs(request.query_params.multi_items())
    body, files = await _read_body(request)
    values.update(body)
    segments = [segment for segment in request.url.path.split("/") if segment]
    version = segments.pop(0) if segments and _VERSION.fullmatch(segments[0]) else None
    method = request.method.upper()
    if method == "POST" and str(values.get("method", "")).upper() in _OVERRIDES:
        method = str(values.pop("method")).upper()
    token = str(values.pop("access_token", "") or _bearer(request) or "")
    return Call(
        method,
        tuple(segments),
        Params(values),
        version,
        token or None,
        str(request.base_url).rstrip("/"),
        files,
    )


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def _read_body(request: Request) -> tuple[dict[str, Any], dict[str, Upload]]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return _read_json(await request.body()), {}
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return {}, {}
    fields: list[tuple[str, Any]] = []
    files: dict[str, Upload] = {}
    try:
        async with request.form(max_part_size=_FORM_LIMIT) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    files[name] = Upload(value.filename or name, await value.read())
                else:
                    fields.append((name, value))
    except HTTPException as error:
        raise GraphError(f"(#100) The request body cannot be read: {error.detail}", 100) from error
    return read_pairs(fields), files


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        values = read_json(body.decode() or "{}")
    except ValueError as error:
        raise GraphError("(#100) The request body is not valid JSON", 100) from error
    if not isinstance(values, dict):
        raise GraphError("(#100) The request body must be a JSON object", 100)
    return values
