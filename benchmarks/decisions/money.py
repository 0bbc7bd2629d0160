"""What the money decision earns, and how far what it says comes true, on identical simulated tests.

``python benchmarks/decisions/money.py --tests 300`` prints, by number of variants and of purchases that the whole budget
buys: the share of perfect knowledge's gain that is captured, net of the test's cost, by the money decision, by testing a
fifth of the budget and rolling out, and by waiting for proof; bad choices, budget used; and said against true figures.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from market import Market, history

from autopublisher.domain.evidence import Design, Mode
from autopublisher.domain.evidence.money_decision import MoneyDecision, MoneyTerms
from autopublisher.domain.evidence.money_replay import replay_with_money
from autopublisher.domain.evidence.observations import History

PURCHASE_PRICE = 20.0
ALIKE = 0.16
"""The part of the variance between variants that lies in their baskets."""

_FIFTH = 0.2
_CLEARLY_WORSE = 0.9


@dataclass(frozen=True)
class Case:
    """One row: variants, purchases that the whole budget buys, spread of log effects, and days that the budget lasts."""

    variants: int
    purchases: int
    spread: float
    days: int


CASES = (
    *(Case(2, purchases, 0.2, 5) for purchases in (15, 50, 500)),
    *(Case(2, purchases, 0.2, 10) for purchases in (50, 150, 450, 1500)),
    *(Case(2, 450, spread, 10) for spread in (0.1, 0.4)),
    Case(3, 450, 0.2, 10),
    *(Case(5, purchases, 0.2, 10) for purchases in (50, 450, 1500)),
    Case(8, 450, 0.2, 10),
)


@dataclass(frozen=True)
class Played:
    """One test: true effects, what each rule chose and had left (a share of the budget), and what money said."""

    effects: tuple[float, ...]
    chosen: dict[str, tuple[int, float]]
    money: MoneyDecision | None

    def net(self, rule: str) -> float:
        """Return the gain over an equal split of everything, as a share of the budget's revenue."""
        rates = np.exp(self.effects)
        pick, left = self.chosen[rule]
        return float(left * (rates[pick] - rates.mean()))

    @property
    def best(self) -> float:
        """Return what perfect knowledge gains."""
        rates = np.exp(self.effects)
        return float(rates.max() - rates.mean())

    def is_bad(self, rule: str) -> bool:
        """Return whether the choice is more than a tenth worse than the best."""
        rates = np.exp(self.effects)
        return bool(rates[self.chosen[rule][0]] < _CLEARLY_WORSE * rates.max())


def played(case: Case, seed: int) -> Played:
    """Play one test to the end of its budget and return what each rule would have done on the way."""
    rng = np.random.default_rng([seed, case.variants, case.purchases, round(100 * case.spread), case.days])
    rates = rng.normal(0, case.spread * (1 - ALIKE) ** 0.5, case.variants)
    baskets = rng.normal(0, case.spread * ALIKE**0.5, case.variants)
    hours, total = 24 * case.days, PURCHASE_PRICE * case.purchases
    spend = total / case.variants
    market = Market(
        hours=hours,
        cooldown=0,
        spend_per_hour=spend / hours,
        purchases_per_hour=case.purchases / case.variants / hours,
        lifts=tuple(np.exp(rates).tolist()),
        basket_ratio=tuple(np.exp(baskets).tolist()),
    )
    design = Design(
        variants=tuple("ABCDEFGHIJ"[: case.variants]),
        planned_spend_per_variant=spend,
        planned_hours=float(hours),
        mode=Mode.MONEY,
        same_offer=True,
        cooldown_hours=0.0,
        poll_hours=1.0,
    )
    polls = history(market, rng)
    found = replay_with_money(design, polls, MoneyTerms(total), final=True, detailed=False)
    effects = tuple((rates + baskets).tolist())
    chosen = {
        "money": _followed(found.money if found.by_money else None, polls, design, total),
        "20 %": _rolled_out(polls, total),
        "proof": _proven(design, polls, total),
    }
    return Played(effects, chosen, found.money)


def _followed(money: MoneyDecision | None, polls: History, design: Design, total: float) -> tuple[int, float]:
    if money is None:
        return 0, 0.0
    at = int(np.searchsorted(polls.hours, money.hour))
    return design.variants.index(money.variant), _left(polls, at, total)


def _rolled_out(polls: History, total: float) -> tuple[int, float]:
    """Test with a fifth of the budget, then give the rest to what has earned most."""
    spent = polls.figures[:, :, 0].sum(axis=1)
    at = int(np.searchsorted(spent, _FIFTH * total))
    return int(np.argmax(polls.figures[at, :, 4] / polls.figures[at, :, 0])), _left(polls, at, total)


def _proven(design: Design, polls: History, total: float) -> tuple[int, float]:
    verdict = replay_with_money(
        replace(design, mode=Mode.PROVE), polls, MoneyTerms(total), final=True, detailed=False
    ).proof
    if verdict.winner is None or verdict.decided_hour is None:
        return 0, 0.0
    at = int(np.searchsorted(polls.hours, verdict.hour))
    return design.variants.index(verdict.winner), _left(polls, at, total)


def _left(polls: History, at: int, total: float) -> float:
    return max(0.0, 1 - float(polls.figures[at, :, 0].sum()) / total)


def row_of(case: Case, tests: int) -> str:
    """Return a case's line of the table."""
    all_played = [played(case, seed) for seed in range(tests)]
    best = sum(one.best for one in all_played)
    shares = [f"{sum(one.net(rule) for one in all_played) / best:.3f}" for rule in ("money", "20 %", "proof")]
    bad = np.mean([one.is_bad("money") for one in all_played])
    used = np.mean([1 - one.chosen["money"][1] for one in all_played])
    said = [one for one in all_played if one.money is not None and one.chosen["money"][1] > 0]
    cells = (case.variants, case.purchases, case.spread, case.days, *shares, f"{bad:.2f}", f"{used:.2f}")
    return " | ".join(["", *map(str, cells), *_said(said), ""]).strip()


def _said(tests: list[Played]) -> list[str]:
    """Return said and true figures of the tests that money ended: chance of being best, gain, loss, cover."""
    pairs = [(one.money, np.array(one.effects), one.chosen["money"][0]) for one in tests if one.money]
    if not pairs:
        return ["-"] * 4
    best = [effects[pick] >= effects.max() for _, effects, pick in pairs]
    gain = [effects[pick] - effects.mean() for _, effects, pick in pairs]
    loss = [effects.max() - effects[pick] for _, effects, pick in pairs]
    lifts = [effects[pick] - np.delete(effects, pick).mean() for _, effects, pick in pairs]
    inside = [
        np.log(one.lift_interval[0]) <= lift <= np.log(one.lift_interval[1])
        for (one, _, _), lift in zip(pairs, lifts, strict=True)
    ]
    return [
        f"{np.mean([one.p_best for one, _, _ in pairs]):.3f}/{np.mean(best):.3f}",
        f"{np.mean([one.expected_gain for one, _, _ in pairs]):.3f}/{np.mean(gain):.3f}",
        f"{np.mean([one.expected_loss for one, _, _ in pairs]):.3f}/{np.mean(loss):.3f}",
        f"{np.mean(inside):.3f}",
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=int, default=300)
    parser.add_argument("--only", type=int, help="only cases of so many variants")
    options = parser.parse_args()
    print("| variants | purchases | spread | days | net: money | 20 % | proof | bad | used |", end="")
    print(" P(best) said/true | gain | loss | cover |")
    print(f"|{' --- |' * 13}")
    for case in CASES:
        if options.only in (None, case.variants):
            print(row_of(case, options.tests), flush=True)


if __name__ == "__main__":
    main()
