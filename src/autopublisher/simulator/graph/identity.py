"""Who is asking and what else can be seen: the user, tokens, pages, pixels and Instagram users."""

from typing import Any

from autopublisher.simulator.graph.errors import GraphError, no_such_field, no_such_object
from autopublisher.simulator.graph.login import holder_of
from autopublisher.simulator.graph.selection import Selection
from autopublisher.simulator.graph.wire import Call
from autopublisher.simulator.scenario import Scenario
from autopublisher.simulator.times import SECOND
from autopublisher.simulator.world import World

PERMISSIONS = (
    "ads_management",
    "ads_read",
    "business_management",
    "pages_show_list",
    "pages_read_engagement",
    "pages_manage_ads",
)
KNOWN_FIELDS = {
    "User": frozenset({"id", "name", "email"}),
    "Page": frozenset(
        {"id", "name", "category", "link", "is_published", "instagram_business_account", "access_token"}
    ),
    "AdsPixel": frozenset({"id", "name", "last_fired_time", "is_unavailable", "creation_time", "code"}),
    "IGUser": frozenset({"id", "username", "name", "profile_pic", "followers_count"}),
}


def me(world: World, rest: tuple[str, ...], selection: Selection) -> dict[str, Any]:
    """Return the token's user, its permissions or its pages."""
    scenario = world.scenario
    if rest == ("permissions",):
        return {"data": [{"permission": name, "status": "granted"} for name in PERMISSIONS]}
    if rest == ("accounts",):
        return {"data": [{"id": page, "name": name, "tasks": ["ADVERTISE"]} for page, name in scenario.pages]}
    if rest:
        raise no_such_field("/".join(rest), "User")
    return _choose({"id": scenario.user_id, "name": scenario.user_name}, "User", selection)


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


def identity_node(world: World, node_id: str, selection: Selection) -> dict[str, Any]:
    """Return a page, pixel, Instagram user or the user itself. Raises 100/33 for anything else."""
    for kind, nodes, label in _assets(world.scenario):
        name = dict(nodes).get(node_id)
        if name is not None:
            return _choose({"id": node_id, label: name}, kind, selection)
    raise no_such_object(node_id)


def _assets(scenario: Scenario) -> list[tuple[str, tuple[tuple[str, str], ...], str]]:
    return [
        ("Page", scenario.pages, "name"),
        ("AdsPixel", scenario.pixels, "name"),
        ("IGUser", scenario.instagram_users, "username"),
        ("User", ((scenario.user_id, scenario.user_name),), "name"),
    ]


def _choose(values: dict[str, Any], kind: str, selection: Selection) -> dict[str, Any]:
    unknown = [name for name in selection.names if name not in KNOWN_FIELDS[kind]]
    if unknown:
        raise no_such_field(unknown[0], kind)
    wanted = selection.names or values
    return {name: value for name, value in values.items() if name in wanted or name == "id"}
