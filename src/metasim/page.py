"""A page for people at `/_sim/`: the clock, accounts, campaigns, what ads are truly worth, and the faults."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

STYLE = """
:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 18%,transparent);
--soft:color-mix(in srgb,currentColor 62%,transparent)}
body{font:14px/1.45 system-ui,sans-serif;margin:0 auto;max-width:76rem;padding:1.5rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1rem;margin:2rem 0 .4rem}
h2 small,.note{color:var(--soft);font-weight:400}
dl{display:flex;flex-wrap:wrap;gap:.4rem 2.2rem;margin:.8rem 0 0}dt{color:var(--soft);font-size:.8rem}dd{margin:0}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.25rem .7rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--soft);font-size:.8rem;white-space:nowrap}
th.n,td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.id{font-variant-numeric:tabular-nums;white-space:nowrap;color:var(--soft)}
"""


@dataclass(frozen=True)
class Table:
    """Rows with the same keys under a heading; `total` says how many there are where not all are shown."""

    title: str
    rows: list[Mapping[str, Any]]
    empty: str
    total: int | None = None


def page(title: str, facts: Mapping[str, str], tables: Iterable[Table]) -> str:
    """Return the page as of this moment, with a link that loads it again."""
    told = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in facts.items()
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f'<a href="">Reload</a><dl>{told}</dl>'
        f"{''.join(map(_section, tables))}</body></html>"
    )


def _section(table: Table) -> str:
    shown = len(table.rows)
    count = f"the last {shown} of {table.total}" if table.total and table.total > shown else str(shown)
    head = f"<h2>{escape(table.title)} <small>{count if shown else ''}</small></h2>"
    return head + (_table(table.rows) if shown else f'<p class="note">{escape(table.empty)}</p>')


def _table(rows: list[Mapping[str, Any]]) -> str:
    names = list(rows[0])
    numeric = {name for name in names if any(_is_number(row[name]) for row in rows)}
    head = "".join(f"<th{_kind(name, numeric)}>{escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr>{''.join(f'<td{_kind(name, numeric)}>{_text(row[name])}</td>' for name in names)}</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _kind(name: str, numeric: set[str]) -> str:
    if name in numeric:
        return ' class="n"'
    return ' class="id"' if name == "id" else ""


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}"
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return escape(str(value))
