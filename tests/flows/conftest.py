"""A machine over the real simulator for the flow tests that want one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from support.simulated import Machine, make_machine


@pytest.fixture
def scenario() -> str:
    return "demo"


@pytest.fixture
def machine(scenario: str, tmp_path: Path) -> Iterator[Machine]:
    with SimulatorThread(SimulatorConfig(scenario=scenario, seed=7)) as simulator:
        made = make_machine(simulator.url)
        yield made
        made.meta.close()
        made.clock.close()
