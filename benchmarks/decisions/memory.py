"""What an account's memory changes, on equal tests: what is said with none, five and twenty tests behind, and clicks.

Tests go through the product's own rows. A tie of clicks: they are half of what makes returns differ, or say nothing of them.
"""

from dataclasses import dataclass

import numpy as np
from benchmarks.decisions.cells import Array, Cell, Simulated, drawn
from benchmarks.decisions.tables import Over, Record

from autopublisher.domain.evidence import Criterion
from autopublisher.domain.evidence.memory import measured_test, memory_of
from autopublisher.domain.evidence.money_decision import MoneyDecision, MoneyRule, MoneyTerms
from autopublisher.domain.evidence.timeline import build
from autopublisher.domain.past_tests import AccountMemory, MeasuredTest

BEHIND = (0, 5, 20)
NEW_TESTS = 10
ACCOUNTS = 60
_SEEDS = 1000


@dataclass(frozen=True)
class Case:
    """What the past tests and the new ones of an account are like, and whether clicks are tied to sales."""

    past: Cell
    new: Cell
    tied: bool = True


LIKE = tuple(Case(Cell(4, 180, spread, 7), Cell(4, 180, spread, 7)) for spread in (0.05, 0.2, 0.4))
WITH_CLICKS = tuple(
    Case(Cell(3, 135, 0.2, 7), Cell(5, purchases, 0.2, 1), tied)
    for tied in (True, False)
    for purchases in (7, 25)
)


def account(job: tuple[Case, int]) -> tuple[bool, Array]:
    """Return of one account whether it uses clicks, and by new test and tests behind P(best), best, gain, true gain, share.

    The last but one is the true gain of the choice, the last what the best would gain; shape (tests, behind, 5).
    """
    case, number = job
    seeds = iter(range(_SEEDS * number, _SEEDS * (number + 1)))
    left: list[MeasuredTest] = []
    while len(left) < max(BEHIND):
        test = drawn(case.past, next(seeds), tied=case.tied)
        row = measured_test(test.design, test.polls, test.design.planned_hours)
        left += [row] if isinstance(row, MeasuredTest) else []
    memories = [memory_of(Criterion.ROAS, left[len(left) - behind :]) for behind in BEHIND]
    tests = [drawn(case.new, next(seeds), tied=case.tied) for _ in range(NEW_TESTS)]
    rows = [[_row(test, _decided(test, memory)) for memory in memories] for test in tests]
    return memories[-1].slope > 0, np.array(rows)


def _decided(test: Simulated, memory: AccountMemory) -> MoneyDecision | None:
    """Return the money decision at a test's end, half of the budget being left."""
    rule = MoneyRule(
        test.design, MoneyTerms(2 * test.cell.budget, memory=memory), build(test.design, test.polls)
    )
    return rule.decided(len(test.polls), tuple(range(test.cell.variants)), may_test=False)


def _row(test: Simulated, found: MoneyDecision | None) -> list[float]:
    effects, best = test.effects.returns, float(test.rates.max() - test.rates.mean())
    if found is None:
        return [1 / len(effects), 1 / len(effects), 0.0, 0.0, 0.0, best]
    pick = test.design.variants.index(found.variant)
    gained = float(test.rates[pick] - test.rates.mean())
    gain = float(effects[pick] - effects.mean())
    return [found.p_best, float(effects[pick] >= effects.max()), found.expected_gain, gain, gained, best]


def memory(*, quick: bool, over: Over) -> list[Record]:
    """Return what is said and what is true by tests behind."""
    return _measured(LIKE[1:2] if quick else LIKE, over, quick=quick)


def clicks(*, quick: bool, over: Over) -> list[Record]:
    """Return the same where clicks are many and purchases few."""
    return _measured(WITH_CLICKS[:1] if quick else WITH_CLICKS, over, quick=quick)


def _measured(cases: tuple[Case, ...], over: Over, *, quick: bool) -> list[Record]:
    accounts = 4 if quick else ACCOUNTS
    jobs = [(case, number) for case in cases for number in range(accounts)]
    found = list(over(account, jobs))
    records = []
    for case in cases:
        of = [each for (one, _), each in zip(jobs, found, strict=True) if one == case]
        rows = np.concatenate([each for _, each in of])
        used = float(np.mean([each for each, _ in of]))
        records += [_record(case, behind, rows, used) for behind in range(len(BEHIND))]
    return records


def _record(case: Case, behind: int, rows: Array, used: float) -> Record:
    p_best, best, gain, true, gained, most = rows[:, behind].T
    ratio, share = float(gain.sum() / true.sum()), float(gained.sum() / most.sum())
    before = rows[:, 0, 4]
    change = (gained - before).sum() / most.sum()
    count = len(rows) ** 0.5
    return {
        "variants": case.new.variants,
        "purchases": case.new.purchases,
        "spread": case.new.spread,
        "tied": case.tied,
        "behind": BEHIND[behind],
        "tests": len(rows),
        "p_said": float(p_best.mean()),
        "p_true": float(best.mean()),
        "gain_said": float(gain.mean()),
        "gain_true": float(true.mean()),
        "ratio": ratio,
        "ratio_error": float((gain - ratio * true).std() / true.mean() / count),
        "gross": share,
        "change": float(change),
        "change_error": float((gained - before - change * most).std() / most.mean() / count),
        "clicks_used": used if BEHIND[behind] == max(BEHIND) else None,
    }
