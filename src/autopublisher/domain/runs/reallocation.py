"""Reallocation of test money between arms: who has how much, and which moves are safe to order.

Theory of operation. The arms share what was set aside for them when they were created. A plan first takes, and what has
been taken counts only once Meta shows it; then it gives, and never more than has been taken. So a process that dies
between any two steps leaves less spendable than was set aside, and never more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from autopublisher.domain.evidence.allocation import ArmMoney, next_amounts
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import Operation, OperationState
from autopublisher.domain.money.ledger import headroom_of
from autopublisher.domain.runs.arm_reserves import amounts_of, arm_keys, arms_of

_LEAST_OVER_SPENT = Fraction(11, 10)
"""Meta accepts no lifetime budget below its spend and a tenth."""


@dataclass(frozen=True)
class Purse:
    """What Meta lets an arm have: ``spent`` as last read and ``least``, the minimum of the goal, in minor units."""

    spent: int
    least: int


def planned_move(
    amounts: Mapping[str, int], purses: Mapping[str, Purse], p_best: Mapping[str, float]
) -> dict[str, int]:
    """Return the new amounts of the arms in ``p_best``: the same sum, one day's move; see ``next_amounts``."""
    letters = list(p_best)
    arms = [_arm(amounts[letter], purses[letter]) for letter in letters]
    return dict(zip(letters, next_amounts(arms, [p_best[letter] for letter in letters]), strict=True))


def _arm(amount: int, purse: Purse) -> ArmMoney:
    # Meta rounds to the nearest minor unit, so part of one more may have been spent.
    spent = min(purse.spent + 1 if purse.spent else 0, amount)
    floor = -(-spent * _LEAST_OVER_SPENT.numerator // _LEAST_OVER_SPENT.denominator)
    return ArmMoney(amount, spent, max(purse.least, floor))


def planned_shares(
    rows: Sequence[Operation], starts: datetime, ends: datetime, now: datetime
) -> dict[str, float]:
    """Return what part of the spend each arm should have had by now, by letter: budgets as moved, each spent evenly."""
    spent = {
        letter: _even_spend(arm, _moves(rows, letter), (starts, ends), now)
        for letter, arm in arms_of(rows).items()
    }
    total = sum(spent.values())
    return {letter: amount / total for letter, amount in spent.items()} if total > 0 else {}


def _even_spend(
    arm: Operation, moves: Sequence[Operation], span: tuple[datetime, datetime], now: datetime
) -> float:
    """Return what an arm spends by ``now`` if what it has left is always spread evenly over the time left."""
    (since, ends), budget, spent = span, float(arm.spec.reserves), 0.0
    done = [
        (row.settled_at, row) for row in moves if row.state is OperationState.CONFIRMED and row.settled_at
    ]
    for at, row in [*done, (now, None)]:
        until = max(since, min(at, ends))
        if ends > since:
            spent += (budget - spent) * ((until - since) / (ends - since))
        since = until
        budget = budget if row is None else float(row.spec.params["lifetime_budget"])
    return spent


def cuts(plan: Mapping[str, int], rows: Sequence[Operation]) -> dict[str, int]:
    """Return the arms of a plan whose amount is still above the planned one, with that."""
    amounts = amounts_of(rows)
    return {letter: wanted for letter, wanted in plan.items() if wanted < amounts[letter]}


def rises(plan: Mapping[str, int], rows: Sequence[Operation]) -> dict[str, int]:
    """Return the amounts that can be given now: as planned, or in proportion as far as has been taken."""
    amounts, headroom = amounts_of(rows), headroom_of(rows, arm_keys(rows))
    gains = {letter: wanted - amounts[letter] for letter, wanted in plan.items() if wanted > amounts[letter]}
    total = sum(gains.values())
    if headroom <= 0 or total <= 0:
        return {}
    part = min(Fraction(1), Fraction(headroom, total))
    given = {letter: amounts[letter] + int(gain * part) for letter, gain in gains.items()}
    return {letter: amount for letter, amount in given.items() if amount > amounts[letter]}


def was_refused(rows: Sequence[Operation], letter: str, amount: int) -> bool:
    """Tell whether the last we asked of an arm was this amount, in vain."""
    asked = _moves(rows, letter)
    if not asked or int(asked[-1].spec.params["lifetime_budget"]) != amount:
        return False
    return asked[-1].state in (OperationState.REJECTED, OperationState.WITHDRAWN)


def open_moves(rows: Sequence[Operation]) -> list[Operation]:
    """Return the moves that nobody knows the outcome of yet."""
    return [row for row in rows if row.purpose is Purpose.REALLOCATE and not row.is_settled]


def _moves(rows: Sequence[Operation], letter: str) -> list[Operation]:
    return [row for row in rows if row.purpose is Purpose.REALLOCATE and row.spec.variant == letter]
