"""What exists in the simulated world, and what changed since it was last saved.

Nodes are plain records keyed by id; a change is announced with `touch` so that saving costs what changed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, TypeVar, cast

from metasim.delivery_ledger import AdDay
from metasim.oauth_grants import Grant

FIRST_ID = 120_230_000_000_000_000
DAYS_KEPT = 9  # a week's cap needs the days of one Sunday-to-Saturday week


@dataclass(slots=True)
class Node:
    """Anything with an id; times are microseconds, money is minor units or micros of the major unit."""

    kind: ClassVar[str] = "node"
    id: str
    account_id: str
    name: str = ""
    status: str = "ACTIVE"
    created_us: int = 0
    updated_us: int = 0
    listed_from_us: int = 0  # edges show the node only from then on (read-after-write lag)
    labels: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)  # parameters kept as they were written
    former: list[list[Any]] = field(
        default_factory=list
    )  # moment of a change; name, status, labels before it


@dataclass(slots=True)
class Funded(Node):
    """A node that may hold a budget: a campaign or an ad set."""

    daily_budget: int | None = None
    lifetime_budget: int | None = None
    spent_micros: int = 0
    spent_by_day: dict[str, int] = field(default_factory=dict)  # account's days, the last few
    budget_edits_us: list[int] = field(default_factory=list)

    def pay(self, day: str, micros: int) -> None:
        """Book spend of one account day."""
        self.spent_micros += micros
        self.spent_by_day[day] = self.spent_by_day.get(day, 0) + micros
        if len(self.spent_by_day) > DAYS_KEPT:
            for old in sorted(self.spent_by_day)[:-DAYS_KEPT]:
                del self.spent_by_day[old]


@dataclass(slots=True)
class Campaign(Funded):
    """A campaign; `flushed_us` is the moment up to which the market has been settled."""

    kind: ClassVar[str] = "campaign"
    objective: str = ""
    spend_cap: int | None = None
    bid_strategy: str | None = None
    flushed_us: int = 0
    group: str = ""

    @property
    def has_budget(self) -> bool:
        """Whether the campaign, not its ad sets, holds the budget."""
        return self.daily_budget is not None or self.lifetime_budget is not None


@dataclass(slots=True)
class AdSet(Funded):
    """An ad set; `goal` is the optimisation goal as written."""

    kind: ClassVar[str] = "adset"
    campaign_id: str = ""
    goal: str = ""
    billing_event: str = "IMPRESSIONS"
    start_us: int = 0
    end_us: int | None = None
    learning: dict[str, Any] = field(default_factory=dict)  # the market's record, see `market/learning.py`


@dataclass(slots=True)
class Ad(Node):
    """An ad; review ends at `reviewed_us` (None while it never was switched on)."""

    kind: ClassVar[str] = "ad"
    campaign_id: str = ""
    adset_id: str = ""
    creative_id: str = ""
    reviewed_us: int | None = None
    refused: bool = False
    spent_micros: int = 0
    contacts: dict[str, list[int]] = field(default_factory=dict)  # impressions by creative and cell of people
    worth: list[float] = field(
        default_factory=list
    )  # impressions, clicks, sales, value to be expected so far


@dataclass(slots=True)
class Creative(Node):
    """A creative; `digest` identifies its content so that an equal one is not made twice."""

    kind: ClassVar[str] = "creative"
    digest: str = ""


@dataclass(slots=True)
class Image(Node):
    """An image of an account; the id is `<account>:<hash>`."""

    kind: ClassVar[str] = "image"
    hash: str = ""


@dataclass(slots=True)
class Label(Node):
    """An ad label."""

    kind: ClassVar[str] = "adlabel"


@dataclass(slots=True)
class ReportRun(Node):
    """Insights asked for asynchronously; `fate` is how a planned fault lets it end, `looks` counts polls."""

    kind: ClassVar[str] = "report_run"
    owner_id: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    fate: str = ""
    looks: int = 0


@dataclass(slots=True)
class Video(Node):
    """A video; sizes are bytes, `uploaded_us` is None until all of it has arrived."""

    kind: ClassVar[str] = "video"
    session: str = ""
    size: int = 0
    received: int = 0
    uploaded_us: int | None = None
    looks: int = 0


@dataclass(slots=True)
class Study(Funded):
    """A split test of a business, kept under the first of its accounts; a creative test holds a budget."""

    kind: ClassVar[str] = "ad_study"
    start_us: int = 0
    end_us: int = 0
    cancelled_us: int | None = None


@dataclass(slots=True)
class StudyCell(Node):
    """One arm of a study: a share of the people, and ids (accounts without "act_") that reach only them."""

    kind: ClassVar[str] = "study_cell"
    study_id: str = ""
    share: int = 0
    member_kind: str = ""
    members: list[str] = field(default_factory=list)


@dataclass(slots=True)
class AsyncSet(Node):
    """Requests of an account that are done later, together."""

    kind: ClassVar[str] = "async_set"
    looks: int = 0


@dataclass(slots=True)
class AsyncRequest(Node):
    """One request done later: `row` is what was asked, `outcome` its answer (code 0: given up)."""

    kind: ClassVar[str] = "async_request"
    set_id: str = ""
    row: dict[str, Any] = field(default_factory=dict)
    looks: int = 0
    outcome: dict[str, Any] | None = None


@dataclass(slots=True)
class AsyncSession(AsyncRequest):
    """A copy made later, asked for at the root and read by itself."""

    kind: ClassVar[str] = "async_session"


@dataclass(slots=True)
class Rule(Node):
    """An automated rule of an account; `runs` are its executions, the latest last."""

    kind: ClassVar[str] = "adrule"
    runs: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class AccountState:
    """What changes about an account; amounts as in the scenario."""

    id: str
    account_status: int
    disable_reason: int
    spend_cap: int
    spent_micros: int = 0
    cap_changes_us: list[int] = field(default_factory=list)
    named: dict[str, Any] = field(default_factory=dict)  # what was written over the scenario's account


NODE_KINDS: dict[str, type[Node]] = {
    kind.kind: kind
    for kind in (
        *(Campaign, AdSet, Ad, Creative, Image, Label, ReportRun, Video, Study, StudyCell),
        *(AsyncSet, AsyncRequest, AsyncSession, Rule),
    )
}
N = TypeVar("N", bound=Node)
Record = Node | AccountState | AdDay | Grant


class State:
    """The world's nodes, accounts and ledgers, with the keys of what changed since the last save."""

    def __init__(self, accounts: Iterable[AccountState]) -> None:
        self.accounts = {account.id: account for account in accounts}
        self.nodes: dict[str, Node] = {}
        self.days: dict[str, dict[str, AdDay]] = {}
        self.grants: dict[str, Grant] = {}  # codes and tokens of logging in, by code or token
        self.next_number = 1
        self._touched: dict[int, Record] = {}  # by identity: most of what the market does is to touch
        self._counted = False  # whether ids were given since the last save
        self._children: dict[str, list[str]] = {}
        self._kin: dict[str, dict[type[Node], list[Node]]] = {}  # children by kind, worked out when asked for
        self._by_kind: dict[type[Node], dict[str, Node]] = {}

    def grant(self, grant: Grant) -> None:
        """Remember a code or token of logging in."""
        self.grants[grant.secret] = grant
        self.touch(grant)

    def new_id(self) -> str:
        """Return the next id: 18 digits, rising, never used twice."""
        number = FIRST_ID + self.next_number * 10
        self.next_number += 1
        self._counted = True
        return str(number)

    def add(self, node: Node) -> None:
        """Put a new node into the world."""
        self.nodes[node.id] = node
        self._by_kind.setdefault(type(node), {})[node.id] = node
        for parent in _parents(node):
            self._adopt(parent, node.id)
        self.touch(node)

    def enlist(self, cell: StudyCell, members: tuple[str, ...]) -> None:
        """Let further objects take part in a study's cell."""
        cell.members.extend(members)
        for member in members:
            self._adopt(member, cell.id)
        self.touch(cell)

    def _adopt(self, parent: str, child: str) -> None:
        self._children.setdefault(parent, []).append(child)
        self._kin.pop(parent, None)

    def touch(self, *records: Record) -> None:
        """Remember that these records changed."""
        for record in records:
            self._touched[id(record)] = record

    def changed(self) -> list[str]:
        """Return the keys of what changed since the last save, in order."""
        counter = ["counter:"] if self._counted else []
        return sorted([*counter, *map(_key, self._touched.values())])

    def settle(self) -> None:
        """Take everything as saved."""
        self._touched.clear()
        self._counted = False

    def get(self, kind: type[N], node_id: str) -> N | None:
        """Return the node if it exists and is of that kind."""
        node = self.nodes.get(node_id)
        return node if isinstance(node, kind) else None

    def need(self, kind: type[N], node_id: str) -> N:
        """Return a node that must exist; KeyError says the world is broken."""
        node = self.nodes[node_id]
        if not isinstance(node, kind):
            raise KeyError(node_id)
        return node

    def of_kind(self, kind: type[N], account_id: str | None = None) -> Iterator[N]:
        """Iterate over all nodes of a kind, oldest first, of one account or of all."""
        alike: dict[str, Node] = self._by_kind.get(kind, {})
        for node in alike.values():
            if isinstance(node, kind) and account_id in (None, node.account_id):
                yield node

    def has(self, kind: type[Node]) -> bool:
        """Tell whether there is any node of a kind."""
        return bool(self._by_kind.get(kind))

    def children(self, kind: type[N], parent_id: str) -> list[N]:
        """Return a campaign's or ad set's children of a kind, oldest first."""
        kin = self._kin.setdefault(parent_id, {})
        known = kin.get(kind)
        if known is None:
            found = (self.nodes[child] for child in self._children.get(parent_id, ()))
            known = kin[kind] = [node for node in found if isinstance(node, kind)]
        return cast("list[N]", list(known))

    def day(self, ad_id: str, day: str) -> AdDay:
        """Return an ad's ledger of a day, opening it if there is none."""
        ledgers = self.days.setdefault(ad_id, {})
        if day not in ledgers:
            ledgers[day] = AdDay(ad_id, day)
        return ledgers[day]

    def dump(self, key: str) -> Any:
        """Return the JSON form of the record behind a key; it shares lists and tables with the record."""
        kind, _, name = key.partition(":")
        if kind == "counter":
            return self.next_number
        if kind == "account":
            return _plain(self.accounts[name])
        if kind == "grant":
            return asdict(self.grants[name])
        if kind == "day":
            ad_id, _, day = name.partition("/")
            return _plain(self.days[ad_id][day])
        return {"kind": self.nodes[name].kind, **_plain(self.nodes[name])}

    def load(self, key: str, body: Any) -> bool:
        """Restore one saved record; False if the key is not one of the state's."""
        kind = key.partition(":")[0]
        if kind == "counter":
            self.next_number = body
        elif kind == "account":
            self.accounts[body["id"]] = AccountState(**body)
        elif kind == "day":
            self._load_day(body)
        elif kind == "grant":
            self.grants[body["secret"]] = Grant(**body)
        elif kind == "node":
            fields = {name: value for name, value in body.items() if name != "kind"}
            self.add(NODE_KINDS[body["kind"]](**fields))
        else:
            return False
        return True

    def _load_day(self, body: dict[str, Any]) -> None:
        ledger = self.day(body["ad_id"], body["day"])
        ledger.steps = {int(step): figures for step, figures in body["steps"].items()}
        ledger.restated = dict(body.get("restated", {}))
        for name in ("sales", "within_day", "uncounted", "late", "views", "other_views", "cells"):
            setattr(ledger, name, {int(step): figures for step, figures in body.get(name, {}).items()})


def _plain(record: Node | AccountState | AdDay) -> dict[str, Any]:
    """Return a record's fields as they are: `asdict` would copy whole ledgers for each save."""
    return {each.name: getattr(record, each.name) for each in fields(record)}


def _parents(node: Node) -> tuple[str, ...]:
    if isinstance(node, AdSet):
        return (node.campaign_id,)
    if isinstance(node, Ad):
        return (node.campaign_id, node.adset_id)
    if isinstance(node, StudyCell):
        return (node.study_id, *node.members)
    if isinstance(node, AsyncRequest) and node.set_id:
        return (node.set_id,)
    return ()


def _key(record: Record) -> str:
    if isinstance(record, Grant):
        return f"grant:{record.secret}"
    if isinstance(record, AccountState):
        return f"account:{record.id}"
    if isinstance(record, AdDay):
        return f"day:{record.ad_id}/{record.day}"
    return f"node:{record.id}"
