"""What a test can prove before it is launched, and what proof would cost.

The same score, variance and boundaries as the engine's, with expected values put in for data.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from autopublisher.domain.evidence.boundaries import (
    LookTime,
    critical_values,
    crossing_probability,
    planned_looks,
)
from autopublisher.domain.evidence.design import Design

USUAL_POWER = 0.80
_WARN_BELOW = 0.50
# Squared coefficient of variation of an hour's rate beyond Poisson, as the hourly blocks would show it.
_HOURLY_DISPERSION = 0.09
_BASKET_SPREAD = 0.08
_FEW_DAYS = 2.0
_MOST_EVENTS = 1e7
_POINTS, _WEIGHTS = np.polynomial.hermite_e.hermegauss(64)


@dataclass(frozen=True)
class ProofCost:
    """What proving `lift` with 80 % power takes; None where more spend in the same days cannot do it."""

    lift: float
    purchases_per_variant: float | None
    spend_per_variant: float | None


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
    """Return the chance of a winner when the best is `lift` better, given the events of each variant."""
    if events_per_variant <= 0 or 2 * events_per_variant < design.min_purchases:
        return 0.0
    sampling, fixed = _sampling_variance(design, 2 / events_per_variant), _fixed_variance(design, lift)
    true = sampling + fixed.true
    # The engine divides by its cautious error; the score moves by the true one, so bounds widen by the ratio.
    caution = ((sampling + fixed.assumed) / true) ** 0.5
    looks = _looks(design)
    bounds = [bound * caution for bound in critical_values(looks, design.alpha / 2)]
    pair = crossing_probability(looks, bounds, math.log1p(lift) / true**0.5)
    return _all_pairs(pair, len(design.variants) - 1)


def proof_cost(design: Design, cost_per_event: float, lift: float, power: float = USUAL_POWER) -> ProofCost:
    """Return the events and spend per variant that prove `lift` with `power` in the planned time."""
    events = _events_needed(design, lift, power)
    return ProofCost(lift, events, None if events is None else events * cost_per_event)


@lru_cache(maxsize=1024)
def _events_needed(design: Design, lift: float, power: float) -> float | None:
    """Return the events per variant; None where no number of them suffices in the planned time."""

    def shortfall(log_events: float) -> float:
        return power_of(design, math.exp(log_events), lift) - power

    least, most = math.log(max(design.min_purchases / 2, 1.0)), math.log(_MOST_EVENTS)
    if shortfall(most) < 0:
        return None
    return math.exp(least if shortfall(least) >= 0 else float(brentq(shortfall, least, most, xtol=1e-3)))


def _looks(design: Design) -> tuple[LookTime, ...]:
    """Return the looks the engine will take if spend is even: none before the guard."""
    delay = design.event_delay
    at_guard = design.guard if delay is None else float(delay.integrated(np.array(design.guard)))
    return planned_looks(design.look_count, min(at_guard / design.planned_hours, 1.0))


def _sampling_variance(design: Design, inverse_events: float) -> float:
    """Return the log ratio's variance from counting and order values; `inverse_events` is 1/n_i + 1/n_j."""
    values = design.measure.value_dispersion * inverse_events
    if design.pools_baskets:
        values = values * _BASKET_SPREAD**2 / (values + _BASKET_SPREAD**2)
    return inverse_events + values


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
