"""Stops at their worst moments: in the middle of an activation, raced by other workers, lifted while things differ."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from autopublisher.adapters.memory.meta_ads import Fault, StoredObject
from autopublisher.domain.accounts.stops import LANDS_WITHIN, StopReport
from autopublisher.domain.errors import MetaRefusedError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind, OperationState
from autopublisher.domain.meta.rules import MetaHeldBackError
from autopublisher.domain.runs.reservations import off_since
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.dispatcher import build_watch
from autopublisher.flows.requests.stops import StopView
from autopublisher.flows.watch.sweeper import Sweeper
from autopublisher.ports.work import Tick
from support.simulated import ACCOUNT
from support.staging import PlannedFault, cut_off
from support.stop_staging import StopStage, completed, stage_in, unattended
from support.wording import english

_R = RunStatus
SWITCHED = frozenset({ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD})


def view_of(stage: StopStage) -> StopView:
    (held,) = stage.stops.holding()
    return stage.stops.view(held.id)


def report_of(stage: StopStage) -> StopReport:
    report = view_of(stage).accounts[0].report
    assert report is not None
    return report


def later(stage: StopStage, **span: float) -> None:
    stage.clock.advance_to(stage.clock.now() + timedelta(**span))


def switch(stage: StopStage, status: str, wanted: str = "") -> None:
    """Do as a person does in Ads Manager, to everything whose name contains ``wanted``."""
    for one in stage.meta.objects.values():
        if one.kind in SWITCHED and wanted in one.fields["name"]:
            one.fields["status"] = status


def in_mid_activation(stage: StopStage, act: Callable[[], None]) -> list[bool]:
    """Have something done in the middle of the first call that switches a campaign on; the list then has an entry."""
    done: list[bool] = []

    def listen(_number: int, method: str) -> None:
        last = stage.meta.witnessed[-1]
        if done or method != "update" or last.params != {"status": "ACTIVE"}:
            return
        if stage.meta.objects[MetaId(last.subject)].kind is ObjectKind.CAMPAIGN:
            done.append(True)
            act()

    stage.meta.on_call = listen
    return done


def stopped_in_mid_activation(status: RunStatus) -> StopStage:
    """Stop a run in the middle of switching a campaign on, wait until all is off, and lift the stop."""
    stage = stage_in(status)

    def press() -> None:
        stage.stop()
        stage.look()

    done = in_mid_activation(stage, press)
    while not done:
        stage.step()
    stage.enforced()
    later(stage, minutes=20)
    stage.resume()
    return stage


def next_of_both(stage: StopStage) -> Run:
    """Do what comes next, the run's tick or the account's look."""
    run = stage.now_run
    if run.next_tick_at is None or stage.stored_watch().next_look_at <= run.next_tick_at:
        stage.look()
        return stage.now_run
    return stage.step()


# --- what is on although it was off ---------------------------------------------------------------


def test_what_a_person_switches_on_again_in_a_run_under_way_is_switched_off_again() -> None:
    stage = stage_in(_R.AB_TESTING)
    stage.step()
    stage.stop()
    later(stage, seconds=5)
    stage.enforced()
    switch(stage, "ACTIVE")
    stage.look()
    assert stage.on() == []


def test_two_strays_of_one_name_are_two_lines() -> None:
    stage = StopStage()
    name = "Old [ap-00000000deadbeef-a.campaign]"
    for stray in ("777", "778"):
        fields = {"id": stray, "name": name, "status": "ACTIVE"}
        stage.meta.objects[MetaId(stray)] = StoredObject(stage.now_run.act_id, ObjectKind.CAMPAIGN, fields)
    refused = MetaRefusedError("cannot be changed", code=100)
    stage.meta.troubles = [PlannedFault("update", refused)]
    stage.stop()
    stage.look()
    assert sorted(line.confirmed for line in report_of(stage).objects) == [False, True]


# --- a stop in the middle of an activation --------------------------------------------------------


@pytest.mark.slow
def test_an_activation_that_a_stop_overtook_is_no_edit_of_the_test() -> None:
    stage = stopped_in_mid_activation(_R.CREATING_CAMPAIGNS)
    while not stage.now_run.is_final and stage.now_run.trial.edited_at is None:
        next_of_both(stage)
    assert (stage.now_run.status, stage.now_run.trial.edited_at) == (_R.COMPLETED, None)


def test_an_activation_that_a_stop_overtook_is_withdrawn_and_a_new_one_is_made() -> None:
    stage = stopped_in_mid_activation(_R.CREATING_CAMPAIGNS)
    stage.go_on(_R.AB_TESTING)
    made = [row for row in stage.rows() if row.key.startswith("activate/test/a/campaign/")]
    assert [row.state for row in made] == [OperationState.WITHDRAWN, OperationState.CONFIRMED]
    assert made[1].sequence > stage.row("stop/test/a/campaign/1").sequence


def test_a_final_campaign_that_was_stopped_in_mid_activation_counts_as_on_afterwards() -> None:
    stage = stopped_in_mid_activation(_R.PUBLISHING_FINAL)
    assert stage.go_on().status is _R.COMPLETED
    assert off_since(stage.row("final/adset"), stage.rows()) is None


def test_the_reconciliation_leaves_a_final_campaign_on_that_was_stopped_in_mid_activation() -> None:
    stage = stopped_in_mid_activation(_R.PUBLISHING_FINAL)
    stage.go_on()
    for _ in range(4):
        stage.look()
    assert len(stage.on()) == 3


def test_what_a_person_pauses_after_a_stop_in_mid_activation_stays_paused() -> None:
    stage = stopped_in_mid_activation(_R.CREATING_CAMPAIGNS)
    while stage.now_run.trial.starts_at is None:
        next_of_both(stage)
    switch(stage, "PAUSED", stage.at_meta("test/a/campaign")["name"])
    stage.step()
    stage.step()
    assert stage.at_meta("test/a/campaign")["status"] == "PAUSED"


# --- an activation that lands after the pause -----------------------------------------------------


def lose_the_call(stage: StopStage, *, done: bool) -> None:
    """Let no answer come to the update that is just being made, nor to the read after it."""
    stage.meta.faults.append(Fault(cut_off(), "update", done))
    stage.meta.troubles = [PlannedFault("read", cut_off(), 1 + len(stage.meta.made("read")))]


def stopped_in_mid_reactivation(*, landing: bool = True) -> tuple[StopStage, list[StopReport]]:
    """Stop again while a worker switches a final campaign on; another one looks before the call lands, if it does."""
    stage = completed()
    stage.stop()
    stage.enforced()
    later(stage, hours=1)
    stage.resume(reactivate=True)
    seen: list[StopReport] = []

    def press_and_look_elsewhere() -> None:
        stage.stop()
        other = build_watch(stage.open_unit, stage.meta, stage.storage, stage.clock, stage.queue, stage.pace)
        due = stage.stored_watch()
        other.look(Tick(None, due.version, due.act_id))
        seen.append(report_of(stage))
        if not landing:
            lose_the_call(stage, done=False)

    done = in_mid_activation(stage, press_and_look_elsewhere)
    while not done:
        stage.look()
    return stage, seen


def test_a_completed_runs_object_is_not_confirmed_off_while_its_activation_may_land() -> None:
    _, (seen,) = stopped_in_mid_reactivation()
    (line,) = [one for one in seen.objects if one.key == "final/campaign"]
    assert (line.state, line.confirmed) == ("PAUSED", False)
    assert "may still take effect" in english(line.why)


def test_what_an_activation_switched_on_after_the_pause_is_switched_off_before_anything_is_confirmed() -> (
    None
):
    stage, _ = stopped_in_mid_reactivation()
    assert len(stage.on()) == 1
    stage.enforced()
    assert stage.on() == []


def test_an_activation_that_never_lands_is_waited_for_no_longer_than_it_can_take() -> None:
    stage, _ = stopped_in_mid_reactivation(landing=False)
    begun = stage.clock.now()
    stage.enforced()
    assert LANDS_WITHIN < stage.clock.now() - begun < LANDS_WITHIN * 3


def test_an_object_whose_activation_has_had_its_time_is_read_once_more_and_no_longer() -> None:
    stage, _ = stopped_in_mid_reactivation(landing=False)
    stage.enforced()
    before = len(stage.meta.witnessed)
    stage.look()
    assert {one.method for one in stage.meta.witnessed[before:]} == {
        "find",
        "account",
        "ad_sets",
    }  # figures of what has ended


def test_a_completed_runs_activation_whose_answer_was_lost_is_answered_with_a_pause_whatever_was_read() -> (
    None
):
    stage = completed()
    stage.stop()
    later(stage, seconds=5)
    stage.enforced()
    later(stage, hours=1)
    stage.resume(reactivate=True)
    in_mid_activation(stage, lambda: lose_the_call(stage, done=True))
    while len(stage.on()) < 3:
        stage.look()
    later(stage, minutes=5)
    with stage.database.unit_of_work() as unit:
        model = next(one for one in unit.records.objects(stage.run_id) if one.key == "final/campaign")
        unit.records.put_objects([replace(model, status="PAUSED", read_at=stage.clock.now())])  # a late read
        unit.commit()
    stage.stop()
    stage.meta.blind = 3  # the account's list lags behind for a moment
    stage.look()
    assert stage.at_meta("final/campaign")["status"] == "PAUSED"


# --- reports --------------------------------------------------------------------------------------


def test_the_report_of_a_look_outlives_another_press() -> None:
    stage = stage_in(_R.AB_TESTING)
    stage.step()
    stage.stop()
    left = [True]

    def press_again(_number: int, method: str) -> None:
        if method == "update" and left:
            left.pop()
            stage.stop()

    stage.meta.on_call = press_again
    stage.look()
    assert len(report_of(stage).objects) == 6


def test_the_report_of_a_look_outlives_the_sweeper_that_took_it_for_lost() -> None:
    stage = stage_in(_R.AB_TESTING)
    stage.step()
    stage.stop()
    sweeper = Sweeper(stage.open_unit, stage.queue, stage.clock, 10)

    def sweep_twice(_number: int, method: str) -> None:
        for _ in range(2 if method == "update" else 0):
            sweeper.sweep()

    stage.meta.on_call = sweep_twice
    stage.look()
    assert len(report_of(stage).objects) == 6


# --- what a lifting gives back --------------------------------------------------------------------


def test_a_reactivation_does_not_undo_what_an_earlier_lifting_had_left_off() -> None:
    stage = completed()
    stage.stop()
    stage.enforced()
    stage.resume()
    stage.look()
    later(stage, hours=6)
    stage.stop()
    stage.enforced()
    stage.resume(reactivate=True)
    for _ in range(4):
        stage.look()
    assert stage.on() == []


def test_a_reactivation_leaves_off_what_a_person_had_switched_off_between_two_stops() -> None:
    stage = completed()
    stage.stop()
    stage.enforced()
    stage.resume()
    stage.look()
    switch(stage, "ACTIVE", "Final")
    later(stage, hours=6)
    switch(stage, "PAUSED", "Final")
    later(stage, hours=6)
    stage.stop()
    stage.enforced()
    stage.resume(reactivate=True)
    stage.look()
    assert stage.on() == []


def test_a_reactivation_gives_back_what_two_stops_in_a_row_had_held() -> None:
    stage = completed()
    everything = stage.stop()
    stage.enforced()
    later(stage, hours=1)
    stage.stop(everything=False)
    stage.stops.resume("eva", "mended", stop_id=everything.stop.id)
    later(stage, hours=1)
    stage.resume(reactivate=True)
    stage.look()
    assert len(stage.on()) == 3


@pytest.mark.parametrize("order", [1, -1])
def test_a_final_campaign_that_a_limit_refuses_does_not_keep_another_from_coming_back(order: int) -> None:
    whole = unattended()
    half = replace(whole.budget_config, scaling_factor=whole.budget_config.scaling_factor / 2)
    first, second = [whole, replace(whole, budget_config=half)][::order]
    stage = StopStage(first)
    stage.intake.submit(second, "tester")
    stage.drive_all(lambda runs: all(run.is_final for run in runs))
    stage.stop()
    stage.enforced()
    later(stage, days=1)
    with stage.database.unit_of_work() as unit:
        unit.accounts.save(replace(unit.accounts.get(ACCOUNT), daily_limit=9000))
        unit.commit()
    stage.resume(reactivate=True)
    for _ in range(8):
        watch = stage.look()
    assert sorted(line["state"] for line in watch.report["resume"]["runs"]) == ["left_paused", "reactivated"]


# --- stops that fall between the arms -------------------------------------------------------------


def test_hours_in_the_dark_while_the_arms_are_extended_are_no_test_time() -> None:
    stage = StopStage(unattended())
    stage.meta.review = "PENDING_REVIEW"
    stage.go(_R.AB_TESTING)
    for _ in range(8):
        stage.step()
    stage.meta.review = None
    second = len(stage.meta.made("update")) + 2
    stage.meta.troubles = [PlannedFault("update", cut_off(), nth=second)]
    stage.step()
    assert stage.now_run.trial.starts_at is None
    extended = [row.state for row in stage.rows() if row.key.startswith("extend/test/")]
    assert extended == [OperationState.CONFIRMED, OperationState.INTENDED]
    stage.stop()
    stage.enforced()
    later(stage, hours=4)
    stage.resume()
    resumed_at = stage.clock.now()
    stage.look()
    while (run := stage.now_run).trial.starts_at is None:
        stage.step()
    assert run.trial.starts_at >= resumed_at
    arms = [stage.at_meta(f"test/{letter}/adset") for letter in "ab"]
    assert {datetime.fromisoformat(arm["end_time"]) for arm in arms} == {
        (run.trial.ends_at or resumed_at).replace(microsecond=0)
    }


def test_an_activation_that_was_held_back_has_started_nothing_and_a_test_stopped_for_days_is_moved() -> None:
    stage = StopStage(unattended())
    stage.meta.most_together = 1
    now = stage.clock.now()
    held_back = MetaHeldBackError("90 % used", retry_at=now + timedelta(minutes=5))
    update, left = stage.meta.update, [held_back]

    def first_held_back(meta_id: MetaId, params: Mapping[str, Any]) -> None:
        if params.get("status") == "ACTIVE" and left:
            raise left.pop()
        update(meta_id, params)

    stage.meta.update = first_held_back  # type: ignore[method-assign]
    while left:
        stage.step()
    (waiting,) = [row for row in stage.rows() if row.key.startswith("activate/")]
    assert (waiting.state, waiting.attempts, waiting.sent_at) == (OperationState.INTENDED, 0, None)
    stage.stop()
    stage.enforced()
    later(stage, hours=60)
    stage.resume()
    run = stage.go_on(_R.ANALYZING_RESULTS)
    assert run.ending.why is None
    assert run.status is _R.ANALYZING_RESULTS
