"""Filtering, sorting and totals of finished insights rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from metasim.graph.catalogue import INSIGHTS
from metasim.graph.errors import GraphError, malformed, no_such_field
from metasim.graph.figures import Figures
from metasim.graph.listing import Filter, passes
from metasim.graph.metrics import Row
from metasim.graph.wire import Params

ACTION_TYPE = "action_type"
NUMBERS = frozenset(
    """
    impressions spend clicks inline_link_clicks unique_clicks reach inline_post_engagement frequency ctr
    inline_link_click_ctr cpc cost_per_inline_link_click cpm cpp
    """.split()  # noqa: SIM905 - a table
)
"""Figures that stand in a row as one number; rows are filtered by them."""

DIRECTIONS = {"_ascending": False, "_descending": True}


@dataclass(frozen=True)
class Made:
    """A row before fields are chosen, and the figures it was made of, by conversion event."""

    row: Row
    figures: dict[str, Figures]


def is_figure(rule: Filter) -> bool:
    """Tell whether a filter asks for a figure of a row (`impressions`, `ad.spend`) or for types of actions."""
    return _bare(rule.field) in NUMBERS | {ACTION_TYPE}


def _bare(name: str) -> str:
    return name.rpartition(".")[2]


def keep(rows: Iterable[Made], rules: list[Filter]) -> list[Made]:
    """Return the rows whose figures pass, with only those types of actions that pass."""
    numbers = [rule for rule in rules if _bare(rule.field) != ACTION_TYPE]
    types = [rule for rule in rules if _bare(rule.field) == ACTION_TYPE]
    kept = [
        made for made in rows if all(passes(rule, made.row.get(_bare(rule.field), "0")) for rule in numbers)
    ]
    return [Made(_of_types(made.row, types), made.figures) for made in kept] if types else kept


def _of_types(row: Row, rules: list[Filter]) -> Row:
    fewer = {
        name: [stat for stat in value if all(passes(rule, stat[ACTION_TYPE]) for rule in rules)]
        for name, value in row.items()
        if isinstance(value, list)
    }
    return {name: fewer.get(name, value) for name, value in row.items() if fewer.get(name, value) != []}


def sort(rows: list[Made], params: Params) -> list[Made]:
    """Return rows in the order of `sort` (`spend_descending`, `actions:link_click_ascending`); the first word leads."""
    for word in reversed(params.words("sort") or []):
        name, backwards = _order(word)
        rows = sorted(rows, key=lambda made, name=name: _rank(made.row, name), reverse=backwards)  # type: ignore[misc]
    return rows


def _order(word: str) -> tuple[str, bool]:
    for ending, backwards in DIRECTIONS.items():
        name = word.removesuffix(ending)
        if name != word and name.partition(":")[0] in INSIGHTS:
            return name, backwards
    raise malformed("sort", f"fields with _ascending or _descending, not {word!r}")


def _rank(row: Row, name: str) -> tuple[float, str]:
    field, _, kind = name.partition(":")
    value: Any = row.get(field)
    if isinstance(value, list):
        value = next((stat["value"] for stat in value if not kind or stat[ACTION_TYPE] == kind), 0)
    try:
        return float(value or 0), ""
    except (TypeError, ValueError):
        return 0.0, str(value)


def summed_fields(params: Params) -> tuple[str, ...]:
    """Return the fields that `summary` asks the total of; none where only the number of rows is asked for."""
    if params.flag("default_summary"):
        return tuple(name for name in params.words("fields") or () if name in INSIGHTS)
    asked = [name for name in params.words("summary") or [] if name not in ("true", "false", "total_count")]
    for name in asked:
        if name not in INSIGHTS:
            raise no_such_field(name, "AdsInsights")
    return tuple(asked)


def total(rows: list[Made]) -> dict[str, Figures]:
    """Return the figures of all rows together, by conversion event."""
    totals: dict[str, Figures] = {}
    for made in rows:
        for event, figures in made.figures.items():
            totals[event] = totals.get(event, Figures()) + figures
    return totals


def refuse_unknown(rules: list[Filter], level: str, levels: tuple[str, ...]) -> None:
    """Refuse filters by what is neither a figure nor a field of a level that the rows are divided by."""
    for rule in rules:
        prefix = rule.field.partition(".")[0]
        lost = prefix not in levels or levels.index(prefix) > levels.index(level)
        if lost and not (is_figure(rule) and prefix in (*levels, rule.field)):
            raise GraphError(f"(#100) Filtering field '{rule.field}' is not supported at this level", 100)
