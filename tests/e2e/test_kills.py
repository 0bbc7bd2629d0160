"""The server killed in every phase of the brief's run: one of each object at Meta, the run completed, the money kept."""

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support.installation import Installation

PHASES = (
    "pending",
    "creating_campaigns",
    "ab_testing",
    "analyzing_results",
    "waiting_approval",
    "publishing_final",
)
LIMIT_SECONDS = 420.0
TOTAL_MINOR = 50_000


def finish(here: Installation, run_id: str, phases: set[str], pick: random.Random) -> str:
    """Follow the run to its end, killing the server once in each of ``phases`` and approving when asked."""
    manager = here.sign_in("manager")
    deadline = time.monotonic() + LIMIT_SECONDS
    approved = False
    while time.monotonic() < deadline:
        run = here.call("GET", f"/meta/autopilot/status/{run_id}", headers=manager)
        status: str = run["status"]
        if status in {"completed", "failed", "cancelled"}:
            return status
        if status == "waiting_approval" and not approved:
            here.call("POST", "/meta/autopilot/publish-winner", headers=manager, json={"run_id": run_id})
            approved = True
        if status in phases:
            phases.discard(status)
            time.sleep(pick.uniform(0.0, 0.6))
            here.kill()
            here.start()
        else:
            time.sleep(0.02)
    raise AssertionError(f"the run was still {status} after {LIMIT_SECONDS} s: {run['attention']}")


def made(here: Installation) -> Counter[str]:
    """Count what Meta holds by kind and by the place its name claims in the plan."""
    objects: Any = here.simulator("objects")
    rows = objects["data"]
    return Counter(
        f"{row['kind']} {row['name'].rsplit('-', 1)[1]}" for row in rows if "[ap-" in (row["name"] or "")
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_survives_a_kill_in_every_phase(database_url: str, tmp_path: Path) -> None:
    pick = random.Random(20261122)  # noqa: S311 - a time to die is no secret
    phases = set(PHASES)
    with Installation(tmp_path / "home", database_url) as here:
        run_id = here.call(
            "POST", "/meta/autopilot/run", headers=here.sign_in("manager"), json=here.brief_request()
        )["run_id"]
        assert finish(here, run_id, phases, pick) == "completed"
        assert here.kills >= 4, f"never caught in {phases}"
        counted = made(here)
        assert set(counted.values()) == {1}, counted
        assert len([one for one in counted if one.startswith("campaign")]) == 3
        exposure = here.simulator("exposure", contains="[ap-")
        assert exposure["peak_total"] <= TOTAL_MINOR
        assert exposure["spent"] > 0
