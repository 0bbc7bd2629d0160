"""What is proven with and without the money rule on the same tests, beside two other sequential tests; and a look's cost."""

import math
import time
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from benchmarks.decisions.cells import PURCHASE_PRICE, Cell, Simulated, drawn
from benchmarks.decisions.market import Market, history
from benchmarks.decisions.tables import Over, Record

from autopublisher.domain.evidence import Design, Mode, replay
from autopublisher.domain.evidence.money_decision import MoneyDecision, MoneyRule, MoneyTerms
from autopublisher.domain.evidence.money_replay import replay_with_money
from autopublisher.domain.evidence.observations import History
from autopublisher.domain.evidence.timeline import build

WITHOUT, WITH, YEAST, SPRT = "proof", "proof, money may end it", "YEAST", "SPRT-z"
_ALPHA, _BETA, _PLANNED = 0.05, 0.2, 0.3
HOURS, _TIMES = 336, 3.0
_VALUE_DISPERSION = 1.25
_PIECE = 20
_NAMES = "ABCD"


@dataclass(frozen=True)
class Case:
    """Purchases of each of some variants in two weeks, and the lift of the first over the others."""

    variants: int
    each: int
    lift: float
    tests: int


CASES = (
    Case(2, 45, 0.0, 300),
    Case(2, 150, 0.0, 400),
    Case(2, 380, 0.0, 600),
    Case(2, 1500, 0.0, 200),
    Case(4, 380, 0.0, 100),
    Case(2, 380, 0.3, 200),
    Case(2, 380, 0.5, 200),
)


def named(job: tuple[Case, range]) -> list[dict[str, int | None]]:
    """Return by test and method whom it names as better; None for nobody."""
    case, seeds = job
    return [_named(case, seed) for seed in seeds]


def polled(case: Case, seed: int) -> tuple[Design, History]:
    """Return the plan of a test and what was polled of it each hour."""
    rng = np.random.default_rng([seed, case.variants, case.each, round(100 * case.lift), 77])
    spend = PURCHASE_PRICE * case.each
    market = Market(
        spend_per_hour=spend / HOURS,
        purchases_per_hour=case.each / HOURS,
        lifts=(1 + case.lift, *[1.0] * (case.variants - 1)),
        click_day_spread=0.04,
    )
    design = Design(
        variants=tuple(_NAMES[: case.variants]),
        planned_spend_per_variant=spend,
        planned_hours=float(HOURS),
        poll_hours=1.0,
    )
    return design, history(market, rng)


def _named(case: Case, seed: int) -> dict[str, int | None]:
    design, polls = polled(case, seed)
    spend = design.planned_spend_per_variant
    found = {WITHOUT: _winner(design, replay(design, polls, final=True, detailed=False).winner)}
    terms = MoneyTerms(_TIMES * spend * case.variants)
    ended = replay_with_money(replace(design, mode=Mode.MONEY), polls, terms, final=True, detailed=False)
    found[WITH] = _winner(design, ended.proof.winner) if ended.kind == "winner" else None
    if case.variants == 2:  # noqa: PLR2004 - they compare two
        found |= {YEAST: _yeast(polls, spend), SPRT: _sprt(polls)}
    return found


def _winner(design: Design, name: str | None) -> int | None:
    return None if name is None else design.variants.index(name)


def _yeast(polls: History, spend: float) -> int | None:
    """Continuous monitoring by Levy's maximal inequality, P(max S > b) <= 2 P(S_N > b) (Kurennoy et al. 2024, 2406.16523).

    S is the difference of the revenues, its variance at the planned end that of now by the share of the spend.
    """
    for row in range(23, len(polls), 24):
        revenue, count, spent = polls.figures[row, :, 4], polls.figures[row, :, 3], polls.figures[row, :, 0]
        if count.min() < 1:
            continue
        variance = float(((revenue / count) ** 2 * count).sum() * (1 + _VALUE_DISPERSION)) / float(
            spent.mean() / spend
        )
        if abs(revenue[0] - revenue[1]) > NormalDist().inv_cdf(1 - _ALPHA / 4) * math.sqrt(variance):
            return int(np.argmax(revenue))
    return None


def _sprt(polls: History) -> int | None:
    """Wald's test (1945) of no difference against a log ratio of + or - log 1.3, that of the revenues taken as normal.

    The log likelihood ratio of a difference y with variance v is (d y - d^2 / 2) / v; each side has half of the error.
    """
    planned, above = math.log1p(_PLANNED), math.log((1 - _BETA) / (_ALPHA / 2))
    below = math.log(_BETA / (1 - _ALPHA / 2))
    for row in range(23, len(polls), 24):
        revenue, count = polls.figures[row, :, 4], polls.figures[row, :, 3]
        if count.min() < 1:
            continue
        variance = (1 + _VALUE_DISPERSION) * float((1 / count).sum())
        largest = (planned * abs(float(np.log(revenue[0] / revenue[1]))) - planned**2 / 2) / variance
        if largest > above:
            return int(np.argmax(revenue))
        if largest < below:
            return None
    return None


def proof(*, quick: bool, over: Over) -> list[Record]:
    """Return the share of tests in which each method names a variant, and a wrong one."""
    cases = CASES[1:2] if quick else CASES
    found = []
    for case in cases:
        tests = case.tests // (10 if quick else 1)
        jobs = [(case, range(at, min(at + _PIECE, tests))) for at in range(0, tests, _PIECE)]
        rows = [row for part in over(named, jobs) for row in part]
        found += [record_of(case, method, [row[method] for row in rows]) for method in rows[0]]
    return found


def record_of(case: Case, method: str, winners: list[int | None]) -> Record:
    """Return the share of tests in which a method names a variant, and a wrong one."""
    wrong = [each is not None and (case.lift == 0 or each != 0) for each in winners]
    share = float(np.mean(wrong))
    return {
        "variants": case.variants,
        "each": case.each,
        "lift": case.lift,
        "method": method,
        "tests": len(winners),
        "named": float(np.mean([each is not None for each in winners])),
        "wrong": share,
        "wrong_error": math.sqrt(share * (1 - share) / len(winners)),
    }


# --- what a money look costs, and what it must not depend on ---------------------------------------------


def engine(*, quick: bool, over: Over) -> list[Record]:
    """Return for 8 variants the time of a money look, and whether it is the same again, renamed, and without later days."""
    tests = [drawn(Cell(8, 450, 0.2), seed) for seed in range(2 if quick else 10)]
    del over
    rules = [(test, _rule(test)) for test in tests]
    began = time.process_time()
    looks = [rule.decided(row, _everyone(test)) for test, rule in rules for row in _rows(test)]
    taken = (time.process_time() - began) / len(looks)
    again = [_decided(test, row) for test in tests for row in _rows(test)]
    return [
        {
            "variants": 8,
            "looks": len(looks),
            "ms": 1000 * taken,
            "same_again": looks == again,
            "same_renamed": all(_agrees_renamed(test) for test in tests),
            "same_without_later": all(
                _agree(_decided(test, 72), _decided(_until(test, 72), 72)) for test in tests
            ),
        }
    ]


def _rows(test: Simulated) -> list[int]:
    return [24 * day for day in range(1, test.cell.days + 1)]


def _decided(test: Simulated, row: int) -> MoneyDecision | None:
    return _rule(test).decided(row, _everyone(test))


def _rule(test: Simulated) -> MoneyRule:
    return MoneyRule(test.design, MoneyTerms(test.cell.budget), build(test.design, test.polls))


def _everyone(test: Simulated) -> tuple[int, ...]:
    return tuple(range(test.cell.variants))


def _until(test: Simulated, row: int) -> Simulated:
    return replace(test, polls=test.polls[:row])


def _agrees_renamed(test: Simulated) -> bool:
    order = list(reversed(range(test.cell.variants)))
    polls = replace(test.polls, figures=test.polls.figures[:, order])
    turned = replace(test, polls=polls, design=replace(test.design, variants=test.design.variants[::-1]))
    return _agree(_decided(test, 72), _decided(turned, 72))


def _agree(one: MoneyDecision | None, other: MoneyDecision | None) -> bool:
    """Return whether two decisions are the same but for the order in which numbers were added."""
    if one is None or other is None:
        return one is other
    close = math.isclose(one.expected_gain, other.expected_gain, rel_tol=1e-9)
    return close and (one.variant, one.choice) == (other.variant, other.choice)
