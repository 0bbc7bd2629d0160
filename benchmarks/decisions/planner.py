"""The planner's promise against what comes: simulated tests through engine and market, and whole runs of the product.

    PYTHONPATH=tests python -m benchmarks.decisions.planner [--tests 500] [--runs 20]

Effects are drawn from the prior that the planner assumes without past tests. Each test is decided as a run decides it; what
came is the true gain of following it over splitting the whole budget evenly, as a share of what that would earn.
"""

import argparse
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import structlog
from benchmarks.decisions.market import Market, history

from autopublisher.domain.evidence import Design, Mode
from autopublisher.domain.evidence.forecast import forecast, plan_of
from autopublisher.domain.evidence.money_decision import MoneyTerms
from autopublisher.domain.evidence.money_replay import money_at_end, replay_with_money
from autopublisher.domain.evidence.spread import GRID, default_prior
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from autopublisher.flows.requests.planner import Planner
from autopublisher.flows.requests.reports import Reports
from metasim import SimulatorConfig
from support.direct import DirectMachine
from support.simulated import brief_request

PURCHASE_PRICE = 20.0
ALIKE = 0.16
RESULTS = Path(__file__).resolve().parent.parent / "results" / "planner.json"


@dataclass(frozen=True)
class Case:
    """A plan: variants, purchases that the whole budget buys, the test's share of it and hours; whether money ends it."""

    variants: int
    purchases: int
    share: float
    hours: int
    by_money: bool


CASES = (
    Case(2, 25, 0.2, 24, by_money=False),
    Case(2, 250, 0.2, 24, by_money=False),
    Case(2, 450, 0.5, 120, by_money=False),
    Case(5, 450, 0.3, 72, by_money=False),
    Case(2, 250, 1.0, 120, by_money=True),
    Case(2, 450, 1.0, 240, by_money=True),
    Case(5, 450, 1.0, 240, by_money=True),
    Case(8, 450, 1.0, 240, by_money=True),
)


@dataclass(frozen=True)
class Compared:
    """Promised and come, as shares of what the whole budget earns; ``error`` is the standard error of what came."""

    promised: float
    came: float
    error: float
    promised_best: float
    came_best: float
    promised_share: float
    came_share: float


def design_of(case: Case) -> Design:
    return Design(
        variants=tuple("ABCDEFGHIJ"[: case.variants]),
        planned_spend_per_variant=case.share * PURCHASE_PRICE * case.purchases / case.variants,
        planned_hours=float(case.hours),
        mode=Mode.MONEY if case.by_money else Mode.PROVE,
        same_offer=True,
        cooldown_hours=0.0 if case.by_money else 72.0,
        poll_hours=1.0,
    )


def played(case: Case, seed: int) -> tuple[float, bool, float]:
    """Return one test's true gain, whether its choice was the best, and the share of the budget that it used."""
    rng = np.random.default_rng([seed, *map(int, asdict(case).values())])
    spread = float(rng.choice(GRID, p=default_prior()))
    rates = rng.normal(0, spread * (1 - ALIKE) ** 0.5, case.variants)
    baskets = rng.normal(0, spread * ALIKE**0.5, case.variants)
    design, total = design_of(case), PURCHASE_PRICE * case.purchases
    market = Market(
        hours=case.hours,
        cooldown=int(design.cooldown_hours),
        spend_per_hour=design.planned_spend_per_variant / case.hours,
        purchases_per_hour=design.planned_spend_per_variant / PURCHASE_PRICE / case.hours,
        lifts=tuple(np.exp(rates).tolist()),
        basket_ratio=tuple(np.exp(baskets).tolist()),
    )
    polls, everyone = history(market, rng), tuple(range(case.variants))
    if case.by_money:
        money = replay_with_money(design, polls, MoneyTerms(total), final=True, detailed=False).money
    else:
        money = money_at_end(design, polls, MoneyTerms(total), everyone)
    if money is None:
        return 0.0, False, 1.0
    spent = polls.figures[np.searchsorted(polls.hours, money.hour), :, 0].sum() / total
    worth, pick = np.exp(rates + baskets), design.variants.index(money.variant)
    left = max(0.0, 1 - float(spent))
    gain = left * float(worth[pick] / worth.mean() - 1)
    return gain, bool(worth[pick] == worth.max()), 1 - left


def compared(case: Case, tests: int) -> Compared:
    """Return what is promised for a case, and what came of so many tests."""
    promised = forecast(
        plan_of(design_of(case), PURCHASE_PRICE * case.purchases, PURCHASE_PRICE, stops_early=case.by_money),
        default_prior().tolist(),
    )
    gains, best, used = map(np.array, zip(*(played(case, seed) for seed in range(tests)), strict=True))
    return Compared(
        promised=promised.gain,
        came=float(gains.mean()),
        error=float(gains.std() / tests**0.5),
        promised_best=promised.p_best,
        came_best=float(best.mean()),
        promised_share=promised.test_share,
        came_share=float(used.mean()),
    )


def run_through(seed: int) -> tuple[float, float, float]:
    """Return of one whole run what its plan promised, what its recommendation came to, and the cost of a purchase told."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    rng = np.random.default_rng([seed, 4])
    apart = float(rng.normal(0, 2**0.5 * rng.choice(GRID, p=default_prior())))
    plain = Path(__file__).resolve().parents[2] / "src/metasim/scenarios/usual.toml"
    with TemporaryDirectory() as folder:
        scenario = Path(folder) / "drawn.toml"
        text = plain.read_text("utf-8").replace("conversion = 1.25", f"conversion = {np.exp(apart):.6f}")
        scenario.write_text(text, "utf-8")
        machine = DirectMachine(
            EngineConfig(poll=timedelta(hours=2), split_tests=True),
            SimulatorConfig(scenario=str(scenario), seed=seed),
        )
        asked = brief_request()
        test, budget = asked.ab_test_config, asked.budget_config
        request = replace(
            asked,
            ab_test_config=replace(test, test_budget_per_variant=10 * test.test_budget_per_variant),
            budget_config=replace(budget, total_budget=10 * Decimal(budget.total_budget)),
        )
        planner = Planner(machine.open_unit, machine.intake, machine.clock, timedelta(hours=2))
        cost = Decimal(PURCHASE_PRICE)
        (outlook,) = planner.plan(request, cost=cost, value=Decimal(70)).outlooks
        run_id = machine.intake.submit(request, "benchmark").id
        for _ in range(400):
            run = machine.tick(run_id)
            if run.is_final or run.status is RunStatus.WAITING_APPROVAL:
                break
        view = Reports(machine.open_unit).view(run_id)
    chosen = view.run.release.winner or view.bet
    worth = {"A": 1.0, "B": float(np.exp(apart))}
    mean = sum(worth.values()) / 2
    came = 0.0 if chosen is None else (1 - 0.2) * (worth[chosen] / mean - 1)
    return outlook.expected.forecast.gain, came, float(outlook.supposed.cost)


def main(arguments: Sequence[str] | None = None) -> None:
    """Play, print and keep what was promised and what came."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=int, default=500)
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args(arguments)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(partial(compared, tests=options.tests), CASES))
        runs = list(pool.map(run_through, range(1, options.runs + 1)))
    rows = [asdict(case) | asdict(one) for case, one in zip(CASES, found, strict=True)]
    for row in rows:
        print(json.dumps({name: round(value, 4) for name, value in row.items()}))
    kept = {"tests": options.tests, "cases": rows}
    if runs:
        promised, came = np.array([run[0] for run in runs]), np.array([run[1] for run in runs])
        error = float(came.std() / len(came) ** 0.5)
        kept |= {"runs": len(runs), "runs_promised": float(promised.mean())}
        kept |= {"runs_came": float(came.mean()), "runs_error": error}
        print(f"{len(runs)} runs: promised {promised.mean():.4f}, came {came.mean():.4f} (s.e. {error:.4f})")
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
