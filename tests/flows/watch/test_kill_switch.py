"""The kill switch: in whatever status it strikes, everything of ours ends up off, and Meta has shown it."""

from datetime import timedelta

import pytest

from autopublisher.adapters.memory.meta_ads import StoredObject
from autopublisher.domain.accounts.watches import Watch, meta_answer
from autopublisher.domain.errors import (
    ConflictError,
    InvalidRequestError,
    MetaAuthorisationError,
    MetaError,
    MetaRefusedError,
    MetaThrottledError,
)
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.messages import Message
from autopublisher.domain.runs.run import FINAL, RunStatus
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.requests.refusals import Refusal
from autopublisher.flows.watch.resume import Reactivation
from autopublisher.flows.watch.sweeper import Sweeper
from autopublisher.ports.work import Tick
from support.staging import PlannedFault, cut_off, once
from support.stop_staging import StopStage, completed, stage_in
from support.sweep_staging import SweepStage
from support.wording import english

FREEING = [
    ("final/adset", "lifetime_budget", "90000"),
    ("final/adset", "end_time", "2027-11-30T00:00:00+0100"),
    ("final/campaign", "spend_cap", "0"),
]
"""Changes at Meta by which a final campaign could spend more than is set aside for it."""

_R = RunStatus
UNDER_WAY = [one for one in _R if one not in FINAL and one is not _R.WAITING_APPROVAL]


# --- stopping -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [*UNDER_WAY, _R.WAITING_APPROVAL])
def test_a_stop_in_any_status_ends_with_everything_confirmed_off(status: RunStatus) -> None:
    stage = stage_in(status)
    stage.stop()
    view = stage.enforced()
    assert view.confirmed
    assert stage.on() == []


@pytest.mark.parametrize("status", [*UNDER_WAY, _R.WAITING_APPROVAL])
def test_a_held_run_rests_where_it_stands_and_says_who_stopped_it(status: RunStatus) -> None:
    stage = stage_in(status)
    stage.stop()
    stage.enforced()
    run = stage.now_run
    assert (run.status, run.next_tick_at, run.ending.why) == (status, None, None)
    assert english(run.attention) == "stopped by ana: the price is wrong"


def test_a_completed_runs_final_campaign_is_switched_off() -> None:
    stage = completed()
    assert len(stage.on()) == 3
    stage.stop()
    view = stage.enforced()
    assert stage.on() == []
    assert {line.state for line in view.accounts[0].report.objects} == {"PAUSED"}  # type: ignore[union-attr]
    assert len(view.accounts[0].report.objects) == 3  # type: ignore[union-attr]


def test_campaigns_are_switched_off_before_ad_sets_and_ads() -> None:
    stage = stage_in(_R.AB_TESTING)
    stage.step()
    stage.stop()
    before = len(stage.meta.witnessed)
    stage.look()
    kinds = [
        stage.meta.objects[MetaId(one.subject)].kind
        for one in stage.meta.witnessed[before:]
        if one.method == "update"
    ]
    assert kinds == [ObjectKind.CAMPAIGN] * 2 + [ObjectKind.AD_SET] * 2 + [ObjectKind.AD] * 2


def test_a_stop_of_the_account_alone_does_the_same() -> None:
    stage = stage_in(_R.AB_TESTING)
    stage.stop(everything=False)
    assert stage.enforced().stop.act_id == stage.now_run.act_id
    assert stage.on() == []


def test_a_stop_needs_a_reason() -> None:
    with pytest.raises(InvalidRequestError):
        StopStage().stops.stop(None, "  ", "ana")


def test_pressing_again_is_the_same_stop_and_another_look() -> None:
    stage = stage_in(_R.AB_TESTING)
    first = stage.stop()
    stage.enforced()
    version = stage.stored_watch().version
    assert stage.stop().stop == first.stop
    assert stage.stored_watch().version > version


def test_what_had_been_switched_off_already_is_confirmed_without_a_write() -> None:
    stage = completed()
    for one in stage.on():
        one.fields["status"] = "PAUSED"
    stage.clock.advance_to(stage.clock.now() + timedelta(hours=1))
    stage.stop()
    before = len(stage.meta.witnessed)
    assert stage.enforced(looks=1).confirmed
    assert stage.writes_after(before) == []


def test_a_run_asked_for_while_everything_is_stopped_waits() -> None:
    stage = StopStage()
    stage.stop()
    stage.step()
    assert (stage.now_run.status, stage.now_run.next_tick_at) == (_R.PENDING, None)
    assert stage.meta.objects == {}


@pytest.mark.parametrize("status", UNDER_WAY)
def test_nothing_but_switching_off_is_written_while_a_stop_holds(status: RunStatus) -> None:
    stage = stage_in(status)
    stage.stop()
    before = len(stage.meta.witnessed)
    stage.step()
    stage.enforced()
    assert [one for one in stage.writes_after(before) if one.get("status") != "PAUSED"] == []


@pytest.mark.parametrize(
    ("method", "together"), [("create", 1), ("update", 1), ("upload_image", 1), ("write_together", 10)]
)
def test_a_tick_under_way_makes_no_further_call_once_the_stop_is_stored(method: str, together: int) -> None:
    stage = stage_in(_R.CREATING_CAMPAIGNS)
    stage.meta.most_together = together
    stored_at: list[int] = []

    def press() -> None:
        stage.stop()
        stored_at.append(len(stage.meta.witnessed))

    stage.meta.on_call = once(method, press)
    while not stored_at:
        stage.step()
    under_way = sum(one.params["number"] for one in stage.meta.made("write_together"))
    assert len(stage.writes_after(stored_at[0])) == under_way
    assert english(stage.now_run.attention) == "stopped by ana: the price is wrong"


def test_a_worker_that_is_busy_with_the_run_writes_nothing_after_the_account_was_looked_at() -> None:
    stage = stage_in(_R.CREATING_CAMPAIGNS)
    stage.meta.most_together = 1
    looked_at: list[int] = []

    def stop_elsewhere() -> None:
        stage.stop()
        stage.enforced()
        looked_at.append(len(stage.meta.witnessed))

    stage.meta.on_call = once("update", stop_elsewhere)
    while not looked_at:
        stage.step()
    assert [one for one in stage.writes_after(looked_at[0]) if one.get("status") != "PAUSED"] == []
    assert stage.enforced().confirmed
    assert stage.on() == []


# --- trouble --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [MetaThrottledError("too many calls"), MetaRefusedError("(#100) no such field", code=100)]
)
def test_a_read_that_is_throttled_or_refused_does_not_delay_a_pause(error: MetaError) -> None:
    stage = stage_in(_R.AB_TESTING)
    stage.step()
    stage.meta.troubles = [PlannedFault(method, error, 1, 10_000) for method in ("read", "find")]
    stage.stop()
    stage.look()
    assert stage.on() == []
    (held,) = stage.stops.holding()
    assert not stage.stops.view(held.id).confirmed


def test_a_lost_token_is_reported_as_not_confirmed_object_by_object() -> None:
    stage = completed()
    lost = MetaAuthorisationError("the token is not valid any more", code=190)
    stage.meta.troubles = [PlannedFault(method, lost, 1, 10_000) for method in ("read", "find", "update")]
    stage.stop()
    stage.look()
    (held,) = stage.stops.holding()
    (account,) = stage.stops.view(held.id).accounts
    assert not account.confirmed
    assert len([line for line in account.open_lines if "token is not valid" in english(line)]) == 6
    stage.meta.troubles = []
    assert stage.enforced().confirmed
    assert stage.on() == []


def test_a_pause_whose_answer_is_lost_is_confirmed_by_reading() -> None:
    stage = completed()
    stage.meta.troubles = [PlannedFault("update", cut_off(), len(stage.meta.made("update")) + 1, 2)]
    stage.stop()
    assert stage.enforced().confirmed
    assert stage.on() == []


def test_what_somebody_switches_on_again_while_stopped_is_switched_off_again() -> None:
    stage = completed()
    stage.stop()
    stage.enforced()
    for one in stage.meta.objects.values():
        if one.kind is ObjectKind.CAMPAIGN:
            one.fields["status"] = "ACTIVE"
    stage.look()
    assert stage.on() == []


def test_an_object_of_ours_that_no_journal_knows_is_switched_off() -> None:
    stage = StopStage()
    stage.meta.objects[MetaId("777")] = StoredObject(
        stage.now_run.act_id,
        ObjectKind.CAMPAIGN,
        {"id": "777", "name": "Old [ap-00000000deadbeef-a.campaign]", "status": "ACTIVE"},
    )
    stage.stop()
    view = stage.enforced()
    assert stage.on() == []
    assert [line.meta_id for line in view.accounts[0].report.objects] == ["777"]  # type: ignore[union-attr]


def test_a_second_object_of_a_run_is_taken_into_its_journal_and_switched_off() -> None:
    stage = completed()
    original = next(key for key, one in stage.meta.objects.items() if "Final" in one.fields.get("name", ""))
    stage.meta.copy_of(original)
    stage.stop()
    stage.enforced()
    assert stage.on() == []
    assert any(row.key.startswith("duplicate/") for row in stage.rows())


def test_what_is_not_ours_is_left_alone() -> None:
    stage = StopStage()
    stage.meta.objects[MetaId("888")] = StoredObject(
        stage.now_run.act_id, ObjectKind.CAMPAIGN, {"id": "888", "name": "Brand", "status": "ACTIVE"}
    )
    stage.stop()
    assert stage.enforced().confirmed
    assert len(stage.on()) == 1


def test_an_object_deleted_by_hand_is_confirmed_as_gone() -> None:
    stage = completed()
    for key in [key for key, one in stage.meta.objects.items() if "Final" in one.fields.get("name", "")]:
        del stage.meta.objects[key]
    stage.stop()
    view = stage.enforced()
    assert {line.state for line in view.accounts[0].report.objects} == {"GONE"}  # type: ignore[union-attr]


def test_a_run_can_be_cancelled_while_it_is_stopped() -> None:
    stage = stage_in(_R.AB_TESTING)
    stage.step()
    stage.stop()
    stage.enforced()
    stage.approvals.cancel(stage.run_id, "eva")
    assert stage.go().status is _R.CANCELLED
    assert stage.on() == []


# --- resuming -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("status", UNDER_WAY)
def test_a_run_that_was_stopped_completes_after_the_stop_is_lifted(status: RunStatus) -> None:
    stage = stage_in(status)
    stage.stop()
    stage.enforced()
    stage.resume()
    run = stage.go_on()
    assert run.status is _R.COMPLETED, run.ending.why
    assert all("Final (B)" in one.fields["name"] for one in stage.on())
    assert len(stage.on()) == 3


def test_a_tests_arms_are_switched_on_again_and_that_is_no_edit() -> None:
    stage = stage_in(_R.AB_TESTING)
    stage.step()
    stage.step()
    stage.stop()
    stage.enforced()
    stage.resume()
    stage.look()
    run = stage.step()
    assert len(stage.on()) == 6
    assert run.trial.edited_at is None
    assert run.trial.interrupted_at is not None


def test_a_test_whose_time_ran_out_while_stopped_is_not_switched_on_again() -> None:
    stage = stage_in(_R.AB_TESTING)
    stage.step()
    stage.stop()
    stage.enforced()
    stage.clock.advance_to((stage.now_run.trial.ends_at or stage.clock.now()) + timedelta(hours=1))
    stage.resume()
    stage.look()
    assert stage.step().status is _R.ANALYZING_RESULTS
    assert stage.on() == []


def test_what_a_person_had_paused_before_the_stop_stays_theirs() -> None:
    stage = stage_in(_R.AB_TESTING)
    stage.step()
    stage.clock.advance_to(stage.clock.now() + timedelta(hours=1))
    stage.at_meta("test/a/campaign")["status"] = "PAUSED"  # type: ignore[index]  # the stored fields themselves
    stage.stop()
    stage.enforced()
    stage.resume()
    stage.look()
    stage.step()
    assert stage.at_meta("test/a/campaign")["status"] == "PAUSED"
    assert stage.at_meta("test/b/campaign")["status"] == "ACTIVE"


def test_a_final_campaign_stays_paused_after_an_ordinary_resume() -> None:
    stage = completed()
    stage.stop()
    stage.enforced()
    stage.resume()
    stage.look()
    assert stage.on() == []


def test_a_final_campaign_is_switched_on_again_if_that_is_asked() -> None:
    stage = completed()
    stage.stop()
    stage.enforced()
    stage.resume(reactivate=True)
    watch = stage.look()
    assert len(stage.on()) == 3
    assert watch.report["resume"]["runs"][0]["state"] == "reactivated"


def test_a_final_campaign_whose_time_is_over_stays_paused() -> None:
    stage = completed()
    stage.stop()
    stage.enforced()
    stage.clock.advance_to(stage.clock.now() + timedelta(days=400))
    stage.resume(reactivate=True)
    watch = stage.look()
    assert stage.on() == []
    assert watch.report["resume"]["runs"][0]["why"]["code"] == RunMessage.TIME_IS_OVER
    stage.look()
    assert told_of_reactivation(stage) == ["run.left_paused why=run.time_is_over"]


def test_what_keeps_a_final_campaign_off_after_a_stop_is_told_once_and_that_it_is_on() -> None:
    stage = completed()
    stage.stop()
    stage.enforced()
    throttled = MetaThrottledError("slow down", code=17)
    stage.meta.troubles = [PlannedFault("read", throttled, 1, 10_000)]
    stage.resume(reactivate=True)
    stage.look()
    stage.look()
    waiting = told_of_reactivation(stage)
    assert [one.split()[0] for one in waiting] == ["run.not_on_yet"]
    stage.meta.troubles = []
    stage.look()
    assert told_of_reactivation(stage) == [*waiting, "run.reactivated"]


def told_of_reactivation(stage: StopStage) -> list[str]:
    told = sorted((one for state in Reactivation for one in stage.events(state)), key=lambda one: one.at)
    return [str(one.message) for one in told]


@pytest.mark.parametrize(("key", "field", "value"), FREEING)
def test_a_final_campaign_that_could_spend_more_by_now_stays_paused(key: str, field: str, value: str) -> None:
    stage = completed()
    stage.stop()
    stage.enforced()
    stage.at_meta(key)[field] = value  # type: ignore[index]  # the stored fields themselves
    before = len(stage.meta.made("update"))
    stage.resume(reactivate=True)
    watch = stage.look()
    line = watch.report["resume"]["runs"][0]
    assert line["state"] == "left_paused"
    assert str(Message.from_record(line["why"])) == f"run.freed keys=('{key}',)"
    asked = [one.params for one in stage.meta.made("update")[before:]]
    assert {"status": "ACTIVE"} not in asked


def test_what_a_person_pauses_after_a_resume_is_not_switched_on_again() -> None:
    stage = completed()
    stage.stop()
    stage.enforced()
    stage.resume(reactivate=True)
    stage.look()
    for one in stage.on():
        one.fields["status"] = "PAUSED"
    stage.look()
    assert stage.on() == []


def test_lifting_keeps_the_report_with_the_stop() -> None:
    stage = completed()
    stage.stop()
    stage.enforced()
    stage.resume()
    (view,) = stage.stops.views()
    assert (view.stop.lifted_by, view.stop.lift_reason) == ("eva", "the price is mended")
    assert view.accounts[0].confirmed
    assert len(view.accounts[0].report.objects) == 3  # type: ignore[union-attr]


def test_an_account_cannot_be_let_out_of_a_stop_of_everything() -> None:
    stage = StopStage()
    stage.stop()
    with pytest.raises(ConflictError, match=Refusal.EVERYTHING_STOPPED):
        stage.stops.resume("eva", "mended", account_id=stage.account_id)


def test_a_stop_is_lifted_once() -> None:
    stage = StopStage()
    held = stage.stop().stop
    stage.resume()
    with pytest.raises(ConflictError, match="already"):
        stage.stops.resume("eva", "mended", stop_id=held.id)


def test_lifting_one_of_two_stops_leaves_the_account_stopped() -> None:
    stage = stage_in(_R.AB_TESTING)
    stage.stop(everything=False)
    everything = stage.stop()
    stage.look()
    stage.stops.resume("eva", "mended", stop_id=everything.stop.id)
    stage.look()
    assert stage.now_run.next_tick_at is None
    assert stage.on() == []


def test_without_a_stop_a_look_leaves_runs_alone() -> None:
    stage = stage_in(_R.AB_TESTING)
    stage.stop()
    stage.resume()
    stage.look()
    before = len(stage.meta.witnessed)
    stage.look()
    assert {one.method for one in stage.meta.witnessed[before:]} == {"find", "account"}


# --- the watch ------------------------------------------------------------------------------------


def test_the_sweeper_finds_an_overdue_look() -> None:
    stage = StopStage()
    stage.stop()
    due = stage.stored_watch()
    stage.queue.done(next(one for one in stage.queue.waiting if one.tick.run_id is None))
    sweeper = Sweeper(stage.database.unit_of_work, stage.queue, stage.clock, 2)
    sweeper.sweep()
    sweeper.sweep()
    assert stage.stored_watch().version == due.version + 1


def test_a_stale_look_does_nothing() -> None:
    stage = StopStage()
    stage.stop()
    due = stage.stored_watch()
    stage.watch.look(Tick(None, due.version - 1, due.act_id))
    assert stage.stored_watch() == due


def test_a_look_that_cannot_list_the_account_is_not_done() -> None:
    stage = StopStage()
    stage.stop()
    stage.meta.troubles = [PlannedFault("find", MetaAuthorisationError("no token", code=190), 1, 100)]
    watch = stage.look()
    assert (watch.tries, watch.report["stop"]["confirmed"]) == (1, False)
    assert "no token" in english(said_of_meta(watch))


def test_a_look_keeps_whether_meta_answered_it() -> None:
    stage = SweepStage()
    stage.meta.troubles = [PlannedFault("find", MetaAuthorisationError("no token", code=190), 1, 100)]
    assert "no token" in english(said_of_meta(stage.at_look()))
    stage.meta.troubles = []
    assert said_of_meta(stage.at_look()) is None


def said_of_meta(watch: Watch) -> Message | None:
    answer = meta_answer(watch)
    assert answer is not None
    return answer.problem


@pytest.mark.slow
def test_the_verdict_of_an_interrupted_test_says_so() -> None:
    stage = stage_in(_R.AB_TESTING)
    stage.step()
    stage.stop()
    stage.enforced()
    stage.resume()
    stage.go_on(_R.SELECTING_WINNER)
    with stage.database.unit_of_work() as unit:
        last = unit.decisions.of_run(stage.run_id)[-1]
    assert "interrupted by a stop" in last.sentence_en
    assert "interrumpida por una parada" in last.sentence_es


def test_a_final_campaign_can_still_be_given_back_after_a_resume_that_left_it_off() -> None:
    stage = completed()
    stage.stop()
    stage.enforced()
    stage.resume()
    stage.look()
    assert stage.on() == []
    (left_off,) = stage.stops.views()
    assert left_off.stop.report
    stage.stops.resume("eva", "it was meant to run", account_id=stage.account_id, reactivate=True)
    stage.look()
    assert len(stage.on()) == 3
    (given_back,) = stage.stops.views()
    assert given_back.stop.report == left_off.stop.report
    with pytest.raises(ConflictError):
        stage.stops.resume("eva", "once more", account_id=stage.account_id, reactivate=True)
