"""The blocked score between two variants and its variance: the statistic everything else rests on.

Within an hour both variants meet the same season, so what is compared is how an hour's events split between
them against how the hour's matured exposure split (a Mantel-Haenszel ratio estimate, Rothman & Greenland).
U(d) = (r_i m_j - d r_j m_i) / (m_i + m_j) has mean zero at d = theta_i / theta_j for any allocation decided
beforehand. Summed: S(d) = A - d B. All analyses are worked out in one pass.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.baskets import own_events, pooled
from autopublisher.domain.evidence.blocks import Blocks, Positions
from autopublisher.domain.evidence.criteria import Figure
from autopublisher.domain.evidence.day_sums import DaySums, upper_triangle
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.timeline import Timeline

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PairScores:
    """Scores of all pairs (first[p], second[p]) with first < second as positions.

    Arrays of several analyses have the analysis as an additional first axis.

    Attributes:
        first: positions of the first variants.
        second: positions of the second variants.
        a: (pairs,) A, the first variant's part of the score.
        b: (pairs,) B, the second one's.
        block_aa: (pairs,) sum over blocks of A squared; likewise block_ab, block_bb.
        a_days: (pairs, days) A by the day on which the exposure was bought; likewise b_days.
        noise_days: (pairs, days) sum of squared block scores at the estimated ratio, by day.
        noise_of_days: (pairs, days) the variance that hourly noise gives to a day's score.
        a_gain: (pairs, days) squared response of a day's A to unit effects of all days; likewise b_gain.
        a_shared: (pairs, days) response of a day's A times that of the total, over all days' effects; likewise b_shared.
        gain_in_noise: (pairs, days) what unit day effects add to `noise_of_days`.
        weights: (components, pairs) how much each component of the events counts (see `baskets.Mix`).
        extra_ab: (pairs,) variance that pooling basket values adds to A*B; 0 without pooling.
    """

    first: Positions
    second: Positions
    a: Array
    b: Array
    block_aa: Array
    block_ab: Array
    block_bb: Array
    a_days: Array
    b_days: Array
    noise_days: Array
    noise_of_days: Array
    a_gain: Array
    b_gain: Array
    a_shared: Array
    b_shared: Array
    gain_in_noise: Array
    weights: Array
    extra_ab: Array

    def at(self, analysis: int) -> "PairScores":
        """Return the scores of one of several analyses."""
        arrays = {
            name: value[analysis] for name, value in vars(self).items() if name not in ("first", "second")
        }
        return PairScores(first=self.first, second=self.second, **arrays)

    def variance_parts(self, day_variance: float | Array) -> tuple[Array, Array, Array]:
        """Return V_AA, V_AB, V_BB with the variance of S(d) being V_AA - 2 d V_AB + d^2 V_BB."""
        aa = self.block_aa + day_variance * (self.a_days**2).sum(axis=-1)
        bb = self.block_bb + day_variance * (self.b_days**2).sum(axis=-1)
        return aa, self.block_ab - self.extra_ab / 2, bb

    def statistics(self, day_variance: float | Array, ratio: float = 1.0) -> Array:
        """Return z = S(ratio) / sqrt(V(ratio)) for each pair; 0 where nothing happened.

        For several analyses `day_variance` has the shape (analyses, 1).
        """
        aa, ab, bb = self.variance_parts(day_variance)
        variance = np.maximum(aa - 2 * ratio * ab + ratio**2 * bb, 0.0)
        score = self.a - ratio * self.b
        z: Array = np.divide(score, np.sqrt(variance), out=np.zeros_like(score), where=variance > 0)
        return z


def score_pairs(design: Design, blocks: Blocks, active: tuple[int, ...]) -> PairScores:
    """Return the scores of all pairs of `active` variants (positions) at a single analysis."""
    return score_analyses(design, blocks, active).at(-1)


def score_analyses(design: Design, blocks: Blocks, active: tuple[int, ...]) -> PairScores:
    """Return the scores of all pairs of `active` variants (positions) at every analysis, pooled where the design says so."""
    pairs = [(i, j) for index, i in enumerate(active) for j in active[index + 1 :]]
    first = np.array([i for i, _ in pairs], dtype=np.int64)
    second = np.array([j for _, j in pairs], dtype=np.int64)
    mix = pooled(blocks, first, second) if design.pools_baskets else own_events(blocks, first)
    left, right = _parts(blocks, mix.components, first, second)
    both = np.concatenate([left, right])
    upper = upper_triangle(len(both))
    products = both[upper[0]] * both[upper[1]]
    moments = np.empty((len(mix.extra), len(both), len(both), len(pairs)))
    moments[:, upper[0], upper[1]] = sums = blocks.sums(products.transpose(1, 0, 2))
    moments[:, upper[1], upper[0]] = sums
    a, b = (
        np.einsum("lcp,lcp->lp", mix.weights, blocks.sums(side.transpose(1, 0, 2))) for side in (left, right)
    )
    to_left = np.concatenate([mix.weights, np.zeros_like(mix.weights)], axis=1)
    to_right = np.concatenate([np.zeros_like(mix.weights), mix.weights], axis=1)
    ratio = np.divide(a, b, out=np.ones_like(a), where=(a > 0) & (b > 0))
    days = DaySums(blocks, (first, second), products, (left, right))
    return PairScores(
        first=first,
        second=second,
        a=a,
        b=b,
        block_aa=_quadratic(to_left, to_left, moments),
        block_ab=_quadratic(to_left, to_right, moments),
        block_bb=_quadratic(to_right, to_right, moments),
        **days.by_analysis(mix.weights, ratio),
        weights=mix.weights,
        extra_ab=mix.extra * np.maximum(a, 0.0) * np.maximum(b, 0.0),
    )


def _parts(
    blocks: Blocks, components: tuple[Array, ...], first: Positions, second: Positions
) -> tuple[Array, Array]:
    """Return both sides' block scores by component, shape (c, blocks, pairs).

    A block in which only one variant delivered compares nothing.
    """
    m_first, m_second = blocks.matured[:, first], blocks.matured[:, second]
    compared = (m_first > 0) & (m_second > 0)
    total = np.where(compared, m_first + m_second, np.inf)
    to_first, to_second = m_second / total, m_first / total
    left = np.stack([each[:, first] * to_first for each in components])
    right = np.stack([each[:, second] * to_second for each in components])
    return left, right


def _quadratic(left: Array, right: Array, moments: Array) -> Array:
    """Return the sum over blocks of the product of two weighted scores, from their components' moments."""
    value: Array = np.einsum("lcp,ldp,lcdp->lp", left, right, moments)
    return value


def count_by_variant(timeline: Timeline, design: Design, row: int) -> Array:
    """Return each variant's number of events so far."""
    counted: Array = timeline.summed(design.measure.counts)[row]
    return counted


def spend_by_variant(timeline: Timeline, row: int) -> Array:
    """Return each variant's spend so far, major units."""
    spent: Array = timeline.column(Figure.SPEND)[row]
    return spent
