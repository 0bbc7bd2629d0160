"""Exposure as the product counts it, held against the simulator's own books at every tick of a run."""

from dataclasses import replace

import pytest

from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.requests.exposure import AccountExposure, Exposures
from autopublisher.flows.writes.money_gate import MoneyGate
from support.simulated import ACCOUNT, Machine
from support.staging import Stage, with_test, with_total


def exposure_of(machine: Machine) -> AccountExposure:
    (found,) = Exposures(machine.database.unit_of_work, machine.clock, MoneyGate()).of(ACCOUNT)
    return found


def on_stage(stage: Stage) -> AccountExposure:
    (found,) = Exposures(stage.database.unit_of_work, stage.clock, MoneyGate()).of(ACCOUNT)
    return found


def check(machine: Machine, run: Run) -> int:
    """See that the product counts at least what Meta could spend, and no more than the total; return its figure."""
    found, meta = exposure_of(machine), machine.exposure(run.id)
    total = int(run.request.budget_config.total_budget * 100)
    could = found.could_still_spend.minor
    assert could >= meta["could_still_spend"], (run.status, found, meta)
    assert could + found.spent.minor <= total + 2, (run.status, found, meta)
    return could


@pytest.mark.slow
def test_the_product_never_counts_less_than_meta_could_spend_nor_more_than_the_total(
    machine: Machine,
) -> None:
    run_id = machine.submit(with_test(settle_hours=6))
    seen = set()
    for _ in range(200):
        run = machine.run(run_id)
        if check(machine, run):
            seen.add(run.status)
        if run.is_final:
            break
        if run.status is RunStatus.WAITING_APPROVAL and run.release.approval is None:
            machine.approvals.publish_winner(run_id, "manager", variant="B")
        machine.tick(run_id)
    assert machine.run(run_id).status is RunStatus.COMPLETED
    assert {RunStatus.AB_TESTING, RunStatus.COMPLETED} <= seen


def test_a_test_under_way_could_still_spend_both_budgets() -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    found = on_stage(stage)
    assert (found.committed.minor, found.could_still_spend.minor) == (10_000, 10_000)
    assert found.until == max(one.until for one in found.runs[0].objects)
    assert all(one.read_lately for one in found.runs[0].objects)


def test_what_is_known_as_spent_cannot_be_spent_again() -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    while on_stage(stage).spent.minor < 2000:
        stage.step()
    found = on_stage(stage)
    assert found.could_still_spend.minor == 10_000 - found.spent.minor + 2


def test_nothing_can_be_spent_before_anything_is_switched_on() -> None:
    stage = Stage()
    stage.go(RunStatus.CREATING_CAMPAIGNS)
    assert on_stage(stage).could_still_spend.minor == 0


def test_a_paused_test_can_spend_nothing_more() -> None:
    stage = Stage()
    stage.go(RunStatus.WAITING_APPROVAL)
    assert on_stage(stage).could_still_spend.minor == 0


def test_a_completed_run_shows_for_as_long_as_its_final_campaign_can_spend() -> None:
    stage = Stage(with_total("500.0", require_human_approval=False))
    stage.go()
    found = on_stage(stage)
    assert [run.status for run in found.runs] == [RunStatus.COMPLETED]
    assert found.could_still_spend.minor == 40_000
    assert found.until is not None
    stage.clock.advance_to(found.until)
    assert on_stage(stage).runs == ()


def test_a_cancelled_run_shows_no_more() -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    stage.approvals.cancel(stage.run_id, "manager")
    stage.go()
    found = on_stage(stage)
    assert (found.runs, found.could_still_spend.minor, found.until) == ((), 0, None)


def test_the_limits_are_shown_with_what_is_left_of_them_today() -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    with stage.database.unit_of_work() as unit:
        unit.accounts.save(replace(unit.accounts.get(ACCOUNT), daily_limit=15_000, monthly_limit=9_000))
        unit.commit()
    lines = [(line.period.value, line.limit.minor, line.left.minor) for line in on_stage(stage).limits]
    assert lines == [("day", 15_000, 5_000), ("month", 9_000, 0)]
