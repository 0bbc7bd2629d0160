"""How far what a money decision says comes true at fixed ends, over accounts whose spreads are as the default assumes."""

from dataclasses import dataclass

import numpy as np
from benchmarks.decisions.cells import Array, Cell, drawn
from benchmarks.decisions.tables import Over, Record

from autopublisher.domain.evidence import Criterion
from autopublisher.domain.evidence.money_decision import MoneyRule, MoneyTerms
from autopublisher.domain.evidence.spread import GRID
from autopublisher.domain.evidence.timeline import build

_MEDIAN, _DOUBT = 0.15, 0.7
TESTS, CRITERION_TESTS, _PIECE = 1800, 900, 60
PURCHASES = (1, 5, 15, 45, 150, 500, 1500)
HOURS = (24, 336)
FEW_PURCHASES = (5, 45, 450)
_CRITERIA = (Criterion.ROAS, Criterion.CPA, Criterion.CVR, Criterion.CTR, Criterion.CPC, Criterion.ENGAGEMENT)
_FEWER_TESTS = {1500: 720, 500: 900, 450: 900}


@dataclass(frozen=True)
class Case:
    """One line: criterion, variants, purchases of each, and hours."""

    criterion: Criterion
    variants: int
    purchases: int
    hours: int


def one(job: tuple[Case, range]) -> Array:
    """Return for each test: P(best), gain, loss, log lift and its range as said, then whether best, gain, loss, lift."""
    case, seeds = job
    return np.array([row for seed in seeds if (row := _said(case, seed)) is not None]).reshape(-1, 10)


def _said(case: Case, seed: int) -> list[float] | None:
    spread = float(np.random.default_rng([seed, 7]).lognormal(np.log(_MEDIAN), _DOUBT))
    cell = Cell(
        case.variants,
        case.variants * case.purchases,
        float(np.clip(spread, GRID[0], GRID[-1])),
        case.hours // 24,
    )
    test = drawn(cell, seed, case.criterion, own_spread=True, engagement_rate=0.02)
    design, effects = test.design, test.effects.of(case.criterion)
    rule = MoneyRule(design, MoneyTerms(2 * cell.budget), build(design, test.polls))
    found = rule.decided(len(test.polls), tuple(range(case.variants)), may_test=False)
    if found is None:
        return None
    pick = design.variants.index(found.variant)
    lift = effects[pick] - np.delete(effects, pick).mean()
    said = [
        found.p_best,
        found.expected_gain,
        found.expected_loss,
        np.log(found.lift),
        *np.log(found.lift_interval),
    ]
    return [
        *said,
        effects[pick] >= effects.max(),
        effects[pick] - effects.mean(),
        effects.max() - effects[pick],
        lift,
    ]


def record_of(case: Case, rows: Array) -> Record:
    """Return said and true of one case, slopes by least squares, each with its standard error."""
    p_best, gain, loss, lift, low, high, best, true_gain, true_loss, true_lift = rows.T
    slope, slope_error = _slope(gain, true_gain)
    p_slope, p_slope_error = _slope(p_best, best)
    gap = p_best - best
    return {
        "criterion": case.criterion.value,
        "variants": case.variants,
        "each": case.purchases,
        "hours": case.hours,
        "tests": len(rows),
        "p_said": float(p_best.mean()),
        "p_true": float(best.mean()),
        "p_error": float(gap.std() / len(rows) ** 0.5),
        "p_slope": p_slope,
        "p_slope_error": p_slope_error,
        "gain_slope": slope,
        "gain_slope_error": slope_error,
        "loss_ratio": float(true_loss.mean() / loss.mean()),
        "loss_error": float((true_loss - loss).std() / loss.mean() / len(rows) ** 0.5),
        "cover": float(((low <= true_lift) & (true_lift <= high)).mean()),
        "bias": float((lift - true_lift).mean()),
    }


def _slope(said: Array, true: Array) -> tuple[float, float]:
    centred = said - said.mean()
    slope = float(centred @ true / (centred @ centred))
    rest = true - true.mean() - slope * centred
    return slope, float((rest @ rest / len(rest) / (centred @ centred)) ** 0.5)


def said(*, quick: bool, over: Over) -> list[Record]:
    """Return said and true of returns on spend."""
    sizes = (5, 45) if quick else PURCHASES
    cases = [Case(Criterion.ROAS, 2, each, hours) for hours in HOURS for each in sizes]
    five = [Case(Criterion.ROAS, 5, each, hours) for each, hours in ((5, 24), (45, 24), (450, 336))]
    return _measured(cases + ([] if quick else five), over, TESTS, quick=quick)


def by_criterion(*, quick: bool, over: Over) -> list[Record]:
    """Return said and true of every criterion; revenue is read as roas is, and conversions as cpa."""
    hours, sizes = ((24,), (45,)) if quick else (HOURS, FEW_PURCHASES)
    return _measured(
        [Case(of, 2, each, h) for of in _CRITERIA for h in hours for each in sizes],
        over,
        CRITERION_TESTS,
        quick=quick,
    )


def _measured(cases: list[Case], over: Over, tests: int, *, quick: bool) -> list[Record]:
    counts = [min(tests, _FEWER_TESTS.get(case.purchases, tests)) // (20 if quick else 1) for case in cases]
    jobs = [
        (case, range(at, min(at + _PIECE, count)))
        for case, count in zip(cases, counts, strict=True)
        for at in range(0, count, _PIECE)
    ]
    found = list(over(one, jobs))
    return [
        record_of(
            case, np.concatenate([rows for (of, _), rows in zip(jobs, found, strict=True) if of == case])
        )
        for case in cases
    ]
