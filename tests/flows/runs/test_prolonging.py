"""A test that goes on past its plan: a day at a time, within what was set aside for it, and never more than the total."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from autopublisher.adapters.memory.meta_ads import Fault
from autopublisher.domain.access import Role
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import MetaRefusedError, MetaTransientError
from autopublisher.domain.ids import MetaId, RunId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import OperationState
from autopublisher.domain.money.exposure import last_day
from autopublisher.domain.money.ledger import ledger_of
from autopublisher.domain.request.request import DecisionMode, NoWinner, RunRequest
from autopublisher.domain.runs.plan import total_of
from autopublisher.domain.runs.reservations import Calendars, reservations_of
from autopublisher.domain.runs.run import Run, RunStatus, Way
from autopublisher.views.progress import progress_of
from flows.runs.test_in_place import FULL
from support.crashing_machine import CrashingMachine, CrashPlan, seeded
from support.going_on import could_be_spent
from support.staging import EQUAL_RATES, PlannedFault, Stage, cut_off, with_test
from support.sweep_staging import AN_AGE, SweepStage
from support.wording import english

AD_SETS = ("test/a/adset", "test/b/adset")
DAY = timedelta(days=1)


def going_on(share: str = "0.9", mode: DecisionMode = DecisionMode.PROVE) -> RunRequest:
    """Return the brief's request with a test that is to go on where it proves nothing; its total is 500."""
    return with_test(on_no_winner=NoWinner.EXTEND, decision_mode=mode, max_test_share=Decimal(share))


def in_money(share: str = "0.9") -> RunRequest:
    return with_test(decision_mode=DecisionMode.MONEY, max_test_share=Decimal(share))


def staged(request: RunRequest, rates: dict[str, int] | None = None) -> SweepStage:
    stage = SweepStage(request)
    stage.meta.rates, stage.meta.days = rates or EQUAL_RATES, 4
    return stage


def ended(stage: Stage) -> Run:
    run = stage.go(RunStatus.WAITING_APPROVAL)
    assert run.status is RunStatus.WAITING_APPROVAL, run.ending.why
    return run


def lasted(run: Run) -> timedelta:
    assert run.trial.starts_at is not None
    assert run.trial.stopped_at is not None
    return run.trial.stopped_at - run.trial.starts_at


def raised(stage: Stage) -> list[tuple[str, str]]:
    """Return what was raised, in order: of which arm, and which field."""
    rows = [row for row in stage.rows() if row.purpose is Purpose.PROLONG]
    assert all(row.state is OperationState.CONFIRMED for row in rows)
    return [(row.spec.target or "", next(iter(row.spec.params))) for row in rows]


def a_day_of(*ad_sets: str) -> list[tuple[str, str]]:
    return [(key, field) for field in ("lifetime_budget", "end_time") for key in ad_sets]


def until_it_goes_on(stage: Stage) -> Run:
    """Return the run with its end moved and nothing asked of Meta yet."""
    stage.go(RunStatus.AB_TESTING)
    while not stage.events("test_goes_on"):
        stage.step()
    return stage.now_run


# --- how long --------------------------------------------------------------------------------------


def test_where_nothing_is_proven_it_goes_on_by_days_up_to_its_share_and_then_a_person_is_asked() -> None:
    stage = staged(going_on())
    run = ended(stage)
    assert run.trial.further_days == 3
    assert lasted(run) == 4 * DAY
    assert raised(stage) == 3 * a_day_of(*AD_SETS)
    assert [int(stage.at_meta(key)["lifetime_budget"]) for key in AD_SETS] == [20_000, 20_000]
    assert not run.release.is_proven
    assert len(stage.events("test_goes_on")) == 3
    said = stage.events("test_goes_on")[0].message
    assert said.params["price"] == Money(10_000, "EUR")
    assert said.params["each"] == Money(5_000, "EUR")


def test_a_money_test_goes_on_while_money_says_so_and_ends_in_a_bet() -> None:
    stage = staged(in_money(), {"A": 10, "B": 12})
    run = ended(stage)
    assert DAY < lasted(run) < 4 * DAY
    with stage.database.unit_of_work() as unit:
        decisions = list(unit.decisions.of_run(stage.run_id))
    assert next(json.loads(one.money)["choice"] for one in decisions if one.money) == "test_on"
    assert decisions[-1].kind in {"money_bet", "keep_all"}
    assert stage.events("test_ended")[0].message.code == "run.test_decided_by_money"
    assert json.loads(decisions[-1].verdict)["final"] is False


def test_a_money_test_that_is_worth_testing_on_ends_where_its_share_is_spent() -> None:
    stage = staged(in_money("0.5"), {"A": 10, "B": 12})
    assert lasted(ended(stage)) == 2 * DAY
    assert raised(stage) == a_day_of(*AD_SETS)


def test_a_winner_that_is_proven_past_the_plan_ends_it() -> None:
    stage = staged(going_on(), {"A": 100, "B": 112})
    until_it_goes_on(stage)
    stage.meta.rates = {"A": 100, "B": 900}
    run = ended(stage)
    assert run.release.is_proven
    assert lasted(run) < 4 * DAY


@pytest.mark.parametrize("mode", [DecisionMode.PROVE, DecisionMode.DECIDE])
def test_without_being_asked_to_no_test_outlasts_its_plan(mode: DecisionMode) -> None:
    stage = staged(with_test(decision_mode=mode, max_test_share=Decimal("0.9")))
    assert lasted(ended(stage)) == DAY
    assert raised(stage) == []


def test_a_run_that_was_admitted_without_it_keeps_its_plan() -> None:
    stage = staged(going_on())
    stage.go(RunStatus.AB_TESTING)
    stage.overwrite(trial=replace(stage.now_run.trial, further_days=0))
    assert lasted(ended(stage)) == DAY


def test_until_when_it_may_go_on_is_told_while_it_may() -> None:
    stage = staged(going_on("0.5"))
    stage.go(RunStatus.AB_TESTING)
    for _ in range(6):
        stage.step()
    run, told = stage.now_run, progress_of(stage.reports.view(stage.run_id))
    assert run.trial.starts_at is not None
    assert told is not None
    assert (told.test_ends_at, told.test_may_last_until) == (
        run.trial.starts_at + DAY,
        run.trial.starts_at + 2 * DAY,
    )
    until_it_goes_on(stage)
    told = progress_of(stage.reports.view(stage.run_id))
    assert told is not None
    assert (told.test_ends_at, told.test_may_last_until) == (run.trial.starts_at + 2 * DAY, None)


# --- money -----------------------------------------------------------------------------------------


def test_all_of_it_is_set_aside_from_the_start_to_the_last_day_and_given_back_at_the_end() -> None:
    stage = staged(going_on())
    longest = Money(40_000, "EUR")
    run = stage.go(RunStatus.AB_TESTING)
    while run.status is RunStatus.AB_TESTING:
        assert ledger_of(total_of(run), stage.rows()).committed == longest
        assert run.trial.arms_start_at is not None
        how = Calendars("Europe/Madrid")
        last = last_day(how.local((run.trial.starts_at or run.trial.arms_start_at) + 4 * DAY))
        reserved = reservations_of(run, stage.rows(), how)
        assert {(one.most, one.last) for one in reserved} == {(20_000, last)}
        run = stage.step()
    assert ledger_of(total_of(run), stage.rows()).committed == longest
    ended(stage)
    assert ledger_of(total_of(run), stage.rows()).committed <= longest + Money(2, "EUR")


def test_a_settled_spend_above_an_arms_own_budget_is_doubted_whatever_is_set_aside() -> None:
    stage = staged(in_money("0.9"), {"A": 100, "B": 300})
    run = stage.go(RunStatus.ANALYZING_RESULTS)
    assert lasted(stage.step()) == DAY
    ad_set = stage.row("test/a/adset").meta_id
    stage.meta.odd = {MetaId(ad_set or ""): {"spend": "70.00"}}
    while run.status is RunStatus.ANALYZING_RESULTS and not run.attention:
        run = stage.step()
    assert run.attention is not None
    assert run.attention.code == "spend.doubted"


def test_a_raise_is_no_change_of_somebody_else() -> None:
    stage = staged(going_on())
    stage.go(RunStatus.AB_TESTING)
    while stage.now_run.status is RunStatus.AB_TESTING:
        stage.clock.advance_to(stage.clock.now() + AN_AGE)
        stage.at_look()
        assert stage.found == set()
        stage.step()
    assert len(stage.events("test_goes_on")) == 3
    assert stage.now_run.trial.edited_at is None


def test_what_a_raise_could_spend_is_within_the_exposure_told_before_it() -> None:
    stage = staged(going_on())
    stage.go(RunStatus.AB_TESTING)
    stage.step()
    before = stage.reports.view(stage.run_id)
    assert before.spent + before.could_still_spend >= Money(40_000, "EUR")
    ended(stage)
    assert stage.reports.view(stage.run_id).spent <= Money(40_002, "EUR")


@pytest.mark.parametrize("way", [Way.KEEP_ALL, Way.IN_PLACE, Way.SCALED])
def test_the_final_campaign_gets_what_is_really_left(way: Way) -> None:
    stage = staged(going_on("0.5"))
    stage.meta.days = 1.5  # it spends less than it may
    left = ledger_of(total_of(ended(stage)), stage.rows()).left
    assert Money(34_900, "EUR") <= left <= Money(35_000, "EUR")
    variant = None if way is Way.KEEP_ALL else "B"
    stage.approvals.publish_winner(
        stage.run_id, "maria", variant=variant, comment="taste", role=Role.MANAGER, way=way
    )
    run = stage.go()
    assert run.status is RunStatus.COMPLETED, run.ending.why
    assert (run.release.final_budget or {})["total"] <= left.minor
    could = could_be_spent(stage, stage.run_id) if way is not Way.SCALED else 0
    assert could <= total_of(run).minor
    assert ledger_of(total_of(run), stage.rows()).left.minor >= 0


# --- what stands in its way ------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["lifetime_budget", "end_time"])
def test_where_meta_refuses_a_raise_the_test_is_over_and_judged(field: str) -> None:
    stage = staged(going_on())
    until_it_goes_on(stage)

    def refuse(_number: int, method: str) -> None:
        last = stage.meta.witnessed[-1]
        is_second = last.subject == stage.row("test/b/adset").meta_id
        if method == "update" and field in last.params and is_second and not stage.events("test_ended"):
            stage.meta.faults.append(Fault(MetaRefusedError("no"), "update"))

    stage.meta.on_call = refuse
    run = ended(stage)
    assert stage.events("test_ended")[0].message.code == "run.test_cannot_go_on"
    assert stage.everything_off()
    assert lasted(run) < 2 * DAY
    assert ledger_of(total_of(run), stage.rows()).left.minor >= 0


def test_a_test_that_somebody_has_changed_does_not_go_on() -> None:
    stage = staged(going_on())
    stage.go(RunStatus.AB_TESTING)
    for _ in range(5):
        stage.step()
    stage.clock.advance_to(stage.clock.now() + AN_AGE)
    stage.touch("test/a/adset", lifetime_budget=4_900)
    run = ended(stage)
    assert run.trial.edited_at is not None
    assert raised(stage) == []


def test_an_arm_that_is_off_for_good_is_not_raised() -> None:
    stage = staged(going_on())
    stage.go(RunStatus.AB_TESTING)
    for _ in range(3):
        stage.step()
    stage.overwrite(trial=replace(stage.now_run.trial, eliminated=("A",)))
    ended(stage)
    assert raised(stage) == 3 * a_day_of("test/b/adset")


@pytest.mark.parametrize(("failures", "days"), [(1, 4), (500, 1)])
def test_figures_that_cannot_be_read_at_its_end_are_waited_for_as_long_as_it_may_go_on(
    failures: int, days: int
) -> None:
    stage = staged(going_on())
    run = stage.go(RunStatus.AB_TESTING)
    while run.next_tick_at != run.trial.ends_at or run.trial.ends_at is None:
        run = stage.step()
    read = {method: len(stage.meta.made(method)) for method in ("ad_sets", "insights_of")}
    stage.meta.troubles = [
        PlannedFault(method, MetaTransientError("busy"), nth=made + 1, times=failures)
        for method, made in read.items()
    ]
    while run.status is RunStatus.AB_TESTING:
        run = stage.step()
    stage.meta.troubles = []
    assert round(lasted(ended(stage)) / DAY) == days


def test_one_that_is_found_at_its_end_too_late_is_over() -> None:
    stage = staged(going_on())
    stage.go(RunStatus.AB_TESTING)
    run = stage.step()
    assert run.trial.ends_at is not None
    stage.clock.advance_to(run.trial.ends_at + timedelta(hours=7))
    ended(stage)
    assert raised(stage) == []


def test_a_stop_holds_it_and_after_that_it_goes_on_where_it_was() -> None:
    stage = staged(going_on())
    run = until_it_goes_on(stage)
    stage.stop()
    assert stage.enforced().confirmed
    assert raised(stage) == []
    stage.resume(reactivate=True)
    stage.look()
    run = stage.go_on(RunStatus.WAITING_APPROVAL)
    assert run.status is RunStatus.WAITING_APPROVAL, run.ending.why
    assert raised(stage) == 3 * a_day_of(*AD_SETS)
    assert stage.everything_off()


def test_a_cancellation_between_two_raises_leaves_nothing_on() -> None:
    stage = staged(going_on())
    until_it_goes_on(stage)
    stage.step()
    stage.approvals.cancel(stage.run_id, "manager", "changed my mind")
    run = stage.go()
    assert run.status is RunStatus.CANCELLED
    assert stage.everything_off()


# --- deaths ----------------------------------------------------------------------------------------


def about_to_go_on(crash_at: int = 0) -> tuple[CrashingMachine, RunId]:
    """Return a machine whose test is at the end of its plan, to die at crash point ``crash_at`` from there on."""
    request = going_on("0.5")
    machine = seeded(CrashingMachine(FULL), request)
    machine.meta.rates, machine.meta.days = EQUAL_RATES, 2
    run_id = machine.intake.submit(request, "tester").id
    run = machine.drive(run_id, RunStatus.AB_TESTING)
    while run.next_tick_at != run.trial.ends_at:
        machine.tick(run_id)
        run = machine.run(run_id)
    machine.meta.crash_plan = CrashPlan(crash_at)
    return machine, run_id


@pytest.mark.slow
def test_a_death_at_any_moment_of_a_raise_changes_nothing() -> None:
    crash_at = 0
    while True:
        crash_at += 1
        machine, run_id = about_to_go_on(crash_at)
        run = machine.run(run_id)
        while run.status is RunStatus.AB_TESTING:
            assert could_be_spent(machine, run_id) <= 20_000
            machine.tick(run_id)
            run = machine.run(run_id)
        assert run.status is RunStatus.ANALYZING_RESULTS, (crash_at, run.ending.why)
        assert run.trial.starts_at is not None
        ends = run.trial.starts_at + 2 * DAY
        with machine.database.unit_of_work() as unit:
            rows = unit.journal.of_run(run_id)
        asked = [row.spec.params for row in rows if row.purpose is Purpose.PROLONG]
        assert [one["lifetime_budget"] for one in asked if "lifetime_budget" in one] == [10_000, 10_000]
        assert [datetime.fromisoformat(one["end_time"]) for one in asked if "end_time" in one] == [ends] * 2
        run = machine.drive(run_id, RunStatus.WAITING_APPROVAL)
        assert run.status is RunStatus.WAITING_APPROVAL, (crash_at, run.ending.why)
        assert machine.active() == []
        if machine.crashes == 0:
            break
    assert crash_at > 20


@pytest.mark.slow
def test_a_death_at_any_moment_of_a_cancellation_of_one_that_goes_on_leaves_nothing_on() -> None:
    crash_at = 0
    while True:
        crash_at += 1
        machine, run_id = about_to_go_on()
        machine.tick(run_id)
        machine.meta.crash_plan = CrashPlan(crash_at)
        for _ in range(2):
            with machine.may_crash():
                if not machine.run(run_id).is_final:
                    machine.approvals.cancel(run_id, "manager", "changed my mind")
        run = machine.drive(run_id)
        assert run.status is RunStatus.CANCELLED
        assert machine.active() == []
        assert could_be_spent(machine, run_id) <= total_of(run).minor
        if machine.crashes == 0:
            break
    assert crash_at > 5


# --- beside other runs, and over interruptions -------------------------------------------------------


def test_no_other_run_is_let_in_for_what_a_longer_test_may_need() -> None:
    stage = staged(going_on("0.5"))
    account_id = stage.now_run.account_id
    with stage.database.unit_of_work() as unit:
        account = unit.accounts.get(account_id)
        unit.accounts.save(replace(account, daily_limit=29_999))
        unit.commit()
    stage.go(RunStatus.AB_TESTING)
    other = stage.intake.submit(with_test(), "tester").id
    refused = stage.drive(other, RunStatus.AB_TESTING)
    assert refused.status is RunStatus.FAILED
    assert "daily limit" in english(refused.ending.why)
    ended(stage)
    assert raised(stage) == a_day_of(*AD_SETS)


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_a_raise_whose_answer_is_lost_is_made_once_and_the_others_follow(nth: int) -> None:
    stage = staged(going_on("0.5"))
    until_it_goes_on(stage)
    made = len(stage.meta.made("update"))
    stage.meta.troubles = [PlannedFault("update", cut_off(), nth=made + nth, done=True)]
    run = ended(stage)
    assert lasted(run) == 2 * DAY
    assert raised(stage) == a_day_of(*AD_SETS)
    raises = [one.params for one in stage.meta.made("update")[made:] if "status" not in one.params]
    budgets = [one for one in raises if "lifetime_budget" in one]
    assert budgets == [{"lifetime_budget": 10_000}] * 2


def test_a_stop_between_two_raises_holds_the_rest_until_it_is_lifted() -> None:
    stage = staged(going_on("0.5"))
    until_it_goes_on(stage)
    second = len(stage.meta.made("update")) + 2
    stage.meta.troubles = [PlannedFault("update", cut_off(), nth=second)]
    stage.step()
    stage.stop()
    assert stage.enforced().confirmed
    assert stage.on() == []
    stage.resume(reactivate=True)
    stage.look()
    run = stage.go_on(RunStatus.WAITING_APPROVAL)
    assert run.status is RunStatus.WAITING_APPROVAL, run.ending.why
    confirmed = [
        row
        for row in stage.rows()
        if row.purpose is Purpose.PROLONG and row.state is OperationState.CONFIRMED
    ]
    assert {(row.spec.target, *row.spec.params) for row in confirmed} == {*a_day_of(*AD_SETS)}
    assert ledger_of(total_of(run), stage.rows()).left.minor >= 0
