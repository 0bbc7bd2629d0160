"""What the torture tests share: a Meta that processes can talk to, and more time than other tests have."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from support.auditor import RemoteAuditor
from support.torture import sized

TIME_LIMIT_SECONDS = sized(600, 7200)
TOLD = "told"
"""The property under which a test's figures reach the summary, from whatever process it ran in."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder as slow torture."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.torture)
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(TIME_LIMIT_SECONDS))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the tests have counted: the figures are the result."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    for report in reports:
        for name, figures in getattr(report, "user_properties", ()):
            if name == TOLD and report.when == "call":
                terminalreporter.write_line(f"{report.nodeid.rpartition('/')[2]}: {figures}")


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Have the summary of the tests show what a test has counted."""
    return lambda figures: record_property(TOLD, figures)


@pytest.fixture
def chance() -> random.Random:
    return random.Random(20261122)  # noqa: S311 - moments to die at are no secret


@pytest.fixture
def auditor() -> Iterator[RemoteAuditor]:
    """A simulator of the demo market, for processes to talk to."""
    with SimulatorThread(SimulatorConfig(scenario="demo", seed=7)) as simulator:
        yield RemoteAuditor(simulator.url)
