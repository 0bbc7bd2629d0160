"""Clients that other people wrote for Meta's API work against the simulator: a singer tap and an MCP server.

An optional group: `./test --clients` runs it. It installs the clients, pinned with hashes, in an environment of their
own and fails where no package index can be reached.
"""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from metasim.testing import ACCOUNT, PIXEL, TARGETING, Advertiser

pytestmark = [pytest.mark.clients, pytest.mark.timeout(900)]

SOURCES = Path(__file__).parent / "clients"
TOO_OLD = {"adaccounts", "creatives"}  # streams that ask for fields which the API has no more
STEPS: list[tuple[str, dict[str, Any]]] = [
    ("get_ad_accounts", {}),
    ("get_account_pages", {"account_id": ACCOUNT}),
    (
        "create_campaign",
        {
            "account_id": ACCOUNT,
            "name": "By a model",
            "objective": "OUTCOME_SALES",
            "status": "PAUSED",
            "special_ad_categories": [],
            "use_adset_level_budgets": True,
        },
    ),
    (
        "create_adset",
        {
            "account_id": ACCOUNT,
            "campaign_id": "$2",
            "name": "Set",
            "optimization_goal": "OFFSITE_CONVERSIONS",
            "billing_event": "IMPRESSIONS",
            "daily_budget": 5000,
            "bid_strategy": "LOWEST_COST_WITHOUT_CAP",
            "targeting": TARGETING,
            "promoted_object": {"pixel_id": PIXEL, "custom_event_type": "PURCHASE"},
        },
    ),
    ("get_adset_details", {"adset_id": "$3"}),
    ("update_campaign", {"campaign_id": "$2", "name": "Renamed by a model"}),
    ("get_campaigns", {"account_id": ACCOUNT}),
    ("get_insights", {"object_id": ACCOUNT, "time_range": "maximum", "level": "ad"}),
    ("get_campaign_details", {"campaign_id": "9"}),
]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment that holds the clients. Fails where they cannot be installed."""
    folder = tmp_path_factory.mktemp("clients") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=120)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:", "-r"]
    done = subprocess.run(
        [*pip, str(SOURCES / "requirements.lock")], check=False, capture_output=True, text=True, timeout=600
    )
    if done.returncode != 0:
        pytest.fail(
            f"the clients cannot be installed; leave out --clients without a package index: {done.stderr}"
        )
    return python


@pytest.fixture(scope="module")
def traded() -> Iterator[SimulatorThread]:
    """Return a simulator in which two ads have run for a day; the clients speak v24.0, which it upgrades."""
    with SimulatorThread(SimulatorConfig(upgrade_expired=True)) as running:
        advertiser = Advertiser(simulator=running.simulator)
        advertiser.split_test("AB")
        advertiser.image()
        advertiser.post(f"{ACCOUNT}/adlabels", name="Label")
        advertiser.pass_time(hours=30)
        yield running


def drive(python: Path, *arguments: str) -> list[dict[str, Any]]:
    command = [str(python), str(SOURCES / "drive.py"), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def messages(python: Path, traded: SimulatorThread) -> dict[str, list[dict[str, Any]]]:
    """Return the Singer messages of one reading, by type."""
    config = {
        "access_token": "stub-token",
        "api_version": "v26.0",
        "account_id": ACCOUNT.removeprefix("act_"),
        "start_date": "2026-11-22",
        "end_date": "2026-11-23",
    }
    kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for message in drive(python, "tap", traded.url, json.dumps(config)):
        kinds[message["type"]].append(message)
    return kinds


@pytest.mark.parametrize(
    ("stream", "records"),
    [
        ("campaigns", 1),
        ("adsets", 2),
        ("ads", 2),
        ("adimages", 1),
        ("adlabels", 1),
        ("customconversions", 1),
        ("customaudiences", 0),
        ("advideos", 0),
    ],
)
def test_the_tap_reads_every_stream_whole(
    messages: dict[str, list[dict[str, Any]]], stream: str, records: int
) -> None:
    assert sum(1 for message in messages["RECORD"] if message["stream"] == stream) == records


def test_the_tap_reads_figures_by_report_runs(messages: dict[str, list[dict[str, Any]]]) -> None:
    rows = [message["record"] for message in messages["RECORD"] if message["stream"] == "adsinsights_default"]
    assert {row["ad_name"] for row in rows} == {"Ad A", "Ad B"}
    assert all(float(row["spend"]) > 0 for row in rows)


def test_the_tap_fails_only_by_fields_that_are_gone(messages: dict[str, list[dict[str, Any]]]) -> None:
    assert {message["stream"] for message in messages["FAILED"]} == TOO_OLD
    assert all("nonexisting field" in message["why"] for message in messages["FAILED"])


def test_a_model_works_by_the_mcp_server(python: Path, traded: SimulatorThread) -> None:
    answers = drive(python, "mcp", traded.url, "stub-token", json.dumps(STEPS))
    told = [each["answer"] for each in answers]
    assert [each["tool"] for each in answers] == [name for name, _ in STEPS]
    assert told[0]["data"][0]["id"] == ACCOUNT
    assert told[1]["data"][0]["name"] == "Demo page"
    assert told[4]["targeting"]["geo_locations"]["location_types"] == ["home", "recent"]
    assert told[6]["data"][0]["name"] == "Renamed by a model"
    assert {row["ad_name"] for row in told[7]["data"]} == {"Ad A", "Ad B"}
    assert "does not exist" in json.dumps(told[8])
