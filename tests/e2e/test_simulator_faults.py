"""Faults from the command line: planned before the first request, and refused where nobody understands them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from support.command import OURS, ROOT, CommandLine

pytestmark = pytest.mark.slow  # starts processes

FAULT = "throttle:rate=0.5,path=/ads$,code=613"
PROGRAMS = (["metasim"], ["autopublisher", "simulator"])


@pytest.fixture(params=PROGRAMS, ids=" ".join)
def simulator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a simulator started with a fault, by its own module and by the product's command."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    with subprocess.Popen(
        [sys.executable, "-m", *request.param, "--fault", FAULT, "--fault", "slow:times=2"],
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that the command and the simulator it runs end together
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1]
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def test_faults_of_the_command_line_are_planned(simulator: str) -> None:
    plans: list[dict[str, Any]] = httpx2.get(f"{simulator}/_sim/faults").json()["data"]
    shown = [(plan["kind"], plan["rate"], plan["path_regex"], plan["times"]) for plan in plans]
    assert shown == [("throttle", 0.5, "/ads$", None), ("slow", None, None, 2)]


def test_a_fault_nobody_understands_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    done = CommandLine(tmp_path).run("simulator", "--fault", "earthquake:rate=0.1")
    assert done.returncode == 2
    assert "commit_then_timeout" in done.stderr
    assert "Traceback" not in done.stderr
