"""Specifications of automated rules: whom they look at, under which conditions, what they do and when.

Names are those of the public SDK's rule classes and of Meta's documentation. Of them, rules that watch by schedule
and pause or notify are simulated; everything else is refused rather than accepted and never done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from metasim.graph.errors import GraphError, malformed, missing, refusal
from metasim.graph.wire import Params

Spec = Mapping[str, Any]
SPECS = ("evaluation_spec", "execution_spec", "schedule_spec")
EVALUATIONS = ("SCHEDULE",)
EXECUTIONS = ("PAUSE", "NOTIFICATION")
SCHEDULES = ("SEMI_HOURLY", "HOURLY", "DAILY", "CUSTOM")
ENTITY_TYPES = {"CAMPAIGN": "campaign", "ADSET": "adset", "AD": "ad"}
METRICS = frozenset({"spent", "impressions", "clicks", "results", "cpc", "cpm", "ctr", "cost_per_result"})
FACTS = frozenset({"id", "name", "effective_status", "hours_since_creation"})
PREFIXES = ("campaign", "adset", "ad")
OPERATORS = frozenset(
    {
        *("GREATER_THAN", "LESS_THAN", "EQUAL", "NOT_EQUAL", "IN_RANGE", "NOT_IN_RANGE"),
        *("IN", "NOT_IN", "CONTAIN", "NOT_CONTAIN"),
    }
)
HALF_HOUR_MINUTES, DAY_MINUTES, WEEK_DAYS = 30, 1440, 7

# first and last day before today; None reaches back to the beginning
PERIODS: dict[str, tuple[int | None, int]] = {
    "LIFETIME": (None, 0),
    "TODAY": (0, 0),
    "YESTERDAY": (1, 1),
    **{f"LAST_{days}_DAYS": (days, 1) for days in (2, 3, 7, 14, 28, 30, 90)},
    **{f"LAST_{days}D": (days, 0) for days in (2, 3, 7, 14, 28, 30, 90)},
}


@dataclass(frozen=True)
class Condition:
    """One filter of a rule."""

    field: str
    operator: str
    value: Any


def read_specs(params: Params) -> dict[str, Any]:
    """Return the specs a call gives, each checked. Raises GraphError."""
    readers = {
        "evaluation_spec": check_evaluation,
        "execution_spec": check_execution,
        "schedule_spec": check_schedule,
    }
    specs: dict[str, Any] = {}
    for name, check in readers.items():
        spec = params.table(name) if params.given(name) else None
        if spec is not None:
            check(spec)
            specs[name] = spec
    return specs


def check_evaluation(spec: Spec) -> None:
    """Refuse an evaluation that is not by schedule, or whose filters cannot be understood."""
    _choose(spec, "evaluation_type", EVALUATIONS, "evaluation_spec")
    rows = conditions(spec)
    fields = [row.field for row in rows]
    for row in rows:
        _check_condition(row)
    if METRICS & set(fields) and "time_preset" not in fields:
        raise _bad("evaluation_spec", "Filters on figures need a time_preset.")
    if "entity_type" not in fields and "id" not in fields:
        raise _bad("evaluation_spec", "Say whom the rule looks at: entity_type or id.")
    if any(fields.count(name) > 1 for name in ("time_preset", "entity_type")):
        raise _bad("evaluation_spec", "time_preset and entity_type can be given once.")


def conditions(spec: Spec) -> list[Condition]:
    """Return the filters of an evaluation. Raises GraphError if they are malformed."""
    rows = spec.get("filters")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise malformed("evaluation_spec[filters]", "a non-empty array of objects")
    for row in rows:
        if any(row.get(name) in (None, "") for name in ("field", "operator", "value")):
            raise _bad("evaluation_spec", "A filter needs field, operator and value.")
    return [Condition(str(row["field"]), str(row["operator"]), row["value"]) for row in rows]


def _check_condition(row: Condition) -> None:
    if row.operator not in OPERATORS:
        raise _bad("evaluation_spec", f"{row.operator} is not an operator of rules.")
    prefix, dot, rest = row.field.partition(".")
    name = rest if dot and prefix in PREFIXES else row.field
    if row.field == "time_preset" and str(single(row.value)) not in PERIODS:
        raise _bad("evaluation_spec", f"time_preset must be one of {', '.join(PERIODS)}.")
    if row.field == "entity_type" and str(single(row.value)) not in ENTITY_TYPES:
        raise _bad("evaluation_spec", f"entity_type must be one of {', '.join(ENTITY_TYPES)}.")
    if row.field in ("time_preset", "entity_type"):
        if row.operator != "EQUAL":
            raise _bad("evaluation_spec", f"{row.field} is compared with EQUAL.")
    elif name not in FACTS and (dot or name not in METRICS):
        raise _bad("evaluation_spec", f"The field {row.field} is not known to rules.")


def single(value: Any) -> Any:
    """Return a value that may be written alone or as a list of one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def check_execution(spec: Spec) -> None:
    """Refuse an action that is not simulated."""
    _choose(spec, "execution_type", EXECUTIONS, "execution_spec")


def check_schedule(spec: Spec) -> None:
    """Refuse a schedule of unknown type, or a custom one without usable times."""
    if _choose(spec, "schedule_type", SCHEDULES, "schedule_spec") != "CUSTOM":
        return
    rows = spec.get("schedule")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise malformed("schedule_spec[schedule]", "a non-empty array of objects")
    for row in rows:
        minutes = [row[name] for name in ("start_minute", "end_minute") if row.get(name) is not None]
        whole = all(
            isinstance(minute, int) and 0 <= minute < DAY_MINUTES and not minute % HALF_HOUR_MINUTES
            for minute in minutes
        )
        if not whole or (row.get("start_minute") is None and not row.get("days")):
            raise _bad("schedule_spec", "Give days (0 is Sunday) or a start_minute, in half hours.")


def is_due(spec: Spec, minute: int, weekday: int) -> bool:
    """Tell whether a schedule runs at a half hour: minutes after midnight and weekday (0 is Sunday), local."""
    kind = spec["schedule_type"]
    minute -= minute % HALF_HOUR_MINUTES
    if kind == "CUSTOM":
        return any(_covers(row, minute, weekday) for row in spec["schedule"])
    every = {"SEMI_HOURLY": HALF_HOUR_MINUTES, "HOURLY": 60, "DAILY": DAY_MINUTES}
    return minute % every[kind] == 0


def _covers(row: Spec, minute: int, weekday: int) -> bool:
    days, start = row.get("days"), row.get("start_minute")
    if days and weekday not in days:
        return False
    end = row.get("end_minute")
    return start is None or start <= minute <= (start if end is None else end)


def period_days(preset: str, today: Any) -> tuple[str, str]:
    """Return the first and last account day, inclusive, of a period, as ISO dates."""
    first, last = PERIODS[preset]
    since = "0001-01-01" if first is None else (today - timedelta(days=first)).isoformat()
    return since, (today - timedelta(days=last)).isoformat()


def _choose(spec: Spec, name: str, allowed: tuple[str, ...], whole: str) -> str:
    value = spec.get(name)
    if not value:
        raise missing(f"{whole}[{name}]")
    if value not in allowed:
        raise _bad(whole, f"{name} must be one of {', '.join(allowed)}.")
    return str(value)


def _bad(name: str, text: str) -> GraphError:
    return refusal(None, "Rule not possible", text, name)
