"""Money moved over the real client and the simulator: what Meta could spend never passes what was set aside."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from autopublisher.domain.request.request import RunRequest, Strategy, WinnerCriteria
from autopublisher.domain.runs.arm_reserves import amounts_of
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from support.simulated import CREATIVES, brief_request, make_machine

BUDGET = 250


def request_of(arms: int) -> RunRequest:
    """Return a test of texts over five days that is undecided to the end: the arms get clicks alike."""
    plain = brief_request()
    letters = "ABCDEFGH"[:arms]
    return replace(
        plain,
        ab_test_config=replace(
            plain.ab_test_config,
            strategy=Strategy.COPY_SPLIT,
            variants_count=arms,
            test_budget_per_variant=Decimal(BUDGET),
            test_duration_hours=5 * 24,
            winner_criteria=WinnerCriteria.CTR,
            adaptive_allocation=True,
        ),
        budget_config=replace(plain.budget_config, total_budget=Decimal(BUDGET * arms + 500)),
        creative_ids=CREATIVES[:1],
        headlines=tuple(f"Headline {letter}" for letter in letters),
        primary_texts=tuple(f"Text {letter}" for letter in letters),
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("scenario", "arms"), [("tie", 4), ("eight_arms", 8)])
def test_a_whole_test_stays_within_what_was_set_aside(scenario: str, arms: int) -> None:
    with SimulatorThread(SimulatorConfig(scenario=scenario, seed=7)) as simulator:
        machine = make_machine(simulator.url, EngineConfig(poll=timedelta(hours=6)))
        try:
            run_id = machine.submit(request_of(arms))
            run = machine.drive(run_id, RunStatus.SELECTING_WINNER)
            with machine.database.unit_of_work() as unit:
                rows, events = unit.journal.of_run(run_id), unit.observations.events(run_id)
            peak = machine.exposure(run_id)["peak_total"]
        finally:
            machine.meta.close()
            machine.clock.close()
    assert run.status is RunStatus.SELECTING_WINNER, run.ending.why
    assert run.trial.edited_at is None
    assert any(one.tag.endswith("reallocated") for one in events)
    assert set(amounts_of(rows).values()) != {100 * BUDGET}
    assert peak <= 100 * BUDGET * arms
