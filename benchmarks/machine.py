"""Where results are kept, and the machine they were measured on."""

import json
import os
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import __version__ as sqlalchemy_version

RESULTS = Path(__file__).parent / "results"


def machine() -> Mapping[str, str]:
    """Describe the machine, without its name or any place on it."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "SQLAlchemy": sqlalchemy_version,
    }


def _processor() -> str:
    known = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return known[1] if known else "unknown"


def keep_records(
    path: Path, found: Mapping[str, Sequence[Mapping[str, Any]]], written: Callable[[Mapping[str, Any]], str]
) -> None:
    """Keep records by measure as JSON beside what earlier runs found of others, and the Markdown that all of it makes.

    A record has a line of its own, its numbers five digits, so that a later run shows what it has changed.
    """
    kept = path.with_suffix(".json")
    known: dict[str, Any] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    for name, records in found.items():
        rounded = [{key: _five_digits(value) for key, value in each.items()} for each in records]
        known[name] = {"machine": machine(), "records": rounded}
    path.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text("{\n" + ",\n".join(_lines(name, each) for name, each in known.items()) + "\n}\n", "utf-8")
    path.with_suffix(".md").write_text(written(known), "utf-8")


def _lines(name: str, measured: Mapping[str, Any]) -> str:
    records = ",\n".join(f"  {json.dumps(each)}" for each in measured["records"])
    return f'"{name}": {{"machine": {json.dumps(measured["machine"])}, "records": [\n{records}\n]}}'


def _five_digits(value: object) -> object:
    return float(f"{value:.5g}") if isinstance(value, float) else value
