"""A run from tick to tick: in turn, on time, never by a stale worker, and to an end whatever is asked of it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from autopublisher.domain.errors import MetaAuthorisationError, MetaHumanNeededError, MetaTransientError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.request.request import NoWinner, Strategy
from autopublisher.domain.runs.run import ADMITTED, RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from autopublisher.flows.watch.sweeper import Sweeper
from autopublisher.flows.writes.objects import TREE
from autopublisher.ports.work import Tick
from support.crashing_machine import START
from support.simulated import brief_request
from support.staging import TEST_OBJECTS, PlannedFault, Stage, cut_off, once, with_test
from support.wording import english

# --- ticks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [0, 1, 3, 99])
def test_a_stale_tick_does_nothing(version: int) -> None:
    stage = Stage()
    run = stage.step()
    calls = len(stage.meta.witnessed)
    stage.orchestrator.advance(Tick(run.id, version, run.act_id))
    assert stage.now_run == run
    assert len(stage.meta.witnessed) == calls


def test_a_tick_of_an_ended_run_does_nothing() -> None:
    stage = Stage()
    stage.approvals.cancel(stage.run_id, "manager")
    run = stage.go()
    stage.orchestrator.advance(stage.tick_of(run))
    assert stage.now_run == run


def test_every_tick_raises_the_version_by_one() -> None:
    stage = Stage()
    versions = [stage.now_run.version] + [stage.step().version for _ in range(6)]
    assert versions == list(range(1, 8))


def test_a_due_tick_is_enqueued_with_the_version_that_it_is_for() -> None:
    stage = Stage()
    run = stage.step()
    assert stage.tick_of(run) in [waiting.tick for waiting in stage.queue.waiting]


def test_a_failed_read_puts_the_run_off_longer_each_time_up_to_an_hour() -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("account", MetaTransientError("down"), nth=2, times=12)]
    waits = []
    while stage.now_run.status is RunStatus.PENDING:
        run = stage.step()
        waits.append((run.next_tick_at or START) - stage.clock.now())
    assert waits[:4] == [timedelta(seconds=seconds) for seconds in (30, 60, 120, 240)]
    assert max(waits) == timedelta(hours=1)
    assert stage.now_run.failed_ticks == 0


@pytest.mark.parametrize("kind", [MetaAuthorisationError, MetaHumanNeededError])
def test_what_needs_a_person_is_said_to_people(
    kind: type[MetaAuthorisationError | MetaHumanNeededError],
) -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("account", kind("act in Ads Manager"), nth=2)]
    assert "act in Ads Manager" in english(stage.step().attention)
    assert len(stage.events("needs_person")) == 1
    assert stage.go(RunStatus.AB_TESTING).attention is None


# --- admission ------------------------------------------------------------------------------------


def crowded_stage(runs: int, at_once: int) -> Stage:
    request = with_test(test_duration_hours=6, embargo_hours=1, settle_hours=0, on_no_winner=NoWinner.STOP)
    request = replace(request, require_human_approval=False)
    stage = Stage(request, EngineConfig(most_runs_at_once=at_once, poll=timedelta(hours=6)))
    for _ in range(runs - 1):
        stage.clock.advance_to(stage.clock.now() + timedelta(seconds=1))
        stage.intake.submit(request, "tester")
    return stage


def test_no_more_runs_are_let_in_than_may_run_at_once() -> None:
    stage = crowded_stage(runs=5, at_once=2)
    most = 0

    def watch(runs: object) -> bool:
        nonlocal most
        assert isinstance(runs, list)
        most = max(most, sum(run.status in ADMITTED for run in runs))
        return False

    ended = stage.drive_all(watch)
    assert most == 2
    assert [run.status for run in ended] == [RunStatus.COMPLETED] * 5


def test_runs_are_let_in_in_the_order_in_which_they_came() -> None:
    stage = crowded_stage(runs=3, at_once=1)
    ended = stage.drive_all(lambda _runs: False)
    admitted = [run.admitted_at for run in ended]  # oldest run first
    assert admitted == sorted(admitted, key=lambda moment: moment or START)
    assert None not in admitted


def test_a_younger_run_does_not_take_the_place_of_an_older_one_that_waits() -> None:
    stage = crowded_stage(runs=1, at_once=1)
    stage.clock.advance_to(stage.clock.now() + timedelta(seconds=1))
    younger = stage.intake.submit(brief_request(), "tester").id
    stage.tick(younger)  # its tick happens to come first
    assert stage.run(younger).status is RunStatus.PENDING
    assert stage.step().status is RunStatus.CREATING_CAMPAIGNS


def test_an_end_wakes_the_run_whose_turn_it_is_and_no_other() -> None:
    stage = crowded_stage(runs=30, at_once=1)
    runs = stage.drive_all(lambda runs: sum(run.attention is not None for run in runs) == 29)
    before = {run.id: run.version for run in runs}
    stage.approvals.cancel(runs[0].id, "manager")
    stage.drive(runs[0].id)
    woken = [run.id for run in map(stage.run, before) if run.version > before[run.id]]
    assert woken == [runs[0].id, runs[1].id]


def test_two_ends_wake_two_runs_though_none_has_been_ticked_between() -> None:
    stage = crowded_stage(runs=6, at_once=2)
    runs = stage.drive_all(lambda runs: sum(run.attention is not None for run in runs) == 4)
    before = {run.id: run.version for run in runs}
    for run in runs[:2]:
        stage.approvals.cancel(run.id, "manager")
    for run in runs[:2]:
        stage.drive(run.id)
    woken = [run.id for run in map(stage.run, before) if run.version > before[run.id]]
    assert woken == [run.id for run in runs[:4]]


def test_a_waiting_run_says_what_it_waits_for() -> None:
    stage = crowded_stage(runs=2, at_once=1)
    runs = stage.drive_all(lambda runs: any(run.attention for run in runs))
    assert [english(run.attention) for run in runs] == ["", "waiting for another run to end"]


def test_a_scheduled_run_starts_on_time_and_not_before() -> None:
    moment = START + timedelta(hours=5)
    stage = Stage(brief_request(scheduled_for=moment))
    assert stage.now_run.next_tick_at == moment
    stage.orchestrator.advance(stage.tick_of(stage.now_run))  # a nudge before its time
    assert stage.now_run.status is RunStatus.PENDING
    assert stage.go(RunStatus.CREATING_CAMPAIGNS).admitted_at == moment


def test_a_schedule_that_is_late_says_by_how_much() -> None:
    moment = START + timedelta(hours=5)
    stage = Stage(brief_request(scheduled_for=moment))
    stage.clock.advance_to(moment + timedelta(hours=3, minutes=20))  # nobody worked meanwhile
    run = stage.go(RunStatus.CREATING_CAMPAIGNS)
    assert english(run.warnings[-1]).startswith("Scheduled for 2026-")
    assert "begun 3 h 20 min later" in english(run.warnings[-1])
    with stage.database.unit_of_work() as unit:
        tags = [one.tag for one in unit.observations.events(run.id)]
    assert "orchestrator:run:late" in tags


def test_a_schedule_that_is_kept_says_nothing() -> None:
    stage = Stage(brief_request(scheduled_for=START + timedelta(hours=5)))
    assert not any("later" in english(one) for one in stage.go(RunStatus.CREATING_CAMPAIGNS).warnings)


def test_a_run_scheduled_for_later_takes_nobodys_place() -> None:
    stage = Stage(brief_request(scheduled_for=START + timedelta(days=30)), EngineConfig(most_runs_at_once=1))
    stage.clock.advance_to(START + timedelta(minutes=1))
    second = stage.intake.submit(brief_request(), "tester").id
    stage.tick(second)
    assert stage.run(second).status is RunStatus.CREATING_CAMPAIGNS


def test_a_request_that_meta_would_refuse_by_now_fails_before_anything_is_created() -> None:
    stage = Stage()
    stage.meta.facts = replace(stage.meta.facts, status=2)
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert "account status 2" in english(run.ending.why)
    assert stage.meta.objects == {}


# --- sweeping -------------------------------------------------------------------------------------


def test_the_sweeper_enqueues_an_overdue_run_again() -> None:
    stage = Stage()
    run = stage.step()
    for waiting in list(stage.queue.waiting):
        stage.queue.done(waiting)
    lost = stage.overwrite(next_tick_at=run.next_tick_at)  # committed, but its tick never came
    assert Sweeper(stage.open_unit, stage.queue, stage.clock, 3).sweep() == 1
    assert [waiting.tick for waiting in stage.queue.waiting] == [stage.tick_of(lost)]


def test_the_sweeper_leaves_runs_alone_that_are_not_due() -> None:
    stage = Stage(brief_request(scheduled_for=START + timedelta(hours=1)))
    assert Sweeper(stage.open_unit, stage.queue, stage.clock, 1).sweep() == 0
    assert stage.queue.waiting == ()


def test_the_sweeper_lifts_a_run_whose_tick_has_died_to_a_new_version() -> None:
    stage = Stage()
    version = stage.now_run.version
    sweeper = Sweeper(stage.open_unit, stage.queue, stage.clock, 3)
    versions = [(sweeper.sweep(), stage.now_run.version)[1] for _ in range(3)]
    assert versions == [version, version, version + 1]
    assert len(stage.events("lifted")) == 1
    assert stage.tick_of(stage.now_run) in [waiting.tick for waiting in stage.queue.waiting]


def test_the_sweeper_counts_anew_for_a_run_that_moves() -> None:
    stage = Stage()
    sweeper = Sweeper(stage.open_unit, stage.queue, stage.clock, 3)
    for _ in range(2):
        sweeper.sweep()
    stage.step()
    version = stage.now_run.version
    for _ in range(2):
        sweeper.sweep()
    assert stage.now_run.version == version


def test_lifting_a_run_whose_tick_still_works_makes_nothing_twice() -> None:
    stage = Stage()
    stage.step()
    sweeper = Sweeper(stage.open_unit, stage.queue, stage.clock, 1)
    stage.meta.on_call = once("create", lambda: assert_one(sweeper.sweep()))
    stage.go(RunStatus.AB_TESTING)
    assert stage.kinds() == TEST_OBJECTS


def assert_one(count: int) -> None:
    assert count == 1


# --- cancelling -----------------------------------------------------------------------------------

CANCELLABLE = (
    RunStatus.PENDING,
    RunStatus.CREATING_CAMPAIGNS,
    RunStatus.AB_TESTING,
    RunStatus.ANALYZING_RESULTS,
    RunStatus.SELECTING_WINNER,
    RunStatus.WAITING_APPROVAL,
    RunStatus.SCALING_BUDGET,
    RunStatus.PUBLISHING_FINAL,
)


def stage_in(status: RunStatus) -> Stage:
    stage = Stage()
    stage.go(status, RunStatus.WAITING_APPROVAL)
    if status is not stage.now_run.status:
        stage.approvals.publish_winner(stage.run_id, "manager")
        stage.go(status)
    assert stage.now_run.status is status
    return stage


@pytest.mark.parametrize("status", CANCELLABLE)
def test_a_cancelled_run_leaves_nothing_active(status: RunStatus) -> None:
    stage = stage_in(status)
    stage.approvals.cancel(stage.run_id, "manager", "changed my mind")
    run = stage.go()
    assert run.status is RunStatus.CANCELLED
    assert english(run.ending.why) == "cancelled by manager: changed my mind"
    assert stage.everything_off()


@pytest.mark.parametrize("status", CANCELLABLE)
def test_a_run_cancelled_in_the_middle_of_a_tick_leaves_nothing_active(status: RunStatus) -> None:
    stage = stage_in(status)
    calls = len(stage.meta.witnessed)

    def cancel(number: int, _method: str) -> None:
        if number == calls + 3:
            stage.approvals.cancel(stage.run_id, "manager")

    stage.meta.on_call = cancel
    if stage.now_run.status is RunStatus.WAITING_APPROVAL:
        stage.approvals.publish_winner(stage.run_id, "manager")
    run = stage.go()
    assert run.status is RunStatus.CANCELLED
    assert stage.everything_off()


def test_a_cancellation_has_every_object_shown_after_switching_it_off() -> None:
    stage = stage_in(RunStatus.AB_TESTING)
    stage.approvals.cancel(stage.run_id, "manager")
    stage.go()
    last_write = max(
        number for number, one in enumerate(stage.meta.witnessed) if one.method in {"update", "delete"}
    )
    listed = {one.params["kind"] for one in stage.meta.witnessed[last_write:] if one.method == "find"}
    assert listed == set(TREE)
    assert stage.everything_off()


def test_a_cancellation_that_meta_ignores_is_not_believed() -> None:
    stage = stage_in(RunStatus.AB_TESTING)
    stage.approvals.cancel(stage.run_id, "manager")
    stage.meta.stubborn = True
    for _ in range(8):
        assert not stage.step().is_final
    stage.meta.stubborn = False
    assert stage.go().status is RunStatus.CANCELLED
    assert stage.everything_off()


def test_a_run_cancelled_before_it_was_built_only_looks_at_meta() -> None:
    stage = Stage()
    calls = len(stage.meta.witnessed)
    stage.approvals.cancel(stage.run_id, "manager")
    assert stage.go().status is RunStatus.CANCELLED
    assert {one.method for one in stage.meta.witnessed[calls:]} == {"find"}


def test_cancelling_twice_changes_nothing() -> None:
    stage = stage_in(RunStatus.AB_TESTING)
    once_cancelled = stage.approvals.cancel(stage.run_id, "manager")
    assert stage.approvals.cancel(stage.run_id, "admin") == once_cancelled


def test_a_cancellation_deletes_what_never_ran() -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("create", cut_off(), nth=6)]
    stage.step()
    stage.step()
    stage.approvals.cancel(stage.run_id, "manager")
    assert stage.go().status is RunStatus.CANCELLED
    assert stage.live() == []
    assert stage.meta.of_kind(ObjectKind.CAMPAIGN) != []


def test_a_lost_create_is_looked_for_before_a_cancelled_run_ends() -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("create", cut_off(), nth=6, done=True)]
    stage.step()
    stage.meta.blind = 1
    stage.step()
    stage.approvals.cancel(stage.run_id, "manager")
    stage.go()
    assert stage.live() == []


# --- building -------------------------------------------------------------------------------------


def test_everything_is_switched_on_only_after_all_of_it_exists() -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    methods = [one.method for one in stage.meta.witnessed]
    last_create = len(methods) - 1 - methods[::-1].index("create")
    assert methods.index("update") > last_create


def test_campaigns_are_switched_on_last_and_off_first() -> None:
    stage = Stage()
    stage.go(RunStatus.SELECTING_WINNER)
    kinds = [
        (one.params["status"], stage.meta.objects[MetaId(one.subject)].kind)
        for one in stage.meta.made("update")
        if "status" in one.params
    ]
    assert [kind for status, kind in kinds if status == "ACTIVE"][-2:] == [ObjectKind.CAMPAIGN] * 2
    assert [kind for status, kind in kinds if status == "PAUSED"][:2] == [ObjectKind.CAMPAIGN] * 2


def test_a_build_that_was_late_moves_both_arms_on_alike() -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("create", cut_off(), nth=8)]
    while len(stage.meta.made("create")) < 8:
        stage.step()
    stage.clock.advance_to(START + timedelta(hours=3))
    stage.go(RunStatus.AB_TESTING)
    spans = {
        (
            stage.at_meta(f"test/{letter}/adset")["start_time"],
            stage.at_meta(f"test/{letter}/adset")["end_time"],
        )
        for letter in "ab"
    }
    ((starts, ends),) = spans
    assert datetime.fromisoformat(starts) < stage.clock.now()  # a start that has passed cannot move any more
    assert datetime.fromisoformat(ends) >= stage.clock.now() + timedelta(hours=24) - timedelta(minutes=1)


def test_a_build_held_up_for_longer_than_the_test_was_to_last_is_postponed() -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("create", cut_off(), nth=1)]
    while len(stage.meta.made("create")) < 1:
        stage.step()
    stage.clock.advance_to(START + timedelta(hours=30))
    stage.go(RunStatus.AB_TESTING)
    arm = stage.at_meta("test/a/adset")
    assert datetime.fromisoformat(arm["start_time"]) == START + timedelta(hours=30, minutes=5)
    assert datetime.fromisoformat(arm["end_time"]) == START + timedelta(hours=54, minutes=5)


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("done", [True, False])
def test_a_late_build_interrupted_while_moving_still_gives_both_arms_the_same_span(
    nth: int,
    done: bool,  # noqa: FBT001 - a parameter
) -> None:
    stage = Stage()
    stage.meta.troubles = [
        PlannedFault("create", cut_off(), nth=8),
        PlannedFault("update", cut_off(), nth, done=done),
    ]
    while len(stage.meta.made("create")) < 8:
        stage.step()
    stage.clock.advance_to(START + timedelta(hours=3))
    stage.go(RunStatus.AB_TESTING)
    arms = [stage.at_meta(f"test/{letter}/adset") for letter in "ab"]
    assert arms[0]["start_time"] == arms[1]["start_time"]
    assert arms[0]["end_time"] == arms[1]["end_time"]


@pytest.mark.parametrize("nth", range(1, 5))
def test_a_launch_interrupted_while_extending_still_ends_both_arms_together(nth: int) -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    stage.clock.advance_to(START + timedelta(hours=1))  # Meta took its time to review
    first = len(stage.meta.made("update"))
    stage.meta.troubles = [PlannedFault("update", cut_off(), first + nth, times=2)]
    while stage.now_run.trial.starts_at is None:
        stage.step()
    run = stage.now_run
    ends = {stage.at_meta(f"test/{letter}/adset")["end_time"] for letter in "ab"}
    assert ends == {(run.trial.ends_at or START).replace(microsecond=0).isoformat()}


def test_an_object_that_is_not_as_asked_ends_the_run_before_it_is_switched_on() -> None:
    stage = Stage()
    stage.meta.on_call = once(
        "tree", lambda: stage.meta.of_kind(ObjectKind.AD_SET)[1].fields.update(lifetime_budget=999_999)
    )
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert "lifetime_budget is 999999, not 5000" in english(run.ending.why)
    assert stage.everything_off()


def test_a_test_of_ten_arms_is_built_in_several_ticks() -> None:
    request = with_test(variants_count=10)
    request = replace(
        request,
        creative_ids=request.creative_ids[:1],
        headlines=tuple(f"Headline {number}" for number in range(10)),
        primary_texts=("Text",),
        ab_test_config=replace(request.ab_test_config, strategy=Strategy.COPY_SPLIT),
    )
    stage = Stage(request)
    stage.step()
    ticks = 0
    while stage.now_run.status is RunStatus.CREATING_CAMPAIGNS:
        before = len(stage.meta.made("create"))
        stage.step()
        ticks += 1
        assert len(stage.meta.made("create")) - before <= 12
    assert ticks > 2
