"""Many clients at once, and a process killed in the middle of it: what was answered exists, once."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

import metasim
from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from metasim.testing import ACCOUNT, Advertiser

pytestmark = pytest.mark.slow  # starts processes

HEADERS = {"Authorization": "Bearer stub-token"}
CLIENTS, WRITES = 8, 12


def create(session: requests.Session, url: str, name: str) -> str:
    """Create a campaign; return its id. Raises requests.RequestException if no answer came."""
    body: dict[str, Any] = {
        "name": name,
        "objective": "OUTCOME_SALES",
        "special_ad_categories": [],
        "is_adset_budget_sharing_enabled": False,
    }
    answer = session.post(f"{url}/v26.0/{ACCOUNT}/campaigns", json=body, headers=HEADERS, timeout=30)
    return str(answer.json()["id"])


def by_all_clients(act: Callable[[int], list[tuple[str, str]]]) -> list[tuple[str, str]]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        return [pair for pairs in pool.map(act, range(CLIENTS)) for pair in pairs]


def test_eight_clients_at_once_get_what_they_asked_for(served: SimulatorThread) -> None:
    def work(client: int) -> list[tuple[str, str]]:
        with requests.Session() as session:
            names = [f"{client}/{number}" for number in range(WRITES)]
            return [(create(session, served.url, name), name) for name in names]

    made = dict(by_all_clients(work))
    assert len(made) == CLIENTS * WRITES
    listed = Advertiser(simulator=served.simulator).get(f"{ACCOUNT}/campaigns", fields="name", limit=500)[
        "data"
    ]
    assert {row["id"]: row["name"] for row in listed} == made


@pytest.mark.parametrize("speed", [None, "3600"])
def test_nothing_answered_is_lost_when_the_process_is_killed(tmp_path: Path, speed: str | None) -> None:
    state, seen = tmp_path / "state.db", threading.Semaphore(0)
    process, url = start(tmp_path, state, speed)

    def work(client: int) -> list[tuple[str, str]]:
        done = []
        with requests.Session() as session:
            for number in range(10_000):
                name = f"{client}/{number}"
                try:
                    done.append((create(session, url, name), name))
                except requests.RequestException:
                    break
                seen.release()
        return done

    try:
        killer = threading.Thread(target=kill_after, args=(process, seen))
        killer.start()
        made = by_all_clients(work)
        killer.join()
    finally:
        process.kill()
        process.wait()
    advertiser = Advertiser(SimulatorConfig(state_path=state))
    rows = advertiser.get(f"{ACCOUNT}/campaigns", fields="name", limit=5000)["data"]
    advertiser.simulator.close()
    known = {row["id"]: row["name"] for row in rows}
    assert {node: known.get(node) for node, _ in made} == dict(made)
    assert max(Counter(known.values()).values()) == 1
    assert len(known) <= len(made) + CLIENTS  # each client may have lost one answer


def start(folder: Path, state: Path, speed: str | None) -> tuple[subprocess.Popen[bytes], str]:
    mode = ["--mode", "manual"] if speed is None else ["--mode", "speed", "--speed", speed]
    source = Path(metasim.__file__).parents[1]
    command = [sys.executable, "-m", "metasim", "--state", str(state), *mode]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=folder, env=os.environ | {"PYTHONPATH": str(source)}
    )
    if process.stdout is None:
        raise RuntimeError("no output to read the address from")
    with process.stdout as said:
        return process, said.readline().decode().split()[-1]


def kill_after(process: subprocess.Popen[bytes], seen: threading.Semaphore) -> None:
    """Kill a process once so many writes were answered."""
    for _ in range(CLIENTS * WRITES):
        seen.acquire()
    process.send_signal(signal.SIGKILL)
