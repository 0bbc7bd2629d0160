"""The page of all tables, from the records that were kept."""

from collections.abc import Mapping
from typing import Any

from benchmarks.decisions import tables
from benchmarks.decisions.tables import Record
from benchmarks.decisions.targets import closing

_PURCHASES = "10, 30, 50, 150, 450, 1,500, 5,000"

_HEAD = """# What decisions are worth

`python -m benchmarks.decisions`, on {machine}.
Seeds are fixed; all rules of a cell play the same tests. Simulated: hourly market with late reports, arm-day noise 8 %,
baskets of sigma .9, 20 a purchase. Spreads and noise are assumptions."""

_CAPTURED = f"""Share of perfect knowledge's gain over an even split, the cost of the test taken off; {_PURCHASES}
purchases in the whole budget, 10 days. Gross: the same of the choice alone. Bad: more than a tenth worse than the best.
Regret in % of an even split's revenue. Thompson sampling and greedy delivery (assumed: from hour 6 on 90 % to the highest
click rate times smoothed conversion rate) have draws of their own."""

_PRICED = f"""Gain over leaving all as they are, % of revenue: twice the budget at elasticity .9, the first two days at 80 %;
{_PURCHASES} purchases."""

_SAID = """Fixed ends, half of the budget left, spreads drawn from the default prior (median .15). Slopes: least squares of
true on said; loss: true over said; cover: of the 5 to 95 % range of the lift; bias: of the log lift."""

_BEHIND = """Said and true with so many finished tests behind, on the same new tests, half of the budget left; change: of
the gross share against no memory."""

_PROOF = """Two weeks, then 72 h without spend; the whole budget three times the planned test; share of tests in which one
is named, and wrongly. Money may end it: the same tests in the mode that lets it. YEAST and SPRT-z look daily, take purchases
as independent, and know nothing of days."""

SECTIONS: Mapping[str, tuple[str, str]] = {
    "said": ("What is said of returns on spend", _SAID),
    "criteria": (
        "What is said by every criterion",
        f"{_SAID} The spread is that of what the criterion compares; 20 clicks a purchase.",
    ),
    "memory": (
        "What an account's memory changes",
        f"{_BEHIND} Past and new tests of 45 purchases each in 7 days.",
    ),
    "clicks": (
        "Clicks with a memory",
        f"{_BEHIND} 20 tests of three variants with 45 purchases each; new tests of a day. Untied, clicks say nothing.",
    ),
    "proof": ("Proof with and without the money rule", _PROOF),
    "gbstats": (
        "The same ties and lifts by gbstats",
        "Its sequential test with its own settings: relative lift of what an hour earns, looked at daily for two weeks.",
    ),
    "engine": (
        "A money look",
        "Whether it is the same again, with variants renamed, and without the days after it.",
    ),
}
"""Title and text of the measures whose records are shown as they are."""


def written(known: Mapping[str, Any]) -> str:
    """Return the page; measures that were never run are left out."""
    found: dict[str, list[Record]] = {name: each["records"] for name, each in known.items()}
    market = [each for name, records in found.items() if name.startswith("market") for each in records]
    parts = [_head(known), *(_market(market) if market else ())]
    if "brief" in found:
        title = "The brief: two variants, 5 days, spread .2; 15, 50, 500 purchases"
        parts.append(_section(title, "", tables.captured(found["brief"])))
    parts += [_section(*SECTIONS[name], tables.plain(found[name])) for name in SECTIONS if name in found]
    parts.append(_section("Targets", "", closing(found)))
    return "\n\n".join(parts) + "\n"


def _head(known: Mapping[str, Any]) -> str:
    machine = next(iter(known.values()))["machine"]
    return _HEAD.format(
        machine="; ".join(f"{key} {value}" for key, value in machine.items() if key != "load")
    )


def _market(records: list[Record]) -> list[str]:
    return [
        _section("Net share at spread .2", _CAPTURED, tables.captured(records)),
        _section(
            "Net share at other spreads", f"The same {_PURCHASES} purchases.", tables.by_spread(records)
        ),
        _section("Mean net share over spreads .1 to .4", "", tables.means(records)),
        _section("Publishing at a price", _PRICED, tables.priced(records)),
        _section("Mean gain at a price over spreads .1 to .4", "", tables.means(records, "priced")),
    ]


def _section(title: str, text: str, table: str) -> str:
    return "\n\n".join(part for part in (f"## {title}", text, table) if part)
