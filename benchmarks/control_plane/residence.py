"""Memory of a server that works: what it holds after so many polls of its tests, in jumping time."""

import time
from collections.abc import Iterator
from typing import Any

import httpx2
from benchmarks.databases import SQLITE, Database
from benchmarks.installations import PatientInstallation
from benchmarks.measuring import Line, Setting, ratio, resident_megabytes

TESTS = 5
HOURS = 24 * 30
SAMPLES = 5


def residence(setting: Setting) -> Iterator[Line]:
    """Memory of ``serve`` after so many polls of five tests, in stub mode with a clock that jumps; SQLite."""
    few, many = setting.sizes((50, 250), (400, 2_000), (2_000, 10_000))
    home = setting.databases.folder / "residence"
    with PatientInstallation(home, AUTO_PUBLISHER_LOG_LEVEL="WARNING") as installation:
        database = setting.databases.opened(SQLITE, f"sqlite:///{home / 'autopublisher.db'}")
        _ask_for_tests(installation)
        first = _after(few, database, installation)
        last = _after(many, database, installation)
        yield from (first, last)
        yield ratio(f"memory after {many:,} to memory after {few:,}", last, first)


def _ask_for_tests(installation: PatientInstallation) -> None:
    request = installation.brief_request() | {"require_human_approval": False}
    test = request["ab_test_config"] | {"test_duration_hours": HOURS, "test_budget_per_variant": 2_000.0}
    long: dict[str, Any] = request | {"ab_test_config": test, "budget_config": {"total_budget": 8_000.0}}
    manager = installation.sign_in("manager")
    for _ in range(TESTS):
        installation.call("POST", "/meta/autopilot/run", headers=manager, json=long)


def _after(polls: int, database: Database, installation: PatientInstallation) -> Line:
    """Wait until so many polls are stored; return what the server holds then."""
    while _polls(database) < polls:
        assert _answers(installation), (installation.home / "serve.log").read_text("utf-8")[-2000:]
        time.sleep(3)
    held = []
    for _ in range(SAMPLES):
        held.append(resident_megabytes(installation.pid))
        time.sleep(0.2)
    return Line(f"serve after {polls:,} polls", "MB", tuple(held), polls)


def _polls(database: Database) -> int:
    with database.open_unit().reading() as unit:
        return unit.runs.pulse().changes


def _answers(installation: PatientInstallation) -> bool:
    return httpx2.get(f"{installation.url}/meta/autopilot/health", timeout=60, trust_env=False).is_success
