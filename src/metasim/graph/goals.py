"""Which goals, billing, promoted objects and attribution windows go together."""

from typing import Any

from metasim.facts import (
    APP_WINDOWS,
    BILLED_ON_THEMSELVES,
    CUSTOM_EVENTS,
    GOAL_ROWS,
    OTHER_WINDOWS,
    PLAIN_DESTINATIONS,
    WEBSITE_GOALS,
    WEBSITE_WINDOWS,
    GoalRow,
)
from metasim.graph.errors import malformed, no_such_object, not_one_of, refusal
from metasim.graph.wire import Params
from metasim.scenario import Scenario


def read_goal(params: Params, objective: str) -> str:
    """Return the optimisation goal, which the objective and destination must allow (1815149)."""
    rows = goal_rows(objective, params.text("destination_type"))
    goal = params.text("optimization_goal") or (rows[0].goals[0] if rows else "")
    if not any(goal in row.goals for row in rows):
        known = sorted({name for row in rows for name in row.goals})
        raise refusal(
            1815149,
            "Goal not available",
            f"{goal or 'No goal'} is not available for {objective}; allowed: {', '.join(known) or 'none'}.",
            "optimization_goal",
        )
    return goal


def goal_rows(objective: str, destination: str | None) -> list[GoalRow]:
    """Return the table's rows for an objective and destination."""
    plain = destination in PLAIN_DESTINATIONS
    return [
        row
        for row in GOAL_ROWS
        if row.objective == objective
        and (row.destination == destination or (plain and row.destination is None))
    ]


def read_billing(params: Params, goal: str) -> str:
    """Return the billing event; every goal bills impressions, a few also themselves."""
    allowed = ("IMPRESSIONS", goal) if goal in BILLED_ON_THEMSELVES else ("IMPRESSIONS",)
    billing = params.need_text("billing_event")
    if billing not in allowed:
        raise refusal(
            None, "Billing event not available", f"{goal} can bill {', '.join(allowed)}.", "billing_event"
        )
    return billing


def check_promoted(params: Params, objective: str, goal: str, scenario: Scenario) -> dict[str, Any] | None:
    """Return the promoted object, which must be one the goal takes and exist."""
    promoted = params.table("promoted_object")
    given = {name for name, value in (promoted or {}).items() if value not in (None, "")}
    rows = [row for row in goal_rows(objective, params.text("destination_type")) if goal in row.goals]
    options = [set(option) for row in rows for option in row.promoted]
    if not any(option <= given for option in options):
        wanted = " or ".join(sorted(" + ".join(sorted(option)) for option in options))
        text = f"{goal} for {objective} needs a promoted object with {wanted}."
        raise refusal(None, "Promoted object missing", text, "promoted_object")
    if {"pixel_id", "application_id"} <= given:
        raise refusal(1487929, "More than one promoted object", "Promote one thing only.", "promoted_object")
    _check_existing(promoted or {}, scenario)
    return promoted


def _check_existing(promoted: dict[str, Any], scenario: Scenario) -> None:
    known = {
        "pixel_id": scenario.pixels,
        "page_id": scenario.pages,
        "custom_conversion_id": scenario.custom_conversions,
    }
    for name, nodes in known.items():
        wanted = promoted.get(name)
        if wanted and str(wanted) not in {node_id for node_id, _ in nodes}:
            raise no_such_object(str(wanted))
    event = promoted.get("custom_event_type")
    if event and str(event) not in CUSTOM_EVENTS:
        raise not_one_of("promoted_object[custom_event_type]", CUSTOM_EVENTS)


def read_attribution(params: Params, goal: str) -> list[dict[str, Any]] | None:
    """Return the attribution windows, which must be a combination the goal allows."""
    rows = params.structure("attribution_spec")
    if rows is None:
        return None
    try:
        windows = frozenset((str(row["event_type"]), int(row["window_days"])) for row in rows)
    except (TypeError, KeyError, ValueError) as error:
        raise malformed("attribution_spec", "a list of event_type and window_days") from error
    allowed = OTHER_WINDOWS
    if goal in WEBSITE_GOALS:
        allowed = WEBSITE_WINDOWS
    elif goal == "APP_INSTALLS":
        allowed = APP_WINDOWS
    if windows not in allowed:
        raise refusal(
            None, "Attribution window not available", f"{goal} does not allow it.", "attribution_spec"
        )
    return list(rows)
