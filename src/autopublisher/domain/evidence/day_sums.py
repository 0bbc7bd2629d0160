"""Sums of the pairs' scores by day of purchase, at each of several analyses.

A block's exposure was bought on the few days whose purchases are still being reported, so blocks are taken some at a time,
and of the days only those that they touch: what is kept between analyses are sums, not blocks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.blocks import Blocks, Positions

Array = npt.NDArray[np.float64]

_BLOCKS_AT_ONCE = 48
_MOST_AT_ONCE = 400_000
"""Numbers in the sums of those analyses that are weighed together: what a processor holds near it."""


@dataclass(frozen=True, eq=False)
class DaySums:
    """What the sums are taken of; `c` counts the components of one side.

    Attributes:
        blocks: the blocks, whose days' shares divide each score.
        sides: positions of the pairs' first and second variants.
        products: (products, blocks, pairs) of all components, see `upper_triangle`.
        parts: both sides' components, (c, blocks, pairs) each.
    """

    blocks: Blocks
    sides: tuple[Positions, Positions]
    products: Array
    parts: tuple[Array, Array]

    def by_analysis(self, weights: Array, ratio: Array) -> dict[str, Array]:
        """Return by name what `PairScores` says of days, each of shape (analyses, pairs, days).

        `weights` are those of the components, (analyses, c, pairs), `ratio` the estimated ratios, (analyses, pairs).
        """
        stretches = self.blocks.stretches()
        running = self._none(1)
        at_once = max(1, _MOST_AT_ONCE // running.left.size)
        found = []
        for start in range(0, len(stretches), at_once):
            several = slice(start, min(start + at_once, len(stretches)))
            sums = self._none(several.stop - several.start)
            for place, (part, tail) in enumerate(stretches[several]):
                for chunk in _chunks(part):
                    self._add(running, 0, chunk)
                sums.take(place, running)
                if tail.stop:
                    self._add(sums, place, tail)
            found.append(sums.weighted(weights[several], ratio[several]))
        return {name: np.concatenate([each[name] for each in found]) for name in found[0]}

    def _none(self, analyses: int) -> "_Sums":
        pairs, days = len(self.sides[0]), self.blocks.day_shares.shape[2]
        responses = (analyses, pairs, len(self.parts[0]), days, days)
        moments = np.zeros((analyses, 3, pairs, len(self.products), days))
        return _Sums(moments, np.zeros(responses), np.zeros(responses))

    def _add(self, sums: "_Sums", place: int, part: slice) -> None:
        """Add some blocks to the sums of an analysis.

        A late purchase is divided over the days it may come from, so a day's effect leaks into its neighbours.
        """
        low, high = self._touched(part)
        if low >= high:
            return
        shares = self.blocks.day_shares[part, :, low:high]
        left, right = (shares[:, side].transpose(1, 0, 2) for side in self.sides)
        weightings = np.empty((3, *left.shape))
        both = np.add(left, right, out=weightings[0])
        both /= 2
        squares = np.multiply(both, both, out=weightings[1])
        np.multiply(squares, squares.sum(axis=2, keepdims=True), out=weightings[2])
        sums.moments[place, ..., low:high] += self.products[:, part].transpose(2, 0, 1) @ weightings
        for total, own, values in ((sums.left, left, self.parts[0]), (sums.right, right, self.parts[1])):
            weighted = own.transpose(0, 2, 1)[:, None] * values[:, part].transpose(2, 0, 1)[:, :, None, :]
            total[place, :, :, low:high, low:high] += weighted @ own[:, None]

    def _touched(self, part: slice) -> tuple[int, int]:
        """Return the first and past the last of the days that some blocks touch."""
        first, stop = self._days
        return min(first[part]), max(stop[part])

    @cached_property
    def _days(self) -> tuple[list[int], list[int]]:
        touched = np.any(self.blocks.day_shares > 0, axis=1)
        days, some = touched.shape[1], touched.any(axis=1)
        first = np.where(some, touched.argmax(axis=1), days)
        stop = np.where(some, days - touched[:, ::-1].argmax(axis=1), 0)
        return first.tolist(), stop.tolist()


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over each analysis's blocks.

    Attributes:
        moments: (analyses, 3, pairs, products, days) of products weighted by days' shares, by their squares, and by these
            times the block's sum of squares.
        left: (analyses, pairs, c, days, days) of components times the shares of two days; likewise right.
    """

    moments: Array
    left: Array
    right: Array

    def take(self, place: int, other: "_Sums") -> None:
        """Take over the only sums of another one."""
        self.moments[place], self.left[place], self.right[place] = (
            other.moments[0],
            other.left[0],
            other.right[0],
        )

    def weighted(self, weights: Array, ratio: Array) -> dict[str, Array]:
        """Return by name what the scores say of days: components times their weights at each analysis."""
        none = np.zeros_like(weights)
        left, right = np.concatenate([weights, none], axis=1), np.concatenate([none, weights], axis=1)
        noise = _noise(left - ratio[:, None] * right, self.moments[:, :2])
        in_noise = _noise(left, self.moments[:, 2:]) + ratio[:, None, :, None] ** 2 * _noise(
            right, self.moments[:, 2:]
        )
        found = {
            "noise_days": noise[:, 0],
            "noise_of_days": noise[:, 1],
            "gain_in_noise": in_noise[:, 0],
        }
        for side, sums in (("a", self.left), ("b", self.right)):
            response = np.einsum("lcp,lpcde->lpde", weights, sums)
            total = response.sum(axis=3)  # the shares of all days add up to one
            found |= {
                f"{side}_days": total,
                f"{side}_gain": np.einsum("lpde,lpde->lpd", response, response),
                f"{side}_shared": (response @ total[..., None])[..., 0],
            }
        return found


def _chunks(part: slice) -> Iterator[slice]:
    for start in range(part.start, part.stop, _BLOCKS_AT_ONCE):
        yield slice(start, min(start + _BLOCKS_AT_ONCE, part.stop))


@lru_cache(maxsize=4)
def upper_triangle(size: int) -> tuple[Positions, Positions]:
    """Return the index pairs of products of `size` components, each once."""
    rows, columns = np.triu_indices(size)
    return rows, columns


def _noise(weights: Array, moments: Array) -> Array:
    """Return the squared block scores under `weights` (analyses, 2c, pairs) by day, (analyses, weightings, pairs, days)."""
    upper = upper_triangle(weights.shape[1])
    twice = np.where(upper[0] == upper[1], 1.0, 2.0)[:, None]
    products = weights[:, upper[0]] * weights[:, upper[1]] * twice
    value: Array = np.einsum("lmp,lspmd->lspd", products, moments)
    return np.maximum(value, 0.0)
