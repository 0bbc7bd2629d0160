"""The demo's market over many seeds: how often its recommendation is right, and what was promised against what came.

    PYTHONPATH=tests python -m benchmarks.decisions.demo [--seeds 200]

Each seed is a whole run of the product over the simulator, as `autopublisher demo` makes it, up to the moment at which a
person is asked. "Right" is a recommendation of the variant that truly earns most; none is not right.
"""

import argparse
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import structlog

from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from autopublisher.flows.requests.reports import Reports
from metasim import SimulatorConfig
from support.direct import DirectMachine
from support.simulated import brief_request

SCALE, BEST = 10, "B"
RESULTS = Path(__file__).resolve().parent.parent / "results" / "demo.json"


def recommended(seed: int) -> str | None:
    """Return the variant that the demo recommends in the market of a seed; None where it recommends none."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    machine = DirectMachine(
        EngineConfig(poll=timedelta(hours=2), split_tests=True), SimulatorConfig(scenario="usual", seed=seed)
    )
    asked = brief_request()
    test, budget = asked.ab_test_config, asked.budget_config
    scaled = replace(
        asked,
        ab_test_config=replace(test, test_budget_per_variant=SCALE * test.test_budget_per_variant),
        budget_config=replace(budget, total_budget=SCALE * Decimal(budget.total_budget)),
    )
    run_id = machine.intake.submit(scaled, "benchmark").id
    for _ in range(400):
        run = machine.tick(run_id)
        if run.is_final or run.status is RunStatus.WAITING_APPROVAL:
            break
    view = Reports(machine.open_unit).view(run_id)
    return view.run.release.winner or view.bet


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the seeds, print and keep how many recommendations were right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    seeds = range(1, parser.parse_args(arguments).seeds + 1)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(recommended, seeds))
    result = {
        "seeds": len(found),
        "right": found.count(BEST),
        "none": found.count(None),
        "of_seed_7": found[6] if len(found) > 6 else None,  # noqa: PLR2004 - the demo's seed
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
