"""Money figures that cannot be compared: spend or purchase values missing, or plainly unlike in one variant.

Whoever tracks a purchase without its value, or in hundredths of the currency, gives one variant a return that no ad
earned. All checks are worked out for every row at once.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.criteria import Criterion, Figure
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.timeline import Timeline
from autopublisher.domain.evidence.verdict import Diagnostic

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

VALUE_FAULTS = frozenset({"no_values", "values_missing", "values_unlike"})
"""Faults of purchase values only: costs per purchase can still be compared."""

# So many views without any spend are no rounding.
_FEWEST_VIEWS = 1000.0
# So many purchases all without a value are no gifts.
_FEWEST_WORTHLESS = 5.0
_FEWEST_IN_ALL = 10.0
# Average purchases further apart than this, and by more than chance explains, are not one and the same currency.
_UNLIKE = 4.0
_UNLIKE_SAME_OFFER = 2.0
_UNLIKE_Z = 4.0


@dataclass(frozen=True, eq=False)
class Baskets:
    """Purchases and revenue up to some reading, and what shows how unlike they were, (variants,) each.

    Attributes:
        purchases: how many so far.
        revenue: what they were worth, major units.
        squares: sum over the readings of the square of the revenue that each added.
        mixed: the same of its product with the purchases.
        counts: the same of their square.
    """

    purchases: Array
    revenue: Array
    squares: Array
    mixed: Array
    counts: Array


@dataclass(frozen=True, eq=False)
class MoneyChecks:
    """The checks of one test's figures, by row; `earlier` are the baskets before its first row, None for none."""

    design: Design
    timeline: Timeline
    earlier: Baskets | None = None

    def faults(self, row: int) -> tuple[str, ...]:
        """Return the fault codes at a row: spend_missing, no_values, values_missing, values_unlike."""
        return tuple(code for code, flags in self._flags.items() if flags[row].any())

    def any_by_row(self) -> list[bool]:
        """Return whether anything is wrong, by row."""
        found: list[bool] = np.any([each.any(axis=1) for each in self._flags.values()], axis=0).tolist()
        return found

    def findings(self, row: int) -> tuple[Diagnostic, ...]:
        """Return the numbers behind the faults at a row.

        spend_missing: views without spend; no_values, values_missing: purchases without a value; values_unlike: the
        average purchase over that of the others.
        """
        found = []
        for code, flags in self._flags.items():
            found += [
                self._finding(code, row, variant)
                for variant in np.flatnonzero(flags[row])[: self._most(code)]
            ]
        return tuple(found)

    def baskets(self) -> Baskets:
        """Return the baskets at the last row."""
        return Baskets(self._purchases[-1], self._revenue[-1], *(each[-1] for each in self._sums))

    def _most(self, code: str) -> int | None:
        return 1 if code == "no_values" else None

    def _finding(self, code: str, row: int, variant: int) -> Diagnostic:
        name = self.design.variants[variant]
        if code == "spend_missing":
            return Diagnostic(code, float(self.timeline.column(Figure.IMPRESSIONS)[row, variant]), name)
        if code == "no_values":
            return Diagnostic(code, float(self._purchases[row].sum()))
        if code == "values_missing":
            return Diagnostic(code, float(self._purchases[row, variant]), name)
        return Diagnostic(code, math.exp(float(self._gap[row, variant])), name)

    @cached_property
    def _flags(self) -> dict[str, Flags]:
        """Flags by code, each of shape (rows, variants)."""
        views, spend = self.timeline.column(Figure.IMPRESSIONS), self.timeline.column(Figure.SPEND)
        flags = {"spend_missing": (views >= _FEWEST_VIEWS) & (spend <= 0)}
        if self.design.criterion not in {Criterion.ROAS, Criterion.REVENUE}:
            return flags
        reported = self._revenue.sum(axis=1, keepdims=True) > 0
        many = self._purchases.sum(axis=1, keepdims=True) >= _FEWEST_IN_ALL
        worthless = (self._purchases >= _FEWEST_WORTHLESS) & (self._revenue <= 0)
        return flags | {
            "no_values": np.broadcast_to(~reported & many, worthless.shape),
            "values_missing": worthless & reported,
            "values_unlike": self._unlike,
        }

    @property
    def _purchases(self) -> Array:
        return self.timeline.column(Figure.CONVERSIONS)

    @property
    def _revenue(self) -> Array:
        return self.timeline.column(Figure.REVENUE)

    @cached_property
    def _gap(self) -> Array:
        """Log ratio of each variant's average purchase over the others'; 0 where either has too few."""
        own, others = self._averages
        enough = self._comparable
        gap: Array = np.log(np.where(enough, own, 1.0) / np.where(enough, others, 1.0))
        return gap

    @cached_property
    def _comparable(self) -> Flags:
        rest = self._purchases.sum(axis=1, keepdims=True) - self._purchases
        money = self._revenue.sum(axis=1, keepdims=True) - self._revenue
        few = np.minimum(self._purchases, rest) < _FEWEST_IN_ALL
        return np.asarray(~few & (self._revenue > 0) & (money > 0), dtype=np.bool_)

    @property
    def _averages(self) -> tuple[Array, Array]:
        rest = self._purchases.sum(axis=1, keepdims=True) - self._purchases
        money = self._revenue.sum(axis=1, keepdims=True) - self._revenue
        return _over(self._revenue, self._purchases), _over(money, rest)

    @cached_property
    def _unlike(self) -> Flags:
        factor = _UNLIKE_SAME_OFFER if self.design.same_offer else _UNLIKE
        squares = self._revenue**2 * self._doubt
        rest = np.maximum(self._revenue.sum(axis=1, keepdims=True) - self._revenue, 1e-9)
        others = (squares.sum(axis=1, keepdims=True) - squares) / rest**2
        z = np.abs(self._gap) / np.sqrt(np.maximum(self._doubt + others, 1e-12))
        return np.asarray(
            self._comparable & (np.abs(self._gap) >= math.log(factor)) & (z >= _UNLIKE_Z), dtype=np.bool_
        )

    @cached_property
    def _sums(self) -> tuple[Array, Array, Array]:
        """Running sums over the readings, see `Baskets`."""
        start = self.earlier or Baskets(*[np.zeros(self._purchases.shape[1])] * 5)
        bought = np.diff(self._purchases, axis=0, prepend=start.purchases[None])
        earned = np.diff(self._revenue, axis=0, prepend=start.revenue[None])
        return (
            start.squares + np.cumsum(earned**2, axis=0),
            start.mixed + np.cumsum(earned * bought, axis=0),
            start.counts + np.cumsum(bought**2, axis=0),
        )

    @cached_property
    def _doubt(self) -> Array:
        """Sampling variance of each log average purchase: as the readings show it, or as usual baskets have it if larger."""
        basket = _over(self._revenue, self._purchases)
        squares, mixed, counts = self._sums
        residual = np.maximum(squares - 2 * basket * mixed + basket**2 * counts, 0.0)
        usual = self.design.measure.value_dispersion / np.maximum(self._purchases, 1.0)
        doubt: Array = np.maximum(residual / np.maximum(self._revenue, 1e-9) ** 2, usual)
        return doubt


def _over(numerator: Array, denominator: Array) -> Array:
    ratio: Array = np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
    return ratio
