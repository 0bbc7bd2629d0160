"""Adaptive allocation: moving test money towards the variants that matter, with bounds that stay valid meanwhile.

Theory. The blocked score of a pair is a martingale for any allocation decided beforehand, so money may follow the
figures. What it loses is the shared clock: a pair's information grows with *its own* matured spend,
I_ij = sum_h m_i m_j / (m_i + m_j), and a fixed day is no longer a fixed share of it. So each pair is judged on its
own clock I_ij relative to what an equal split would have given it by the end, error is spent along that clock and
never because a day has come. Fixed-time p-values of such a test mean nothing.

Allocation is top-two (Russo 2016): the expected shares of top-two Thompson sampling under the posterior chances of
being best, above a floor that keeps every variant measurable. Off unless a design asks for it; three variants or more.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.boundaries import bound_after
from autopublisher.domain.evidence.design import FEWEST_ADAPTIVE_VARIANTS

Array = npt.NDArray[np.float64]

FEWEST_VARIANTS = FEWEST_ADAPTIVE_VARIANTS
HOURS_BETWEEN_MOVES = 24.0
LARGEST_MOVE = 0.30
FLOOR = 0.25
"""Part of an equal share that every active variant keeps."""

_LEADERS_PART = 0.5
_SPENT_BY_CLOCK_ONE = 0.75
_CLOCK_PER_RIVAL = 0.25
_LONGEST_CLOCK = 2.5
_SMALLEST_STEP = 0.01
_TRACE = 1e-9


@dataclass(frozen=True)
class ArmMoney:
    """One active variant's money in minor units.

    Attributes:
        amount: what the variant may spend in all, as arranged now.
        spent: what it has spent already.
        least: the platform's minimum for `amount`.
    """

    amount: int
    spent: int
    least: int = 0

    @property
    def fixed(self) -> int:
        """Return what the amount cannot go below."""
        return max(self.spent, self.least)


def may_move(variants: int, hours_since_last_move: float | None) -> bool:
    """Return whether money may be moved now: three variants or more, and once a day."""
    waited = hours_since_last_move is None or hours_since_last_move >= HOURS_BETWEEN_MOVES
    return variants >= FEWEST_VARIANTS and waited


def top_two_shares(p_best: Sequence[float]) -> Array:
    """Return each variant's share of the money still to be spent; they add up to 1.

    p_i (b + (1 - b) sum_{j != i} p_j / (1 - p_j)), b = 1/2: what top-two Thompson sampling gives on average
    (Russo 2016, with the chances of being best for the sampling), mixed with the floor. ValueError unless chances are
    finite, not negative and not all zero.
    """
    chances = np.asarray(p_best, dtype=np.float64)
    if not np.isfinite(chances).all() or (chances < 0).any() or chances.sum() <= 0:
        raise ValueError("Chances of being best must be finite, not negative and not all zero.")
    # A trace for everybody: one who is best for certain still has challengers, all of them alike.
    chances = chances / chances.sum() + _TRACE
    chances = chances / chances.sum()
    odds = chances / (1 - chances)
    shares = chances * (_LEADERS_PART + (1 - _LEADERS_PART) * (odds.sum() - odds))
    top: Array = FLOOR / len(chances) + (1 - FLOOR) * shares / shares.sum()
    return top


def next_amounts(arms: Sequence[ArmMoney], p_best: Sequence[float]) -> tuple[int, ...]:
    """Return the variants' new amounts in minor units: the same total, one day's move towards the top-two shares.

    What a variant has left changes by at most 30 %, and no amount falls below what has been spent or the minimum.
    With fewer than three variants, or nothing to move, the amounts stay as they are. ValueError when chances and
    variants differ in number, or a variant has spent more than its amount.
    """
    if len(arms) != len(p_best):
        raise ValueError("Every variant needs its chance of being best.")
    if any(arm.amount < arm.spent or arm.spent < 0 for arm in arms):
        raise ValueError("An amount cannot be less than what has been spent of it.")
    now = np.array([arm.amount for arm in arms], dtype=np.float64)
    left = now - [arm.spent for arm in arms]
    if len(arms) < FEWEST_VARIANTS or left.sum() <= 0:
        return tuple(arm.amount for arm in arms)
    fixed = np.array([min(arm.fixed, arm.amount) for arm in arms], dtype=np.float64)
    wanted = np.clip(
        left.sum() * top_two_shares(p_best) - left,
        -np.minimum(LARGEST_MOVE * left, now - fixed),
        LARGEST_MOVE * left,
    )
    return _in_whole_units(now, _balanced(wanted))


def _balanced(wanted: Array) -> Array:
    """Return the moves with the larger side scaled down, so that what is given equals what is taken."""
    given, taken = float(wanted[wanted > 0].sum()), float(-wanted[wanted < 0].sum())
    if given <= 0 or taken <= 0:
        return np.zeros_like(wanted)
    moved = min(given, taken)
    return np.where(wanted > 0, wanted * moved / given, wanted * moved / taken)


def _in_whole_units(now: Array, moves: Array) -> tuple[int, ...]:
    """Return whole amounts with the old total; gains are cut to whole units, so no cap is passed by rounding."""
    gains = np.floor(np.maximum(moves, 0.0))
    cuts, owed = np.floor(np.maximum(-moves, 0.0)), float(gains.sum())
    # Cuts are floored too; whichever side came out larger gives up single units until both agree.
    gains, cuts = _trimmed(gains, owed - float(cuts.sum())), _trimmed(cuts, float(cuts.sum()) - owed)
    return tuple(int(amount) for amount in now + gains - cuts)


def _trimmed(units: Array, surplus: float) -> Array:
    """Return whole units with `surplus` of them taken away, from the largest first."""
    units = units.copy()
    for _ in range(int(max(surplus, 0.0))):
        units[int(np.argmax(units))] -= 1
    return units


def clock_limit(variants: int) -> float:
    """Return the clock at which all error has been spent: 1 + .25 (K - 1), at most 2.5."""
    return min(1 + _CLOCK_PER_RIVAL * (variants - 1), _LONGEST_CLOCK)


def pair_clocks(matured: Array, planned_per_variant: float) -> Array:
    """Return each pair's information clock, shape (variants, variants), symmetric with a zero diagonal.

    `matured` is matured spend by block and variant, (blocks, variants), in the units of `planned_per_variant`. The
    clock is sum_h m_i m_j / (m_i + m_j) over planned / 2, which is what an even split gives by its end.
    """
    if planned_per_variant <= 0:
        raise ValueError("The planned spend must be positive.")
    left, right = matured[:, :, None], matured[:, None, :]
    both = left + right
    information = np.divide(left * right, both, out=np.zeros_like(both), where=both > 0).sum(axis=0)
    clocks: Array = information / (planned_per_variant / 2)
    np.fill_diagonal(clocks, 0.0)
    return clocks


def share_of_error(clock: float, variants: int) -> float:
    """Return the part of alpha that may have been spent by a pair's clock, 0 to 1.

    .75 clock^2 up to 1, the rest evenly up to the limit. The end of a test spends nothing by itself: when it comes
    depends on what was seen.
    """
    if clock <= 1:
        return _SPENT_BY_CLOCK_ONE * max(clock, 0.0) ** 2
    beyond = min((clock - 1) / (clock_limit(variants) - 1), 1.0)
    return _SPENT_BY_CLOCK_ONE + (1 - _SPENT_BY_CLOCK_ONE) * beyond


def pair_bound(clocks: Sequence[float], alpha: float, variants: int) -> float:
    """Return the z value a pair must exceed at the latest of its analyses.

    `clocks` are the pair's clocks at its analyses so far, not falling; `alpha` is one-sided. Infinite where the latest
    analysis has no error to spend: it adds less than .01 to the clock, or all of alpha had been spent before. A pair that
    has exceeded its bound once has done so for good. ValueError when clocks fall.
    """
    if any(later < earlier for earlier, later in pairwise(clocks)):
        raise ValueError("A clock does not run back.")
    times: list[float] = []
    for clock in clocks:
        if _spends(times, clock, variants):
            times.append(clock)
    if not times or times[-1] != clocks[-1]:
        return math.inf
    return bound_after(times, [alpha * share_of_error(time, variants) for time in times])


def _spends(times: Sequence[float], clock: float, variants: int) -> bool:
    """Return whether an analysis at `clock` has error of its own after analyses at `times`."""
    if not times:
        return clock >= _SMALLEST_STEP
    return clock - times[-1] >= _SMALLEST_STEP and times[-1] < clock_limit(variants)
