"""False winners and power of the decision engine under hourly polling, as a table.

python benchmarks/decisions/calibration.py --replicates 400
"""

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from market import Market, snapshots

from autopublisher.domain.evidence import Design, Verdict, replay


@dataclass(frozen=True)
class Case:
    name: str
    market: Market
    design: dict[str, Any] = field(default_factory=dict)


MID = Market()


def per_arm(purchases: float, market: Market = MID) -> Market:
    return replace(market, purchases_per_hour=purchases / market.hours)


CASES = (
    Case("tie, 23 purchases per arm", per_arm(23)),
    Case("tie, 114", per_arm(114)),
    Case("tie, 380", MID),
    Case("tie, 1520", per_arm(1520)),
    Case("tie, 380, arm-day 15 %", replace(MID, day_spread=0.15)),
    Case("tie, 1520, arm-day 15 %", per_arm(1520, replace(MID, day_spread=0.15))),
    Case("tie, 380, pooled baskets", MID, {"same_offer": True}),
    Case("tie, 380, cpa", MID, {"criterion": "cpa"}),
    Case("tie, ctr", MID, {"criterion": "ctr"}),
    Case("tie of 4, 380", replace(MID, lifts=(1.0,) * 4)),
    Case("tie of the best 2 of 4, 380", replace(MID, lifts=(1.0, 1.0, 0.7, 0.7))),
    Case("tie, 24 h, 1000", per_arm(1000, replace(MID, hours=24))),
    Case("+30 %, 380", replace(MID, lifts=(1.0, 1.3))),
    Case("+50 %, 380", replace(MID, lifts=(1.0, 1.5))),
    Case("+30 %, 380, pooled baskets", replace(MID, lifts=(1.0, 1.3)), {"same_offer": True}),
    Case("+50 %, 380, pooled baskets", replace(MID, lifts=(1.0, 1.5)), {"same_offer": True}),
    Case("+30 %, 380, decide mode", replace(MID, lifts=(1.0, 1.3)), {"mode": "decide", "same_offer": True}),
    Case("one of 4 +30 %, 380", replace(MID, lifts=(1.0, 1.0, 1.0, 1.3))),
    Case("x 2.7, 24 h, 1000", per_arm(1000, replace(MID, hours=24, lifts=(1.0, 2.7)))),
)


def design_of(case: Case) -> Design:
    market = case.market
    return Design(
        variants=tuple(f"v{index}" for index in range(market.arms)),
        planned_spend_per_variant=market.spend_per_hour * market.hours,
        planned_hours=float(market.hours),
        **case.design,
    )


def verdict_of(case: Case, seed: int) -> Verdict:
    return replay(
        design_of(case),
        snapshots(case.market, np.random.default_rng([crc32(case.name.encode()), seed])),
        final=True,
    )


def row_of(case: Case, seeds: range) -> str:
    kinds: Counter[str] = Counter()
    best = {f"v{index}" for index, lift in enumerate(case.market.lifts) if lift == max(case.market.lifts)}
    right = wrong = stopped = picked = 0
    used = []
    for seed in seeds:
        verdict = verdict_of(case, seed)
        kinds[verdict.kind.value] += 1
        unique = len(best) == 1
        won = verdict.kind.value == "winner"
        right += won and unique and verdict.winner in best
        wrong += won and not (unique and verdict.winner in best)
        stopped += unique and bool(best & set(verdict.eliminated))
        picked += verdict.leader in best
        used.append(min(verdict.hour / case.market.hours, 1.0))
    share = [value / len(seeds) for value in (wrong, right, stopped, picked)]
    numbers = " | ".join(f"{value:.3f}" for value in (*share, float(np.mean(used))))
    return f"| {case.name} | {numbers} | {dict(kinds)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--first-seed", type=int, default=0, help="for figures no setting was chosen on")
    parser.add_argument("--only", default="", help="run the cases whose name contains this")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.replicates)
    print("| case | false winner | power | best stopped | best leads | time used | verdicts |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        if options.only in case.name:
            print(row_of(case, seeds), flush=True)


if __name__ == "__main__":
    main()
