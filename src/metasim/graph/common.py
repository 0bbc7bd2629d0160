"""Common checks of writes: ownership, names, statuses, labels, kept parameters, gone nodes."""

from typing import Any, TypeVar

from metasim.facts import DELIVERABLE_ACCOUNT_STATUSES, LABELS_PER_OBJECT, NAME_LIMIT
from metasim.graph.errors import GraphError, malformed, no_such_object, refusal
from metasim.graph.limits import refuse_full_labels, refuse_many_archived
from metasim.graph.wire import Params
from metasim.scenario import Account
from metasim.state import Label, Node
from metasim.world import World

N = TypeVar("N", bound=Node)
UPDATE_STATUSES = ("ACTIVE", "PAUSED", "DELETED", "ARCHIVED")
DELETED_SUBCODES = {"campaign": 1487566, "adset": 1487056}
ARCHIVED_SUBCODES = {"ad": 1885088}


def refuse_blocked_account(world: World, account_id: str) -> None:
    """Refuse writes to an account that may not deliver (disabled, unsettled, closed...)."""
    if world.state.accounts[account_id].account_status not in DELIVERABLE_ACCOUNT_STATUSES:
        raise GraphError(
            "(#3910001) This ad account is experiencing trouble",
            3910001,
            title="Ad account not usable",
            user_message="The account is disabled or has an open payment or review issue.",
        )


def owned(world: World, kind: type[N], node_id: str, account: Account) -> N:
    """Return a node of this account that may be referred to (100/33 otherwise)."""
    node = world.state.get(kind, node_id)
    if node is None or node.account_id != account.id:
        raise no_such_object(node_id)
    return node


def read_name(params: Params) -> str:
    """Return the required name, of at most 400 characters."""
    name = params.need_text("name")
    if len(name) > NAME_LIMIT:
        raise malformed("name", f"at most {NAME_LIMIT} characters long")
    return name


def create_status(params: Params) -> str:
    """Return the status a new node starts with; Meta's default is ACTIVE."""
    return params.choice("status", ("ACTIVE", "PAUSED")) or "ACTIVE"


def refuse_gone_edit(node: Node, params: Params) -> None:
    """Allow only the name of deleted nodes, and name or deletion of archived ones."""
    if node.status not in ("DELETED", "ARCHIVED"):
        return
    allowed = {"name", "fields", "access_token", "method", "execution_options", "appsecret_proof"}
    if node.status == "ARCHIVED" and params.text("status") in ("DELETED", "ARCHIVED"):
        allowed.add("status")
    if set(params) - allowed:
        table = DELETED_SUBCODES if node.status == "DELETED" else ARCHIVED_SUBCODES
        word = node.status.lower()
        raise refusal(
            table.get(node.kind), f"Object is {word}", f"Only the name of a {word} object can change."
        )


def update_basics(world: World, node: Node, params: Params) -> None:
    """Apply name, status and labels of an update."""
    if params.given("name"):
        node.name = read_name(params)
    status = params.choice("status", UPDATE_STATUSES)
    if status == "ARCHIVED" and node.status != "ARCHIVED":
        refuse_many_archived(world, node)
    if status is not None:
        node.status = status
    if "adlabels" in params:
        node.labels = read_labels(world, params, node.account_id)


def read_labels(world: World, params: Params, account_id: str) -> list[str]:
    """Return the ids of the labels named or referred to; unknown names are made on the fly."""
    rows = params.structure("adlabels") or []
    if not isinstance(rows, list) or len(rows) > LABELS_PER_OBJECT:
        raise malformed("adlabels", f"an array of at most {LABELS_PER_OBJECT} labels")
    return [_label(world, row, account_id).id for row in rows]


def _label(world: World, row: Any, account_id: str) -> Label:
    wanted = row if isinstance(row, dict) else {}
    for label in world.state.of_kind(Label, account_id):
        if str(wanted.get("id", "")) == label.id or ("id" not in wanted and wanted.get("name") == label.name):
            return label
    if "id" in wanted or not wanted.get("name"):
        raise refusal(None, "Unknown label", f"The label {row} does not exist.", "adlabels")
    return make_label(world, account_id, str(wanted["name"]))


def make_label(world: World, account_id: str, name: str) -> Label:
    """Create an ad label."""
    refuse_full_labels(world, world.account(account_id))
    now = world.now_us
    label = Label(world.state.new_id(), account_id, name, created_us=now, updated_us=now)
    world.state.add(label)
    return label


def kept(params: Params, names: tuple[str, ...]) -> dict[str, Any]:
    """Return parameters that are stored as written and read back unchanged."""
    return {name: _plain(params, name) for name in names if params.given(name)}


def _plain(params: Params, name: str) -> Any:
    value = params[name]
    text = value.strip() if isinstance(value, str) else ""
    if text[:1] in ("{", "[") or text in ("true", "false"):
        return params.structure(name)
    return value
