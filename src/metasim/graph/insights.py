"""The insights edge: who is asked about, in what rows, over which days, as known at the last quarter hour."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from metasim.graph.action_breakdowns import aim, read_action_breakdowns
from metasim.graph.asset_breakdowns import CONTENTS, by_content
from metasim.graph.attribution_windows import read_windows
from metasim.graph.breakdowns import CellBreakdown, check_breakdowns, divide
from metasim.graph.catalogue import INSIGHTS
from metasim.graph.errors import no_such_field, no_such_object
from metasim.graph.figures import Figures, ads_figures
from metasim.graph.hourly_breakdown import HOURLY, hourly_rows
from metasim.graph.listing import (
    Filter,
    filter_value,
    page_bounds,
    paging_frame,
    passes,
    read_filters,
    wants_summary,
)
from metasim.graph.metrics import CUSTOM, Row, metrics
from metasim.graph.periods import Period, read_periods
from metasim.graph.reach import cell_breakdown, people_reached
from metasim.graph.render import default_attribution
from metasim.graph.row_filters import (
    Made,
    is_figure,
    keep,
    refuse_unknown,
    sort,
    summed_fields,
    total,
)
from metasim.graph.selection import read_selection
from metasim.graph.wire import Call, Params
from metasim.scenario import Account
from metasim.state import Ad, AdSet, Campaign, Node, State
from metasim.status import effective_status
from metasim.times import local_day
from metasim.world import World

LEVELS = ("account", "campaign", "adset", "ad")
DEFAULT_FIELDS = ("account_id", "campaign_id", "date_start", "date_stop", "impressions", "spend")
WINDOWS = {"CLICK_THROUGH": "click", "VIEW_THROUGH": "view", "ENGAGED_VIDEO_VIEW": "ev"}


@dataclass(frozen=True)
class Asked:
    """What divides the rows and their actions, and which attribution windows they show beside the default."""

    breakdowns: list[str]
    windows: tuple[str, ...]
    actions: tuple[str, ...] = ()

    @property
    def contents(self) -> list[str]:
        """The breakdowns by what ads show."""
        return [name for name in self.breakdowns if name in CONTENTS]

    @property
    def people(self) -> list[str]:
        """The other breakdowns."""
        return [name for name in self.breakdowns if name not in CONTENTS]


@dataclass(frozen=True)
class Subject:
    """What one family of rows is about: an account or a node, and the ads whose figures it adds up."""

    key: str
    node: Node | None
    ads: tuple[Ad, ...]


def read_insights(world: World, call: Call, owner_id: str, address: str = "") -> dict[str, Any]:
    """Return one page of insights of an account (`act_...`) or a node; `next` leads to `address` if given."""
    params = call.params
    account, node = _owner(world, owner_id)
    level = params.choice("level", LEVELS) or (node.kind if node else "account")
    fields, rules = _fields(call), read_filters(params)
    refuse_unknown(rules, level, LEVELS)
    subjects = _subjects(world, account, node, level, [rule for rule in rules if not is_figure(rule)])
    today = local_day(world.figures_us, account.zone)
    periods = read_periods(params, today, _first_day(world, subjects, today))
    asked = _asked(params)
    rows = [
        Made({**head, **made.row}, made.figures)
        for subject in subjects
        for head in [_head(world, account, subject, level)]
        for made in _rows(world, account, subject, periods, asked)
    ]
    rows = sort(keep(rows, [rule for rule in rules if is_figure(rule)]), params)
    answer = _page(rows, fields, params, call, address or f"{owner_id}/insights")
    summed = summed_fields(params)
    if summed and rows:
        people = people_reached(
            world, [ad for subject in subjects for ad in subject.ads], _whole(periods), {}
        )
        row = metrics(total(rows), account, world.scenario.market.landing_share, asked.windows, people)
        row |= _dates(_whole(periods))
        answer["summary"] = {name: row[name] for name in (*summed, "date_start", "date_stop") if name in row}
    return answer


def _whole(periods: list[Period]) -> Period:
    return Period(min(part.since for part in periods), max(part.until for part in periods))


def _asked(params: Params) -> Asked:
    breakdowns = params.words("breakdowns") or []
    check_breakdowns(breakdowns, HOURLY)
    return Asked(breakdowns, read_windows(params), read_action_breakdowns(params))


def _owner(world: World, owner_id: str) -> tuple[Account, Node | None]:
    if owner_id.startswith("act_"):
        return world.account(owner_id.removeprefix("act_")), None
    node = world.state.nodes.get(owner_id)
    if not isinstance(node, (Campaign, AdSet, Ad)):
        raise no_such_object(owner_id)
    return world.account_of(node), node


def _fields(call: Call) -> tuple[str, ...]:
    names = tuple(read_selection(call.params).names)
    for name in names:
        if name not in INSIGHTS:
            raise no_such_field(name, "AdsInsights")
    return tuple(dict.fromkeys((*names, "date_start", "date_stop"))) if names else DEFAULT_FIELDS


def _subjects(
    world: World, account: Account, node: Node | None, level: str, filters: list[Filter]
) -> list[Subject]:
    ads = [ad for ad in _ads_under(world.state, account, node) if _counts(world, ad, filters)]
    groups: dict[str, list[Ad]] = {}
    for ad in ads:
        groups.setdefault(_key(ad, account, level), []).append(ad)
    asked = node.id if node is not None else account.id
    return [
        Subject(key, world.state.nodes.get(key), tuple(members))
        for key, members in groups.items()
        if key == asked or not _is_deleted(world, key)
    ]


def _key(ad: Ad, account: Account, level: str) -> str:
    return {"account": account.id, "campaign": ad.campaign_id, "adset": ad.adset_id, "ad": ad.id}[level]


def _is_deleted(world: World, node_id: str) -> bool:
    node = world.state.nodes.get(node_id)
    return node is not None and effective_status(world.state, node, world.now_us) == "DELETED"


def _ads_under(state: State, account: Account, node: Node | None) -> Iterable[Ad]:
    if node is None:
        return state.of_kind(Ad, account.id)
    return [node] if isinstance(node, Ad) else state.children(Ad, node.id)


def _counts(world: World, ad: Ad, filters: list[Filter]) -> bool:
    return all(passes(rule, filter_value(world, ad, rule.field)) for rule in filters)


def _first_day(world: World, subjects: list[Subject], today: date) -> date:
    days = [day for subject in subjects for ad in subject.ads for day in world.state.days.get(ad.id, {})]
    return date.fromisoformat(min(days)) if days else today


def _rows(
    world: World, account: Account, subject: Subject, periods: list[Period], asked: Asked
) -> Iterator[Made]:
    for part in periods:
        for content, ads in by_content(world, subject.ads, asked.contents):
            for made in _divided(world, account, ads, part, asked):
                yield Made(
                    {**_dates(part), **content, **aim(world, made.row, ads, asked.actions)}, made.figures
                )


def _dates(part: Period) -> Row:
    return {"date_start": part.since.isoformat(), "date_stop": part.until.isoformat()}


def _divided(
    world: World, account: Account, ads: tuple[Ad, ...], part: Period, asked: Asked
) -> Iterator[Made]:
    """Yield the rows of one group of ads in one period, divided by people, places, devices or hours."""
    if HOURLY in asked.breakdowns:
        yield from hourly_rows(world, account, ads, part)
        return
    share = world.scenario.market.landing_share
    parts = divide(_by_event(world, ads, part), asked.people, _crowds(world, ads, part))
    for labels, by_event in parts:
        people = people_reached(world, ads, part, labels)
        yield Made({**labels, **metrics(by_event, account, share, asked.windows, people)}, by_event)


def _crowds(world: World, ads: Iterable[Ad], part: Period) -> dict[str, CellBreakdown]:
    """Return what each cell of people did, apart for each conversion event; nothing without a population."""
    groups: dict[str, list[Ad]] = {}
    for ad in ads:
        groups.setdefault(_event(world, ad), []).append(ad)
    cells_by_event = {event: cell_breakdown(world, members, part) for event, members in groups.items()}
    return {event: cells for event, cells in cells_by_event.items() if cells is not None}


def _event(world: World, ad: Ad) -> str:
    promoted = world.state.need(AdSet, ad.adset_id).extra.get("promoted_object") or {}
    custom = promoted.get("custom_conversion_id")
    return f"{CUSTOM}{custom}" if custom else str(promoted.get("custom_event_type") or "PURCHASE")


def _by_event(world: World, ads: Iterable[Ad], part: Period) -> dict[str, Figures]:
    """Add up ads' figures, apart for each conversion event their ad sets look for."""
    totals: dict[str, Figures] = {}
    for ad in ads:
        event = _event(world, ad)
        figures = ads_figures(
            world.state, [ad.id], part.since.isoformat(), part.until.isoformat(), world.figures_us
        )
        totals[event] = totals.get(event, Figures()) + figures
    return totals


def _head(world: World, account: Account, subject: Subject, level: str) -> Row:
    row: Row = {
        "account_id": account.id,
        "account_name": account.name,
        "account_currency": account.currency,
    }
    node, state = subject.node, world.state
    if node is None:
        return row
    campaign_id = node.id if level == "campaign" else str(getattr(node, "campaign_id", ""))
    campaign = state.need(Campaign, campaign_id)
    row |= {"campaign_id": campaign.id, "campaign_name": campaign.name, "objective": campaign.objective}
    row["buying_type"] = "AUCTION"
    if level in ("adset", "ad"):
        adset = state.need(AdSet, str(getattr(node, "adset_id", node.id)))
        row |= {"adset_id": adset.id, "adset_name": adset.name, "optimization_goal": adset.goal}
        row["attribution_setting"] = _attribution_setting(adset)
    if level == "ad":
        row |= {"ad_id": node.id, "ad_name": node.name}
    row["created_time"] = local_day(node.created_us, account.zone).isoformat()
    row["updated_time"] = local_day(node.updated_us, account.zone).isoformat()
    return row


def _attribution_setting(adset: AdSet) -> str:
    windows = adset.extra.get("attribution_spec") or default_attribution(adset.goal)
    return "_".join(f"{row['window_days']}d_{WINDOWS[row['event_type']]}" for row in windows)


def _page(
    rows: list[Made], fields: tuple[str, ...], params: Params, call: Call, address: str
) -> dict[str, Any]:
    keys = [f"row{number:08d}" for number in range(len(rows))]
    start, stop = page_bounds(keys, params)
    chosen = [*fields, *(params.words("breakdowns") or [])]
    data = [{name: made.row[name] for name in chosen if name in made.row} for made in rows[start:stop]]
    answer = {"data": data, **paging_frame(keys, (start, stop), params, call, address)}
    if wants_summary(params):
        answer["summary"] = {"total_count": len(rows)}
    return answer
