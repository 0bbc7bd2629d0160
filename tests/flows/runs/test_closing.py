"""Whatever phase a run is cancelled or fails in, it ends with each of its objects accounted for as Meta showed it."""

from typing import Any

import pytest

from autopublisher.domain.errors import MetaRefusedError
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.runs.run import FINAL, RunStatus
from support.simulated import brief_request
from support.staging import PlannedFault, Stage
from support.stop_staging import unattended

_R = RunStatus
OFF = {"PAUSED", "DELETED"}
SWITCHED = {ObjectKind.CAMPAIGN.value, ObjectKind.AD_SET.value, ObjectKind.AD.value}


def lines_of(stage: Stage) -> list[dict[str, Any]]:
    report = stage.now_run.report
    assert report is not None
    return list(report["objects"])


def accounted_for(stage: Stage) -> bool:
    """Tell whether the report lists each object that Meta holds, in the state Meta holds it in."""
    listed = {line["meta_id"]: line["state"] for line in lines_of(stage)}
    held = {
        key: one.fields["status"]
        for key, one in stage.meta.objects.items()
        if one.kind not in {ObjectKind.IMAGE, ObjectKind.CREATIVE}
    }
    return held.items() <= listed.items()


@pytest.mark.parametrize("status", [one for one in _R if one not in FINAL])
def test_a_cancelled_run_lists_every_object_as_paused_or_deleted(status: RunStatus) -> None:
    stage = Stage(brief_request() if status is _R.WAITING_APPROVAL else unattended())
    stage.go(status)
    stage.approvals.cancel(stage.run_id, "eva")
    assert stage.go().status is _R.CANCELLED
    assert {line["state"] for line in lines_of(stage) if line["kind"] in SWITCHED} <= OFF
    assert accounted_for(stage)


@pytest.mark.parametrize("nth", [1, 2, 3, 5, 8])
def test_a_build_that_meta_refuses_ends_with_everything_deleted(nth: int) -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("create", MetaRefusedError("no", code=100), nth)]
    assert stage.go().status is _R.FAILED
    assert {line["done"] for line in lines_of(stage)} <= {"deleted"}
    assert accounted_for(stage)


def test_what_has_delivered_is_paused_and_not_deleted() -> None:
    stage = Stage()
    stage.go(_R.ANALYZING_RESULTS)
    stage.approvals.cancel(stage.run_id, "eva")
    stage.go()
    switched = [line for line in lines_of(stage) if line["kind"] in SWITCHED]
    assert {(line["done"], line["state"]) for line in switched} == {("paused", "PAUSED")}


def test_a_completed_run_lists_its_final_campaign_as_on_and_its_arms_as_paused() -> None:
    stage = Stage(unattended())
    assert stage.go().status is _R.COMPLETED
    finals = {line["state"] for line in lines_of(stage) if line["key"].startswith("final/")}
    arms = {
        line["state"]
        for line in lines_of(stage)
        if line["key"].startswith("test/") and line["kind"] in SWITCHED
    }
    assert (finals, arms) == ({"ACTIVE"}, {"PAUSED"})
