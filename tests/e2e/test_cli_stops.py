"""The kill switch from a terminal: it works alone, waits for Meta's word, and can be undone."""

import json
import os
import signal
from pathlib import Path

import pytest

from support.command import CommandLine, simulators_in

pytestmark = pytest.mark.slow

HOME = ".autopublisher/demo"
SETTINGS = {"AUTO_PUBLISHER_HOME": HOME, "STUB_SCENARIO": "usual"}


@pytest.fixture
def autopublisher(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_everything_a_demo_left_running_is_stopped_and_given_back(autopublisher: CommandLine) -> None:
    assert autopublisher.run("demo", "--once", "--port", "0").returncode == 0
    try:
        stopped = autopublisher.run("stop", "--all", "--reason", "wrong price", "-o", "json", **SETTINGS)
        assert stopped.returncode == 0, stopped.stderr
        report = json.loads(stopped.stdout)
        states = [one["state"] for account in report["accounts"] for one in account["objects"]]
        assert (report["confirmed"], states) == (True, ["PAUSED"] * 3)

        again = autopublisher.run("resume", "--all", "--reason", "mended", "-o", "json", **SETTINGS)
        assert again.returncode == 0, again.stderr
        (listed,) = json.loads(autopublisher.run("stops", "-o", "json", **SETTINGS).stdout)
        assert (listed["holds"], listed["confirmed"]) == ("no", "yes")
    finally:
        for announced in simulators_in(autopublisher.folder):
            os.kill(int(json.loads(announced.read_text("utf-8"))["pid"]), signal.SIGTERM)


def test_a_stop_names_what_to_stop(autopublisher: CommandLine) -> None:
    done = autopublisher.run("stop", "--reason", "wrong price")
    assert done.returncode == 2
    assert "--account or --all" in done.stderr
