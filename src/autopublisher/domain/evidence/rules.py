"""The decision rules, applied in a fixed order at each analysis.

0 data health (by the caller) - 1 guards - 2 winner - 3 stop losers - 4 safe pick - 5 equivalent -
6 best bet (decide mode) - 7 lack of data (futility, or the end). Earlier rules win.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from autopublisher.domain.evidence.comparison import Evidence
from autopublisher.domain.evidence.design import FEWEST_VARIANTS, Design, Mode
from autopublisher.domain.evidence.interval import RatioInterval

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_LEAST_SHARE_OF_DELIVERY = 0.10
_FUTILE_POWER = 0.20
_FUTILITY_FROM = 0.25


class Kind(StrEnum):
    """What a verdict says."""

    UNHEALTHY = "unhealthy"
    NOT_YET = "not_yet"
    STOP_LOSER = "stop_loser"
    WINNER = "winner"
    SAFE_PICK = "safe_pick"
    EQUIVALENT = "equivalent"
    NO_DIFFERENCE = "no_difference_larger_than"
    BEST_BET = "best_bet"
    NOT_ENOUGH_DATA = "not_enough_data"


ENDING_KINDS = frozenset(Kind) - {Kind.UNHEALTHY, Kind.NOT_YET, Kind.STOP_LOSER}


@dataclass(frozen=True)
class Ruling:
    """One analysis's outcome; positions are those of the design."""

    kind: Kind
    winner: int | None = None
    eliminated: tuple[int, ...] = ()
    reasons: tuple[str, ...] = ()


def rule(evidence: Evidence, *, last: bool) -> Ruling:
    """Return the ruling of one analysis; `last` when no more data will come."""
    missing = unmet_guards(evidence)
    if missing:
        return Ruling(Kind.NOT_ENOUGH_DATA if last else Kind.NOT_YET, reasons=missing)
    proven = _proven(evidence)
    if proven is not None:
        return Ruling(Kind.WINNER, winner=evidence.active[proven])
    losers = _losers(evidence)
    if losers and not last:
        return Ruling(Kind.STOP_LOSER, eliminated=losers)
    return _without_proof(evidence, last=last)


def may_decide_without_crossing(design: Design) -> bool:
    """Return whether some rule may end the test although no pair is past its bound or within the margin."""
    some = design.mode is Mode.DECIDE or design.futility or design.safe_margin is not None
    return some or design.adaptive


def unmet_guards(evidence: Evidence) -> tuple[str, ...]:
    """Return why nothing may be compared yet: guard_hours, not_delivering, low_spend, few_purchases."""
    design, spend, counts = evidence.design, evidence.spend, evidence.counts
    found = [] if design.past_guard(evidence.hour) else ["guard_hours"]
    if float(spend.min()) < _LEAST_SHARE_OF_DELIVERY * float(spend.mean()) or float(spend.min()) <= 0:
        found.append("not_delivering")
    if float(spend.min()) < design.min_spend_threshold:
        found.append("low_spend")
    if not _pair_counts_suffice(counts.tolist(), design.min_purchases):
        found.append("few_purchases")
    return tuple(found)


def _pair_counts_suffice(counts: list[float], least: int) -> bool:
    """Return whether some pair has enough events: the two largest counts do."""
    return sum(sorted(counts)[-2:]) >= least


def _proven(evidence: Evidence, ratio: float = 1.0) -> int | None:
    """Return the variant that beats every other one at the winner's bound, if any."""
    statistics = evidence.statistics(ratio)
    beats = _beats(evidence, statistics)
    if evidence.bounds.pairs is not None and ratio == 1.0:
        beats |= evidence.bounds.pairs.won
        # Two that have beaten each other, one after the other, have shown nothing.
        beats &= ~beats.T | np.eye(len(beats), dtype=np.bool_)
    winners = np.flatnonzero(beats.all(axis=1) & (evidence.counts > 0))
    return _strongest(statistics, winners.tolist())


def crossings(evidence: Evidence) -> tuple[Flags, Flags]:
    """Return which active variants exceed the winner's, and which the losers' bound against which, now."""
    statistics = evidence.statistics()
    return _beats(evidence, statistics), _beats(evidence, statistics, for_stopping=True)


def _beats(evidence: Evidence, statistics: Array, *, for_stopping: bool = False) -> Flags:
    """Return [i, j]: i exceeds its bound against j, and there are enough events; nobody need beat himself."""
    bounds = evidence.bounds.pairs or evidence.bounds
    enough = evidence.counts[:, None] + evidence.counts[None, :] >= evidence.design.min_purchases
    np.fill_diagonal(enough, val=True)
    return np.asarray((statistics > (bounds.loser if for_stopping else bounds.winner)) & enough)


def _strongest(statistics: Array, winners: list[int]) -> int | None:
    """Return the candidate whose weakest comparison is strongest (only safe picks can be several)."""
    if not winners:
        return None
    return max(winners, key=lambda index: float(statistics[index].min()))


def _losers(evidence: Evidence) -> tuple[int, ...]:
    """Return variants proven worse than one that is not itself proven worse."""
    if not evidence.design.stop_losers or len(evidence.active) <= FEWEST_VARIANTS:
        return ()
    beats = _beats(evidence, evidence.statistics(), for_stopping=True)
    if evidence.bounds.pairs is not None:
        beats |= evidence.bounds.pairs.lost
    np.fill_diagonal(beats, val=False)
    sound = ~beats.any(axis=0)
    beaten = beats[sound].any(axis=0)
    return tuple(evidence.active[index] for index in np.flatnonzero(beaten))


def _without_proof(evidence: Evidence, *, last: bool) -> Ruling:
    design = evidence.design
    safe = None if design.safe_margin is None else _proven(evidence, 1 - design.safe_margin)
    if safe is not None:
        return Ruling(Kind.SAFE_PICK, winner=evidence.active[safe])
    if all(within(each, design.equivalence_margin) for each in evidence.intervals()):
        return Ruling(Kind.EQUIVALENT)
    leader = evidence.leader
    if design.mode is Mode.DECIDE and leader is not None and _loss_is_small(evidence, leader):
        return Ruling(Kind.BEST_BET, winner=evidence.active[leader])
    return _lack_of_data(evidence, last=last)


def _loss_is_small(evidence: Evidence, leader: int) -> bool:
    return float(evidence.posterior.loss[leader]) < evidence.design.loss_threshold


def _lack_of_data(evidence: Evidence, *, last: bool) -> Ruling:
    if last:
        bounded = all(within(each, evidence.design.planned_lift) for each in evidence.intervals())
        return Ruling(Kind.NO_DIFFERENCE if bounded else Kind.NOT_ENOUGH_DATA)
    design = evidence.design
    tried = design.futility and not design.open_ended and evidence.share >= _FUTILITY_FROM
    if tried and conditional_power(evidence) < _FUTILE_POWER:
        return Ruling(Kind.NOT_ENOUGH_DATA, reasons=("futile",))
    return Ruling(Kind.NOT_YET, reasons=("not_proven",))


def within(interval: RatioInterval, margin: float) -> bool:
    """Return whether a ratio's range lies within 1/(1 + margin) and 1 + margin, in logs symmetric."""
    return interval.high is not None and 1 / (1 + margin) <= interval.low and interval.high <= 1 + margin


def conditional_power(evidence: Evidence) -> float:
    """Return the largest chance, over pairs, that a true planned lift is still proven by the end.

    B-value argument (Lan & Wittes 1988): B(t) = z sqrt(t), the rest of the path having the planned drift.
    """
    aa, ab, bb = evidence.scores.variance_parts(evidence.noise.variance)
    size = np.sqrt(np.maximum(evidence.scores.a * evidence.scores.b, 0.0))
    sd = np.sqrt(np.maximum(aa - 2 * ab + bb, 1e-300))
    share = min(evidence.share, 0.99)
    drift = np.log1p(evidence.design.planned_lift) * size / sd / share**0.5
    path = np.abs(evidence.scores.statistics(evidence.noise.variance)) * share**0.5
    # The last bound is not known before the last analysis; the quantile it exceeds gives a slightly high power.
    needed = float(evidence.bounds.winner) * share**0.5
    return float(ndtr((path + drift * (1 - share) - needed) / (1 - share) ** 0.5).max())
