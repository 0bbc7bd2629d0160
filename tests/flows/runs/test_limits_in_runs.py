"""Spend limits in the life of runs: refused at the start, never mid-way; a winner gets what fits, or waits."""

from dataclasses import replace
from datetime import timedelta

import pytest

from autopublisher.domain.errors import (
    GateRefusedError,
    InvalidRequestError,
    LimitRefusedError,
    MetaRefusedError,
)
from autopublisher.domain.journal.operations import Action, ObjectKind, OperationSpec, OperationState
from autopublisher.domain.money.exposure import Calendar, calendar_of
from autopublisher.domain.money.limits import InstallationLimits
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.reservations import Calendars, reservations_of
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from autopublisher.flows.outcomes.deferred import Deferred, OperationRefused
from autopublisher.flows.requests.intake import Intake, IntakeLimits
from autopublisher.flows.writes.executor import Executor
from autopublisher.flows.writes.money_gate import MoneyGate, SpendRules
from support.crashing_machine import START
from support.simulated import ACCOUNT, brief_request
from support.staging import PlannedFault, Stage, cut_off, with_total
from support.wording import english

EURO = 100
CREATES = 8
"""Creates of the brief's test."""


def limited(stage: Stage, daily: int | None = None, monthly: int | None = None) -> None:
    with stage.database.unit_of_work() as unit:
        account = unit.accounts.get(ACCOUNT)
        unit.accounts.save(
            replace(
                account,
                daily_limit=None if daily is None else daily * EURO,
                monthly_limit=None if monthly is None else monthly * EURO,
            )
        )
        unit.commit()


def unattended() -> RunRequest:
    return with_total("500.0", require_human_approval=False)


def worst(stage: Stage) -> Calendar:
    """Return what all runs of the account together can spend at worst."""
    how = Calendars("Europe/Madrid")
    with stage.database.unit_of_work() as unit:
        runs = [unit.runs.get(run_id) for run_id in stage.database.tables.runs]
        return calendar_of(
            one for run in runs for one in reservations_of(run, unit.journal.of_run(run.id), how)
        )


# --- at the start ---------------------------------------------------------------------------------


def test_a_test_that_fits_to_the_last_cent_is_let_in() -> None:
    stage = Stage()
    limited(stage, daily=100, monthly=100)
    assert stage.go(RunStatus.AB_TESTING).status is RunStatus.AB_TESTING


def test_a_test_above_the_daily_limit_is_refused_before_anything_is_created() -> None:
    stage = Stage()
    limited(stage, daily=99)
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert "the account's daily limit of 99.00 EUR" in english(run.ending.why)
    assert stage.meta.objects == {}


def test_a_second_test_on_the_same_day_is_refused_with_what_is_left() -> None:
    stage = Stage()
    limited(stage, daily=150)
    stage.go(RunStatus.AB_TESTING)
    second = stage.intake.submit(brief_request(), "tester").id
    run = stage.drive(second)
    assert run.status is RunStatus.FAILED
    assert "could spend 100.00 EUR then, and 50.00 EUR is left" in english(run.ending.why)
    assert stage.rows(second) == []


def test_a_run_let_in_holds_its_money_before_it_has_created_anything() -> None:
    stage = Stage()
    limited(stage, daily=150)
    stage.go(RunStatus.CREATING_CAMPAIGNS)
    assert list(stage.rows()) == []
    assert stage.drive(stage.intake.submit(brief_request(), "tester").id).status is RunStatus.FAILED


def test_a_month_is_held_like_a_day() -> None:
    stage = Stage()
    limited(stage, monthly=199)
    stage.go(RunStatus.AB_TESTING)
    run = stage.drive(stage.intake.submit(brief_request(), "tester").id)
    assert "monthly limit of 199.00 EUR would be exceeded in 2026-11" in english(run.ending.why)


def test_a_cancelled_run_gives_its_coming_days_back() -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    stage.approvals.cancel(stage.run_id, "manager")
    assert stage.go().status is RunStatus.CANCELLED
    limited(stage, daily=100)
    stage.clock.advance_to(stage.clock.now() + timedelta(days=1))
    second = stage.intake.submit(brief_request(), "tester").id
    assert stage.drive(second, RunStatus.AB_TESTING).status is RunStatus.AB_TESTING


def test_the_installations_limit_counts_for_every_account() -> None:
    stage = Stage(pace=EngineConfig(spend=SpendRules(InstallationLimits({"EUR": 150 * EURO}))))
    stage.go(RunStatus.AB_TESTING)
    run = stage.drive(stage.intake.submit(brief_request(), "tester").id)
    assert "the installation's daily limit of 150.00 EUR" in english(run.ending.why)


def test_a_currency_without_a_limit_is_refused_where_the_installation_has_limits() -> None:
    stage = Stage(pace=EngineConfig(spend=SpendRules(InstallationLimits({"USD": 500 * EURO}))))
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert "none for EUR" in english(run.ending.why)


def test_what_no_day_can_hold_is_refused_when_it_is_asked_for() -> None:
    stage = Stage()
    limits = IntakeLimits(spend=InstallationLimits({"EUR": 99 * EURO}))
    intake = Intake(stage.open_unit, stage.meta, stage.clock, stage.queue, limits)
    with pytest.raises(InvalidRequestError) as caught:
        intake.submit(brief_request(), "tester")
    assert [one.field for one in caught.value.problems] == ["ab_test_config.test_budget_per_variant"]


# --- the winner -----------------------------------------------------------------------------------


def test_a_winner_is_published_with_the_daily_budget_that_fits() -> None:
    stage = Stage(unattended())
    limited(stage, daily=150)
    assert stage.go().status is RunStatus.COMPLETED
    budget = stage.now_run.release.final_budget or {}
    assert (budget["total"], budget["why"]["code"]) == (400 * EURO, "budget.by_limits")
    assert budget["daily"] * 175 // 100 <= 150 * EURO
    assert max(worst(stage).days.values()) <= 150 * EURO


def test_a_winner_waits_with_the_reason_where_nothing_fits_and_goes_on_once_it_does() -> None:
    stage = Stage(unattended())
    stage.go(RunStatus.SCALING_BUDGET)
    limited(stage, daily=1)
    run = stage.step()
    assert run.status is RunStatus.SCALING_BUDGET
    assert "daily limit of 1.00 EUR would be exceeded" in english(run.attention)
    limited(stage, daily=500)
    assert stage.go().status is RunStatus.COMPLETED


def test_a_winner_whose_limit_was_lowered_waits_before_it_is_published() -> None:
    stage = Stage(unattended())
    stage.go(RunStatus.PUBLISHING_FINAL)
    limited(stage, daily=1)
    run = stage.step()
    assert run.status is RunStatus.PUBLISHING_FINAL
    assert "daily limit of 1.00 EUR would be exceeded" in english(run.attention)
    limited(stage, daily=500)
    assert stage.go().status is RunStatus.COMPLETED
    assert len(stage.created_campaigns()) == 3


def test_a_test_whose_limit_was_lowered_while_it_is_built_ends_with_everything_off() -> None:
    stage = Stage()
    stage.go(RunStatus.CREATING_CAMPAIGNS)
    limited(stage, daily=60)
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert "daily limit of 60.00 EUR" in english(run.ending.why)
    assert stage.everything_off()


def test_two_winners_of_one_account_share_its_day() -> None:
    stage = Stage(unattended())
    limited(stage, daily=250)
    second = stage.intake.submit(unattended(), "tester").id
    stage.drive_all(lambda runs: all(run.is_final for run in runs))
    runs = [stage.run(stage.run_id), stage.run(second)]
    assert {run.status for run in runs} == {RunStatus.COMPLETED}
    assert max(worst(stage).days.values()) <= 250 * EURO


# --- the gate -------------------------------------------------------------------------------------


def spender(stage: Stage, gate: MoneyGate) -> Executor:
    return Executor(stage.open_unit, stage.meta, stage.storage, stage.clock, gate=gate)


def spend(stage: Stage, reserves: int, key: str = "unplaced/adset") -> OperationSpec:
    params = {
        "name": f"Extra [{key}]",
        "start_time": stage.clock.now().isoformat(),
        "end_time": (stage.clock.now() + timedelta(hours=1)).isoformat(),
        "status": "PAUSED",
    }
    return OperationSpec(key, Action.CREATE, ObjectKind.CAMPAIGN, params, token=f"[{key}]", reserves=reserves)


def test_a_refused_write_leaves_nothing_behind() -> None:
    stage = Stage()
    run = stage.go(RunStatus.AB_TESTING)
    limited(stage, daily=149)
    before = (stage.rows(), len(stage.meta.objects))
    with pytest.raises(LimitRefusedError, match=r"left=49\.00 EUR"):
        spender(stage, MoneyGate()).perform(run, spend(stage, 50 * EURO))
    assert (stage.rows(), len(stage.meta.objects)) == before


def test_a_write_that_fits_passes() -> None:
    stage = Stage()
    run = stage.go(RunStatus.AB_TESTING)
    limited(stage, daily=150)
    done = spender(stage, MoneyGate()).perform(run, spend(stage, 50 * EURO))
    assert done.state is OperationState.CONFIRMED


def test_a_pause_passes_whatever_the_limits_say() -> None:
    stage = Stage()
    run = stage.go(RunStatus.AB_TESTING)
    limited(stage, daily=1)
    gate = MoneyGate(SpendRules(InstallationLimits({"USD": 1})))
    pause = OperationSpec(
        "pause/x", Action.UPDATE, ObjectKind.CAMPAIGN, {"status": "PAUSED"}, target="test/a/campaign"
    )
    assert spender(stage, gate).perform(run, pause).state is OperationState.CONFIRMED


def test_an_extension_into_a_day_that_is_full_is_refused() -> None:
    stage = Stage()
    run = stage.go(RunStatus.AB_TESTING)
    limited(stage, daily=50)
    later = {"end_time": (stage.clock.now() + timedelta(days=9)).isoformat()}
    extend = OperationSpec("extend/x", Action.UPDATE, ObjectKind.AD_SET, later, target="test/a/adset")
    spender(stage, MoneyGate()).perform(run, extend)
    other = replace(extend, key="extend/y", target="test/b/adset")
    with pytest.raises(LimitRefusedError, match=r"limit.account_day limit=50\.00 EUR"):
        spender(stage, MoneyGate()).perform(run, other)


def test_the_runs_own_total_is_still_the_first_gate() -> None:
    stage = Stage()
    run = stage.go(RunStatus.AB_TESTING)
    with pytest.raises(GateRefusedError, match=r"left=400\.00 EUR total=500\.00 EUR"):
        spender(stage, MoneyGate()).perform(run, spend(stage, 401 * EURO))


# --- what gives money back ------------------------------------------------------------------------


def spend_and_fail(stage: Stage, trouble: PlannedFault) -> Executor:
    run = stage.go(RunStatus.AB_TESTING)
    limited(stage, daily=150)
    stage.meta.troubles = [trouble]
    executor = spender(stage, MoneyGate())
    with pytest.raises((OperationRefused, Deferred)):
        executor.perform(run, spend(stage, 50 * EURO))
    return executor


def test_what_meta_has_refused_can_be_reserved_again() -> None:
    stage = Stage()
    executor = spend_and_fail(stage, PlannedFault("create", MetaRefusedError("no", code=100), CREATES + 1))
    again = executor.perform(stage.now_run, spend(stage, 50 * EURO, "unplaced/again"))
    assert again.state is OperationState.CONFIRMED


def test_what_nobody_can_vouch_for_keeps_its_reserve() -> None:
    stage = Stage()
    executor = spend_and_fail(stage, PlannedFault("create", cut_off(), CREATES + 1))
    with pytest.raises(LimitRefusedError, match=r"left=0\.00 EUR"):
        executor.perform(stage.now_run, spend(stage, 50 * EURO, "unplaced/again"))


def test_a_settled_test_counts_what_it_spent() -> None:
    stage = Stage()
    stage.meta.spend_share = 0.5
    stage.go(RunStatus.WAITING_APPROVAL)
    spent = sum(row.spent or 0 for row in stage.rows())
    assert worst(stage).days[START.date()] == spent < 51 * EURO
