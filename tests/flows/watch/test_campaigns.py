"""The account's watch moves a final campaign on: each change at Meta ends in the right state and is told once."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from autopublisher.domain.campaigns.campaign import Campaign, CampaignState, Reason
from autopublisher.domain.errors import MetaTransientError
from autopublisher.domain.messages import Message
from autopublisher.domain.runs.run import RunStatus
from autopublisher.messages import render
from support.crashing_machine import CrashPlan
from support.staging import PlannedFault
from support.sweep_staging import AN_AGE, SweepStage, staged
from support.wording import english

_S = CampaignState
WEEKS = timedelta(days=40)


def campaign_of(stage: SweepStage) -> Campaign:
    with stage.database.unit_of_work() as unit:
        return unit.campaigns.of_runs([stage.run_id])[stage.run_id]


def standing(stage: SweepStage) -> tuple[CampaignState, Reason | None]:
    kept = campaign_of(stage)
    return kept.state, kept.reason


def completed() -> SweepStage:
    """Return a stage whose final campaign delivers, looked at once."""
    stage = staged(RunStatus.COMPLETED)
    stage.at_look()
    return stage


def look_later(stage: SweepStage, after: timedelta = AN_AGE) -> None:
    stage.clock.advance_to(stage.clock.now() + after)
    stage.at_look()


def told(stage: SweepStage) -> list[tuple[str, str | None]]:
    """Return the states and reasons that the run's log tells of its campaign."""
    with stage.database.unit_of_work() as unit:
        events = unit.observations.events(stage.run_id)
    return [
        (one.data["state"], one.data["reason"])
        for one in events
        if "ends_at" in one.data and "reason" in one.data
    ]


def test_it_is_planned_with_the_run_s_turn_to_publishing_and_delivers_when_the_run_has_completed() -> None:
    stage = SweepStage()
    stage.go(RunStatus.SCALING_BUDGET)
    with stage.database.unit_of_work() as unit:
        assert unit.campaigns.of_runs([stage.run_id]) == {}
    stage.go(RunStatus.PUBLISHING_FINAL)
    planned = campaign_of(stage)
    assert (planned.state, planned.ad_set_meta_id, planned.version) == (_S.BUILDING, None, 1)
    assert planned.budget.minor == (stage.now_run.release.final_budget or {})["total"]
    assert stage.go().status is RunStatus.COMPLETED
    kept = campaign_of(stage)
    ids = (kept.campaign_meta_id, kept.ad_set_meta_id, kept.ad_meta_id)
    assert ids == tuple(stage.row(f"final/{part}").meta_id for part in ("campaign", "adset", "ad"))
    assert (kept.state, kept.reason, told(stage)) == (_S.DELIVERING, None, [])


def pause_by_hand(stage: SweepStage) -> None:
    stage.touch("final/adset", status="PAUSED")


def refuse(stage: SweepStage) -> None:
    stage.meta.review = "DISAPPROVED"


def end_early(stage: SweepStage) -> None:
    stage.touch("final/adset", end_time=(stage.clock.now() - timedelta(hours=1)).isoformat())


def delete(stage: SweepStage) -> None:
    stage.touch("final/campaign", status="DELETED")


def delete_the_ad(stage: SweepStage) -> None:
    stage.touch("final/ad", status="DELETED")


def stop(stage: SweepStage) -> None:
    stage.stop()


@pytest.mark.parametrize(
    ("change", "state", "reason"),
    [
        (pause_by_hand, _S.PAUSED, Reason.PAUSED_AT_META),
        (refuse, _S.REFUSED, Reason.REVIEW),
        (end_early, _S.ENDED, Reason.ENDED_EARLY),
        (delete, _S.ENDED, Reason.GONE),
        (delete_the_ad, _S.PAUSED, Reason.AD_GONE),
        (stop, _S.PAUSED, Reason.STOP),
    ],
)
def test_what_is_done_to_a_campaign_ends_in_the_right_state_and_is_told_once(
    change: Callable[[SweepStage], None], state: CampaignState, reason: Reason
) -> None:
    stage = completed()
    change(stage)
    for _ in range(3):
        look_later(stage)
    assert standing(stage) == (state, reason)
    assert told(stage) == [(state.value, reason.value)]
    look_later(stage, WEEKS)
    assert standing(stage)[0] is _S.SETTLED
    assert [one for one, _ in told(stage)][-1] == "settled"
    asked = len(stage.meta.witnessed)
    look_later(stage)
    assert not [one for one in stage.meta.witnessed[asked:] if one.method in {"ad_sets", "insights_of"}]


def test_the_log_says_why_in_either_language() -> None:
    stage = completed()
    pause_by_hand(stage)
    look_later(stage)
    (paused,) = stage.events("campaign_paused")
    assert render(paused.message, "en") == "The final campaign is paused: somebody paused it at Meta"
    assert render(paused.message, "es") == "La campaña final está en pausa: alguien la pausó en Meta"


def test_a_campaign_that_somebody_switches_on_again_delivers_again() -> None:
    stage = completed()
    pause_by_hand(stage)
    look_later(stage)
    stage.touch("final/adset", status="ACTIVE")
    look_later(stage)
    assert standing(stage) == (_S.DELIVERING, None)
    assert [one for one, _ in told(stage)] == ["paused", "delivering"]


@pytest.mark.parametrize(("change", "reads"), [(None, 0), (pause_by_hand, 0), (refuse, 1)])
def test_only_why_meta_refuses_an_ad_is_asked_of_meta(
    change: Callable[[SweepStage], None] | None, reads: int
) -> None:
    stage = completed()
    if change is not None:
        change(stage)
    look_later(stage)
    asked = len(stage.meta.witnessed)
    look_later(stage)
    made = [one.method for one in stage.meta.witnessed[asked:]]
    assert made.count("find") == 3  # one listing of campaigns, ad sets and ads each
    assert made.count("read") == reads
    assert made.count("ad_sets") == 1


def test_an_ad_whose_refusal_cannot_be_read_is_told_at_a_later_look() -> None:
    stage = completed()
    refuse(stage)
    stage.meta.troubles = [
        PlannedFault("read", MetaTransientError("try later"), len(stage.meta.made("read")) + 1, 9)
    ]
    look_later(stage)
    assert standing(stage)[0] is _S.DELIVERING
    (problem,) = stage.stored_watch().report["campaigns"]["problems"]
    assert "try later" in english(Message.from_record(problem))
    stage.meta.troubles = []
    look_later(stage)
    assert (standing(stage)[0], len(told(stage))) == (_S.REFUSED, 1)


def test_a_run_that_is_cancelled_before_its_campaign_was_on_leaves_it_settled_with_nothing_spent() -> None:
    stage = SweepStage()
    stage.go(RunStatus.PUBLISHING_FINAL)
    stage.approvals.cancel(stage.run_id, "manager")
    assert stage.go().status is RunStatus.CANCELLED
    kept = campaign_of(stage)
    assert (kept.state, kept.reason) == (_S.SETTLED, Reason.RUN_ENDED)
    assert kept.spent is not None
    assert kept.spent.minor == 0


def deliver_again(stage: SweepStage) -> None:
    stage.meta.review = None


def let_pass(stage: SweepStage) -> None:
    stage.clock.advance_to(stage.clock.now() + WEEKS)


@pytest.mark.slow
def test_a_look_that_dies_at_any_moment_neither_loses_a_move_nor_repeats_one() -> None:
    stage = completed()
    for change, states in (
        (refuse, ["refused"]),
        (deliver_again, ["delivering"]),
        (pause_by_hand, ["paused"]),
        (let_pass, ["ended", "settled"]),
    ):
        change(stage)
        stage.clock.advance_to(stage.clock.now() + AN_AGE)
        before, crash_at, crashes = stage.database.tables.copy(), 0, -1
        known = told(stage)
        while (
            stage.crashes > crashes
        ):  # a look writes nothing to Meta here, so that the next one can die elsewhere
            crashes, crash_at = stage.crashes, crash_at + 1
            stage.database.tables = before.copy()
            stage.meta.crash_plan = CrashPlan(crash_at)
            with stage.may_crash():
                stage.at_look()
            stage.at_look()
            assert [one for one, _ in told(stage)[len(known) :]] == states, crash_at
            assert standing(stage)[0].value == states[-1], crash_at
            assert (stage.now_run.attention is not None) is (change is refuse), crash_at
        assert crash_at > len(states) + 10


def test_a_restored_database_catches_up_with_meta_and_moves_nothing_back() -> None:
    stage = completed()
    backup = stage.database.tables.copy()
    delete(stage)
    look_later(stage)
    stage.database.tables = backup
    stage.start()
    assert standing(stage)[0] is _S.DELIVERING
    look_later(stage)
    assert standing(stage) == (_S.ENDED, Reason.GONE)
    stage.database.tables = backup.copy()
    look_later(stage, WEEKS)
    assert standing(stage)[0] is _S.SETTLED
