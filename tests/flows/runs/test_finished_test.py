"""The account's memory of finished tests: written with the step that ends a test, once, and fixed with the runs after it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from autopublisher.domain.evidence import Criterion, replay
from autopublisher.domain.past_tests import KNOWN_FROM, FinishedTest, Omission
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.evidence_inputs import design_of, history_of
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.requests.account_memory import AccountMemories, Recounted
from autopublisher.flows.runs.finished_test import keep_remains, recounted
from support.simulated import brief_request
from support.staging import Stage, with_test
from support.wording import english

EACH = sorted(one.value for one in Criterion)


def remembered(stage: Stage, *criteria: str) -> Sequence[FinishedTest]:
    act_id = stage.now_run.act_id
    with stage.database.unit_of_work() as unit:
        return unit.finished_tests.of_account(act_id, criteria or EACH)


def cancelled(after: timedelta, asked: RunRequest) -> Stage:
    """Return a stage whose test a person has stopped so long after its start."""
    stage = Stage(asked)
    stage.go(RunStatus.AB_TESTING)
    while (starts := stage.now_run.trial.starts_at) is None or stage.clock.now() < starts + after:
        stage.step()
    stage.approvals.cancel(stage.run_id, "manager")
    assert stage.go().status is RunStatus.CANCELLED
    return stage


def test_a_test_is_remembered_for_each_criterion_with_the_step_that_ends_it() -> None:
    stage = Stage()
    stage.go(RunStatus.ANALYZING_RESULTS)
    assert remembered(stage) == []
    over = stage.tick_of(stage.go(RunStatus.SELECTING_WINNER))
    left = remembered(stage)
    assert [one.criterion for one in left] == EACH
    assert {(one.run_id, one.finished_at) for one in left} == {(stage.run_id, stage.now_run.updated_at)}
    assert [len(one.measured.rates) for one in left] == [2] * len(EACH)
    stage.orchestrator_over().advance(replace(over, version=over.version - 1))
    assert remembered(stage) == left, "a tick that is repeated leaves nothing more"
    assert stage.events("not_remembered") == []


def test_a_test_that_a_person_stopped_counts_as_well_and_late_figures_restate_it_in_place() -> None:
    longer = with_test(test_duration_hours=72, test_budget_per_variant=Decimal(150))
    stage = cancelled(timedelta(hours=30), longer)
    before, run = remembered(stage, "roas"), stage.now_run
    assert [one.measured.days for one in before] == [pytest.approx(30 / 24, abs=0.1)]
    with stage.database.unit_of_work() as unit:
        latest = unit.observations.snapshots(stage.run_id)[-2:]
        unit.observations.add_snapshots(
            [
                replace(
                    one,
                    at=stage.clock.now() + timedelta(days=2),
                    figures=replace(one.figures, conversions=one.figures.conversions + 3),
                )
                for one in latest
            ]
        )
        unit.commit()
    remains = recounted(stage.open_unit, run)
    assert remains is not None
    with stage.database.unit_of_work() as unit:
        keep_remains(unit, run.id, remains)
        unit.commit()
    (after,) = remembered(stage, "roas")
    assert after.measured.events == before[0].measured.events + 6
    assert after.finished_at == before[0].finished_at


def test_a_test_stopped_before_a_day_leaves_nothing_and_says_why() -> None:
    stage = cancelled(timedelta(hours=4), brief_request())
    assert remembered(stage) == []
    counted = AccountMemories(stage.open_unit).recount(stage.now_run.account_id, Criterion.ROAS)
    assert counted == Recounted(0, {stage.run_id: Omission.TOO_SHORT})
    (event,) = stage.events("not_remembered")
    assert english(event.message) == (
        "This test does not count for the account's memory: it was stopped before a full day of delivery."
    )


def test_a_run_that_never_came_to_its_test_has_nothing_to_leave() -> None:
    stage = Stage()
    stage.approvals.cancel(stage.run_id, "manager")
    stage.go()
    assert stage.events("not_remembered") == []
    assert recounted(stage.open_unit, stage.now_run) is None


def test_tests_of_before_there_was_a_memory_are_counted_when_somebody_asks_for_it() -> None:
    stage = Stage()
    stage.go(RunStatus.SELECTING_WINNER)
    left = remembered(stage)
    with stage.database.unit_of_work() as unit:
        unit.finished_tests.remove(stage.run_id, EACH)
        unit.commit()
    memories, account_id = AccountMemories(stage.open_unit), stage.now_run.account_id
    assert memories.of(account_id, Criterion.ROAS).memory.tests == 0
    again = [memories.recount(account_id, Criterion.ROAS) for _ in range(2)]
    assert again == [Recounted(1, {}), Recounted(1, {})]
    assert [one.measured for one in remembered(stage)] == [one.measured for one in left]
    assert memories.of(account_id, Criterion.ROAS).memory.tests == 1


def test_what_the_account_remembers_is_fixed_when_a_run_is_admitted() -> None:
    stage = Stage()
    assert stage.go(RunStatus.CREATING_CAMPAIGNS).trial.memory is None
    stage.go(RunStatus.SELECTING_WINNER)
    later = stage.intake.submit(brief_request(), "tester").id
    run = stage.drive(later, RunStatus.CREATING_CAMPAIGNS)
    known = run.trial.memory
    assert known is not None
    assert (known.criterion, known.tests) == ("roas", 1)
    with stage.database.unit_of_work() as unit:
        (row,) = unit.finished_tests.of_account(run.act_id, ["roas"])
        unit.finished_tests.put(
            [replace(row, measured=replace(row.measured, rates=((1.0, 0.1), (-1.0, 0.1))))]
        )
        unit.commit()
    assert stage.drive(later, RunStatus.SELECTING_WINNER).trial.memory == known
    with stage.database.unit_of_work() as unit:
        last = unit.decisions.of_run(later)[-1]
    assert json.loads(last.money or "")["past_tests"] == 1
    assert "few finished tests of the account (1); from 20 on" in last.sentence_en
    assert "pocas pruebas terminadas de la cuenta (1)" in last.sentence_es


def test_proof_takes_the_accounts_own_day_noise_once_it_is_known_and_can_be_computed_again() -> None:
    stage = Stage()
    stage.go(RunStatus.SELECTING_WINNER)
    stage.run_id = stage.intake.submit(brief_request(), "tester").id
    run = stage.go(RunStatus.CREATING_CAMPAIGNS)
    assert run.trial.memory is not None
    with stage.database.unit_of_work() as unit:
        variants = unit.records.variants(run.id)
    assert design_of(run, variants).day_spread is None
    known = replace(run.trial.memory, day_variance=0.03, day_error=0.01, days_from=KNOWN_FROM)
    stage.overwrite(trial=replace(run.trial, memory=known))
    run = stage.go(RunStatus.SELECTING_WINNER)
    design = design_of(run, variants, final=True)
    assert design.day_spread == pytest.approx(0.2)
    assert design.day_spread_doubt == 0.01
    with stage.database.unit_of_work() as unit:
        stored = unit.decisions.of_run(run.id)[-1].verdict
    history = history_of(run, variants, stage.snapshots())
    assert replay(design, history, final=True).to_json() == stored
    assert (
        replay(replace(design, day_spread=None, day_spread_doubt=None), history, final=True).to_json()
        != stored
    )
