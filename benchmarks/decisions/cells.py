"""Simulated tests that the tables of money decisions share: a cell says how large, a seed which; equal ones are equal.

Log return per spend differs between variants with a standard deviation; .5, .8 and .33 of it lie in click rate, conversion
rate and basket, which are independent. The whole budget is spent evenly: every rule finds its moment in the same data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from benchmarks.decisions.market import Market, history

from autopublisher.domain.evidence import Criterion, Design, Mode
from autopublisher.domain.evidence.observations import History

Array = npt.NDArray[np.float64]

PURCHASE_PRICE = 20.0
NAMES = "ABCDEFGHIJ"
OF_CLICKS, OF_SALES, OF_BASKETS = 0.5, 0.8, 0.33
CLICK_DAY_SPREAD = 0.04


@dataclass(frozen=True)
class Cell:
    """Variants, purchases that the whole budget buys, spread of log effects, and days that the budget lasts."""

    variants: int
    purchases: float
    spread: float
    days: int = 10

    @property
    def budget(self) -> float:
        return PURCHASE_PRICE * self.purchases


@dataclass(frozen=True, eq=False)
class Effects:
    """What is true of a test's variants, as logs."""

    clicks: Array
    sales: Array
    baskets: Array

    @property
    def returns(self) -> Array:
        """Of revenue per spend."""
        return self.clicks + self.sales + self.baskets

    @classmethod
    def of_all(cls, each: Sequence["Effects"], joined: Callable[[Sequence[Array]], Array]) -> "Effects":
        """Return several tests' effects in one."""
        return cls(*(joined([getattr(one, part) for one in each]) for part in ("clicks", "sales", "baskets")))

    def times(self, factor: float) -> "Effects":
        """Return all of them so many times as large."""
        return Effects(factor * self.clicks, factor * self.sales, factor * self.baskets)

    def of(self, criterion: Criterion) -> Array:
        """Of what a criterion compares."""
        if criterion in {Criterion.ROAS, Criterion.REVENUE}:
            return self.returns
        if criterion in {Criterion.CPA, Criterion.CONVERSIONS}:
            return self.clicks + self.sales
        return self.sales if criterion is Criterion.CVR else self.clicks


@dataclass(frozen=True, eq=False)
class Simulated:
    """One test: its cell, its plan, what was polled each hour, and what is true."""

    cell: Cell
    design: Design
    polls: History
    effects: Effects

    @property
    def rates(self) -> Array:
        """Return per spend of each variant against one without effects."""
        return np.exp(self.effects.returns)

    def row(self, hours: float) -> int:
        """The poll at an hour."""
        return int(np.searchsorted(self.polls.hours, hours))

    def left(self, row: int) -> float:
        """The share of the budget that is not spent at a poll."""
        return max(0.0, 1 - float(self.polls.figures[row, :, 0].sum()) / self.cell.budget)


def drawn(
    cell: Cell,
    seed: int,
    criterion: Criterion = Criterion.ROAS,
    *,
    own_spread: bool = False,
    tied: bool = True,
    **market: float,
) -> Simulated:
    """Return the test of a cell with a seed; ``market`` are fields of the market that differ from the usual.

    With ``own_spread`` the cell's spread is that of what the criterion compares, not of returns. Without ``tied`` clicks
    differ as much, but say nothing of sales.
    """
    rng = np.random.default_rng(
        [seed, cell.variants, round(cell.purchases), round(100 * cell.spread), cell.days]
    )
    parts = (OF_CLICKS, OF_SALES, OF_BASKETS)
    effects = Effects(*(rng.normal(0, share * cell.spread, cell.variants) for share in parts))
    if own_spread:
        alone = Effects(*np.diag(parts)[:, :, None]).of(criterion)
        effects = effects.times(1 / float((alone**2).sum() ** 0.5))
    clicks = effects.clicks if tied else rng.normal(0, OF_CLICKS * cell.spread, cell.variants)
    hours, spend = 24 * cell.days, cell.budget / cell.variants
    world = Market(
        hours=hours,
        cooldown=0,
        spend_per_hour=spend / hours,
        purchases_per_hour=cell.purchases / cell.variants / hours,
        lifts=tuple(np.exp(effects.clicks + effects.sales).tolist()),
        click_lifts=tuple(np.exp(clicks).tolist()),
        click_day_spread=CLICK_DAY_SPREAD,
        basket_ratio=tuple(np.exp(effects.baskets).tolist()),
        **market,  # type: ignore[arg-type] # numbers, as the fields named are
    )
    design = Design(
        variants=tuple(NAMES[: cell.variants]),
        planned_spend_per_variant=spend,
        planned_hours=float(hours),
        criterion=criterion,
        mode=Mode.MONEY,
        same_offer=True,
        cooldown_hours=0.0,
        poll_hours=1.0,
    )
    return Simulated(cell, design, history(world, rng), effects)
