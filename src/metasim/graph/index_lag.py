"""Index lag: edges that lag search by former names, statuses and labels."""

import copy
from typing import TypeVar

from metasim.state import Node
from metasim.world import World

N = TypeVar("N", bound=Node)
KEPT = 8  # changes remembered of each node


def remember(node: Node, name: str, status: str, labels: list[str], now_us: int) -> None:
    """Note what a node was called until now, before or after it is written; nothing if that stays."""
    if (node.name, node.status, node.labels) != (name, status, labels):
        node.former = [*node.former[1 - KEPT :], [now_us, name, status, list(labels)]]


def as_seen(world: World, node: N) -> N:
    """Return a node as a lagging search knows it: with the name, status and labels it had then."""
    if not world.read_lag_us or not node.former:
        return node
    moment_us = world.now_us - world.read_lag_us
    known = next((row for row in node.former if row[0] > moment_us), None)
    if known is None:
        return node
    twin = copy.copy(node)
    _, twin.name, twin.status, twin.labels = known
    return twin
