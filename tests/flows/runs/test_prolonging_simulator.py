"""Tests that go on past their plan, over the real client and the simulator: Meta could never spend more than the longest."""

from datetime import timedelta
from decimal import Decimal

import pytest

from autopublisher.domain.evidence.money_replay import MONEY_KINDS
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.request.request import DecisionMode, NoWinner
from autopublisher.domain.runs.longest_test import days_past_plan
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from support.simulated import make_machine
from support.staging import with_test


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("scenario", "mode", "otherwise", "kinds"),
    [
        ("usual", DecisionMode.MONEY, NoWinner.ASK, MONEY_KINDS),
        ("usual", DecisionMode.PROVE, NoWinner.EXTEND, {"not_enough_data"}),
    ],
)
def test_a_test_that_goes_on_spends_no_more_than_was_set_aside(
    scenario: str, mode: DecisionMode, otherwise: NoWinner, kinds: set[str]
) -> None:
    request = with_test(
        decision_mode=mode,
        on_no_winner=otherwise,
        max_test_share=Decimal("0.9"),
    )
    with SimulatorThread(SimulatorConfig(scenario=scenario, seed=7)) as simulator:
        machine = make_machine(simulator.url, EngineConfig(poll=timedelta(hours=6)))
        try:
            run_id = machine.submit(request)
            run = machine.drive(run_id, RunStatus.WAITING_APPROVAL)
            with machine.database.unit_of_work() as unit:
                rows, decisions = unit.journal.of_run(run_id), unit.decisions.of_run(run_id)
            peak = machine.exposure(run_id)["peak_total"]
        finally:
            machine.meta.close()
            machine.clock.close()
    assert run.status is RunStatus.WAITING_APPROVAL, run.ending.why
    assert run.trial.edited_at is None
    assert decisions[-1].kind in kinds
    assert 1 <= days_past_plan(run) <= 3
    assert len([row for row in rows if row.purpose is Purpose.PROLONG]) == 4 * days_past_plan(run)
    assert 10_000 < peak <= 10_000 * (1 + days_past_plan(run))
