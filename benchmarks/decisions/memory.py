"""What an account's memory changes: said and true figures with none, five and twenty finished tests behind, on equal tests.

``python -m benchmarks.decisions.memory --accounts 40`` prints a line for each case, by hourly markets whose tests go through
the product's own rows. Basket variation and day noise are those that the market has, beside what twenty tests say of them.
"""

import argparse
import math
from dataclasses import dataclass

import numpy as np
from benchmarks.decisions.market import Market, history

from autopublisher.domain.evidence import Criterion, Design
from autopublisher.domain.evidence.memory import measured_test, memory_of
from autopublisher.domain.evidence.money_decision import MoneyDecision, MoneyRule, MoneyTerms
from autopublisher.domain.evidence.observations import History
from autopublisher.domain.evidence.timeline import build
from autopublisher.domain.past_tests import AccountMemory, MeasuredTest

PRICE, ALIKE = 20.0, 0.16
BEHIND = (0, 5, 20)
NEW_TESTS = 10


@dataclass(frozen=True)
class Case:
    """Variants, purchases of each, days, spread of log effects, and noise of a variant's days."""

    variants: int
    purchases: int
    days: int
    spread: float
    day_noise: float = 0.08


CASES = (
    *(Case(4, 45, 7, spread) for spread in (0.05, 0.2, 0.4)),
    *(Case(2, 150, 7, spread) for spread in (0.05, 0.2, 0.4)),
    Case(2, 150, 7, 0.2, 0.25),
)


def played(case: Case, rng: np.random.Generator) -> tuple[Design, History, np.ndarray]:
    """Play one test to its end, late reports still out; return it with the true effects."""
    rates = rng.normal(0, case.spread * (1 - ALIKE) ** 0.5, case.variants)
    baskets = rng.normal(0, case.spread * ALIKE**0.5, case.variants)
    hours, spend = 24 * case.days, PRICE * case.purchases
    market = Market(
        hours=hours,
        cooldown=0,
        spend_per_hour=spend / hours,
        purchases_per_hour=case.purchases / hours,
        lifts=tuple(np.exp(rates).tolist()),
        basket_ratio=tuple(np.exp(baskets).tolist()),
        day_spread=case.day_noise,
    )
    design = Design(
        variants=tuple("ABCDEFGHIJ"[: case.variants]),
        planned_spend_per_variant=spend,
        planned_hours=float(hours),
        same_offer=True,
        cooldown_hours=0.0,
        poll_hours=1.0,
    )
    return design, history(market, rng), rates + baskets


def remembered(case: Case, rng: np.random.Generator) -> list[MeasuredTest]:
    """Return what the tests of an account's past have left."""
    left: list[MeasuredTest] = []
    while len(left) < max(BEHIND):
        design, polls, _ = played(case, rng)
        row = measured_test(design, polls, design.planned_hours)
        left += [row] if isinstance(row, MeasuredTest) else []
    return left


def decided(design: Design, polls: History, memory: AccountMemory) -> MoneyDecision | None:
    """Return the money decision at a test's end, half of the budget being left."""
    total = 2 * design.planned_spend_per_variant * len(design.variants)
    rule = MoneyRule(design, MoneyTerms(total, memory=memory), build(design, polls))
    return rule.decided(len(polls), tuple(range(len(design.variants))), may_test=False)


def line_of(case: Case, accounts: int) -> str:
    """Return a case's line: what twenty tests say of noise, then said/true P(best) and gain by tests behind."""
    said: dict[int, list[tuple[float, float, float, float]]] = {number: [] for number in BEHIND}
    known = []
    for account in range(accounts):
        rng = np.random.default_rng([account, case.variants, case.purchases, round(100 * case.spread)])
        past = remembered(case, rng)
        memories = {number: memory_of(Criterion.ROAS, past[len(past) - number :]) for number in BEHIND}
        known.append(memories[max(BEHIND)])
        for _ in range(NEW_TESTS):
            design, polls, effects = played(case, rng)
            for number, memory in memories.items():
                found = decided(design, polls, memory)
                if found is not None:
                    pick = design.variants.index(found.variant)
                    best, gain = effects[pick] >= effects.max(), effects[pick] - effects.mean()
                    said[number].append((found.p_best, float(best), found.expected_gain, float(gain)))
    baskets = np.mean([math.sqrt(each.value_dispersion or 0.0) for each in known])
    days = np.mean([each.likely_day_spread(0.12, 0.05) or 0.0 for each in known])
    cells = [*vars(case).values(), f"{baskets:.2f}", f"{days:.3f}", *(_told(said[one]) for one in BEHIND)]
    return f"| {' | '.join(map(str, cells))} |"


def _told(pairs: list[tuple[float, float, float, float]]) -> str:
    chance, best, gain, true = np.mean(pairs, axis=0)
    return f"{chance:.3f}/{best:.3f}, {gain:.3f}/{true:.3f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=40)
    options = parser.parse_args()
    behind = " | ".join(f"P(best), gain after {number}" for number in BEHIND)
    print(f"| variants | purchases | days | spread | day noise | CV of baskets | day noise used | {behind} |")
    print(f"|{' --- |' * (7 + len(BEHIND))}")
    for case in CASES:
        print(line_of(case, options.accounts), flush=True)


if __name__ == "__main__":
    main()
