"""Power and cost of a test: what it can prove before it is launched, and what proof would cost.

The same score, variance and boundaries as the engine's, with expected values put in for data. The drift argument is
that of group sequential planning (Jennison & Turnbull 2000, chapters 2 and 7): log(1 + lift) / sqrt(Var) at the end.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from autopublisher.domain.evidence.boundaries import (
    AnalysisTime,
    critical_values,
    crossing_probability,
    planned_analyses,
)
from autopublisher.domain.evidence.design import Design

USUAL_POWER = 0.80
_WARN_BELOW = 0.50
# Squared coefficient of variation of an hour's rate beyond Poisson, as the hourly blocks would show it.
_HOURLY_DISPERSION = 0.09
_BASKET_SPREAD = 0.08
_FEW_DAYS = 2.0
_MOST_EVENTS = 1e7
_LEAST_EVENTS = 0.5
_LARGEST_DRIFT = 20.0
_LARGEST_LIFT = 20.0
_MOST_DAYS = 180
_HOURS_PER_DAY = 24.0
_REACH = 8.0
_GRID = 801
_POINTS, _WEIGHTS = np.polynomial.hermite_e.hermegauss(64)


@dataclass(frozen=True)
class ProofCost:
    """What proving `lift` with 80 % power takes; None where it is out of reach.

    Before a test it is what more spend in the same days takes. After one it is what going on as before takes in all,
    `days` of it; `reached`: what was spent would most likely have proven it, so nothing more is asked for.
    """

    lift: float
    purchases_per_variant: float | None
    spend_per_variant: float | None
    days: float | None = None
    reached: bool = False


@dataclass(frozen=True)
class Measured:
    """What a test has shown: the standard error of a log ratio, events and spend per variant, and hours of delivery."""

    error: float
    events: float
    spend: float
    hours: float


@dataclass(frozen=True)
class ChanceOfProof:
    """A test's prospects for one true lift of the best variant over equal others.

    Attributes:
        lift: the relative lift supposed, e.g. 0.30.
        power: chance that the test ends in a winner.
        purchases_per_variant: events expected per variant.
        cost: what 80 % power would take in the same time.
        warn: power is below one half: say so before launch and offer decide mode.
    """

    lift: float
    power: float
    purchases_per_variant: float
    cost: ProofCost
    warn: bool


@dataclass(frozen=True)
class Outcomes:
    """The chances of a test's possible ends in prove mode; they add up to 1.

    Attributes:
        right_winner: the best variant is named.
        wrong_winner: another one is named; with no true difference, any.
        no_difference: differences as large as the planned lift are ruled out.
        not_enough_data: neither.
    """

    right_winner: float
    wrong_winner: float
    no_difference: float
    not_enough_data: float


def chance_of_proof(design: Design, expected_cpa: float, lift: float | None = None) -> ChanceOfProof:
    """Return the prospects of `design` when an event costs `expected_cpa` major units.

    `expected_cpa` is cost per event of the criterion (a click for ctr, cpc, engagement). `lift` defaults to
    the planned one. ValueError unless both are positive.
    """
    supposed = design.planned_lift if lift is None else lift
    if expected_cpa <= 0 or supposed <= 0:
        raise ValueError("The expected cost per event and the lift must be positive.")
    events = design.planned_spend_per_variant / expected_cpa
    power = power_of(design, events, supposed)
    cost = proof_cost(design, expected_cpa, supposed)
    return ChanceOfProof(supposed, power, events, cost, power < _WARN_BELOW)


def power_of(design: Design, events_per_variant: float, lift: float) -> float:
    """Return the chance of a winner when the best is `lift` better, given the events of each variant.

    The crossing probability of the engine's analyses under the drift log(1 + lift) / sqrt(Var). Measured against simulated
    tests it is within about six points, mostly too low where days vary less than assumed.
    """
    if events_per_variant <= 0 or 2 * events_per_variant < design.min_purchases:
        return 0.0
    errors = _errors(design, events_per_variant, lift)
    pair = crossing_probability(errors.analyses, errors.bounds, math.log1p(lift) / errors.true)
    return _all_pairs(pair, len(design.variants) - 1)


def outcomes_of(design: Design, events_per_variant: float, lift: float = 0.0) -> Outcomes:
    """Return the chances of each end when the best is `lift` better than equal others (0: all are equal).

    With more than two variants the chance of a wrong winner is an upper bound, that of two. No difference is taken from
    where the estimates end, with the last bound; tests that stopped before and would have ended there are too few to
    matter. ValueError for a negative lift.
    """
    if lift < 0:
        raise ValueError("The lift of the best variant is not negative.")
    if events_per_variant <= 0 or 2 * events_per_variant < design.min_purchases:
        return Outcomes(0.0, 0.0, 0.0, 1.0)
    errors = _errors(design, events_per_variant, lift)
    drift = math.log1p(lift) / errors.true
    wrong = crossing_probability(errors.analyses, errors.bounds, -drift) * (1 if lift > 0 else 2)
    right = power_of(design, events_per_variant, lift) if lift > 0 else 0.0
    reach = math.log1p(design.planned_lift) - errors.bounds[-1] * errors.true
    ends_close = _within_reach(len(design.variants), math.log1p(lift), errors.true, reach)
    same = min(ends_close, 1 - right - wrong)
    return Outcomes(right, wrong, same, max(1 - right - wrong - same, 0.0))


def detectable_lift(design: Design, events_per_variant: float, power: float = USUAL_POWER) -> float | None:
    """Return the smallest relative lift of the best variant that is proven with `power`; None beyond twentyfold."""

    def shortfall(lift: float) -> float:
        return power_of(design, events_per_variant, lift) - power

    if shortfall(_LARGEST_LIFT) < 0:
        return None
    return float(brentq(shortfall, 1e-4, _LARGEST_LIFT, xtol=1e-4))


def days_needed(
    design: Design, spend_per_day: float, cost_per_event: float, lift: float, power: float = USUAL_POWER
) -> int | None:
    """Return the whole days of delivery that prove `lift` at a daily spend per variant; None beyond 180.

    Longer beats louder: the arm-day variance shrinks with days, not with spend. Major units; ValueError unless spend and
    cost are positive.
    """
    if spend_per_day <= 0 or cost_per_event <= 0:
        raise ValueError("Daily spend and cost per event must be positive.")

    def proves(days: int) -> bool:
        longer = replace(
            design, planned_hours=_HOURS_PER_DAY * days, planned_spend_per_variant=spend_per_day * days
        )
        return power_of(longer, spend_per_day * days / cost_per_event, lift) >= power

    if not proves(_MOST_DAYS):
        return None
    few, many = 0, _MOST_DAYS
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if proves(middle) else (middle, many)
    return many


def proof_cost(design: Design, cost_per_event: float, lift: float, power: float = USUAL_POWER) -> ProofCost:
    """Return the events and spend per variant that prove `lift` with `power` in the planned time."""
    events = _events_needed(design, lift, power)
    return ProofCost(lift, events, None if events is None else events * cost_per_event)


def proof_cost_after(
    design: Design, measured: Measured, lift: float, power: float = USUAL_POWER
) -> ProofCost:
    """Return what proves `lift` with `power` if the test goes on as it went, from the noise it has shown.

    Squared errors fall as one over what is spent over days, hourly and daily noise alike, so `share` times the test
    meets the drift that a planned test needs. With fewer events than a comparison takes, no less than the plan's noise
    is supposed. Never less than what has been spent.
    """
    share = (_drift_needed(design, power) * measured.error / math.log1p(lift)) ** 2
    if measured.events < design.min_purchases:
        planned = _events_needed(design, lift, power)
        share = max(share, math.inf if planned is None else planned / max(measured.events, _LEAST_EVENTS))
    days = share * measured.hours / _HOURS_PER_DAY
    if days > _MOST_DAYS:
        return ProofCost(lift, None, None)
    if share <= 1:
        return ProofCost(lift, measured.events, measured.spend, measured.hours / _HOURS_PER_DAY, reached=True)
    return ProofCost(lift, share * measured.events, share * measured.spend, days)


@lru_cache(maxsize=256)
def _drift_needed(design: Design, power: float) -> float:
    """Return the drift at the end of a planned test that crosses its bounds with `power`."""
    analyses = _analyses(design)
    bounds, rivals = critical_values(analyses, design.alpha / 2), len(design.variants) - 1

    def shortfall(drift: float) -> float:
        return _all_pairs(crossing_probability(analyses, bounds, drift), rivals) - power

    return float(brentq(shortfall, 0.0, _LARGEST_DRIFT, xtol=1e-3))


@lru_cache(maxsize=1024)
def _events_needed(design: Design, lift: float, power: float) -> float | None:
    """Return the events per variant; None where no number of them suffices in the planned time."""

    def shortfall(log_events: float) -> float:
        return power_of(design, math.exp(log_events), lift) - power

    least, most = math.log(max(design.min_purchases / 2, 1.0)), math.log(_MOST_EVENTS)
    if shortfall(most) < 0:
        return None
    return math.exp(least if shortfall(least) >= 0 else float(brentq(shortfall, least, most, xtol=1e-3)))


def _analyses(design: Design) -> tuple[AnalysisTime, ...]:
    """Return the analyses the engine will take if spend is even: none before the guard."""
    delay = design.event_delay
    at_guard = design.guard if delay is None else float(delay.integrated(np.array(design.guard)))
    return planned_analyses(design.analysis_count, min(at_guard / design.planned_hours, 1.0))


def _sampling_variance(design: Design, inverse_events: float) -> float:
    """Return the log ratio's variance from counting and order values; `inverse_events` is 1/n_i + 1/n_j."""
    values = design.measure.value_dispersion * inverse_events
    if design.pools_baskets:
        values = values * _BASKET_SPREAD**2 / (values + _BASKET_SPREAD**2)
    return inverse_events + values


@dataclass(frozen=True)
class _Errors:
    """The analyses of a test, its bounds for z, and the true standard error of the log ratio at the end.

    The engine divides by a more cautious error than the true one, by which z moves; the bounds widen by the ratio.
    """

    analyses: tuple[AnalysisTime, ...]
    bounds: tuple[float, ...]
    true: float


def _errors(design: Design, events_per_variant: float, lift: float) -> _Errors:
    sampling, fixed = _sampling_variance(design, 2 / events_per_variant), _fixed_variance(design, lift)
    true = sampling + fixed.true
    caution = ((sampling + fixed.assumed) / true) ** 0.5
    analyses = _analyses(design)
    bounds = tuple(bound * caution for bound in critical_values(analyses, design.alpha / 2))
    return _Errors(analyses, bounds, true**0.5)


def _within_reach(variants: int, ahead: float, pair_error: float, reach: float) -> float:
    """Return P(largest - smallest estimate < reach), one of independent normals being `ahead` of equal others.

    Integrated over which one is smallest and where.
    """
    if reach <= 0:
        return 0.0
    sd = pair_error / 2**0.5
    means = np.zeros(variants)
    means[0] = ahead
    total = 0.0
    for smallest in range(variants):
        points = means[smallest] + sd * np.linspace(-_REACH, _REACH, _GRID)
        density = np.exp(-0.5 * ((points - means[smallest]) / sd) ** 2) / (sd * (2 * np.pi) ** 0.5)
        others = np.delete(means, smallest)[:, None]
        inside = ndtr((points + reach - others) / sd) - ndtr((points - others) / sd)
        total += float(np.trapezoid(density * inside.prod(axis=0), points))
    return min(total, 1.0)


@dataclass(frozen=True)
class _FixedVariance:
    """Variance of the log ratio that no spend removes: as expected, and as the engine assumes it."""

    true: float
    assumed: float


def _fixed_variance(design: Design, lift: float) -> _FixedVariance:
    days = design.planned_days
    # Below two days the engine has nothing but its prior; later the data usually lower it.
    factor = 1 + 4 / (days + (1 if days < _FEW_DAYS else 4))
    hours = max(design.planned_hours / design.block_hours, 1.0)
    by_day, by_hour = 2 * design.day_variance / days, 2 * _HOURLY_DISPERSION / hours
    # Block sums are not centred, so the effect itself counts as noise to the engine.
    return _FixedVariance(by_day + by_hour, by_day * factor + by_hour + math.log1p(lift) ** 2 / hours)


def _all_pairs(pair: float, rivals: int) -> float:
    """Return the chance to beat all of `rivals` equal others, one being beaten with probability `pair`.

    Comparisons with a common variant correlate by one half: condition on its own error.
    """
    if rivals <= 1:
        return pair
    margin = float(ndtri(min(max(pair, 1e-15), 1 - 1e-15)))
    chances = ndtr(2**0.5 * margin + _POINTS) ** rivals
    return float((_WEIGHTS * chances).sum() / _WEIGHTS.sum())
