"""Command line and results of a benchmark: Markdown on the way, Markdown and JSON in ``benchmarks/results`` at the end."""

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog
from benchmarks.databases import KINDS, Databases
from benchmarks.machine import RESULTS, machine
from benchmarks.measuring import Line, Measure, Scale, Setting, growth_of


def run(name: str, measures: Mapping[str, Measure]) -> None:
    """Measure what the command line asks for, print it, and keep it."""
    asked = _asked(name, measures)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    head = _head(name, asked)
    print(head, flush=True)
    found: dict[str, list[Line]] = {}
    with Databases() as databases:
        setting = Setting(Scale[asked.scale.upper()], databases, tuple(asked.databases))
        for one in asked.only:
            found[one] = _measured(one, measures[one], setting)
    if not asked.dry:
        _keep(asked.out or RESULTS / name, head, measures, found)


def _asked(name: str, measures: Mapping[str, Measure]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=_listed(measures))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--only", type=_names, default=list(measures), help="measures, separated by commas")
    parser.add_argument("--databases", type=_names, default=list(KINDS), help=", ".join(KINDS))
    parser.add_argument("--out", type=Path, help="results go to this path with .md and .json added")
    parser.add_argument("--dry", action="store_true", help="keep no results")
    for scale in (Scale.QUICK, Scale.FULL):
        text = {Scale.QUICK: "small sizes, few repeats", Scale.FULL: "the largest sizes as well"}[scale]
        option = {"action": "store_const", "const": scale.name.lower(), "dest": "scale", "help": text}
        parser.add_argument(f"--{scale.name.lower()}", **option)  # type: ignore[arg-type] # as the parser takes it
    parser.set_defaults(scale=Scale.USUAL.name.lower())
    asked = parser.parse_args()
    _need_known(parser, asked.only, measures)
    _need_known(parser, asked.databases, KINDS)
    return asked


def _listed(measures: Mapping[str, Measure]) -> str:
    return "\n".join(f"{name}: {measure.__doc__}" for name, measure in measures.items())


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _need_known(
    parser: argparse.ArgumentParser, asked: Sequence[str], known: Sequence[str] | Mapping[str, Any]
) -> None:
    unknown = [one for one in asked if one not in known]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")


def _measured(name: str, measure: Measure, setting: Setting) -> list[Line]:
    print(f"\n## {name}\n\n{measure.__doc__}\n\n{_COLUMNS}", flush=True)
    lines = []
    for line in measure(setting):
        print(_row(line), flush=True)
        lines.append(line)
    print(_growth_text(lines), flush=True)
    return lines


# --- Markdown -----------------------------------------------------------------------------------------

_COLUMNS = "| case | size | unit | median (least to most) | counts |\n|---|---|---|---|---|"


def _head(name: str, asked: argparse.Namespace) -> str:
    words = "; ".join(f"{key} {value}" for key, value in machine().items())
    return f"# {name}, {asked.scale} size\n\n{words}. Seeds are fixed; compare ratios and counts, not wall times."


def _row(line: Line) -> str:
    spread = f"{_short(line.median)} ({_short(min(line.values))} to {_short(max(line.values))})"
    counts = ", ".join(f"{_short(value)} {name}" for name, value in line.counts.items())
    size = "" if line.size is None else f"{line.size:,g}"
    return f"| {line.case} | {size} | {line.unit} | {spread} | {counts} |"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004


def _growth_text(lines: Sequence[Line]) -> str:
    grown = growth_of(lines)
    return "".join(f"\n{name}: grows with size to the power {power:.2f}" for name, power in grown.items())


# --- results ------------------------------------------------------------------------------------------


def _keep(
    path: Path, head: str, measures: Mapping[str, Measure], found: Mapping[str, Sequence[Line]]
) -> None:
    """Write what was found, and leave what an earlier run found of other measures as it is."""
    kept = path.with_suffix(".json")
    known: dict[str, Any] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    for name, lines in found.items():
        known[name] = {
            "about": measures[name].__doc__,
            "machine": machine(),
            "head": head.partition("\n")[0],
            "lines": [asdict(line) for line in lines],
            "growth": growth_of(lines),
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
    tables = (_table(name, known[name]) for name in measures if name in known)
    path.with_suffix(".md").write_text("\n".join([head, *tables]) + "\n", "utf-8")


def _table(name: str, result: Mapping[str, Any]) -> str:
    lines = [Line(**{**line, "values": tuple(line["values"])}) for line in result["lines"]]
    rows = "\n".join(_row(line) for line in lines)
    about = f"{result['about']} (load {result['machine']['load']})"
    return f"\n## {name}\n\n{about}\n\n{_COLUMNS}\n{rows}\n{_growth_text(lines)}"
