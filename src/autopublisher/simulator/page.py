"""A page for people at `/_sim/`: the clock, the accounts, what ads are truly worth, and the planned faults."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;margin-bottom:2rem}"
    "th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ccc}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}"
)


def page(clock: Mapping[str, Any], health: Mapping[str, Any], tables: Mapping[str, list[Any]]) -> str:
    """Return the page; every table is a list of rows with the same keys."""
    title = f"Simulator: {health['scenario']}"
    parts = [f"<h2>{escape(name)}</h2>{_table(rows)}" for name, rows in tables.items()]
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f"<p>Seed {health['seed']}. Simulated time {escape(str(clock['now']))} ({escape(str(clock['mode']))}).</p>"
        f"{''.join(parts)}</body></html>"
    )


def _table(rows: Iterable[Mapping[str, Any]]) -> str:
    listed = list(rows)
    if not listed:
        return "<p>None.</p>"
    head = "".join(f"<th>{escape(str(name))}</th>" for name in listed[0])
    body = "".join(f"<tr>{''.join(_cell(value) for value in row.values())}</tr>" for row in listed)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f'<td class="n">{value:.4g}</td>'
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    kind = ' class="n"' if isinstance(value, int) else ""
    return f"<td{kind}>{escape(str(value))}</td>"
