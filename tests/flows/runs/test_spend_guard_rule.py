"""The rule by which Meta itself pauses a final campaign: made once, gone with a run that fails, never in the way."""

from dataclasses import replace
from datetime import timedelta

import pytest

from autopublisher.adapters.memory.meta_ads import StoredObject
from autopublisher.domain.errors import MetaAuthorisationError, MetaError, MetaRefusedError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind, OperationState
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from support.crashing_machine import CrashingMachine, CrashPlan, seeded, unattended
from support.simulated import make_machine
from support.staging import PlannedFault, Stage, cut_off, with_test, with_total
from support.wording import english

WITH_RULE = EngineConfig(poll=timedelta(hours=2), native_rule=True)


def publishing() -> Stage:
    stage = Stage(with_total("500.0", require_human_approval=False), WITH_RULE)
    stage.go(RunStatus.PUBLISHING_FINAL)
    return stage


def rules(stage: Stage) -> list[StoredObject]:
    return stage.meta.of_kind(ObjectKind.RULE)


def on_the_rule(stage: Stage, error: MetaError, *, done: bool = False, times: int = 1) -> None:
    """Have the create of the rule fail: the fourth of the final campaign, which has three objects of its own."""
    made = len(stage.meta.made("create"))
    stage.meta.troubles = [PlannedFault("create", error, made + 4, times=times, done=done)]


def test_a_final_campaign_gets_a_rule_that_watches_it_and_no_other() -> None:
    stage = publishing()
    assert stage.go().status is RunStatus.COMPLETED
    (rule,) = rules(stage)
    fields = {one["field"]: one["value"] for one in rule.fields["evaluation_spec"]["filters"]}
    assert fields["id"] == [stage.row("final/campaign").meta_id]
    assert fields["spent"] == 40_000
    assert rule.fields["execution_spec"] == {"execution_type": "PAUSE"}


def test_without_the_setting_there_is_no_rule() -> None:
    stage = Stage(with_total("500.0", require_human_approval=False))
    stage.go()
    assert rules(stage) == []


@pytest.mark.parametrize("done", [True, False])
def test_a_rule_whose_answer_was_lost_exists_once(done: bool) -> None:  # noqa: FBT001 - a parameter
    stage = publishing()
    on_the_rule(stage, cut_off(), done=done)
    assert stage.go().status is RunStatus.COMPLETED
    assert len(rules(stage)) == 1
    assert stage.row("rule/campaign").state is OperationState.CONFIRMED


class RuleReaper(CrashPlan):
    """Kills at the n-th moment between the last object of the final campaign and its activation: the rule's time."""

    def __init__(self, machine: CrashingMachine, crash_at: int) -> None:
        super().__init__(crash_at)
        self._machine = machine

    def strike(self) -> None:
        ads = [one for one in self._machine.meta.objects.values() if one.kind is ObjectKind.AD]
        if len(ads) == 3 and not self._machine.active():
            super().strike()


def rule_being_made(crash_at: int) -> CrashingMachine:
    """Drive a run to its end, dying at crash point ``crash_at`` of the time in which its rule is made."""
    request = unattended(with_total("500.0"))
    machine = seeded(CrashingMachine(WITH_RULE), request)
    run_id = machine.intake.submit(request, "tester").id
    machine.drive(run_id, RunStatus.PUBLISHING_FINAL)
    machine.meta.crash_plan = RuleReaper(machine, crash_at)
    assert machine.drive(run_id).status is RunStatus.COMPLETED
    return machine


@pytest.mark.slow
def test_a_death_at_every_moment_in_which_the_rule_is_being_made_leaves_exactly_one() -> None:
    during = rule_being_made(0).meta.crash_plan.moments
    assert during >= 8  # around the intent, the mark that it is sent, the call, and what came of it
    for crash_at in range(1, during + 1):
        machine = rule_being_made(crash_at)
        made = [one for one in machine.meta.objects.values() if one.kind is ObjectKind.RULE]
        assert machine.crashes == 1, crash_at
        assert [rule.status for rule in made] == ["ENABLED"], crash_at


def completed_without(stage: Stage) -> Run:
    run = stage.go()
    assert run.status is RunStatus.COMPLETED
    assert rules(stage) == []
    assert len(stage.active()) == 3
    return run


@pytest.mark.parametrize(
    "error",
    [MetaRefusedError("rules are not available", code=100), MetaAuthorisationError("no right", code=200)],
)
def test_an_account_that_takes_no_rules_is_published_with_a_warning(error: MetaError) -> None:
    stage = publishing()
    on_the_rule(stage, error, times=1000)
    run = completed_without(stage)
    assert "Meta's own rule could not be installed" in english(run.warnings[-1])
    assert len(stage.events("without_rule")) == 1


def test_a_right_that_is_missing_delays_the_campaign_by_less_than_an_hour() -> None:
    stage = publishing()
    asked = stage.clock.now()
    on_the_rule(stage, MetaAuthorisationError("no right", code=200), times=1000)
    run = completed_without(stage)
    assert (run.ending.at or asked) - asked < timedelta(hours=1)


def test_a_run_that_fails_afterwards_takes_its_rule_with_it() -> None:
    stage = publishing()
    made = len(stage.meta.made("update"))
    stage.meta.troubles = [
        PlannedFault("update", MetaRefusedError("cannot be switched on", code=100), made + 1)
    ]
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert [rule.status for rule in rules(stage)] == ["DELETED"]
    assert stage.everything_off()


def test_the_rule_is_found_again_by_its_token() -> None:
    stage = publishing()
    stage.go()
    row = stage.row("rule/campaign")
    act, token = stage.now_run.act_id, row.spec.token or ""
    (found,) = stage.meta.find(act, ObjectKind.RULE, token, ["id"])
    assert found.id == row.meta_id


@pytest.mark.slow
def test_the_simulator_takes_the_rule_and_runs_it() -> None:
    with SimulatorThread(SimulatorConfig(scenario="demo", seed=7)) as simulator:
        machine = make_machine(simulator.url, replace(WITH_RULE, poll=timedelta(hours=8)))
        run_id = machine.submit(with_test(settle_hours=6))
        machine.drive(run_id, RunStatus.WAITING_APPROVAL)
        machine.approvals.publish_winner(run_id, "manager", variant="B")
        run = machine.drive(run_id)
        row = next(row for row in machine.view(run_id).operations if row.key == "rule/campaign")
        read = machine.meta.read(ObjectKind.RULE, row.meta_id or MetaId(""), ["id", "status", "name"])
        machine.clock.advance_to(machine.clock.now() + timedelta(days=30))
        spent = machine.exposure(run_id)["spent"]
        machine.meta.close()
        machine.clock.close()
    assert run.status is RunStatus.COMPLETED
    assert (read.status, (row.spec.token or "-") in read.name) == ("ENABLED", True)
    assert spent <= 50_000
