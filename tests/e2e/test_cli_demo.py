"""The demo from outside: it proves the truly better variant, publishes it, and leaves nothing running."""

import json
import os
import re
import signal
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from support.command import PATIENCE_SECONDS, CommandLine, simulators_in

pytestmark = pytest.mark.slow


@pytest.fixture
def autopublisher(tmp_path: Path) -> CommandLine:
    """The command line as processes, in an empty folder."""
    return CommandLine(tmp_path)


def announced_simulator(folder: Path) -> dict[str, Any]:
    """Return what the demo's simulator wrote when it began to listen."""
    file = folder / ".autopublisher" / "demo" / "simulator.json"
    found: dict[str, Any] = eventually(lambda: json.loads(file.read_text("utf-8")) if file.exists() else None)
    return found


def eventually(probe: Any) -> Any:
    """Return what a probe finds, asking until it finds something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if (found := probe()) is not None:
            return found
        time.sleep(0.1)
    raise AssertionError("it never happened")


def read_until(process: "subprocess.Popen[str]", text: str) -> list[str]:
    """Return the lines of stderr up to the one with a text."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError("".join(lines))


def assert_ended_by(process: "subprocess.Popen[str]", number: signal.Signals, folder: Path) -> None:
    """Send a demo a signal, and see that it ends in order and takes its simulator with it."""
    process.send_signal(number)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
    assert simulators_in(folder) == []


def test_the_demo_follows_a_bet_to_the_end_of_what_it_published(
    autopublisher: CommandLine, tmp_path: Path
) -> None:
    done = autopublisher.run("demo", "--once")
    assert done.returncode == 0, done.stderr
    assert "B (a bet in money, not proven)" in done.stdout
    assert "The run chose B, the truly best one." in done.stdout
    assert "test campaigns           A PAUSED " in done.stdout
    assert "What was published is settled" in done.stderr
    said = " ".join(done.stdout.replace("│", " ").split())
    assert re.search(
        r"publishing B where it is was to bring about [\d,]+ EUR more in sales than an equal split", said
    )
    assert re.search(
        r"Observed, as Meta reported it by .*: [\d,.]+ EUR of sales from 4,000\.00 EUR spent", said
    )
    assert re.search(
        r"the 4,000\.00 EUR spent after the test brought [\d,.]+ EUR more than an equal split", said
    )
    assert "Waiting for proof would have published nothing" in said
    credentials = tmp_path / ".autopublisher" / "demo" / "credentials.txt"
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600
    assert simulators_in(autopublisher.folder) == []


def test_where_a_day_proves_a_winner_the_demo_publishes_it_scaled(autopublisher: CommandLine) -> None:
    done = autopublisher.run("demo", "--once", "--scenario", "proven")
    assert done.returncode == 0, done.stderr
    assert "B (proven)" in done.stdout
    assert "A PAUSED, B PAUSED" in done.stdout


def test_an_ordinary_market_leaves_the_choice_to_a_person(autopublisher: CommandLine) -> None:
    done = autopublisher.run("demo", "--once", "--scenario", "ordinary")
    assert done.returncode == 6, done.stderr
    assert "The run named no winner." in done.stdout


def test_a_killed_demo_is_taken_up_where_it_was(autopublisher: CommandLine, tmp_path: Path) -> None:
    with autopublisher.start("demo", "--once") as killed:
        read_until(killed, "ab_testing")
        killed.kill()
        killed.communicate()
    survivor = announced_simulator(tmp_path)
    done = autopublisher.run("demo", "--once")
    assert "is unfinished and goes on" in done.stderr
    assert done.returncode == 0, done.stderr
    with pytest.raises(httpx2.HTTPError):
        httpx2.get(f"{survivor['url']}/_sim/health", trust_env=False)


def test_a_dead_simulator_comes_back_at_the_same_address_and_ends_with_an_interrupted_demo(
    autopublisher: CommandLine, tmp_path: Path
) -> None:
    with autopublisher.start("demo") as process:
        read_until(process, "stay up")
        dead = announced_simulator(tmp_path)
        os.kill(dead["pid"], signal.SIGKILL)
        back = eventually(
            lambda: found if (found := announced_simulator(tmp_path))["pid"] != dead["pid"] else None
        )
        assert back["url"] == dead["url"]
        headers = {"Authorization": f"Bearer {back['token']}"}
        assert httpx2.get(f"{back['url']}/_sim/objects", headers=headers, trust_env=False).json()["data"]
        assert_ended_by(process, signal.SIGINT, tmp_path)


def test_a_second_demo_at_once_is_refused_and_a_terminated_one_leaves_nothing(
    autopublisher: CommandLine,
) -> None:
    with autopublisher.start("demo") as first:
        read_until(first, "stay up")
        second = autopublisher.run("demo", "--once")
        assert second.returncode == 4
        assert "Another worker already runs" in second.stderr
        assert simulators_in(autopublisher.folder) != []
        assert_ended_by(first, signal.SIGTERM, autopublisher.folder)
