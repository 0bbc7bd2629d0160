"""Execution of automated rules: every half hour those that are due act on what matches."""

from collections.abc import Callable, Mapping
from typing import Any

from metasim.graph.figures import Figures, ads_figures, ads_spend
from metasim.graph.rule_specs import (
    ENTITY_TYPES,
    METRICS,
    Condition,
    conditions,
    is_due,
    period_days,
    single,
)
from metasim.state import Ad, AdSet, Campaign, Node, Rule, State
from metasim.status import GONE, effective_status
from metasim.times import HOUR, MINUTE, local_day, to_datetime
from metasim.world import World

HALF_HOUR = 30 * MINUTE
IDLE_RUNS_KEPT = 96  # two days of runs that changed nothing
KINDS: dict[str, type[Node]] = {"campaign": Campaign, "adset": AdSet, "ad": Ad}

DONE = {"PAUSE": "PAUSED", "NOTIFICATION": "FACEBOOK_NOTIFICATION_SENT"}


def next_half_hour(state: State, from_us: int, to_us: int) -> int | None:
    """Return the first half hour in (from, to] at which a rule may be due, or None."""
    moment = from_us - from_us % HALF_HOUR + HALF_HOUR
    watching = any(rule.status == "ENABLED" for rule in state.of_kind(Rule))
    return moment if watching and moment <= to_us else None


def run_due_rules(world: World) -> None:
    """Run the enabled rules whose schedule names this half hour of their account's day."""
    for rule in list(world.state.of_kind(Rule)):
        local = to_datetime(world.now_us).astimezone(world.account_of(rule).zone)
        weekday = local.isoweekday() % 7  # Meta's week begins on Sunday
        schedule = rule.extra["schedule_spec"]
        if rule.status == "ENABLED" and is_due(schedule, local.hour * 60 + local.minute, weekday):
            run_rule(world, rule, manual=False)


def run_rule(world: World, rule: Rule, *, manual: bool) -> None:
    """Evaluate a rule now, act on what matches, and keep the run in its history."""
    matched = [node for node in _candidates(world, rule) if _matches(world, rule, node)]
    kind = str(rule.extra["execution_spec"]["execution_type"])
    results = [_act(world, node, kind) for node in matched]
    rule.runs.append({"us": world.now_us, "manual": manual, "results": results})
    idle = [run for run in rule.runs if not run["results"]]
    if len(idle) > IDLE_RUNS_KEPT:
        rule.runs.remove(idle[0])
    world.state.touch(rule)


def _act(world: World, node: Node, kind: str) -> dict[str, Any]:
    action: dict[str, Any] = {"action": DONE[kind]}
    if kind == "PAUSE":
        world.settle(node)
        action |= {"field": "status", "old_value": node.status, "new_value": "PAUSED"}
        node.status, node.updated_us = "PAUSED", world.now_us
        world.state.touch(node)
    entity = next(name for name, kind_of in ENTITY_TYPES.items() if kind_of == node.kind)
    return {"object_id": node.id, "object_type": entity, "actions": [action]}


def _candidates(world: World, rule: Rule) -> list[Node]:
    """Return what a rule could act on: what exists of its kind and is switched on."""
    rows = conditions(rule.extra["evaluation_spec"])
    named = next((str(single(row.value)) for row in rows if row.field == "entity_type"), None)
    kinds = [KINDS[ENTITY_TYPES[named]]] if named else list(KINDS.values())
    nodes = [node for kind in kinds for node in world.state.of_kind(kind, rule.account_id)]
    return [node for node in nodes if node.status == "ACTIVE" and not _is_gone(world, node)]


def _is_gone(world: World, node: Node) -> bool:
    return effective_status(world.state, node, world.now_us) in GONE


def _matches(world: World, rule: Rule, node: Node) -> bool:
    rows = conditions(rule.extra["evaluation_spec"])
    preset = next((str(single(row.value)) for row in rows if row.field == "time_preset"), "LIFETIME")
    asked = [row for row in rows if row.field not in ("entity_type", "time_preset")]
    measured = [row for row in asked if row.field in METRICS]
    if not all(_passes(row, _value(world, node, row.field)) for row in asked if row not in measured):
        return False
    # Adding up the ledgers is what costs, so only what is left by everything else is measured.
    figures = metrics(world, node, preset, {row.field for row in measured}) if measured else {}
    return all(_passes(row, figures[row.field]) for row in measured)


def metrics(world: World, node: Node, preset: str, wanted: set[str]) -> Mapping[str, float | None]:
    """Return a node's figures of a period as known now; money in minor units, rates None where nothing happened.

    More than ``wanted`` may be in it.
    """
    account = world.account_of(node)
    since, until = period_days(preset, local_day(world.now_us, account.zone))
    ads = [node.id] if isinstance(node, Ad) else [ad.id for ad in world.state.children(Ad, node.id)]
    if wanted == {"spent"}:
        spent = ads_spend(world.state, ads, since, until, world.figures_us)
        return {"spent": spent / account.minor_micros}
    known = ads_figures(world.state, ads, since, until, world.figures_us)
    return _rates(known, known.spend_micros / account.minor_micros)


def _rates(known: Figures, spent: float) -> dict[str, float | None]:
    return {
        "spent": spent,
        "impressions": known.impressions,
        "clicks": known.all_clicks,
        "results": known.conversions,
        "cpc": spent / known.all_clicks if known.all_clicks else None,
        "cpm": 1000 * spent / known.impressions if known.impressions else None,
        "ctr": 100 * known.all_clicks / known.impressions if known.impressions else None,
        "cost_per_result": spent / known.conversions if known.conversions else None,
    }


def _value(world: World, node: Node, field: str) -> Any:
    prefix, dot, rest = field.partition(".")
    owner = _ancestor(world.state, node, prefix) if dot else node
    if owner is None:
        return None
    name = rest if dot else field
    if name == "effective_status":
        return effective_status(world.state, owner, world.now_us)
    if name == "hours_since_creation":
        return (world.now_us - owner.created_us) / HOUR
    return owner.name if name == "name" else owner.id


def _ancestor(state: State, node: Node, kind: str) -> Node | None:
    if node.kind == kind:
        return node
    return state.nodes.get(str(getattr(node, f"{kind}_id", "")))


def _number(value: Any) -> float:
    try:
        return float(single(value))
    except (TypeError, ValueError):
        return float("nan")  # compares false with everything, as text that is no number should


def _among(actual: Any, value: Any) -> bool:
    listed = value if isinstance(value, list) else [value]
    return str(actual) in {str(each) for each in listed}


def _equal(actual: Any, value: Any) -> bool:
    if isinstance(actual, (int, float)):
        return float(actual) == _number(value)
    return str(actual) == str(single(value))


def _within(actual: Any, value: Any) -> bool:
    ends = value if isinstance(value, list) else [value]
    return len(ends) == len(("low", "high")) and _number(ends[0]) <= float(actual) <= _number(ends[1])


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "GREATER_THAN": lambda actual, value: float(actual) > _number(value),
    "LESS_THAN": lambda actual, value: float(actual) < _number(value),
    "EQUAL": _equal,
    "NOT_EQUAL": lambda actual, value: not _equal(actual, value),
    "IN_RANGE": _within,
    "NOT_IN_RANGE": lambda actual, value: not _within(actual, value),
    "IN": _among,
    "NOT_IN": lambda actual, value: not _among(actual, value),
    "CONTAIN": lambda actual, value: str(single(value)) in str(actual),
    "NOT_CONTAIN": lambda actual, value: str(single(value)) not in str(actual),
}


def _passes(row: Condition, actual: Any) -> bool:
    return actual is not None and _TESTS[row.operator](actual, row.value)
