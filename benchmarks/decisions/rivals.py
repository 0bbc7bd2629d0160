"""What to do with a test's budget, by the product's engine and by its rivals: a rule names a variant and what is left then.

A rule that never decides leaves nothing: the whole budget is spent evenly. Rules look once a day, at full days, but for
those that test a fixed share of the budget.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from benchmarks.decisions.cells import PURCHASE_PRICE, Simulated

from autopublisher.domain.evidence import Mode, Verdict, replay
from autopublisher.domain.evidence.money_decision import (
    Choice,
    MoneyDecision,
    MoneyRule,
    MoneyTerms,
    look_rows,
)
from autopublisher.domain.evidence.timeline import build
from autopublisher.domain.evidence.worth import Publishing

SCALED = Publishing(scaling_factor=2.0, elasticity=0.9, learning_days=2.0, learning_efficiency=0.8)
"""The price of publishing in the priced world (money-decisions, section 2)."""

_FIFTH, _THIRD = 0.2, 1 / 3
_LEAD, _ENOUGH, _PATIENCE = 1.2, 10, 3
_COSTS = 3.0
_NOISE_OF_A_PURCHASE = 2.25
"""Variance of the log return that one purchase leaves: its own number, 1, and its value, exp(.9^2) - 1."""


@dataclass(frozen=True)
class Pick:
    """The variant that gets the rest, and the rest as a share of the budget; None and 0 where nothing was decided."""

    arm: int | None = None
    left: float = 0.0


def money(test: Simulated, publishing: Publishing | None = None) -> Pick:
    """The money decision, on the rows of each day in turn."""
    found = decision(test, publishing)
    if found is None or found.choice is not Choice.PUBLISH:
        return Pick()
    return Pick(test.design.variants.index(found.variant), test.left(test.row(found.hour)))


def decision(test: Simulated, publishing: Publishing | None = None) -> MoneyDecision | None:
    """Return the first money look that ends the test."""
    timeline, everyone = build(test.design, test.polls), tuple(range(test.cell.variants))
    rule = MoneyRule(test.design, MoneyTerms(test.cell.budget, publishing=publishing), timeline)
    looks = (rule.decided(row, everyone) for row in look_rows(test.design, timeline.hours))
    return next((each for each in looks if each is not None and each.choice is not Choice.TEST_ON), None)


def priced(test: Simulated) -> Pick:
    """The money decision that knows what publishing costs."""
    return money(test, SCALED)


def proof(test: Simulated) -> Pick:
    """Only a proven winner."""
    return _named(test, _replayed(test, Mode.PROVE))


def small_loss(test: Simulated) -> Pick:
    """The product's decide mode: expected loss below 1 %."""
    return _named(test, _replayed(test, Mode.DECIDE))


def _replayed(test: Simulated, mode: Mode) -> Verdict:
    return replay(replace(test.design, mode=mode), test.polls, final=True, detailed=False)


def _named(test: Simulated, verdict: Verdict) -> Pick:
    if verdict.winner is None or verdict.decided_hour is None:
        return Pick()
    return Pick(test.design.variants.index(verdict.winner), test.left(test.row(verdict.decided_hour)))


def fifth(test: Simulated) -> Pick:
    """Test with a fifth of the budget, then all to what has earned most."""
    return _rolled_out(test, _FIFTH)


def third(test: Simulated) -> Pick:
    """Test with a third of the budget, then all to what has earned most."""
    return _rolled_out(test, _THIRD)


def feit_berman(test: Simulated) -> Pick:
    """The profit-maximising size of two arms, the spread known: sqrt(N r/4 + (3 r/4)^2) - 3 r/4 purchases each.

    Feit and Berman 2019 (arXiv 1811.00457), r being the variance of a purchase over that between the arms' means.
    """
    ratio = _NOISE_OF_A_PURCHASE / test.cell.spread**2
    each = math.sqrt(test.cell.purchases * ratio / 4 + (0.75 * ratio) ** 2) - 0.75 * ratio
    return _rolled_out(test, min(1.0, test.cell.variants * each / test.cell.purchases))


def _rolled_out(test: Simulated, share: float) -> Pick:
    spent = test.polls.figures[:, :, 0].sum(axis=1)
    row = min(int(np.searchsorted(spent, share * test.cell.budget)), len(spent) - 1)
    return Pick(int(np.argmax(_returns(test, row))), test.left(row))


def lead(test: Simulated) -> Pick:
    """A lead of 20 % over the next, ten purchases of each, three days."""
    for day in range(_PATIENCE, test.cell.days + 1):
        row = test.row(24.0 * day)
        second, first = np.sort(_returns(test, row))[-2:]
        if test.polls.figures[row, :, 3].min() >= _ENOUGH and first >= _LEAD * second:
            return Pick(int(np.argmax(_returns(test, row))), test.left(row))
    return Pick()


def thrice_the_cost(test: Simulated) -> Pick:
    """The best as soon as each has spent three times what a purchase costs."""
    for day in range(1, test.cell.days + 1):
        row = test.row(24.0 * day)
        if test.polls.figures[row, :, 0].min() >= _COSTS * PURCHASE_PRICE:
            return Pick(int(np.argmax(_returns(test, row))), test.left(row))
    return Pick()


def _returns(test: Simulated, row: int) -> np.ndarray:
    return np.asarray(test.polls.figures[row, :, 4] / test.polls.figures[row, :, 0])


RULES: dict[str, Callable[[Simulated], Pick]] = {
    "money decision": money,
    "money decision, priced": priced,
    "20 %, then all": fifth,
    "a third, then all": third,
    "Feit-Berman size": feit_berman,
    "expected loss below 1 %": small_loss,
    "wait for proof": proof,
    "20 % lead": lead,
    "3 x cost per purchase": thrice_the_cost,
}
