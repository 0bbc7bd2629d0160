"""The server killed in every phase of the brief's run: one of each object at Meta, the run completed, the money kept."""

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support.installation import Installation

pytestmark = pytest.mark.slow

LIMIT_SECONDS = 420.0
TOTAL_MINOR = 50_000
KILLS_UNDER_WAY = 5
"""How often the server dies before the approval; each life is shorter than a phase, so every phase is cut."""

ENDED = frozenset({"completed", "failed", "cancelled"})
RESTING = ENDED | {"waiting_approval"}


def status_of(here: Installation, run_id: str, manager: dict[str, str]) -> str:
    status: str = here.call("GET", f"/meta/autopilot/status/{run_id}", headers=manager)["status"]
    return status


def killed(here: Installation, after_seconds: float) -> None:
    """Let the server live for a moment, kill it, and start it again on what it left."""
    time.sleep(after_seconds)
    here.kill()
    here.start()


def rested(here: Installation, run_id: str, manager: dict[str, str], among: frozenset[str]) -> str:
    """Wait until the run's status is one of these: it needs a person, or nobody at all."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while (status := status_of(here, run_id, manager)) not in among:
        assert time.monotonic() < deadline, f"the run was still {status}"
        time.sleep(0.1)
    return status


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
    with Installation(tmp_path / "home", database_url) as here:
        manager = here.sign_in("manager")
        run_id = here.call("POST", "/meta/autopilot/run", headers=manager, json=here.brief_request())[
            "run_id"
        ]
        cut: set[str] = set()
        while (status := status_of(here, run_id, manager)) not in RESTING:
            if here.kills >= KILLS_UNDER_WAY and len(cut) > 1:
                break
            cut.add(status)
            # Longer lives, the more there were: on a slow machine none would get anything done.
            killed(here, pick.uniform(0.0, 0.1) * (5 + here.kills))
        assert len(cut) > 1, cut
        assert rested(here, run_id, manager, RESTING) == "waiting_approval"
        killed(here, 0.0)
        # Kills move the polls, and with them what is proven; so the variant is named, as a person may always do.
        release = {"run_id": run_id, "variant_id": "B"}
        here.call("POST", "/meta/autopilot/publish-winner", headers=manager, json=release)
        killed(here, pick.uniform(0.0, 0.4))
        # A server that dies right after its answer has not acted on the release yet: the run still says "waiting".
        assert rested(here, run_id, manager, ENDED) == "completed"
        assert here.kills >= KILLS_UNDER_WAY
        counted = made(here)
        assert set(counted.values()) == {1}, counted
        assert len([one for one in counted if one.startswith("campaign")]) == 3
        exposure = here.simulator("exposure", contains="[ap-")
        assert exposure["peak_total"] <= TOTAL_MINOR
        assert exposure["spent"] > 0
