"""The simulator's process: found again, brought back with its state, ended by the last who uses it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from autopublisher.bootstrap.simulator_process import SimulatorOptions, SimulatorProcess
from autopublisher.domain.errors import ConflictError, UnavailableError

pytestmark = pytest.mark.slow

OPTIONS = SimulatorOptions("demo", 7, None)
KILLED_PRODUCT = """
import os, pathlib, sys
from autopublisher.bootstrap.simulator_process import SimulatorProcess, SimulatorOptions
SimulatorProcess(pathlib.Path(sys.argv[1]), SimulatorOptions("demo", 7, None)).start()
os._exit(0)  # like a kill: nothing is put in order
"""


@pytest.fixture
def first(tmp_path: Path) -> Iterator[SimulatorProcess]:
    process = SimulatorProcess(tmp_path, OPTIONS)
    process.start()
    yield process
    process.stop()


def answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/_sim/health", timeout=5, trust_env=False).is_success
    except httpx2.HTTPError:
        return False


def process_id(home: Path) -> int:
    return int(json.loads((home / "simulator.json").read_text("utf-8"))["pid"])


def test_a_second_user_finds_the_same_simulator(first: SimulatorProcess, tmp_path: Path) -> None:
    second = SimulatorProcess(tmp_path, OPTIONS)
    assert second.start() == first.url
    second.stop()
    assert answers(first.url)


def test_it_inherits_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("META_ACCESS_TOKEN", "SECRET_KEY", "DATABASE_URL", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "hush-hush")
    process = SimulatorProcess(tmp_path, OPTIONS)
    process.start()
    try:
        assert b"hush-hush" not in Path(f"/proc/{process_id(tmp_path)}/environ").read_bytes()
    finally:
        process.stop()


def test_the_last_user_ends_it(first: SimulatorProcess, tmp_path: Path) -> None:
    url = first.url
    first.stop()
    assert not answers(url)
    assert not (tmp_path / "simulator.json").exists()


def test_a_killed_simulator_comes_back_on_its_port_with_its_time(
    first: SimulatorProcess, tmp_path: Path
) -> None:
    clock, headers = f"{first.url}/_sim/clock", {"Authorization": f"Bearer {first.token}"}
    asked = httpx2.post(clock, json={"advance_seconds": 3600}, headers=headers, trust_env=False)
    moved = asked.json()
    os.kill(process_id(tmp_path), signal.SIGKILL)
    before = first.url
    while answers(before):
        pass
    first.ensure()
    assert first.url == before
    again = httpx2.get(clock, headers=headers, trust_env=False)
    assert again.json()["now"] == moved["now"]


def test_its_controls_ask_for_the_token_that_it_announced(first: SimulatorProcess, tmp_path: Path) -> None:
    kept = tmp_path / "simulator.json"
    token = json.loads(kept.read_text("utf-8"))["token"]
    assert (len(token) >= 32, token == first.token, kept.stat().st_mode & 0o777) == (True, True, 0o600)
    assert httpx2.get(f"{first.url}/_sim/clock", trust_env=False).status_code == 401


def test_one_in_use_is_not_discarded(first: SimulatorProcess, tmp_path: Path) -> None:
    with pytest.raises(ConflictError):
        SimulatorProcess(tmp_path, OPTIONS).discard()
    assert answers(first.url)


def test_one_left_behind_is_discarded(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED_PRODUCT, str(tmp_path)], check=True)
    url = json.loads((tmp_path / "simulator.json").read_text("utf-8"))["url"]
    assert answers(url)
    SimulatorProcess(tmp_path, OPTIONS).discard()
    assert not answers(url)


def test_an_unknown_scenario_is_unavailable_and_says_where_to_look(tmp_path: Path) -> None:
    process = SimulatorProcess(tmp_path, SimulatorOptions("no-such-market", 7, None))
    with pytest.raises(UnavailableError, match=r"simulator\.log"):
        process.start()
    process.stop()


def test_it_has_no_address_before_its_start(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        _ = SimulatorProcess(tmp_path, OPTIONS).url
