"""Labels on objects: adding, taking away, deleting a label, and finding what carries some or all of several."""

from typing import Any

from metasim.facts import LABELS_PER_OBJECT
from metasim.graph.common import read_labels
from metasim.graph.errors import malformed, missing
from metasim.graph.index_lag import as_seen, remember
from metasim.graph.wire import Call, Params
from metasim.state import Ad, AdSet, Campaign, Creative, Label, Node
from metasim.world import World

BY_LABELS: dict[str, type[Node]] = {
    "campaignsbylabels": Campaign,
    "adsetsbylabels": AdSet,
    "adsbylabels": Ad,
    "adcreativesbylabels": Creative,
}
LABELLED = ("campaign", "adset", "ad", "creative")


def add_labels(world: World, node: Node, call: Call) -> dict[str, Any]:
    """Add labels to those a node has; the total may not pass fifty."""
    added = _asked(world, node, call.params)
    labels = list(dict.fromkeys([*node.labels, *added]))
    if len(labels) > LABELS_PER_OBJECT:
        raise malformed("adlabels", f"such that an object has at most {LABELS_PER_OBJECT} labels")
    if not call.params.validate_only:
        _store(world, node, labels)
    return {"success": True}


def remove_labels(world: World, node: Node, call: Call) -> dict[str, Any]:
    """Take labels away from a node."""
    gone = _asked(world, node, call.params)
    _store(world, node, [label for label in node.labels if label not in gone])
    return {"success": True}


def _asked(world: World, node: Node, params: Params) -> list[str]:
    if not params.given("adlabels"):
        raise missing("adlabels")
    return read_labels(world, params, node.account_id)


def _store(world: World, node: Node, labels: list[str]) -> None:
    before, node.labels = node.labels, labels
    remember(node, node.name, node.status, before, world.now_us)
    node.updated_us = world.now_us
    world.state.touch(node)


def delete_label(world: World, label: Label) -> dict[str, Any]:
    """Delete a label; what carried it no longer does."""
    for node in list(world.state.nodes.values()):
        if label.id in node.labels:
            _store(world, node, [each for each in node.labels if each != label.id])
    label.status = "DELETED"
    world.state.touch(label)
    return {"success": True}


def nodes_by_labels(world: World, account_id: str, edge: str, params: Params) -> list[Node]:
    """Return an account's nodes that carry any or all of `ad_label_ids`, exactly those ids."""
    wanted = set(params.words("ad_label_ids") or [])
    if not wanted:
        raise missing("ad_label_ids")
    every = (params.choice("operator", ("ANY", "ALL")) or "ANY") == "ALL"
    found = []
    for node in world.state.of_kind(BY_LABELS[edge], account_id):
        common = wanted & set(as_seen(world, node).labels)
        if common == wanted or (common and not every):
            found.append(node)
    return found
