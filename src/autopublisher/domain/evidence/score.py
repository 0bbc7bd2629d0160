"""The blocked score between two variants and its variance: the statistic everything else rests on.

Within an hour both variants meet the same season, so what is compared is how an hour's events split between
them against how the hour's matured exposure split (a Mantel-Haenszel ratio estimate, Rothman & Greenland).
U(d) = (r_i m_j - d r_j m_i) / (m_i + m_j) has mean zero at d = theta_i / theta_j for any allocation decided
beforehand. Summed: S(d) = A - d B.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.criteria import Figure
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.timeline import Timeline

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Blocks:
    """Differences between block boundaries up to one row.

    Attributes:
        events: (blocks, variants) events or money that became visible.
        counts: (blocks, variants) number of events, for methods that treat value and number apart.
        matured: (blocks, variants) exposure that matured.
        day_shares: (blocks, variants, days) the matured exposure's shares by day of purchase.
    """

    events: Array
    counts: Array
    matured: Array
    day_shares: Array

    def only(self, positions: tuple[int, ...]) -> "Blocks":
        """Return the blocks of some variants."""
        chosen = list(positions)
        return Blocks(
            events=self.events[:, chosen],
            counts=self.counts[:, chosen],
            matured=self.matured[:, chosen],
            day_shares=self.day_shares[:, chosen],
        )


@dataclass(frozen=True, eq=False)
class PairScores:
    """Scores of all pairs (first[p], second[p]) with first < second as positions.

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
        extra_ab: (pairs,) variance that pooling basket values adds to A*B; 0 without pooling.
    """

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
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
    extra_ab: Array

    def variance_parts(self, day_variance: float) -> tuple[Array, Array, Array]:
        """Return V_AA, V_AB, V_BB with the variance of S(d) being V_AA - 2 d V_AB + d^2 V_BB."""
        aa = self.block_aa + day_variance * (self.a_days**2).sum(axis=1)
        bb = self.block_bb + day_variance * (self.b_days**2).sum(axis=1)
        return aa, self.block_ab - self.extra_ab / 2, bb

    def statistics(self, day_variance: float, ratio: float = 1.0) -> Array:
        """Return z = S(ratio) / sqrt(V(ratio)) for each pair; 0 where nothing happened."""
        aa, ab, bb = self.variance_parts(day_variance)
        variance = np.maximum(aa - 2 * ratio * ab + ratio**2 * bb, 0.0)
        score = self.a - ratio * self.b
        z: Array = np.divide(score, np.sqrt(variance), out=np.zeros_like(score), where=variance > 0)
        return z


def blocks_at(design: Design, timeline: Timeline, row: int) -> Blocks:
    """Return the blocks up to `row`."""
    rows = timeline.block_rows(row)
    by_day = np.maximum(np.diff(timeline.matured[rows], axis=0), 0.0)
    matured = by_day.sum(axis=2)
    safe = np.where(matured > 0, matured, 1.0)[:, :, None]
    return Blocks(
        events=np.diff(timeline.summed(design.measure.events)[rows], axis=0),
        counts=np.diff(timeline.summed(design.measure.counts)[rows], axis=0),
        matured=matured,
        day_shares=by_day / safe,
    )


def score_pairs(design: Design, blocks: Blocks, active: tuple[int, ...]) -> PairScores:
    """Return the scores of all pairs of `active` variants (positions), pooled where the design says so."""
    pairs = [(i, j) for index, i in enumerate(active) for j in active[index + 1 :]]
    first = np.array([i for i, _ in pairs], dtype=np.int64)
    second = np.array([j for _, j in pairs], dtype=np.int64)
    left, right, extra = blocks.events[:, first], blocks.events[:, second], np.zeros(len(pairs))
    if design.pools_baskets:
        left, right, extra = _pooled(blocks, first, second)
    a, b = _parts(left, right, blocks.matured[:, first], blocks.matured[:, second])
    return _collect(blocks, (first, second), (a, b), extra)


def _parts(left: Array, right: Array, m_left: Array, m_right: Array) -> tuple[Array, Array]:
    """Return both parts of the block scores; a block in which only one variant delivered compares nothing."""
    compared = (m_left > 0) & (m_right > 0)
    total = np.where(compared, m_left + m_right, 1.0)
    a: Array = np.where(compared, left * m_right / total, 0.0)
    b: Array = np.where(compared, right * m_left / total, 0.0)
    return a, b


def _collect(
    blocks: Blocks,
    pair: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    parts: tuple[Array, Array],
    extra: Array,
) -> PairScores:
    (first, second), (a, b) = pair, parts
    shares_a, shares_b = blocks.day_shares[:, first], blocks.day_shares[:, second]
    total_a, total_b = a.sum(axis=0), b.sum(axis=0)
    ratio = np.divide(total_a, total_b, out=np.ones_like(total_a), where=(total_a > 0) & (total_b > 0))
    noise, shares = (a - ratio * b) ** 2, (shares_a + shares_b) / 2
    return PairScores(
        first=first,
        second=second,
        a=total_a,
        b=total_b,
        block_aa=(a * a).sum(axis=0),
        block_ab=(a * b).sum(axis=0),
        block_bb=(b * b).sum(axis=0),
        a_days=np.einsum("bp,bpd->pd", a, shares_a),
        b_days=np.einsum("bp,bpd->pd", b, shares_b),
        noise_days=np.einsum("bp,bpd->pd", noise, shares),
        noise_of_days=np.einsum("bp,bpd->pd", noise, shares**2),
        a_gain=_day_gain(a, shares_a),
        b_gain=_day_gain(b, shares_b),
        extra_ab=extra * np.maximum(total_a, 0.0) * np.maximum(total_b, 0.0),
    )


def _day_gain(part: Array, shares: Array) -> Array:
    """Return sum_e T_de^2, T_de = sum_b part_b share_bd share_be: how day effects show in day sums.

    A late purchase is divided over the days it may come from, so a day's effect leaks into its neighbours.
    """
    by_pair = shares.transpose(1, 2, 0)
    response = (by_pair * part.T[:, None, :]) @ by_pair.transpose(0, 2, 1)
    gain: Array = (response**2).sum(axis=2)
    return gain


# Variants that sell the same thing still attract slightly different baskets; never assume less than this.
_LEAST_BASKET_SPREAD = 0.08


def _pooled(
    blocks: Blocks, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]
) -> tuple[Array, Array, Array]:
    """Return both sides' events with partially pooled basket values, and the variance factor this adds.

    Generalised least squares when the log ratio of basket values is N(0, t^2): the observed ratio keeps the
    weight w = t^2 / (t^2 + v), v being its sampling variance.
    """
    purchases, revenue = blocks.counts.sum(axis=0), blocks.events.sum(axis=0)
    usable = (purchases[first] > 0) & (purchases[second] > 0) & (revenue[first] > 0) & (revenue[second] > 0)
    basket = revenue / np.where(purchases > 0, purchases, 1.0)
    doubt = _basket_doubt(blocks, basket, revenue)
    v = doubt[first] + doubt[second]
    gap = np.log(np.where(usable, basket[first], 1.0) / np.where(usable, basket[second], 1.0))
    spread = np.maximum(_LEAST_BASKET_SPREAD, np.sqrt(np.maximum(gap**2 - v, 0.0)))
    weight = np.where(usable, spread**2 / (spread**2 + v), 1.0)
    both = purchases[first] + purchases[second]
    pool = (revenue[first] + revenue[second]) / np.where(both > 0, both, 1.0)
    left = (1 - weight) * blocks.counts[:, first] * pool + weight * blocks.events[:, first]
    right = (1 - weight) * blocks.counts[:, second] * pool + weight * blocks.events[:, second]
    return left, right, (1 - weight) ** 2 * spread**2


def _basket_doubt(blocks: Blocks, basket: Array, revenue: Array) -> Array:
    residual = ((blocks.events - basket * blocks.counts) ** 2).sum(axis=0)
    doubt: Array = residual / np.where(revenue > 0, revenue, 1.0) ** 2
    return doubt


def count_by_variant(timeline: Timeline, design: Design, row: int) -> Array:
    """Return each variant's number of events so far."""
    counted: Array = timeline.summed(design.measure.counts)[row]
    return counted


def spend_by_variant(timeline: Timeline, row: int) -> Array:
    """Return each variant's spend so far, major units."""
    spent: Array = timeline.column(Figure.SPEND)[row]
    return spent
