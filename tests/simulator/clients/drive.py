"""Runs other people's clients of Meta's API against another address. It lives in their environment, not in ours.

drive.py tap ADDRESS CONFIG          MeltanoLabs' singer tap; prints Singer messages, and FAILED for a stream that fails
drive.py mcp ADDRESS TOKEN STEPS     a session with the server below; prints each tool's answer as JSON
drive.py server ADDRESS              meta-ads-mcp itself, on stdin and stdout
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from typing import Any

META = "https://graph.facebook.com"
COLUMNS = ["account_id", "ad_id", "ad_name", "date_start", "date_stop", "spend", "impressions", "actions"]


def redirect_requests(address: str) -> None:
    """Send whatever `requests` would send to Meta to another address."""
    import requests  # noqa: PLC0415 - each verb needs one client

    send = requests.Session.send

    def redirected(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> Any:
        request.url = (request.url or "").replace(META, address, 1)
        return send(self, request, **options)

    requests.Session.send = redirected  # type: ignore[method-assign]


def tap(address: str, config: str) -> None:
    """Read every stream by itself, so that one that fails hides no other."""
    redirect_requests(address)
    from singer_sdk.exceptions import FatalAPIError  # noqa: PLC0415
    from tap_facebook.streams import AdsInsightStream  # noqa: PLC0415
    from tap_facebook.tap import TapFacebook  # noqa: PLC0415

    AdsInsightStream._get_selected_columns = lambda _self: COLUMNS  # as a catalogue selects them
    for name, stream in TapFacebook(config=json.loads(config)).streams.items():
        try:
            stream.sync()
        except FatalAPIError as error:
            print(json.dumps({"type": "FAILED", "stream": name, "why": str(error)}), flush=True)  # noqa: T201


def server(address: str) -> None:
    """Serve tools on stdin and stdout."""
    from meta_ads_mcp.core import api  # noqa: PLC0415
    from meta_ads_mcp.core.server import main  # noqa: PLC0415

    api.META_GRAPH_API_BASE = f"{address}/{api.META_GRAPH_API_VERSION}"
    sys.argv = sys.argv[:1]
    main()


def mcp(address: str, token: str, steps: str) -> None:
    """Call tools one after another; `$n` as an argument stands for the id that step n answered."""
    asyncio.run(talk(address, token, json.loads(steps)))


async def talk(address: str, token: str, steps: list[tuple[str, dict[str, Any]]]) -> None:
    """Hold one session with the server."""
    from mcp import ClientSession, StdioServerParameters  # noqa: PLC0415
    from mcp.client.stdio import stdio_client  # noqa: PLC0415

    command = StdioServerParameters(
        command=sys.executable, args=[__file__, "server", address], env=dict(os.environ)
    )
    ids: dict[str, Any] = {}
    async with stdio_client(command) as streams, ClientSession(*streams) as session:
        await session.initialize()
        for number, (name, arguments) in enumerate(steps):
            named = {key: ids.get(str(value), value) for key, value in arguments.items()}
            answer = await session.call_tool(name, {**named, "access_token": token})
            text = "".join(part.text for part in answer.content)
            body = json.loads(text) if text.startswith("{") else text
            ids[f"${number}"] = body.get("id") if isinstance(body, dict) else None
            print(json.dumps({"tool": name, "answer": body}), flush=True)  # noqa: T201


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    verbs: dict[str, Callable[..., None]] = {"tap": tap, "mcp": mcp, "server": server}
    verbs[verb](*rest)
