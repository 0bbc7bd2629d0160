"""The brief's own tests by the brief's own names: ``-k test_orchestrator`` in memory, ``-k test_integration`` over HTTP."""

import time
from collections import Counter
from pathlib import Path

import pytest

from autopublisher.domain.runs.run import RunStatus
from support.installation import Installation
from support.staging import Stage

UVICORN = ("-m", "uvicorn", "app.main:app", "--port", "{port}")
LIMIT_SECONDS = 120.0


def test_orchestrator_takes_the_briefs_request_from_pending_to_a_published_winner() -> None:
    stage = Stage()
    seen = [stage.now_run.status]
    while not stage.now_run.is_final:
        run = stage.now_run
        if run.status is RunStatus.WAITING_APPROVAL and run.release.approval is None:
            stage.approve(run.id)
        stage.step()
        seen.append(stage.now_run.status)
    assert list(dict.fromkeys(seen)) == [
        RunStatus.PENDING,
        RunStatus.CREATING_CAMPAIGNS,
        RunStatus.AB_TESTING,
        RunStatus.ANALYZING_RESULTS,
        RunStatus.SELECTING_WINNER,
        RunStatus.WAITING_APPROVAL,
        RunStatus.SCALING_BUDGET,
        RunStatus.PUBLISHING_FINAL,
        RunStatus.COMPLETED,
    ]
    assert len(stage.active()) == 3  # campaign, ad set and ad of the winner


@pytest.mark.slow
def test_integration_of_the_briefs_requests_over_http(tmp_path: Path) -> None:
    with Installation(tmp_path / "home", served_by=UVICORN) as here:
        manager = here.sign_in("manager")
        asked = here.call("POST", "/meta/autopilot/run", headers=manager, json=here.brief_request())
        run_id, deadline = asked["run_id"], time.monotonic() + LIMIT_SECONDS
        while True:
            status = here.call("GET", f"/meta/autopilot/status/{run_id}", headers=manager)["status"]
            assert time.monotonic() < deadline, status
            if status == "completed":
                break
            if status == "waiting_approval":
                release = {"run_id": run_id, "variant_id": "B"}
                here.call("POST", "/meta/autopilot/publish-winner", headers=manager, json=release)
            time.sleep(0.2)
        kinds = Counter(row["kind"] for row in here.simulator("objects")["data"])
        assert {kind: kinds[kind] for kind in ("campaign", "adset", "ad")} == {
            "campaign": 3,
            "adset": 3,
            "ad": 3,
        }


@pytest.mark.slow
def test_integration_says_why_the_product_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="DATABASE_URL"):
        Installation(tmp_path, "oracle://nowhere", served_by=UVICORN).start()
