"""What rules earn: net share of perfect knowledge's gain, regret, bad picks and budget used, in place and at a price."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from benchmarks.decisions.cells import Array, Cell, Effects, drawn
from benchmarks.decisions.moved import money_moved
from benchmarks.decisions.rivals import RULES, SCALED
from benchmarks.decisions.tables import Over, Record

ORACLE = "perfect knowledge"
MOVED = {"Thompson, daily": "thompson", "greedy, as Meta delivers": "greedy"}
_CLEARLY_WORSE = 0.9
_NONE = -1


@dataclass(frozen=True, eq=False)
class Played:
    """Tests of one cell: what is true (tests, variants), and by rule whom it picked and what was left then."""

    effects: Effects
    arms: dict[str, Array]
    left: dict[str, Array]


def played(job: tuple[Cell, range]) -> Played:
    """Let every rule play the tests of some seeds."""
    cell, seeds = job
    tests = [drawn(cell, seed) for seed in seeds]
    picks = {name: [rule(test) for test in tests] for name, rule in RULES.items()}
    return Played(
        Effects.of_all([test.effects for test in tests], np.stack),
        {
            name: np.array([_NONE if one.arm is None else one.arm for one in each])
            for name, each in picks.items()
        },
        {name: np.array([one.left for one in each]) for name, each in picks.items()},
    )


def together(parts: Sequence[Played]) -> Played:
    """Return the tests of one cell that were played apart."""
    names = parts[0].arms
    return Played(
        Effects.of_all([one.effects for one in parts], np.concatenate),
        {name: np.concatenate([one.arms[name] for one in parts]) for name in names},
        {name: np.concatenate([one.left[name] for one in parts]) for name in names},
    )


def records_of(cell: Cell, tests: Played) -> list[Record]:
    """Return one record a rule; gains are of the even split's revenue."""
    rates = np.exp(tests.effects.returns)
    mean, best = rates.mean(axis=1), rates.max(axis=1)
    size: Record = {**vars(cell), "tests": len(rates)}
    perfect = np.maximum(SCALED.efficiency(1.0, cell.variants, cell.days) * best - mean, 0.0)
    found = [{**size, "rule": ORACLE, "gain": _percent(best - mean, mean), **_priced(perfect, mean)}]
    for name, arms in tests.arms.items():
        picked, left = arms != _NONE, tests.left[name]
        rate = rates[np.arange(len(rates)), arms]
        gain = np.where(picked, left * (rate - mean), 0.0)
        price = np.array([SCALED.efficiency(max(each, 1e-9), cell.variants, cell.days) for each in left])
        found.append(
            {
                **size,
                "rule": name,
                **_net(gain, best - mean),
                "gross": float(np.where(picked, rate - mean, 0.0).sum() / (best - mean).sum()),
                "regret": _percent(best - mean - gain, mean),
                "picked": float(picked.mean()),
                "bad": float((picked & (rate < _CLEARLY_WORSE * best)).mean()),
                "used": float(1 - left.mean()),
                **_priced(np.where(picked, left * (price * rate - mean), 0.0), mean),
            }
        )
    for name, rule in MOVED.items():
        spent = money_moved(cell, tests.effects, rule, len(rates))
        gain = (spent * rates).sum(axis=1) - mean
        regret = _percent(best - mean - gain, mean)
        found.append({**size, "rule": name, **_net(gain, best - mean), "regret": regret})
    return found


def _net(gain: Array, best: Array) -> Record:
    """Return the share of the best gains that is captured, a ratio of sums, with its standard error."""
    share = float(gain.sum() / best.sum())
    return {"net": share, "net_error": float((gain - share * best).std() / best.mean() / len(gain) ** 0.5)}


def _percent(gain: Array, mean: Array) -> float:
    return float(100 * gain.sum() / mean.sum())


def _priced(gain: Array, mean: Array) -> Record:
    share = gain.sum() / mean.sum()
    error = (gain - share * mean).std() / mean.mean() / len(gain) ** 0.5
    return {"priced": float(100 * share), "priced_error": float(100 * error)}


PURCHASES = (10, 30, 50, 150, 450, 1500, 5000)
SPREADS = (0.05, 0.1, 0.2, 0.4)
TESTS = {2: 300, 3: 200, 5: 120, 8: 60}
_BRIEF_TESTS = 600
_PIECE = 20


def market(variants: int, *, quick: bool, over: Over) -> list[Record]:
    """Net share and the rest by purchases and spread."""
    purchases, spreads = ((50, 450), (0.2,)) if quick else (PURCHASES, SPREADS)
    tests = TESTS[variants] // (4 if quick else 1)
    return _all([(Cell(variants, n, s), tests) for s in spreads for n in purchases], over)


def brief(*, quick: bool, over: Over) -> list[Record]:
    """The brief's case: two variants, five days, spread .2."""
    tests = _BRIEF_TESTS // (20 if quick else 1)
    return _all([(Cell(2, n, 0.2, 5), tests) for n in (15, 50, 500)], over)


def _all(cells: Sequence[tuple[Cell, int]], over: Over) -> list[Record]:
    jobs = [
        (cell, range(at, min(at + _PIECE, tests))) for cell, tests in cells for at in range(0, tests, _PIECE)
    ]
    pieces = list(over(played, jobs))
    found = []
    for cell, _ in cells:
        found += records_of(
            cell, together([p for (of, _), p in zip(jobs, pieces, strict=True) if of == cell])
        )
    return found
