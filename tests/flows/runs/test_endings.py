"""How runs end besides publishing: ads that Meta will not show, nothing left to scale, a final campaign gone wrong."""

from datetime import datetime, timedelta

import pytest

from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import MetaRefusedError
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.run import RunStatus
from support.crashing_machine import START
from support.simulated import brief_request
from support.staging import PlannedFault, Stage, cut_off, with_total
from support.wording import english


def unattended(total: str = "500.0") -> RunRequest:
    return with_total(total, require_human_approval=False)


def publishing_stage() -> Stage:
    stage = Stage(unattended())
    assert stage.go(RunStatus.PUBLISHING_FINAL).status is RunStatus.PUBLISHING_FINAL
    return stage


# --- review ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["DISAPPROVED", "WITH_ISSUES", "PENDING_BILLING_INFO"])
def test_ads_that_meta_will_not_deliver_fail_the_run_with_everything_paused(state: str) -> None:
    stage = Stage()
    stage.meta.review = state
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert f"test/a/ad ({state})" in english(run.ending.why)
    assert stage.everything_off()


def test_a_review_costs_no_test_time() -> None:
    stage = Stage()
    stage.meta.review = "PENDING_REVIEW"
    stage.go(RunStatus.AB_TESTING)
    run = stage.step()
    assert english(run.attention) == "waiting for Meta to review the ads"
    stage.clock.advance_to(START + timedelta(hours=30))
    stage.meta.review = None
    run = stage.step()
    assert run.trial.starts_at == stage.clock.now()
    assert run.trial.ends_at == stage.clock.now() + timedelta(hours=24)
    assert stage.at_meta("test/a/adset")["end_time"] == run.trial.ends_at.isoformat()


def test_a_review_that_never_ends_fails_the_run_after_three_days() -> None:
    stage = Stage()
    stage.meta.review = "IN_PROCESS"
    run = stage.go(ticks=400)
    assert run.status is RunStatus.FAILED
    assert "not finished reviewing" in english(run.ending.why)
    assert timedelta(hours=72) < (run.ending.at or START) - START < timedelta(hours=74)


# --- scaling --------------------------------------------------------------------------------------


def test_nothing_left_to_scale_completes_the_run_without_publishing() -> None:
    stage = Stage(unattended("100"))
    run = stage.go()
    assert (run.status, run.release.winner) == (RunStatus.COMPLETED, "B")
    assert len(stage.events("nothing_to_scale")) == 1
    assert english(stage.now_run.attention).startswith("Nothing is published: ")
    assert len(stage.created_campaigns()) == 2
    assert stage.everything_off()


def test_the_final_campaign_may_spend_what_the_test_has_left_and_no_more() -> None:
    stage = publishing_stage()
    assert (stage.now_run.release.final_budget or {})["total"] == 40_000
    stage.go()
    assert stage.reports.view(stage.run_id).committed == Money(50_000, "EUR")


def test_an_account_that_cannot_deliver_any_more_publishes_nothing() -> None:
    stage = Stage(unattended())
    stage.go(RunStatus.SCALING_BUDGET)
    stage.block_account()
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert len(stage.created_campaigns()) == 2


# --- the final campaign ---------------------------------------------------------------------------


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_refused_final_campaign_fails_the_run_with_everything_off(nth: int) -> None:
    stage = publishing_stage()
    made = len(stage.meta.made("create"))
    stage.meta.troubles = [PlannedFault("create", MetaRefusedError("too low", code=100), made + nth)]
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert stage.everything_off()
    assert [one.fields["status"] for one in stage.meta.of_kind(ObjectKind.CAMPAIGN)][2:] in (
        [],
        ["DELETED"],
    )


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("done", [True, False])
def test_a_final_object_whose_answer_was_lost_exists_once(nth: int, done: bool) -> None:  # noqa: FBT001 - a parameter
    stage = publishing_stage()
    made = len(stage.meta.made("create"))
    stage.meta.troubles = [PlannedFault("create", cut_off(), made + nth, done=done)]
    assert stage.go().status is RunStatus.COMPLETED
    assert len(stage.created_campaigns()) == 3


def test_an_arm_that_somebody_switched_on_again_is_off_once_the_final_campaign_runs() -> None:
    stage = publishing_stage()
    for one in stage.meta.objects.values():
        if one.fields.get("status") == "PAUSED":
            one.fields["status"] = "ACTIVE"
    assert stage.go().status is RunStatus.COMPLETED
    assert all("Final (B)" in name for name in stage.active())


def test_an_arm_switched_on_again_in_the_last_moment_is_switched_off_again() -> None:
    stage = publishing_stage()
    campaign = stage.at_meta("test/a/campaign")
    writes = len(stage.meta.made("update"))

    def meddle(_number: int, method: str) -> None:
        if method == "update" and len(stage.meta.made("update")) == writes + 3:
            campaign["status"] = "ACTIVE"  # type: ignore[index]  # the stored fields themselves

    stage.meta.on_call = meddle
    assert stage.go().status is RunStatus.COMPLETED
    assert all("Final (B)" in name for name in stage.active())


def test_a_final_campaign_that_took_hours_to_build_gets_its_days_back() -> None:
    stage = publishing_stage()
    planned = (stage.now_run.release.final_budget or {})["ends_at"]
    stage.clock.advance_to(stage.clock.now() + timedelta(hours=5))
    stage.go()
    late = stage.at_meta("final/adset")["end_time"]
    assert late > planned


def test_a_winner_ends_its_test_with_losers_paused_and_nothing_else_running() -> None:
    stage = Stage(brief_request())
    stage.go(RunStatus.WAITING_APPROVAL)
    states = {view.variant.letter: view.state for view in stage.reports.view(stage.run_id).variants}
    assert states == {"A": "paused", "B": "winner"}
    assert stage.everything_off()


def test_a_publication_held_up_for_longer_than_the_budget_was_to_last_is_moved_on_whole() -> None:
    stage = publishing_stage()
    planned = stage.now_run.release.final_budget or {}
    span = datetime.fromisoformat(planned["ends_at"]) - datetime.fromisoformat(planned["starts_at"])
    resumed = stage.clock.now() + span + timedelta(days=1)
    stage.clock.advance_to(resumed)
    assert stage.go(RunStatus.COMPLETED).status is RunStatus.COMPLETED
    ends = datetime.fromisoformat(stage.at_meta("final/adset")["end_time"])
    assert abs(ends - (resumed + span)) < timedelta(minutes=1)
