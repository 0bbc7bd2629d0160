"""What happened stays: across a killed process, for the clock, and in the accounts of exposure."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from metasim.testing import ACCOUNT, Advertiser

pytestmark = pytest.mark.slow  # starts processes

HEADERS = {"Authorization": "Bearer stub-token"}


def everything(advertiser: Advertiser) -> dict[str, Any]:
    simulator = advertiser.simulator
    keys = [f"node:{node_id}" for node_id in simulator.state.nodes]
    keys += [f"day:{ad}/{day}" for ad, days in simulator.state.days.items() for day in days]
    dumped = {key: json.loads(json.dumps(simulator.state.dump(key))) for key in keys}
    return {
        **dumped,
        "now": simulator.clock.now_us(),
        "peaks": simulator.exposure.peaks,
        "faults": simulator.faults.dump(),
        "accounts": simulator.state.dump("account:123456789"),
    }


def test_a_restored_world_is_the_same_and_goes_on_the_same(tmp_path: Path) -> None:
    config = SimulatorConfig(state_path=tmp_path / "state.db")
    first, twin = Advertiser(config), Advertiser()
    for advertiser in (first, twin):
        advertiser.image()
        advertiser.split_test("AB")
        advertiser.simulator.faults.plan({"kind": "transient", "after": 1000})
        advertiser.pass_time(hours=7, minutes=5)
    second = Advertiser(config)  # the first one was never closed, as after a kill
    assert everything(second) == everything(first)
    for advertiser in (second, twin):
        advertiser.pass_time(hours=40)
    assert everything(second) == everything(twin)
    assert second.campaign("New") == twin.campaign("New")


def test_a_state_file_of_another_world_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    Advertiser(SimulatorConfig(state_path=path, seed=1))
    with pytest.raises(ValueError, match="another world"):
        Advertiser(SimulatorConfig(state_path=path, seed=2))


def start_process(tmp_path: Path) -> tuple[subprocess.Popen[bytes], str]:
    url_file = tmp_path / "url.json"
    url_file.unlink(missing_ok=True)
    state = tmp_path / "state.db"
    options = ["--scenario", "demo", "--seed", "3", "--state", str(state), "--url-file", str(url_file)]
    command = [sys.executable, "-m", "metasim", *options, "--idle-exit", "60"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | python_path())
    for _ in range(600):
        if url_file.exists():
            return process, str(json.loads(url_file.read_text("utf-8"))["url"])
        time.sleep(0.05)
    process.kill()
    raise AssertionError("the simulator process did not announce itself")


def python_path() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}


def kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_killed_process_resumes_where_it_answered(tmp_path: Path) -> None:
    process, url = start_process(tmp_path)
    try:
        body: dict[str, Any] = {"name": "Kept", "objective": "OUTCOME_SALES", "special_ad_categories": []}
        body["is_adset_budget_sharing_enabled"] = False
        created = requests.post(
            f"{url}/v26.0/{ACCOUNT}/campaigns", json=body, headers=HEADERS, timeout=20
        ).json()
        moved = requests.post(f"{url}/_sim/clock", json={"advance_seconds": 4000.5}, timeout=20).json()
    finally:
        kill(process)
    process, url = start_process(tmp_path)
    try:
        assert requests.get(f"{url}/_sim/clock", timeout=20).json() == moved
        read = requests.get(f"{url}/v26.0/{created['id']}?fields=name", headers=HEADERS, timeout=20).json()
        assert read["name"] == "Kept"
    finally:
        kill(process)


def test_an_idle_process_leaves(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "metasim", "--idle-exit", "0.2"]
    done = subprocess.run(
        command, capture_output=True, timeout=60, env=os.environ | python_path(), check=False
    )
    assert done.returncode == 0
    assert done.stdout.startswith(b"simulator listening on http://127.0.0.1:")
    assert list(tmp_path.iterdir()) == []


def test_the_clock_only_goes_forward(served: SimulatorThread) -> None:
    def move(**body: Any) -> Any:
        return requests.post(f"{served.url}/_sim/clock", json=body, timeout=20).json()["now"]

    assert move(advance_to="2026-11-22T12:00:00+01:00") == "2026-11-22T11:00:00.000000Z"
    assert move(advance_to="2026-11-22T10:00:00Z") == "2026-11-22T11:00:00.000000Z"
    assert move(advance_seconds=0.5) == "2026-11-22T11:00:00.500000Z"


def test_a_running_clock_moves_by_itself_and_delivers() -> None:
    advertiser = Advertiser(SimulatorConfig(mode="speed", speed=200_000))
    ids = advertiser.split_test("A", hours=200, lifetime_budget=50000)
    started = advertiser.simulator.clock.now_us()
    for _ in range(200):
        if advertiser.figures(ids["A"])["spend"] > 0:
            break
        time.sleep(0.01)
    assert advertiser.figures(ids["A"])["spend"] > 0
    assert advertiser.simulator.clock.now_us() > started


def exposure(
    advertiser: Advertiser, text: str = "[ap-test/"
) -> tuple[int, int | None, int | None, int | None]:
    found = advertiser.simulator.exposure.of(text, advertiser.simulator.catch_up())
    return found.spent, found.could_still_spend, found.total, found.peak_total


def test_a_paused_campaign_exposes_nothing(advertiser: Advertiser) -> None:
    advertiser.adset(advertiser.campaign())
    assert exposure(advertiser) == (0, 0, 0, 0)


def test_exposure_is_what_is_spent_and_what_the_budgets_still_hold(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("AB")
    assert exposure(advertiser) == (0, 10000, 10000, 10000)
    advertiser.pass_time(hours=10)
    spent, could, total, peak = exposure(advertiser)
    assert (total, peak) == (10000, 10000)
    assert 0 < spent < 10000
    assert could == 10000 - spent
    advertiser.post(ids["set A"], status="PAUSED")
    assert exposure(advertiser)[2] != 10000
    assert exposure(advertiser)[3] == 10000


def test_a_spend_cap_bounds_exposure_and_an_open_daily_budget_unbounds_it(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A", daily_budget=4000)
    assert exposure(advertiser)[1:] == (None, None, None)
    advertiser.post(ids["campaign"], spend_cap=12000)
    assert exposure(advertiser)[1] == 12000
    assert exposure(advertiser)[3] is None  # it was unbounded once


def test_a_daily_budget_counts_its_worst_for_every_day_touched(advertiser: Advertiser) -> None:
    advertiser.split_test("A", daily_budget=4000, end_time=advertiser.moment(hours=36))
    assert exposure(advertiser)[1] == 2 * 7000


def test_exposure_only_counts_the_named_campaigns(advertiser: Advertiser) -> None:
    advertiser.split_test("A")
    other = advertiser.campaign("Other [ap-else/c]", status="ACTIVE")
    advertiser.adset(other, status="ACTIVE", lifetime_budget=9000)
    assert exposure(advertiser)[1] == 5000
    assert exposure(advertiser, "[ap-else/")[1] == 9000
    assert exposure(advertiser, "")[1] == 14000


def test_the_peak_remembers_a_moment_of_double_exposure(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    advertiser.post(ids["set A"], lifetime_budget=20000)
    advertiser.post(ids["set A"], lifetime_budget=5000)
    assert exposure(advertiser) == (0, 5000, 5000, 20000)


def test_a_write_saves_only_what_it_changed(tmp_path: Path) -> None:
    advertiser = Advertiser(SimulatorConfig(state_path=tmp_path / "state.db"))
    advertiser.split_test("AB")
    advertiser.pass_time(hours=24)
    before = saved_records(tmp_path)
    campaign_id = advertiser.campaign("One more")
    changed = {key for key, body in saved_records(tmp_path).items() if before.get(key) != body}
    assert changed == {f"node:{campaign_id}", "counter:", "usage:", "exposure:"}


def saved_records(tmp_path: Path) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(tmp_path / "state.db")) as database:
        return dict(database.execute("SELECT key, body FROM record").fetchall())


def test_objects_and_truth_tell_everything(served: SimulatorThread) -> None:
    body: dict[str, Any] = {"name": "C", "objective": "OUTCOME_SALES", "special_ad_categories": []}
    body["is_adset_budget_sharing_enabled"] = False
    address = f"{served.url}/v26.0/{ACCOUNT}/campaigns"
    node_id = requests.post(address, json=body, headers=HEADERS, timeout=20).json()["id"]
    requests.delete(f"{served.url}/v26.0/{node_id}", headers=HEADERS, timeout=20)
    rows = requests.get(f"{served.url}/_sim/objects", timeout=20).json()["data"]
    assert [(row["id"], row["status"], row["kind"]) for row in rows] == [(node_id, "DELETED", "campaign")]
    truth = requests.get(f"{served.url}/_sim/truth", timeout=20).json()
    assert truth["effects"][0]["conversion"] == 2.8
