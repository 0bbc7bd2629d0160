"""Findings that qualify a verdict: what to mention, and what makes the comparison less than an experiment."""

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.criteria import Figure
from autopublisher.domain.evidence.design import Design, Mode
from autopublisher.domain.evidence.rules import Kind
from autopublisher.domain.evidence.timeline import HOURS_PER_DAY, Timeline
from autopublisher.domain.evidence.verdict import Diagnostic
from autopublisher.domain.evidence.weighing import Evidence

Array = npt.NDArray[np.float64]

_SHARE_TOLERANCE = 0.05
_PRICE_RATIO = 1.25
_DAYS_BEFORE_SHARES_COUNT = 3.0
_WEEK_HOURS = 168.0
_DRIFT_Z = 2.5
_MATURE = 0.9
_BASKET_GAP_Z = 2.0


def diagnose(design: Design, timeline: Timeline, evidence: Evidence) -> tuple[Diagnostic, ...]:
    """Return what is unusual in delivery or in the effect over time."""
    return (
        *_spend_shares(design, timeline, evidence),
        *_prices(design, timeline, evidence),
        *_drift(design, evidence),
        *_baskets(design, timeline, evidence),
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
    if design.mode is Mode.DECIDE or kind is Kind.BEST_BET:
        found.append("not_proof")
    return tuple(found)


def _spend_shares(design: Design, timeline: Timeline, evidence: Evidence) -> list[Diagnostic]:
    total = float(evidence.spend.sum())
    if timeline.hours[evidence.row] < _DAYS_BEFORE_SHARES_COUNT * HOURS_PER_DAY or total <= 0:
        return []
    gaps = evidence.spend / total - 1 / len(evidence.active)
    return _where(design, evidence, "spend_share_off_plan", gaps, np.abs(gaps) > _SHARE_TOLERANCE)


def _prices(design: Design, timeline: Timeline, evidence: Evidence) -> list[Diagnostic]:
    shown = timeline.column(Figure.IMPRESSIONS)[evidence.row][list(evidence.active)]
    if float(shown.min()) <= 0 or float(evidence.spend.sum()) <= 0:
        return []
    ratio = evidence.spend / shown / (evidence.spend.sum() / shown.sum())
    unusual = (ratio > _PRICE_RATIO) | (ratio < 1 / _PRICE_RATIO)
    return _where(design, evidence, "impression_price_differs", ratio, unusual)


def _where(
    design: Design, evidence: Evidence, code: str, values: Array, chosen: npt.NDArray[np.bool_]
) -> list[Diagnostic]:
    return [
        Diagnostic(code, float(values[index]), design.variants[evidence.active[index]])
        for index in np.flatnonzero(chosen)
    ]


def _drift(design: Design, evidence: Evidence) -> list[Diagnostic]:
    """Compare the first week's log ratio with what came later, per pair."""
    scores, week = evidence.scores, int(_WEEK_HOURS / HOURS_PER_DAY)
    a, b, noise = scores.a_days, scores.b_days, scores.noise_days
    if a.shape[1] < 2 * week:
        return []
    found = []
    for pair in range(len(scores.a)):
        parts = [
            _log_ratio(a[pair, cut], b[pair, cut], noise[pair, cut], evidence.noise.estimate)
            for cut in (slice(None, week), slice(week, None))
        ]
        if None in parts:
            continue
        (early, early_var), (late, late_var) = (part for part in parts if part is not None)
        z = (late - early) / (early_var + late_var) ** 0.5
        if abs(z) > _DRIFT_Z:
            name = design.variants[int(scores.first[pair])]
            found.append(Diagnostic("effect_changed_between_weeks", z, name))
    return found


def _log_ratio(a: Array, b: Array, noise: Array, day_variance: float) -> tuple[float, float] | None:
    left, right = float(a.sum()), float(b.sum())
    if left <= 0 or right <= 0:
        return None
    days = day_variance * float((a**2).sum() / left**2 + (b**2).sum() / right**2)
    return float(np.log(left / right)), float(noise.sum()) / left**2 + days


def _baskets(design: Design, timeline: Timeline, evidence: Evidence) -> list[Diagnostic]:
    """Report basket values that differ although the variants are said to sell the same offer."""
    chosen = list(evidence.active)
    purchases = timeline.column(Figure.CONVERSIONS)[evidence.row][chosen]
    revenue = timeline.column(Figure.REVENUE)[evidence.row][chosen]
    if not design.pools_baskets or float(purchases.min()) <= 0 or float(revenue.min()) <= 0:
        return []
    gap = np.log(revenue / purchases) - np.log(revenue.sum() / purchases.sum())
    z = gap / np.sqrt(design.measure.value_dispersion / purchases)
    return _where(design, evidence, "basket_values_differ", np.exp(gap), np.abs(z) > _BASKET_GAP_Z)
