"""Tokens: what they allow, and what is known of them."""

from typing import Any

from metasim.graph.errors import GraphError
from metasim.graph.login import holder_of
from metasim.graph.wire import Call
from metasim.times import SECOND
from metasim.world import World

PERMISSIONS = (
    "ads_management",
    "ads_read",
    "business_management",
    "pages_show_list",
    "pages_read_engagement",
    "pages_manage_ads",
)


def permissions() -> dict[str, Any]:
    """Return what every token allows."""
    return {"data": [{"permission": name, "status": "granted"} for name in PERMISSIONS]}


def debug_token(world: World, call: Call) -> dict[str, Any]:
    """Return what is known of a token: whose it is and until when, or why it is not good."""
    scenario, token = world.scenario, call.params.text("input_token") or ""
    data: dict[str, Any] = {"app_id": scenario.app_id, "application": "AutoPublisher"}
    try:
        holder = holder_of(world, token)
    except GraphError as error:
        codes = {"code": error.code, **({"subcode": error.subcode} if error.subcode else {})}
        data |= {"is_valid": False, "scopes": [], "error": {**codes, "message": error.message}}
        return {"data": data}
    grant = world.state.grants.get(token)
    expires = 0 if grant is None else grant.expires_us // SECOND
    data |= {"type": "SYSTEM_USER" if grant is None else "USER", "is_valid": True, "user_id": holder}
    data |= {"expires_at": expires, "data_access_expires_at": expires, "scopes": list(PERMISSIONS)}
    return {"data": data}
