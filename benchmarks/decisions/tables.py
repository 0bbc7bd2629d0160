"""Records of the measures, and the Markdown tables they make."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Record = dict[str, Any]
"""What was measured of one case, with its standard errors: plain JSON values."""

Over = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Applies a function to all of some jobs, in their order, in as many processes as were asked for."""

MONEY, FIFTH = "money decision", "20 %, then all"
USUAL_SPREAD, LEAST_OF_MEANS = 0.2, 0.1


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float | None, decimals: int = 2) -> str:
    """Return a number as the tables show it; nothing where there is none."""
    return "" if value is None else f"{value:.{decimals}f}"


def several(records: Iterable[Mapping[str, Any]], name: str, decimals: int = 2) -> str:
    """Return one value of several records, one after the other."""
    return " ".join(number(each.get(name), decimals) for each in records)


def rules_of(records: Iterable[Record]) -> list[str]:
    """Return the rules of some records, each once, in order."""
    return list(dict.fromkeys(each["rule"] for each in records if "net" in each))


def captured(records: Sequence[Record]) -> str:
    """Return the net share by rule, and what else is told of the money decision, at a spread of .2."""
    rows = []
    for variants in sorted({each["variants"] for each in records}):
        of = [each for each in records if each["variants"] == variants and each["spread"] == USUAL_SPREAD]
        for rule in rules_of(of):
            cells = [each for each in of if each["rule"] == rule]
            others = [several(cells, name) for name in ("gross", "bad", "used")] + [
                several(cells, "regret", 1)
            ]
            rows.append([str(variants), rule, several(cells, "net"), several(cells, "net_error"), *others])
    return table(
        ["variants", "rule", "net", "standard error", "gross", "bad picks", "budget used", "regret, %"], rows
    )


def by_spread(records: Sequence[Record]) -> str:
    """Return the net share of the money decision and of 20 % at every spread."""
    rows = []
    for variants in sorted({each["variants"] for each in records}):
        for spread in sorted({each["spread"] for each in records}):
            of = [each for each in records if (each["variants"], each["spread"]) == (variants, spread)]
            both = ([each for each in of if each["rule"] == rule] for rule in (MONEY, FIFTH))
            rows.append([str(variants), number(spread), *(several(each, "net") for each in both)])
    return table(["variants", "spread", MONEY, FIFTH], rows)


def means(records: Sequence[Record], name: str = "net") -> str:
    """Return by rule and number of variants the mean over the cells whose spread is .1 or more."""
    several_variants = sorted({each["variants"] for each in records})
    rows = [
        [rule, *(number(mean_of(records, rule, each, name), 3) for each in several_variants)]
        for rule in rules_of(records)
    ]
    return table(["rule", *(f"{each} variants" for each in several_variants)], rows)


def mean_of(records: Sequence[Record], rule: str, variants: int, name: str = "net") -> float | None:
    """Return the mean of a rule over the cells whose spread is .1 or more."""
    values = [
        each[name]
        for each in records
        if each["rule"] == rule
        and each["variants"] == variants
        and each["spread"] >= LEAST_OF_MEANS
        and name in each
    ]
    return sum(values) / len(values) if values else None


def priced(records: Sequence[Record]) -> str:
    """Return what rules gain over leaving all as they are where publishing has its price, by cell."""
    rules = ["perfect knowledge", f"{MONEY}, priced", MONEY, FIFTH, "wait for proof"]
    keys = list(dict.fromkeys((each["variants"], each["spread"]) for each in records))
    rows = []
    for variants, spread in sorted(keys):
        of = [each for each in records if (each["variants"], each["spread"]) == (variants, spread)]
        told = [several((each for each in of if each["rule"] == rule), "priced", 1) for rule in rules]
        errors = several((each for each in of if each["rule"] == rules[1]), "priced_error", 1)
        rows.append([str(variants), number(spread), *told, errors])
    return table(["variants", "spread", *rules, "standard error, priced"], rows)


def plain(records: Sequence[Record]) -> str:
    """Return records as they are, one a line; the first one names the columns."""
    if not records:
        return ""
    columns = list(records[0])
    return table(columns, ([_plain(each.get(name)) for name in columns] for each in records))


def _plain(value: str | float | None) -> str:
    return number(value, 3) if isinstance(value, float) else "" if value is None else str(value)
