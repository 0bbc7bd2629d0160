"""Reading a node or an edge: fields chosen, nested nodes and edges followed, unknown fields refused."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from autopublisher.simulator.graph import catalogue
from autopublisher.simulator.graph.asyncview import by_request_status
from autopublisher.simulator.graph.errors import no_such_field
from autopublisher.simulator.graph.listing import list_nodes
from autopublisher.simulator.graph.render import Values, render, render_account
from autopublisher.simulator.graph.reports import render_report
from autopublisher.simulator.graph.selection import Selection
from autopublisher.simulator.graph.studies import members_of, studies_of
from autopublisher.simulator.graph.wire import Call, Params
from autopublisher.simulator.scenario import Account
from autopublisher.simulator.state import (
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
from autopublisher.simulator.world import World


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
    frozenset({"campaigns", "adsets", "ads", "adcreatives", "adimages", "adlabels"}),
    ("id", "account_id"),
)
NODE_TYPES = {
    "campaign": NodeType(
        "AdCampaignGroup", catalogue.CAMPAIGN, frozenset({"adsets", "ads", "insights", "ad_studies"})
    ),
    "adset": NodeType(
        "AdCampaign",
        catalogue.AD_SET,
        frozenset({"ads", "insights", "ad_studies"}),
        links={"campaign": "campaign_id"},
    ),
    "ad": NodeType(
        "AdGroup",
        catalogue.AD,
        frozenset({"insights", "adcreatives"}),
        links={"campaign": "campaign_id", "adset": "adset_id", "creative": "creative_id"},
    ),
    "creative": NodeType("AdCreative", catalogue.CREATIVE),
    "image": NodeType("AdImage", catalogue.IMAGE, defaults=("id", "hash", "name", "url")),
    "adlabel": NodeType("AdLabel", catalogue.LABEL, defaults=("id", "name")),
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
    "video": NodeType("Video", catalogue.VIDEO, defaults=("id", "updated_time")),
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
LISTS_OF_ACCOUNTS = frozenset(EDGE_KINDS) - {"ad_studies", "cells", "requests"}

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
        kind, address = EDGE_KINDS[name].kind, f"{_address(owner)}/{name}"
        return self.listing(nodes, kind, address, selection, params)

    def listing(
        self, nodes: list[Node], kind: str, address: str, selection: Selection, params: Params | None = None
    ) -> Values:
        """Return one page of nodes of a kind; `params` are the call's unless given."""
        asked = self.call.params if params is None else params
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
        params = Params(nested.options)
        if name == "insights" and isinstance(owner, Node):
            fields = {"fields": ",".join(nested.names)} if nested else {}
            call = Call("GET", (owner.id, name), Params({**nested.options, **fields}))
            return self.insights(self.world, call, owner.id)
        return self.edge(owner, name, params, nested)


def _values(world: World, node: Node) -> Values:
    if isinstance(node, ReportRun):
        return render_report(world, node)
    return render(world, node)


def edge_nodes(world: World, owner: Node | Account, name: str) -> list[Node]:
    """Return all nodes of an edge, oldest first, whatever their status."""
    kind = EDGE_KINDS[name]
    if isinstance(owner, Account):
        return list(world.state.of_kind(kind, owner.id))
    if name == "ad_studies":
        return studies_of(world, owner)
    if isinstance(owner, StudyCell):
        return members_of(world, owner, kind)
    if isinstance(owner, Ad):
        return [world.state.need(Creative, owner.creative_id)]
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
