"""Routes a call to the reading, writing or insights that answers it."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from metasim.facts import CURRENT_VERSION, LIVE_VERSIONS
from metasim.graph.accounts import minimum_budgets
from metasim.graph.ad_rules import create_rule, update_rule
from metasim.graph.ads import create_ad, update_ad
from metasim.graph.adsets import create_adset, update_adset
from metasim.graph.assets import Asset, find_asset
from metasim.graph.campaign_budgets import Switch, complete_switch
from metasim.graph.campaigns import create_campaign, delete_children, update_campaign
from metasim.graph.common import make_label, refuse_blocked_account, refuse_gone_edit
from metasim.graph.creatives import create_creative, update_creative
from metasim.graph.edges import ACCOUNT_WRITERS, EDGE_WRITERS, delete_node, look
from metasim.graph.errors import (
    GraphError,
    expired_version,
    no_such_object,
    no_token,
    unsupported,
)
from metasim.graph.estimates import ACCOUNT_READS, NODE_READS, search
from metasim.graph.identity import debug_token, permissions
from metasim.graph.images import images_by_hash
from metasim.graph.index_lag import remember
from metasim.graph.insights import read_insights
from metasim.graph.labels import BY_LABELS, nodes_by_labels
from metasim.graph.login import check_proof, holder_of
from metasim.graph.reading import NODE_TYPES, Reader
from metasim.graph.reports import report_rows
from metasim.graph.rule_history import rule_history
from metasim.graph.selection import read_selection
from metasim.graph.studies import (
    accounts_of_business,
    create_study,
    living_studies,
    update_study,
)
from metasim.graph.wire import Call, Params
from metasim.scenario import Account
from metasim.state import Ad, AdSet, Campaign, Creative, Node, ReportRun, Rule
from metasim.world import World

Body = dict[str, Any]
REMOVED_PARAMETERS = ("pretty", "debug", "date_format")
CREATORS: dict[str, Callable[[World, Account, Params], Node]] = {
    "campaigns": create_campaign,
    "adsets": create_adset,
    "ads": create_ad,
    "adcreatives": create_creative,
    "adrules_library": create_rule,
    "adlabels": lambda world, account, params: make_label(world, account.id, params.need_text("name")),
}


def check_version(call: Call) -> None:
    """Refuse versions that are not served, and what was removed from all of them."""
    if call.version is not None and call.version not in LIVE_VERSIONS:
        raise expired_version(call.version)
    for name in REMOVED_PARAMETERS:
        if name in call.params:
            raise GraphError(f"(#100) The parameter {name} is no longer supported", 100, blame=(name,))
    if "ids" in call.params and call.method == "GET":
        raise GraphError("The ids parameter is deprecated", 1, http=500)


def check_token(world: World, call: Call) -> None:
    """Refuse calls without a good token."""
    if call.segments[-1:] == ("instruments",):
        return
    if not call.token:
        raise no_token()
    if call.segments == ("debug_token",) and "|" in call.token:
        return  # an app's own token
    holder_of(world, call.token)
    check_proof(world, call)


def account_of_call(world: World, call: Call) -> Account | None:
    """Return the account a call counts for, or None for calls about people and pages."""
    first = call.segments[0] if call.segments else ""
    if first.startswith("act_"):
        return world.scenario.account(first.removeprefix("act_"))
    node = world.state.nodes.get(first)
    return None if node is None else world.account_of(node)


@dataclass(frozen=True)
class Service:
    """Answers the calls of one moment; `hide_us` keeps what it creates out of edges for a while."""

    world: World
    hide_us: int = 0

    def answer(self, call: Call) -> Body:
        """Return the JSON answer of a call that passed version and token. Raises GraphError."""
        if not call.segments:
            raise unsupported(call.method, "/")
        first, rest = call.segments[0], call.segments[1:]
        if rest == ("instruments",):
            return {"success": True}
        if call.path in _ROOTS and not call.writes:
            return _ROOTS[call.path](self.world, call)
        if first.startswith("act_"):
            return self._account(call, first, rest)
        first = self.world.scenario.user_id if first == "me" else first
        accounts = accounts_of_business(self.world, first)
        if accounts:
            return self._business(call, accounts, rest)
        return self._node(call, first, rest)

    def _asset(self, call: Call, asset: Asset, rest: tuple[str, ...]) -> Body:
        if call.writes:
            raise unsupported(call.method, call.path)
        if asset.kind == "User" and rest == ("permissions",):
            return permissions()
        selection, reader = read_selection(call.params), self._reader(call).assets
        if not rest:
            return reader.asset(asset, selection)
        return reader.edge(asset, "/".join(rest), call.params, selection)

    def _business(self, call: Call, accounts: list[Account], rest: tuple[str, ...]) -> Body:
        selection, business = read_selection(call.params), accounts[0].business or ""
        if rest == ("ad_studies",) and call.method == "POST":
            return self._hiding(lambda: create_study(self.world, accounts, call))
        if rest == ("ad_studies",) and call.method == "GET":
            found: list[Node] = [*living_studies(self.world, accounts)]
            return self._reader(call).listing(found, "ad_study", f"{business}/ad_studies", selection)
        return self._asset(
            call, Asset("Business", {"id": business, "name": accounts[0].business_name}, business), rest
        )

    def _account(self, call: Call, name: str, rest: tuple[str, ...]) -> Body:
        account = self.world.scenario.account(name.removeprefix("act_"))
        if account is None:
            raise no_such_object(name, call.method.lower())
        account = self.world.account(account.id)
        if call.method == "GET":
            return self._read_account(call, account, rest)
        refuse_blocked_account(self.world, account.id)
        writer = ACCOUNT_WRITERS.get((call.method, "/".join(rest)))
        if writer is not None:
            return writer(self.world, account, call)
        if call.method == "POST" and len(rest) == 1 and rest[0] in CREATORS:
            return self._create(call, account, rest[0])
        raise unsupported(call.method, call.path)

    def _read_account(self, call: Call, account: Account, rest: tuple[str, ...]) -> Body:
        selection = read_selection(call.params) if rest != ("insights",) else None
        if selection is None:
            return read_insights(self.world, call, f"act_{account.id}")
        reader = self._reader(call)
        if not rest:
            return reader.account(account, selection)
        if len(rest) == 1 and rest[0] in _ACCOUNT_READERS:
            return _ACCOUNT_READERS[rest[0]](self.world, account, call)
        if rest == ("adimages",) and "hashes" in call.params:
            images = images_by_hash(self.world, account, call.params)
            wanted = selection or reader.defaults(NODE_TYPES["image"])
            return {"data": [reader.node(image, wanted) for image in images]}
        if len(rest) == 1 and rest[0] in BY_LABELS:
            nodes = nodes_by_labels(self.world, account.id, rest[0], call.params)
            return reader.listing(nodes, BY_LABELS[rest[0]].kind, f"act_{account.id}/{rest[0]}", selection)
        return reader.any_edge(account, "/".join(rest), call.params, selection)

    def _node(self, call: Call, node_id: str, rest: tuple[str, ...]) -> Body:
        node = self.world.state.nodes.get(node_id)
        if node is None:
            asset = find_asset(self.world.scenario, node_id)
            if asset is None:
                raise no_such_object(node_id, call.method.lower())
            return self._asset(call, asset, rest)
        if call.method == "GET":
            return self._read_node(call, node, rest)
        if len(rest) == 1 and (call.method, node.kind, rest[0]) in EDGE_WRITERS:
            return self._write_edge(call, node, rest[0])
        deleted = delete_node(self.world, node) if call.method == "DELETE" and not rest else None
        if deleted is not None:
            return deleted
        if rest or node.kind not in _UPDATERS:
            raise unsupported(call.method, call.path)
        refuse_blocked_account(self.world, node.account_id)
        params = call.params if call.method == "POST" else Params({"status": "DELETED"})
        return self._update(call, node, params)

    def _read_node(self, call: Call, node: Node, rest: tuple[str, ...]) -> Body:
        if rest == ("insights",) and isinstance(node, (Campaign, AdSet, Ad)):
            return read_insights(self.world, call, node.id)
        if rest == ("insights",) and isinstance(node, ReportRun):
            return report_rows(self.world, node, call)
        if isinstance(node, Rule) and rest == ("history",):
            return rule_history(self.world, [node], call, f"{node.id}/history")
        selection = read_selection(call.params)
        if not rest:
            look(self.world, node)
            return self._reader(call).node(node, selection)
        special = NODE_READS.get((node.kind, "/".join(rest)))
        if special is not None:
            return special(self.world, node, call)
        return self._reader(call).any_edge(node, "/".join(rest), call.params, selection)

    def _write_edge(self, call: Call, node: Node, edge: str) -> Body:
        refuse_blocked_account(self.world, node.account_id)
        self.world.settle(node)
        return self._hiding(lambda: EDGE_WRITERS[call.method, node.kind, edge](self.world, node, call))

    def _hiding(self, write: Callable[[], Body]) -> Body:
        """Do a write, and keep what it makes out of lists for a while where that was ordered."""
        known = set(self.world.state.nodes) if self.hide_us else set()
        body = write()
        if self.hide_us:
            self._hide([made for made in self.world.state.nodes.values() if made.id not in known])
        return body

    def _hide(self, nodes: list[Node]) -> None:
        for node in nodes:
            node.listed_from_us = self.world.now_us + self.hide_us
            self.world.state.touch(node)

    def _create(self, call: Call, account: Account, edge: str) -> Body:
        node = CREATORS[edge](self.world, account, call.params)
        if call.params.validate_only:
            return {"success": True}
        state = self.world.state
        if node.id not in state.nodes:
            self.world.settle(node)
            node.listed_from_us = self.world.now_us + self.hide_us if self.hide_us else 0
            if isinstance(node, Campaign):
                self.world.exposure.name_group(node)
            state.add(node)
        return {"id": node.id, **self._read_back(call, node)}

    def _update(self, call: Call, node: Node, params: Params) -> Body:
        if node.status == "DELETED" and params.text("status") == "DELETED":
            return {"success": True}
        refuse_gone_edit(node, params)
        self.world.settle(node)
        draft = copy.deepcopy(node)
        switch = _UPDATERS[node.kind](self.world, draft, params)
        if params.validate_only:
            return {"success": True}
        self._commit(node, draft)
        if switch is not None:
            complete_switch(self.world, switch)
        return {"success": True, **self._read_back(call, node)}

    def _commit(self, node: Node, draft: Node) -> None:
        remember(draft, node.name, node.status, node.labels, self.world.now_us)
        for part in fields(node):
            setattr(node, part.name, getattr(draft, part.name))
        if isinstance(node, Campaign):
            self.world.exposure.name_group(node)
        if node.status == "DELETED" and isinstance(node, (Campaign, AdSet)):
            delete_children(self.world, node)
        self.world.state.touch(node)

    def _read_back(self, call: Call, node: Node) -> Body:
        selection = read_selection(call.params)
        return self._reader(call).node(node, selection) if selection else {}

    def _reader(self, call: Call) -> Reader:
        return Reader(self.world, call, read_insights)


def _update_campaign(world: World, node: Node, params: Params) -> Switch | None:
    return update_campaign(world, node, params) if isinstance(node, Campaign) else None


def _update_adset(world: World, node: Node, params: Params) -> None:
    if isinstance(node, AdSet):
        update_adset(world, node, params)


def _update_ad(world: World, node: Node, params: Params) -> None:
    if isinstance(node, Ad):
        update_ad(world, node, params)


def _update_creative(world: World, node: Node, params: Params) -> None:
    if isinstance(node, Creative):
        update_creative(world, node, params)


def _rule_history(world: World, account: Account, call: Call) -> Body:
    rules = list(world.state.of_kind(Rule, account.id))
    return rule_history(world, rules, call, f"act_{account.id}/adrules_history")


def _update_label(_world: World, node: Node, params: Params) -> None:
    node.name = params.need_text("name")


_ACCOUNT_READERS: dict[str, Callable[[World, Account, Call], Body]] = {
    **ACCOUNT_READS,
    "minimum_budgets": lambda _world, account, call: minimum_budgets(account, call.params),
    "adrules_history": _rule_history,
}
_ROOTS: dict[str, Callable[[World, Call], Body]] = {
    "debug_token": debug_token,
    "search": lambda _world, call: search(call),
}
_UPDATERS: dict[str, Callable[[World, Node, Params], Switch | None]] = {
    "campaign": _update_campaign,
    "adset": _update_adset,
    "ad": _update_ad,
    "creative": _update_creative,
    "ad_study": update_study,
    "adrule": update_rule,
    "adlabel": _update_label,
}


def served_version(call: Call) -> str:
    """Return the version an answer is given in."""
    return call.version if call.version in LIVE_VERSIONS else CURRENT_VERSION
