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
    """Keep records by measure as JSON beside what earlier runs found of others, and the Markdown that all of it makes."""
    kept = path.with_suffix(".json")
    known: dict[str, Any] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    known |= {name: {"machine": machine(), "records": list(records)} for name, records in found.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
    path.with_suffix(".md").write_text(written(known), "utf-8")
