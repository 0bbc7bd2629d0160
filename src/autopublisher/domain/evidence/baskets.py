"""Partially pooled basket values: when all variants sell the same offer, what one buyer spends tells little of the ad.

Generalised least squares when the log ratio of basket values is N(0, t^2): the observed ratio keeps the weight
w = t^2 / (t^2 + v), v being its sampling variance; the rest of the comparison is made on the number of purchases.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.blocks import Blocks, Positions

Array = npt.NDArray[np.float64]

# Variants that sell the same thing still attract slightly different baskets; never assume less than this.
_LEAST_BASKET_SPREAD = 0.08


@dataclass(frozen=True, eq=False)
class Mix:
    """What is compared: components of the events, and how much each counts at each analysis.

    Attributes:
        components: each of shape (blocks, variants).
        weights: (analyses, components, pairs).
        extra: (analyses, pairs) variance factor that the weights' choice adds.
    """

    components: tuple[Array, ...]
    weights: Array
    extra: Array


def own_events(blocks: Blocks, first: Positions) -> Mix:
    """Return the events as they are."""
    analyses = 1 if blocks.ends is None else len(blocks.ends)
    return Mix((blocks.events,), np.ones((analyses, 1, len(first))), np.zeros((analyses, len(first))))


def pooled(blocks: Blocks, first: Positions, second: Positions) -> Mix:
    """Return purchases at the pair's common basket value, and revenue, weighted by what is known of the baskets."""
    purchases, revenue = blocks.sums(blocks.counts), blocks.sums(blocks.events)
    sold = (purchases > 0) & (revenue > 0)
    usable = sold[:, first] & sold[:, second]
    basket = revenue / np.where(purchases > 0, purchases, 1.0)
    doubt = _doubt(blocks, basket, revenue)
    v = doubt[:, first] + doubt[:, second]
    gap = np.log(np.where(usable, basket[:, first], 1.0) / np.where(usable, basket[:, second], 1.0))
    spread = np.maximum(_LEAST_BASKET_SPREAD, np.sqrt(np.maximum(gap**2 - v, 0.0)))
    weight = np.where(usable, spread**2 / (spread**2 + v), 1.0)
    both = purchases[:, first] + purchases[:, second]
    pool = (revenue[:, first] + revenue[:, second]) / np.where(both > 0, both, 1.0)
    weights = np.stack([(1 - weight) * pool, weight], axis=1)
    return Mix((blocks.counts, blocks.events), weights, (1 - weight) ** 2 * spread**2)


def _doubt(blocks: Blocks, basket: Array, revenue: Array) -> Array:
    """Return the sampling variance of each variant's log basket value at each analysis."""
    squares, mixed, counts = (
        blocks.sums(values) for values in (blocks.events**2, blocks.events * blocks.counts, blocks.counts**2)
    )
    residual = np.maximum(squares - 2 * basket * mixed + basket**2 * counts, 0.0)
    doubt: Array = residual / np.where(revenue > 0, revenue, 1.0) ** 2
    return doubt
