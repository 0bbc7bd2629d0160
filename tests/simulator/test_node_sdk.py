"""Meta's SDK for Node.js, told only another base URL, works against the simulator.

An optional group: it needs node, npm and a registry that npm reaches, and says so where one of them is missing.
"""

import base64
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from metasim.testing import ACCOUNT, PIXEL, TARGETING, TINY_PNG, story

pytestmark = pytest.mark.slow

SOURCES = Path(__file__).parent / "node"
INSTALL = ("install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the client's script in a folder of its own where the SDK is installed."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("node")
    for source in SOURCES.iterdir():
        shutil.copy(source, folder)
    try:
        done = subprocess.run(
            [npm, *INSTALL], check=False, cwd=folder, capture_output=True, text=True, timeout=120
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not answer within two minutes")
    if done.returncode != 0:
        pytest.skip(f"npm could not install the SDK: {done.stderr.strip()[-300:]}")
    return folder / "client.cjs"


@pytest.fixture(scope="module")
def seen(client: Path) -> Mapping[str, Any]:
    """Return what the client saw of a fresh simulator."""
    samples = {
        "targeting": TARGETING,
        "story": story("A"),
        "picture": base64.b64encode(TINY_PNG).decode(),
        "pixel": PIXEL,
        "end_time": "2026-11-23T10:00:00+0100",
        "later": "2026-12-23T10:00:00+0100",
    }
    # The SDK's newest release still speaks v24.0, which Meta upgrades at its own pace.
    with SimulatorThread(SimulatorConfig(upgrade_expired=True)) as simulator:
        command = ["node", str(client), simulator.url, ACCOUNT, "stub-token", json.dumps(samples)]
        done = subprocess.run(
            command, check=False, cwd=client.parent, capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stderr
    answer: Mapping[str, Any] = json.loads(done.stdout)
    return answer


def test_every_kind_of_object_is_created(seen: Mapping[str, Any]) -> None:
    assert set(seen["ids"]) == {"campaign", "adSet", "creative", "ad"}
    assert len(set(seen["ids"].values())) == 4


def test_an_update_is_read_back_with_nested_fields(seen: Mapping[str, Any]) -> None:
    assert seen["updated"] == {"name": "Renamed", "status": "ACTIVE", "budget": "5000", "parent": "Renamed"}


def test_the_cursor_walks_to_the_end_and_back(seen: Mapping[str, Any]) -> None:
    pages = seen["pages"]["seen"]
    names = [name for page in pages for name in page]
    assert sorted(names) == ["Paged 1", "Paged 2", "Paged 3", "Paged 4", "Renamed"]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert seen["pages"]["back"] == pages[-2]


def test_figures_are_the_same_at_once_and_as_a_report_run(seen: Mapping[str, Any]) -> None:
    insights = seen["insights"]
    assert (insights["rows"], insights["direct"]["ad_id"]) == (1, insights["ad"])
    assert 49.5 < float(insights["direct"]["spend"]) <= 50
    assert insights["status"] == "Job Completed"
    assert insights["later"]["spend"] == insights["direct"]["spend"]
    assert float(insights["direct"]["purchase_roas"][0]["value"]) > 1


def test_a_batch_answers_each_call_with_its_own_success_or_error(seen: Mapping[str, Any]) -> None:
    answers = seen["batch"]["seen"]
    assert [answer["ok"] for answer in answers] == [True, True, False]
    assert [answer["body"].get("name") for answer in answers[:2]] == ["Renamed", "Set"]
    assert answers[2]["body"]["error"]["code"] == 100
    assert seen["batch"]["again"] is None


@pytest.mark.parametrize(
    ("attempt", "code", "subcode"),
    [
        ("unknownField", 100, None),
        ("missingFlag", 100, 1870227),
        ("wrongToken", 190, None),
    ],
)
def test_refusals_arrive_as_the_sdk_knows_them(
    seen: Mapping[str, Any], attempt: str, code: int, subcode: int | None
) -> None:
    refusal = seen["refusals"][attempt]
    assert (refusal["name"], refusal["code"], refusal.get("error_subcode")) == (
        "FacebookRequestError",
        code,
        subcode,
    )
    assert refusal["fbtrace_id"]


def test_reading_several_ids_at_once_fails_as_it_does_at_meta_since_v25(seen: Mapping[str, Any]) -> None:
    assert seen["refusals"]["removedIds"] is not None


def test_a_copy_is_made_and_a_deleted_campaign_leaves_the_lists(seen: Mapping[str, Any]) -> None:
    assert seen["deleted"] == {"before": "PAUSED", "after": "DELETED", "listed": False}
