"""A page for people at `/_sim/`: facts and tables in a template, everything in them escaped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


@dataclass(frozen=True)
class Table:
    """Rows with the same keys under a heading; `total` says how many there are where not all are shown."""

    title: str
    rows: list[Mapping[str, Any]]
    empty: str
    total: int | None = None

    @property
    def count(self) -> str:
        """How many rows there are, and of how many; empty without any."""
        shown = len(self.rows)
        return f"the last {shown} of {self.total}" if (self.total or 0) > shown else str(shown or "")

    @property
    def column_classes(self) -> dict[str, str]:
        """Style class by column: numbers stand on the right."""
        return {
            name: "number"
            if any(_is_number(row[name]) for row in self.rows)
            else "id"
            if name == "id"
            else ""
            for name in (self.rows[0] if self.rows else ())
        }


def page(title: str, facts: Mapping[str, str], tables: Iterable[Table]) -> str:
    """Return the page as of this moment, with a link that loads it again."""
    return _environment().get_template("overview.html").render(title=title, facts=facts, tables=tables)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("metasim"),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    return environment


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
