"""Publishing beside what somebody else has done to the test's arms and their copies."""

import pytest

from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.runs.run import RunStatus
from support.sweep_staging import SweepStage, staged


def publishing_with_a_copy() -> tuple[SweepStage, MetaId]:
    """Return a stage about to publish, and a copy of an arm's ad set that is off and in the journal."""
    stage = staged(RunStatus.AB_TESTING)
    known = set(stage.meta.objects)
    stage.meta.copy_of(MetaId(stage.row("test/a/adset").meta_id or ""))
    (copy,) = set(stage.meta.objects) - known
    stage.meta.objects[copy].fields["status"] = "PAUSED"
    stage.at_look()
    stage.go(RunStatus.PUBLISHING_FINAL)
    return stage, copy


def test_a_copy_that_meta_no_longer_knows_does_not_keep_the_winner_from_being_published() -> None:
    stage, copy = publishing_with_a_copy()
    del stage.meta.objects[copy]
    run = stage.go()
    assert run.status is RunStatus.COMPLETED, run.ending.why
    assert len(stage.on()) == len({ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD})


def test_an_arm_that_meta_no_longer_knows_does_not_keep_the_winner_from_being_published() -> None:
    stage, _ = publishing_with_a_copy()
    del stage.meta.objects[MetaId(stage.row("test/b/ad").meta_id or "")]
    assert stage.go().status is RunStatus.COMPLETED


@pytest.mark.parametrize("status", ["DELETED", "ARCHIVED"])
def test_a_copy_that_is_shown_as_gone_does_not_keep_the_winner_from_being_published(status: str) -> None:
    stage, copy = publishing_with_a_copy()
    stage.meta.objects[copy].fields["status"] = status
    assert stage.go().status is RunStatus.COMPLETED


def test_a_copy_that_is_on_is_switched_off_before_the_winner_is_published() -> None:
    stage, copy = publishing_with_a_copy()
    stage.meta.objects[copy].fields["status"] = "ACTIVE"
    assert stage.go().status is RunStatus.COMPLETED
    assert stage.meta.objects[copy].status == "PAUSED"
