"""Diagnostics: findings that qualify a verdict, and caveats that make the comparison less than an experiment.

Nothing here decides. Impressions and clicks are not tested against an even split: delivery is not a coin, and such
a test rejects nearly every healthy one (see docs/formulas.md). Shares, prices, gaps and drift are looked at instead.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from autopublisher.domain.evidence.comparison import Evidence
from autopublisher.domain.evidence.criteria import Figure
from autopublisher.domain.evidence.design import Design, Mode
from autopublisher.domain.evidence.rules import Kind
from autopublisher.domain.evidence.timeline import HOURS_PER_DAY, Timeline
from autopublisher.domain.evidence.verdict import Diagnostic

Array = npt.NDArray[np.float64]

SHARE_TOLERANCE = 0.05
PRICE_RATIO = 1.25
GAP_HOURS = 6.0
DRIFT_Z = 2.5
BASKET_GAP_Z = 2.5
OVERLAP_LIMIT = 0.20
# Readings more than 2 % below the peak are not accepted at all, so this has to be less.
RESTATED_LIMIT = 0.01

_DAYS_BEFORE_SHARES_COUNT = 3.0
_FEWEST_VIEWS = 1000.0
_WEEK = 7
_FEWEST_DAYS_FOR_HALVES = 6
_MATURE = 0.9
_RESTATABLE = (Figure.CONVERSIONS, Figure.REVENUE)


@dataclass(frozen=True)
class Signals:
    """Facts for the diagnostics besides the figures.

    Attributes:
        overlap: share of the people reached by more than one variant, 0 to 1; None when nobody knows.
        last_analysis_hour: restatements are counted from here; 0 counts from the start.
        planned_shares: each active variant's planned share of spend; None for even ones.
    """

    overlap: float | None = None
    last_analysis_hour: float = 0.0
    planned_shares: tuple[float, ...] | None = None


NOTHING_ELSE = Signals()


def diagnose(
    design: Design, timeline: Timeline, evidence: Evidence, signals: Signals = NOTHING_ELSE
) -> tuple[Diagnostic, ...]:
    """Return what is unusual in delivery, in the figures or in the effect over time; values as in each check."""
    case = _Case(design, timeline, evidence, signals)
    return (
        *spend_shares(case),
        *prices(case),
        *gaps(case),
        *drift(case),
        *baskets(case),
        *overlap(case),
        *restated(case),
    )


def caveats(design: Design, evidence: Evidence | None, kind: Kind, mature_share: float) -> tuple[str, ...]:
    """Return the codes of what must be said next to the verdict."""
    found = ["as_delivered"]
    if not design.randomised:
        found.append("not_randomised")
    if (
        min(design.planned_hours, evidence.hour if evidence else 0.0)
        < _DAYS_BEFORE_SHARES_COUNT * HOURS_PER_DAY
    ):
        found.append("under_three_days")
    if mature_share < _MATURE:
        found.append("immature")
    if evidence is not None and evidence.noise.from_data == 0:
        found.append("day_noise_assumed")
    if design.same_people:
        found.append("same_people")
    if design.adaptive:
        found.append("money_moved")
    if design.mode is Mode.DECIDE or kind is Kind.BEST_BET:
        found.append("not_proof")
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Case:
    design: Design
    timeline: Timeline
    evidence: Evidence
    signals: Signals

    def so_far(self, figure: Figure) -> Array:
        """Return the active variants' cumulative counter by row up to now, shape (rows, active)."""
        return self.timeline.column(figure)[: self.evidence.row + 1][:, list(self.evidence.active)]

    def now(self, figure: Figure) -> Array:
        """Return the active variants' counter now."""
        latest: Array = self.so_far(figure)[-1]
        return latest

    def where(self, code: str, values: Array, chosen: npt.NDArray[np.bool_]) -> list[Diagnostic]:
        """Return one finding per chosen active variant."""
        names = [self.design.variants[position] for position in self.evidence.active]
        return [Diagnostic(code, float(values[index]), names[index]) for index in np.flatnonzero(chosen)]


def spend_shares(case: _Case) -> list[Diagnostic]:
    """Report, from the third day on, shares of spend more than five points off plan; value: the difference."""
    spend = case.evidence.spend
    if case.evidence.hour < _DAYS_BEFORE_SHARES_COUNT * HOURS_PER_DAY or float(spend.sum()) <= 0:
        return []
    planned = case.signals.planned_shares
    if planned is None and case.design.adaptive:
        return []  # money was moved on purpose, and nobody has said how much
    plan = np.full(len(spend), 1 / len(spend)) if planned is None else np.array(planned)
    off = spend / spend.sum() - plan
    return case.where("spend_share_off_plan", off, np.abs(off) > SHARE_TOLERANCE)


def prices(case: _Case) -> list[Diagnostic]:
    """Report prices per view a quarter off the average, a sign of another audience; value: the ratio."""
    shown, spend = case.now(Figure.IMPRESSIONS), case.evidence.spend
    if float(shown.min()) < _FEWEST_VIEWS or float(spend.sum()) <= 0:
        return []
    ratio = spend / shown / (spend.sum() / shown.sum())
    return case.where("impression_price_differs", ratio, (ratio > PRICE_RATIO) | (ratio < 1 / PRICE_RATIO))


def gaps(case: _Case) -> list[Diagnostic]:
    """Report a variant that stood still for six hours on end while another delivered; value: the hours."""
    spent = np.diff(case.so_far(Figure.SPEND), axis=0)
    idle = (spent <= 0) & (spent.max(axis=1, keepdims=True) > 0)
    hours = np.diff(case.timeline.hours[: case.evidence.row + 1])[:, None]
    still = np.cumsum(idle * hours, axis=0)
    # What had been idle when the variant last delivered does not count towards the present stretch.
    longest = (still - np.maximum.accumulate(np.where(idle, 0.0, still), axis=0)).max(axis=0)
    return case.where("delivery_gap", longest, longest >= GAP_HOURS)


def drift(case: _Case) -> list[Diagnostic]:
    """Report the pair whose ratio changed most between the parts of the test; value: its z.

    z = (late - early log ratio) / its standard error: first week against the rest from two weeks on, else one
    half against the other. Several pairs share the limit of one: 2.5 for two variants, more for more.
    """
    scores = case.evidence.scores
    days = int(((scores.a_days + scores.b_days) > 0).any(axis=0).sum())
    if days < _FEWEST_DAYS_FOR_HALVES or not len(scores.a):
        return []
    cut = _WEEK if days >= 2 * _WEEK else days // 2
    z = _change(case, cut)
    worst = int(np.argmax(np.abs(z)))
    rivals = len(case.evidence.active) - 1
    if abs(z[worst]) <= -float(ndtri(ndtr(-DRIFT_Z) / rivals)):
        return []
    code = "effect_changed_between_weeks" if cut == _WEEK else "effect_changed_between_halves"
    return [Diagnostic(code, float(z[worst]), case.design.variants[int(scores.first[worst])])]


def _change(case: _Case, cut: int) -> Array:
    """Return each pair's z for a change of its ratio at day `cut`; 0 where a part has no events."""
    parts = [_part(case.evidence, slice(None, cut)), _part(case.evidence, slice(cut, None))]
    early, late = parts
    usable = early.sound & late.sound
    by_day = _day_variance_within(case, parts)
    variance = early.noise + late.noise + by_day * (early.response + late.response)
    change = late.log_ratio - early.log_ratio
    known = usable & (variance > 0)
    z: Array = np.divide(change, np.sqrt(np.maximum(variance, 0.0)), out=np.zeros_like(change), where=known)
    return z


@dataclass(frozen=True, eq=False)
class _Part:
    """Some days of a test, one value per pair.

    Attributes:
        sound: both variants have events.
        log_ratio: of first over second.
        noise: variance of the log ratio from hourly noise.
        response: what its variance gains per unit of arm-day variance.
        excess: sum of squared day scores beyond hourly noise; gain: what unit day effects would give.
    """

    sound: npt.NDArray[np.bool_]
    log_ratio: Array
    noise: Array
    response: Array
    excess: Array
    gain: Array


def _part(evidence: Evidence, days: slice) -> _Part:
    scores = evidence.scores
    a, b = scores.a_days[:, days], scores.b_days[:, days]
    left, right = a.sum(axis=1), b.sum(axis=1)
    sound = (left > 0) & (right > 0)
    left, right = np.where(sound, left, 1.0), np.where(sound, right, 1.0)
    ratio = (left / right)[:, None]
    count = max(int(((a + b) > 0).any(axis=0).sum()), 2)
    spread = (a - ratio * b) ** 2 * count / (count - 1) - scores.noise_of_days[:, days]
    return _Part(
        sound=sound,
        log_ratio=np.log(left / right),
        noise=scores.noise_days[:, days].sum(axis=1) / left**2,
        response=(a**2).sum(axis=1) / left**2 + (b**2).sum(axis=1) / right**2,
        excess=spread.sum(axis=1),
        gain=(scores.a_gain[:, days] + ratio**2 * scores.b_gain[:, days]).sum(axis=1),
    )


def _day_variance_within(case: _Case, parts: list[_Part]) -> float:
    """Return the arm-day variance about each part's own ratio: the whole test's would contain the change sought."""
    prior, weight = case.design.day_variance, case.evidence.noise.from_data
    gain = sum(float(part.gain.sum()) for part in parts)
    raw = sum(float(part.excess.sum()) for part in parts) / gain if gain > 0 else prior
    return max(prior + weight * (raw - prior), prior / 2)


def baskets(case: _Case) -> list[Diagnostic]:
    """Report basket values that differ although the variants sell the same offer; value: ratio to the average.

    The pooling weight then goes to 1 by itself, which is the stricter test without pooling.
    """
    purchases, revenue = case.now(Figure.CONVERSIONS), case.now(Figure.REVENUE)
    if not case.design.pools_baskets or float(purchases.min()) <= 0 or float(revenue.min()) <= 0:
        return []
    gap = np.log(revenue / purchases) - np.log(revenue.sum() / purchases.sum())
    # A variant is part of the average it is compared with, so its own error counts only in part.
    own = np.maximum(1 / purchases - 1 / purchases.sum(), 1e-12)
    z = gap / np.sqrt(case.design.measure.value_dispersion * own)
    return case.where("basket_values_differ", np.exp(gap), np.abs(z) > BASKET_GAP_Z)


def overlap(case: _Case) -> list[Diagnostic]:
    """Report that a fifth of the people or more can see several variants; value: the share, as it was given."""
    share = case.signals.overlap
    if share is None or share < OVERLAP_LIMIT:
        return []
    return [Diagnostic("audiences_overlap", share)]


def restated(case: _Case) -> list[Diagnostic]:
    """Report purchases or revenue taken back since the last analysis; value: share of what had been reported.

    Totals only show what was withdrawn on balance between two readings: a correction that coincides with as many
    new purchases is not seen.
    """
    since = int(
        np.searchsorted(case.timeline.hours[: case.evidence.row + 1], case.signals.last_analysis_hour)
    )
    share = np.zeros(len(case.evidence.active))
    for figure in _RESTATABLE:
        rows = case.so_far(figure)[min(since, case.evidence.row) :]
        taken = -np.minimum(np.diff(rows, axis=0), 0.0).sum(axis=0)
        share = np.maximum(share, taken / np.maximum(rows.max(axis=0), 1e-9))
    few = case.now(Figure.CONVERSIONS) < 1 / RESTATED_LIMIT
    return case.where("figures_restated", share, (share > RESTATED_LIMIT) & ~few)
