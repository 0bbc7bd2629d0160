"""What Meta does not let be read: a passing fault delays a run, a lasting one ends it in words that people understand."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from autopublisher.domain.errors import (
    MetaError,
    MetaNotFoundError,
    MetaOutcomeUnknownError,
    MetaReadError,
    MetaRefusedError,
    MetaTooMuchDataError,
)
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.naming import naming_token
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.runs.plan import total_of
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.runs.orchestrator import READ_TRIES
from support.staging import PlannedFault, Stage
from support.stop_staging import ACT
from support.sweep_staging import SweepStage
from support.wording import english

FOR_EVER = 10_000
REFUSED = MetaRefusedError("(#100) Tried accessing nonexisting field (status)", code=100)
UNSEEN = MetaNotFoundError("does not exist or missing permissions", code=100)
BROKEN = MetaReadError("the answer (HTTP 500) could not be understood")


def valued(metric: str, value: str) -> Mapping[str, Any]:
    return {metric: [{"action_type": "omni_purchase", "value": value}]}


def odd_stage(odd: Mapping[str, Any], *letters: str) -> Stage:
    """Return a stage under test where Meta's rows of some arms say what they should not."""
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    for letter in letters:
        stage.meta.odd[MetaId(stage.row(f"test/{letter}/adset").meta_id or "")] = odd
    return stage


def unreadable(stage: Stage, error: MetaError) -> list[PlannedFault]:
    """Return the faults by which no object is shown from now on, by itself or in a list."""
    return [
        PlannedFault(method, error, nth=len(stage.meta.made(method)) + 1, times=FOR_EVER)
        for method in ("read", "find", "tree")
    ]


def said_until(stage: Stage, *until: RunStatus) -> tuple[Run, set[str]]:
    """Return the run once it has one of the statuses or has ended, and everything its attention said meanwhile."""
    said: set[str] = set()
    for _ in range(200):
        run = stage.now_run
        if run.status in until or run.is_final:
            return run, said
        said.add(english(stage.step().attention))
    raise AssertionError(f"{stage.now_run.status}: {stage.now_run.attention}")


def test_refunds_above_sales_do_not_keep_a_test_from_its_end() -> None:
    stage = odd_stage(valued("action_values", "-12.50"), "a")
    run, said = said_until(stage, RunStatus.WAITING_APPROVAL)
    assert run.status is RunStatus.WAITING_APPROVAL
    assert "Variant A: more was refunded than sold, so its revenue counts as nothing" in said
    assert {one.figures.revenue for one in stage.snapshots() if one.variant == "A"} == {-1250}


def test_an_estimated_count_does_not_keep_a_test_from_its_end() -> None:
    run, said = said_until(odd_stage(valued("actions", "7.5"), "a", "b"), RunStatus.WAITING_APPROVAL)
    assert run.status is RunStatus.WAITING_APPROVAL
    assert any("with a fraction, which is left out" in one for one in said)


def test_an_arm_with_an_unreadable_figure_is_set_aside_and_named() -> None:
    stage = odd_stage({"impressions": "many"}, "a")
    _, said = said_until(stage, RunStatus.ANALYZING_RESULTS)
    assert any(
        "Variant A: the figure impressions is 'many'; what Meta reports of it is set aside" in one
        for one in said
    )
    assert {one.variant for one in stage.snapshots()} == {"B"}


def test_a_figure_that_stays_unreadable_ends_the_run_in_words_of_its_own_with_everything_off() -> None:
    stage = odd_stage({"spend": "-1"}, "a", "b")
    run, said = said_until(stage)
    assert run.status is RunStatus.FAILED
    assert f"could not be read at {READ_TRIES + 1} tries in a row" in english(run.ending.why)
    assert "Variant A: the figure spend is '-1'" in english(run.ending.why)
    assert stage.everything_off()
    assert not any("a write may have happened" in one for one in said)


def test_a_figure_that_is_readable_again_is_counted_as_if_nothing_had_been() -> None:
    stage = odd_stage({"spend": "?"}, "a", "b")
    said_until(stage, RunStatus.ANALYZING_RESULTS)
    stage.meta.odd.clear()
    run, _ = said_until(stage, RunStatus.WAITING_APPROVAL)
    assert (run.status, run.attention) == (RunStatus.WAITING_APPROVAL, None)
    assert {one.variant for one in stage.snapshots()} == {"A", "B"}


@pytest.mark.parametrize("error", [BROKEN, MetaTooMuchDataError("Please reduce the amount of data")])
def test_insights_that_always_fail_end_a_run_after_about_a_day(error: MetaReadError) -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    stage.meta.troubles = [PlannedFault("ad_sets", error, times=FOR_EVER)]
    run, said = said_until(stage)
    assert (run.status, error.message in english(run.ending.why)) == (RunStatus.FAILED, True)
    assert any(error.message in one and "Nothing was changed" in one for one in said)
    assert run.trial.settles_at is not None
    assert timedelta(hours=20) < stage.clock.now() - run.trial.settles_at < timedelta(hours=30)
    assert stage.everything_off()


def test_an_account_that_can_never_be_read_refuses_a_waiting_run() -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("account", BROKEN, nth=2, times=FOR_EVER)]
    run, _ = said_until(stage)
    assert run.status is RunStatus.FAILED
    assert "could not be read at" in english(run.ending.why)


def test_an_approved_winner_whose_account_can_never_be_read_ends_with_everything_off() -> None:
    stage = Stage()
    stage.go(RunStatus.WAITING_APPROVAL)
    stage.approvals.publish_winner(stage.run_id, "manager", variant="B")
    asked = len(stage.meta.made("account"))
    stage.meta.troubles = [PlannedFault("account", BROKEN, nth=asked + 1, times=FOR_EVER)]
    run, _ = said_until(stage)
    assert run.status is RunStatus.FAILED
    assert stage.everything_off()


@pytest.mark.parametrize("error", [BROKEN, REFUSED, UNSEEN], ids=["broken", "refused", "unseen"])
def test_objects_that_can_never_be_read_are_switched_off_all_the_same(error: MetaError) -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    stage.meta.troubles = unreadable(stage, error)
    stage.approvals.cancel(stage.run_id, "manager")
    stage.step()
    assert stage.active() == []
    for _ in range(READ_TRIES + 3):
        stage.step()
    assert not stage.now_run.is_final
    stage.meta.troubles = []
    assert stage.go().status is RunStatus.CANCELLED


@pytest.mark.parametrize(("lost", "error"), [("create", BROKEN), ("create", REFUSED), ("update", BROKEN)])
def test_a_write_whose_outcome_can_never_be_read_ends_the_run_after_about_a_day(
    lost: str, error: MetaError
) -> None:
    stage = Stage()
    unanswered = PlannedFault(lost, MetaOutcomeUnknownError("no answer"), nth=5)  # an ad set, a campaign
    stage.meta.troubles = [unanswered, PlannedFault("read", error, times=FOR_EVER)]
    began = stage.clock.now()
    while stage.now_run.ending.turned_to is None and stage.clock.now() < began + timedelta(days=3):
        stage.step()
    assert stage.now_run.ending.turned_to is RunStatus.FAILED
    assert stage.clock.now() - began < timedelta(hours=30)
    assert f"could not be read at {READ_TRIES + 1} tries in a row" in english(stage.now_run.ending.why)
    stage.meta.troubles = []
    assert stage.go().status is RunStatus.FAILED
    assert stage.everything_off()


def test_a_try_that_gets_on_begins_the_count_of_tries_anew() -> None:
    stage = Stage()
    stage.go(RunStatus.CREATING_CAMPAIGNS)
    stage.overwrite(failed_ticks=READ_TRIES, unread_ticks=READ_TRIES)
    stage.meta.troubles = [PlannedFault(method, BROKEN, times=2 * 8) for method in ("tree", "read")]
    assert (stage.step().is_ending, stage.now_run.unread_ticks) == (False, 1)  # after everything was created
    assert stage.step().unread_ticks == 2
    assert stage.go(RunStatus.AB_TESTING).unread_ticks == 0


def test_only_what_cannot_be_read_counts_towards_the_end_for_it() -> None:
    stage = Stage()
    stage.overwrite(failed_ticks=READ_TRIES + 5)  # a day of limited calls, say
    stage.meta.troubles = [PlannedFault("account", BROKEN, nth=len(stage.meta.made("account")) + 1)]
    assert (stage.step().status, stage.now_run.unread_ticks) == (RunStatus.PENDING, 1)
    assert stage.go(RunStatus.WAITING_APPROVAL).status is RunStatus.WAITING_APPROVAL


def test_a_run_that_winds_down_without_metas_proof_says_so_and_keeps_asking() -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    stage.meta.troubles = [PlannedFault("find", BROKEN, nth=1, times=FOR_EVER)]
    stage.approvals.cancel(stage.run_id, "manager")
    for _ in range(READ_TRIES + 3):
        run = stage.step()
    assert "Meta's proof of it has not been readable" in english(run.attention)
    assert len(stage.events("stuck")) == 1
    stage.meta.troubles = []
    assert stage.go().status is RunStatus.CANCELLED


@pytest.mark.parametrize(
    "odd", [{"lifetime_budget": "many"}, {"daily_budget": "many", "end_time": "soon"}, {"start_time": "soon"}]
)
def test_a_found_ad_set_that_cannot_be_read_holds_its_run_and_is_switched_off(odd: dict[str, str]) -> None:
    stage = SweepStage()
    stage.go(RunStatus.AB_TESTING)
    found = {
        kind: f"Final (B) {naming_token(stage.run_id, f'final.{kind.value}')}"
        for kind in (ObjectKind.CAMPAIGN, ObjectKind.AD_SET)
    }
    campaign = stage.meta.create(
        ACT, ObjectKind.CAMPAIGN, {"name": found[ObjectKind.CAMPAIGN], "status": "ACTIVE"}
    )
    ad_set = {"name": found[ObjectKind.AD_SET], "status": "ACTIVE", "campaign_id": campaign, **odd}
    stage.meta.create(ACT, ObjectKind.AD_SET, ad_set)
    stage.at_look()
    stage.step()
    assert stage.row("final/adset").spec.reserves >= total_of(stage.now_run).minor
    assert "Final" not in "".join(stage.active())
    assert stage.now_run.next_tick_at is None


def test_a_test_whose_arms_can_never_be_read_does_not_stay_after_its_end() -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    while stage.now_run.trial.ends_at is None:
        stage.step()
    stage.meta.troubles = unreadable(stage, MetaReadError("broken"))
    until = stage.now_run.trial.ends_at + timedelta(days=3)
    while stage.clock.now() < until and not stage.now_run.is_ending and stage.now_run.next_tick_at:
        stage.step()
    assert stage.now_run.is_ending


def test_a_pause_that_can_never_be_read_back_is_not_sent_again_and_again() -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    unseen = MetaNotFoundError("does not exist or missing permissions", code=100)
    stage.meta.troubles = unreadable(stage, unseen)
    stage.approvals.cancel(stage.run_id, "manager")
    before = len(stage.rows())
    for _ in range(100):
        stage.step()
    assert len(stage.rows()) - before < 20
    assert stage.everything_off()
