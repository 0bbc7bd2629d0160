"""How often each diagnostic fires in healthy simulated tests, as a table.

python -m benchmarks.decisions.false_alarms --replicates 400
"""

import argparse
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

import numpy as np
from benchmarks.decisions.market import Market, snapshots

from autopublisher.domain.evidence import Design, judge


@dataclass(frozen=True)
class Healthy:
    name: str
    market: Market
    design: dict[str, Any] = field(default_factory=dict)


MID = Market()


def per_arm(purchases: float, market: Market = MID) -> Market:
    return replace(market, purchases_per_hour=purchases / market.hours)


TESTS = (
    Healthy("114 purchases", per_arm(114), {"same_offer": True}),
    Healthy("380", MID, {"same_offer": True}),
    Healthy("1,520", per_arm(1520), {"same_offer": True}),
    Healthy("1,520, arm-day noise 15 %", per_arm(1520, replace(MID, day_spread=0.15)), {"same_offer": True}),
    Healthy("380, one week", per_arm(380, replace(MID, hours=168)), {"same_offer": True}),
    Healthy("380, 4 variants", replace(MID, lifts=(1.0,) * 4), {"same_offer": True}),
    Healthy("380, one 30 % better", replace(MID, lifts=(1.0, 1.3)), {"same_offer": True}),
    Healthy("380, cpa", MID, {"criterion": "cpa"}),
)


def row_of(test: Healthy, replicates: int) -> str:
    market, fired = test.market, Counter[str]()
    design = Design(
        variants=tuple(f"v{index}" for index in range(market.arms)),
        planned_spend_per_variant=market.spend_per_hour * market.hours,
        planned_hours=float(market.hours),
        **test.design,
    )
    for seed in range(replicates):
        history = snapshots(market, np.random.default_rng([crc32(test.name.encode()), seed]))
        verdict = judge(design, history, final=True)
        fired.update({each.code for each in verdict.diagnostics} or {"none"})
    told = ", ".join(f"{code} {count / replicates:.1%}" for code, count in sorted(fired.items()))
    return f"| {test.name} | {told} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=400)
    replicates = parser.parse_args().replicates
    print("| healthy test | share of tests in which it is told |")
    print("| --- | --- |")
    for test in TESTS:
        print(row_of(test, replicates), flush=True)


if __name__ == "__main__":
    main()
