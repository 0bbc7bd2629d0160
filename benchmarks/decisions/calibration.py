"""False winners, power, coverage, spend used and speed of the decision engine under hourly polling, as a table.

python -m benchmarks.decisions.calibration --replicates 400
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

import numpy as np
from benchmarks.decisions.market import Market, history

from autopublisher.domain.evidence import Criterion, Design, Verdict, replay

MID = Market()
COHORTS = replace(MID, with_cohorts=True)
TINY, SMALL, LARGE = 23, 114, 1520


@dataclass(frozen=True)
class Case:
    name: str
    market: Market
    design: dict[str, Any] = field(default_factory=dict)
    replicates: float = 1.0
    """Part of the asked-for number: cases of many variants take longer."""


@dataclass(frozen=True)
class Outcome:
    """One replicate: what was named, whether the true ratio lay in the range, and what it took."""

    wrong: bool
    right: bool
    leads: bool
    covered: bool
    used: float
    seconds: float


def per_arm(purchases: float, market: Market = MID) -> Market:
    return replace(market, purchases_per_hour=purchases / market.hours)


def noisy(day_spread: float, market: Market = MID) -> Market:
    return replace(market, day_spread=day_spread)


def tied(arms: int) -> Market:
    return replace(MID, lifts=(1.0,) * arms)


E: dict[str, Any] = {"same_offer": True}
CASES = (
    *(
        Case(f"tie {size}, {purchases} per arm, {name}", per_arm(purchases), design)
        for size, purchases in (("tiny", TINY), ("small", SMALL), ("mid", 380), ("large", LARGE))
        for name, design in (("B", {}), ("E", E))
    ),
    *(
        Case(f"tie {purchases}, arm-day CV {spread:.0%}, {name}", noisy(spread, per_arm(purchases)), design)
        for purchases in (380, LARGE)
        for spread in (0.0, 0.15, 0.20)
        for name, design in (("B", {}), ("E", E))
    ),
    *(
        Case(f"tie mid, {each.value}", MID, {"criterion": each})
        for each in Criterion
        if each not in (Criterion.ROAS, Criterion.REVENUE)
    ),
    Case("tie large, arm-day CV 15%, cpa", noisy(0.15, per_arm(LARGE)), {"criterion": "cpa"}),
    Case("tie mid, reports x3 slower in an arm, B", replace(MID, slower_reports=(1.0, 3.0))),
    Case("tie mid, reports x3 slower in an arm, E", replace(MID, slower_reports=(1.0, 3.0)), E),
    Case("tie large, CV 15%, with cohorts, B", noisy(0.15, per_arm(LARGE, COHORTS)), {}, 0.25),
    Case("tie mid, x3 slower, with cohorts, B", replace(COHORTS, slower_reports=(1.0, 3.0)), {}, 0.25),
    Case("+30% mid, with cohorts, E", replace(COHORTS, lifts=(1.0, 1.3)), E, 0.25),
    Case("tie mid, 8% of polls missed, B", replace(MID, missed_polls=0.08)),
    Case("tie mid, open end (A)", MID, {"open_ended": True}),
    Case("tie mid, 7 days, B", replace(MID, hours=168)),
    Case("tie of 4, B", tied(4), {}, 0.5),
    Case("tie of 8, B", tied(8), {}, 0.125),
    Case("tie of the best 2 of 4, B", replace(MID, lifts=(1.0, 1.0, 0.7, 0.7)), {}, 0.5),
    *(
        Case(f"+{lift:.0%} mid, {name}", replace(MID, lifts=(1.0, 1 + lift)), design)
        for lift in (0.3, 0.5)
        for name, design in (("B", {}), ("E", E), ("A", {"open_ended": True}))
    ),
    Case("one of 4 +30%, E", replace(MID, lifts=(1.0, 1.0, 1.0, 1.3)), E, 0.5),
    Case("+30% mid, decide mode, E", replace(MID, lifts=(1.0, 1.3)), E | {"mode": "decide"}),
)


def design_of(case: Case) -> Design:
    market = case.market
    return Design(
        variants=tuple(f"v{index}" for index in range(market.arms)),
        planned_spend_per_variant=market.spend_per_hour * market.hours,
        planned_hours=float(market.hours),
        **case.design,
    )


def outcome_of(case: Case, seed: int) -> Outcome:
    market, design = case.market, design_of(case)
    polls = history(market, np.random.default_rng([crc32(case.name.encode()), seed]))
    started = time.perf_counter()
    verdict = replay(design, polls, final=True, detailed=False)
    seconds = time.perf_counter() - started
    best = [f"v{index}" for index, lift in enumerate(market.lifts) if lift == max(market.lifts)]
    won = verdict.kind.value == "winner"
    right = won and best == [verdict.winner]
    used = sum(each.spend for each in verdict.variants) / float(polls.figures[-1, :, 0].sum())
    return Outcome(won and not right, right, verdict.leader in best, covers(case, verdict), used, seconds)


def covers(case: Case, verdict: Verdict) -> bool:
    """Return whether the first pair's range holds the true ratio (nothing measured: it holds everything)."""
    if not verdict.pairs:
        return True
    truth = {f"v{index}": lift for index, lift in enumerate(case.market.lifts)}
    pair = verdict.pairs[0]
    # Click criteria are tied whatever the purchases do.
    clicks = case.design.get("criterion") in (Criterion.CTR, Criterion.CPC, Criterion.ENGAGEMENT)
    ratio = 1.0 if clicks else truth[pair.first] / truth[pair.second]
    return pair.low <= ratio and (pair.high is None or ratio <= pair.high)


def row_of(case: Case, seeds: Sequence[int]) -> str:
    outcomes = [outcome_of(case, seed) for seed in seeds]

    def share(name: str) -> float:
        return float(np.mean([getattr(each, name) for each in outcomes]))

    wrong = share("wrong")
    error = (wrong * (1 - wrong) / len(outcomes)) ** 0.5
    shares = " | ".join(f"{share(name):.3f}" for name in ("right", "leads", "covered", "used"))
    spent = 1000 * float(np.median([each.seconds for each in outcomes]))
    return f"| {case.name} | {wrong:.3f} ± {error:.3f} | {shares} | {spent:.1f} | {len(outcomes)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--first-seed", type=int, default=0, help="for figures no setting was chosen on")
    parser.add_argument("--only", default="", help="run the cases whose name contains this")
    options = parser.parse_args()
    print("| case | false winner | power | best leads | covered | spend used | ms per test | tests |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        if options.only in case.name:
            count = max(int(options.replicates * case.replicates), 1)
            print(row_of(case, range(options.first_seed, options.first_seed + count)), flush=True)


if __name__ == "__main__":
    main()
