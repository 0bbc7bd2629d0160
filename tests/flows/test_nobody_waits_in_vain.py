"""Who must not wait for whom: runs not for one that cannot be let in, pauses not for a meter that is nearly full."""

from datetime import timedelta

import pytest

from autopublisher.domain.errors import MetaReadError, MetaTransientError
from autopublisher.domain.ids import MetaId, RunId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.rules import MetaHeldBackError
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from support.simulated import ACT, Machine, brief_request
from support.staging import PlannedFault, Stage
from support.wording import english

NEARLY_FULL = {"X-Business-Use-Case-Usage": '{"123456789": [{"type": "ads_management", "call_count": 90}]}'}


def two_runs_and_one_place() -> tuple[Stage, RunId]:
    """Return a stage whose run could not be checked at its first tick, and the run that was let in instead."""
    stage = Stage(pace=EngineConfig(poll=timedelta(hours=2), most_runs_at_once=1))
    stage.clock.advance_to(stage.clock.now() + timedelta(minutes=1))
    behind = stage.intake.submit(brief_request(), "tester").id
    asked = len(stage.meta.made("account"))
    stage.meta.troubles = [PlannedFault("account", MetaTransientError("try again"), asked + 1)]
    stage.step()
    stage.tick(behind)
    return stage, behind


def test_a_run_that_cannot_be_checked_does_not_hold_up_those_behind_it() -> None:
    stage, behind = two_runs_and_one_place()
    assert (stage.now_run.status, stage.now_run.failed_ticks) == (RunStatus.PENDING, 1)
    assert stage.run(behind).status is RunStatus.CREATING_CAMPAIGNS


def test_a_run_that_cannot_be_checked_when_it_is_called_calls_the_next() -> None:
    stage = Stage(pace=EngineConfig(poll=timedelta(hours=2), most_runs_at_once=1))
    stage.step()
    behind = []
    for _ in range(3):
        stage.clock.advance_to(stage.clock.now() + timedelta(seconds=1))
        behind.append(stage.intake.submit(brief_request(), "tester").id)
        stage.tick(behind[-1])
    stage.approvals.cancel(stage.now_run.id, "manager")
    stage.drive(stage.now_run.id)
    asked = len(stage.meta.made("account"))
    stage.meta.troubles = [PlannedFault("account", MetaTransientError("try again"), asked + 1)]
    stage.tick(behind[0])
    now = stage.clock.now()
    assert [stage.run(one).next_tick_at == now for one in behind] == [False, True, False]


def test_an_outage_uses_up_no_queued_runs_tries_because_others_fail_as_well() -> None:
    stage = Stage(pace=EngineConfig(poll=timedelta(hours=2), most_runs_at_once=100))
    for _ in range(4):
        stage.clock.advance_to(stage.clock.now() + timedelta(seconds=1))
        stage.intake.submit(brief_request(), "tester")
    broken = PlannedFault(
        "account", MetaReadError("broken"), len(stage.meta.made("account")) + 1, times=10**6
    )
    stage.meta.troubles = [broken]
    began = stage.clock.now()
    stage.drive_all(lambda runs: any(run.is_final for run in runs), ticks=2000)
    assert stage.clock.now() - began > timedelta(hours=20)


def test_a_run_that_was_passed_over_is_let_in_when_there_is_a_place_again() -> None:
    stage, behind = two_runs_and_one_place()
    assert english(stage.step().attention) == "waiting for another run to end"
    stage.approvals.cancel(behind, "manager")
    assert stage.drive(behind).status is RunStatus.CANCELLED
    assert stage.go(RunStatus.CREATING_CAMPAIGNS).status is RunStatus.CREATING_CAMPAIGNS


@pytest.mark.slow
def test_a_cancelled_run_is_paused_at_once_while_a_meter_is_at_90_per_cent(machine: Machine) -> None:
    run_id = machine.submit()
    machine.drive(run_id, RunStatus.AB_TESTING)
    campaign = machine.objects("campaign")[0]["id"]
    machine.meta._pacer.heard(f"/v26.0/{ACT}/ads", NEARLY_FULL, None)
    with pytest.raises(MetaHeldBackError):
        machine.meta.read(ObjectKind.CAMPAIGN, MetaId(campaign), ["status"])
    began = machine.clock.now()
    machine.approvals.cancel(run_id, "manager")
    machine.tick(run_id)
    assert machine.clock.now() - began < timedelta(minutes=1)
    assert {one["status"] for one in machine.objects("campaign")} == {"PAUSED"}
