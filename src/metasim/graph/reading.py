"""Reading a node or an edge: fields chosen, nested nodes and edges followed, unknown fields refused."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from metasim.graph import catalogue
from metasim.graph.asset_catalogue import EDGES
from metasim.graph.assets import AssetReader
from metasim.graph.async_rendering import by_request_status
from metasim.graph.errors import no_such_field
from metasim.graph.listing import list_nodes
from metasim.graph.periods import check_period
from metasim.graph.render import Values, render, render_account
from metasim.graph.reports import render_report
from metasim.graph.selection import Selection
from metasim.graph.studies import members_of, studies_of
from metasim.graph.wire import Call, Params
from metasim.scenario import Account
from metasim.state import (
    Ad,
    AdSet,
    AsyncRequest,
    AsyncSet,
    Campaign,
    Creative,
    Image,
    Label,
    Node,
    ReportRun,
    Rule,
    Study,
    StudyCell,
    Video,
)
from metasim.world import World


@dataclass(frozen=True)
class NodeType:
    """What may be read of a kind of node: its name, fields and the edges that also work as fields."""

    name: str
    fields: frozenset[str]
    edges: frozenset[str] = frozenset()
    defaults: tuple[str, ...] = ("id",)
    links: dict[str, str] = field(default_factory=dict)  # field -> attribute holding the other node's id


ACCOUNT_TYPE = NodeType(
    "AdAccount",
    catalogue.ACCOUNT,
    EDGES["AdAccount"],
    ("id", "account_id"),
)
NODE_TYPES = {
    "campaign": NodeType("AdCampaignGroup", catalogue.CAMPAIGN, EDGES["AdCampaignGroup"]),
    "adset": NodeType(
        "AdCampaign",
        catalogue.AD_SET,
        EDGES["AdCampaign"],
        links={"campaign": "campaign_id"},
    ),
    "ad": NodeType(
        "AdGroup",
        catalogue.AD,
        EDGES["AdGroup"] | {"ad_studies"},
        links={"campaign": "campaign_id", "adset": "adset_id", "creative": "creative_id"},
    ),
    "creative": NodeType("AdCreative", catalogue.CREATIVE, EDGES["AdCreative"]),
    "image": NodeType("AdImage", catalogue.IMAGE, defaults=("id", "hash", "name", "url")),
    "adlabel": NodeType("AdLabel", catalogue.LABEL, EDGES["AdLabel"], defaults=("id", "name")),
    "report_run": NodeType(
        "AdReportRun",
        catalogue.REPORT_RUN,
        defaults=("id", "account_id", "time_ref", "async_status", "async_percent_completion"),
    ),
    "ad_study": NodeType(
        "AdStudy",
        catalogue.STUDY,
        frozenset({"cells"}),
        ("id", "name", "start_time", "end_time", "type"),
    ),
    "study_cell": NodeType(
        "AdStudyCell", catalogue.STUDY_CELL, frozenset({"adsets", "campaigns"}), defaults=("id", "name")
    ),
    "video": NodeType("Video", catalogue.VIDEO, EDGES["Video"], defaults=("id", "updated_time")),
    "async_set": NodeType(
        "AdAsyncRequestSet", catalogue.ASYNC_SET, defaults=("id", "owner_id", "name", "is_completed")
    ),
    "async_request": NodeType(
        "AdAsyncRequest", catalogue.ASYNC_REQUEST, defaults=("id", "scope_object_id", "status")
    ),
    "async_session": NodeType(
        "AsyncSession",
        catalogue.ASYNC_SESSION,
        defaults=("id", "name", "status", "result", "error_code", "exception", "complete_time"),
    ),
    "adrule": NodeType("AdRule", catalogue.RULE, defaults=("id", "name")),
}
EDGE_KINDS: dict[str, type[Node]] = {
    "campaigns": Campaign,
    "adsets": AdSet,
    "ads": Ad,
    "adcreatives": Creative,
    "adimages": Image,
    "adlabels": Label,
    "advideos": Video,
    "ad_studies": Study,
    "cells": StudyCell,
    "asyncadrequestsets": AsyncSet,
    "requests": AsyncRequest,
    "adrules_library": Rule,
}
LISTS_OF_ACCOUNTS = frozenset(EDGE_KINDS) - {"cells", "requests"}
LISTS = {
    "campaign": ("adsets", "ads", "ad_studies", "copies"),
    "adset": ("ads", "adcreatives", "ad_studies", "copies"),
    "ad": ("adcreatives", "ad_studies", "copies"),
    "adlabel": ("campaigns", "adsets", "ads", "adcreatives"),
    "ad_study": ("cells",),
    "study_cell": ("adsets", "campaigns"),
    "async_set": ("requests",),
}
"""The edges of nodes that may hold something; the other ones Meta knows are empty."""

InsightsReader = Callable[[World, Call, str], dict[str, Any]]


@dataclass(frozen=True)
class Reader:
    """Reads nodes and edges of a world for one call; `insights` is how insights are read as a field."""

    world: World
    call: Call
    insights: InsightsReader

    def node(self, node: Node, selection: Selection) -> Values:
        """Return the chosen fields of a node."""
        return self._choose(node, NODE_TYPES[node.kind], _values(self.world, node), selection)

    def account(self, account: Account, selection: Selection) -> Values:
        """Return the chosen fields of an account."""
        return self._choose(account, ACCOUNT_TYPE, render_account(self.world, account), selection)

    def edge(self, owner: Node | Account, name: str, params: Params, selection: Selection) -> Values:
        """Return one page of an edge."""
        nodes = edge_nodes(self.world, owner, name)
        if name == "requests":
            nodes = by_request_status(self.world, nodes, params)
        kind = owner.kind if name == "copies" and isinstance(owner, Node) else EDGE_KINDS[name].kind
        address = f"{_address(owner)}/{name}"
        return self.listing(nodes, kind, address, selection, params)

    def listing(
        self, nodes: list[Node], kind: str, address: str, selection: Selection, params: Params | None = None
    ) -> Values:
        """Return one page of nodes of a kind; `params` are the call's unless given."""
        asked = self.call.params if params is None else params
        check_period(asked)
        page = list_nodes(self.world, nodes, asked, self.call, address)
        chosen = [self.node(node, selection or self.defaults(NODE_TYPES[kind])) for node in page.nodes]
        return {"data": chosen, **page.frame}

    @staticmethod
    def defaults(kind: NodeType) -> Selection:
        """Return what is read of a kind of node when no fields are asked for."""
        return Selection({name: Selection() for name in kind.defaults})

    def _choose(self, owner: Node | Account, kind: NodeType, values: Values, selection: Selection) -> Values:
        chosen: Values = {}
        for name, nested in (selection or self.defaults(kind)).names.items():
            if name in kind.links and isinstance(owner, Node):
                other = self.world.state.nodes[getattr(owner, kind.links[name])]
                chosen[name] = self.node(other, nested)
            elif name in kind.edges and name not in values:
                chosen[name] = self._edge_field(owner, name, nested)
            elif name not in kind.fields:
                raise no_such_field(name, kind.name)
            elif name in values:
                chosen[name] = _narrow(values[name], nested)
        if "id" in values:
            chosen.setdefault("id", values["id"])
        return chosen

    def _edge_field(self, owner: Node | Account, name: str, nested: Selection) -> Values:
        if name == "insights":
            fields = {"fields": ",".join(nested.names)} if nested else {}
            options = {**self._period(nested.options), **nested.options, **fields}
            call = Call("GET", (_address(owner), name), Params(options))
            return self.insights(self.world, call, _address(owner))
        return self.any_edge(owner, name, Params(nested.options), Selection(nested.names))

    def _period(self, options: dict[str, str]) -> dict[str, Any]:
        """Return the period of an edge's call, in which insights among its fields are read unless they name their own."""
        names = ("date_preset", "time_range")
        own = any(name in options for name in (*names, "time_ranges"))
        return {} if own else {name: self.call.params[name] for name in names if self.call.params.given(name)}

    def any_edge(self, owner: Node | Account, name: str, params: Params, selection: Selection) -> Values:
        """Return one page of any edge that Meta knows. Raises GraphError for others."""
        if isinstance(owner, Account) and name not in LISTS_OF_ACCOUNTS:
            return self.assets.edge(owner, name, params, selection)
        if isinstance(owner, Node) and name not in LISTS.get(owner.kind, ()):
            if name in NODE_TYPES[owner.kind].edges:
                return {"data": []}
            raise no_such_field(name, NODE_TYPES[owner.kind].name)
        return self.edge(owner, name, params, selection)

    @property
    def assets(self) -> AssetReader:
        """How people, businesses, pages and pixels are read."""
        return AssetReader(self.world.scenario, self.call, self.account)


def _values(world: World, node: Node) -> Values:
    if isinstance(node, ReportRun):
        return render_report(world, node)
    return render(world, node)


def edge_nodes(world: World, owner: Node | Account, name: str) -> list[Node]:
    """Return all nodes of an edge, oldest first, whatever their status."""
    if isinstance(owner, Account):
        return list(world.state.of_kind(EDGE_KINDS[name], owner.id))
    if name == "copies":
        twins = world.state.of_kind(type(owner), owner.account_id)
        return [twin for twin in twins if twin.extra.get(f"source_{owner.kind}_id") == owner.id]
    if name == "ad_studies":
        return studies_of(world, owner)
    return _below(world, owner, EDGE_KINDS[name])


def _below(world: World, owner: Node, kind: type[Node]) -> list[Node]:
    if isinstance(owner, StudyCell):
        return members_of(world, owner, kind)
    if isinstance(owner, Label):
        return [node for node in world.state.of_kind(kind, owner.account_id) if owner.id in node.labels]
    if kind is Creative:
        ads = [owner] if isinstance(owner, Ad) else world.state.children(Ad, owner.id)
        return [world.state.need(Creative, each) for each in dict.fromkeys(ad.creative_id for ad in ads)]
    return list(world.state.children(kind, owner.id))


def _address(owner: Node | Account) -> str:
    return f"act_{owner.id}" if isinstance(owner, Account) else owner.id


def _narrow(value: Any, nested: Selection) -> Any:
    if not nested:
        return value
    if isinstance(value, list):
        return [_narrow(item, nested) for item in value]
    if isinstance(value, dict):
        return {name: item for name, item in value.items() if name in nested.names}
    return value
