"""The forecast of a money decision: against closed forms, at its limits, and against simulated tests through the engine."""

import math
from dataclasses import replace

import numpy as np
import pytest

from autopublisher.domain.evidence import Design
from autopublisher.domain.evidence.criteria import Criterion
from autopublisher.domain.evidence.effects import noise_over
from autopublisher.domain.evidence.forecast import Plan, forecast, net_when_scaled, plan_of
from autopublisher.domain.evidence.spread import GRID, default_prior
from autopublisher.domain.evidence.worth import Publishing

USUAL = default_prior().tolist()
PLAN = Plan(variants=2, hours=24.0, events=250.0, test_share=0.2)


def only(spread: float) -> list[float]:
    """Return weights that leave one spread of the grid."""
    return [float(math.isclose(each, spread)) for each in GRID]


@pytest.mark.parametrize(("events", "spread"), [(50.0, 0.1), (250.0, 0.2), (5000.0, 0.4)])
def test_one_look_at_two_variants_agrees_with_the_closed_form(events: float, spread: float) -> None:
    """The difference of two posterior means is normal; of effects so apart, tanh of half of it is gained."""
    seen = 0.2 * events / 2
    error = 1 / seen + float(noise_over(np.array(1.0), 0.12, 0.30))
    deviation = math.sqrt(2 * spread**4 / (spread**2 + error))
    points = np.linspace(-8, 8, 4001)
    density = np.exp(-0.5 * points**2) / math.sqrt(2 * math.pi)
    gained = np.tanh(np.abs(deviation * points) / 2)
    expected = 0.8 * float(np.trapezoid(density * gained, points))
    found = forecast(replace(PLAN, events=events), only(spread))
    assert found.gain == pytest.approx(expected, abs=4 * found.error)
    assert found.error < 0.02 * found.gain


def test_who_sees_everything_gains_all_that_is_possible() -> None:
    days = replace(PLAN, events=1e12, test_share=1e-6, hours=24.0 * 10_000)
    found = forecast(days, only(0.2))
    assert found.gain == pytest.approx(found.possible, rel=0.01)
    assert found.p_best > 0.97
    assert found.p_10_worse < 0.001


def test_who_sees_nothing_gains_nothing() -> None:
    found = forecast(replace(PLAN, events=1e-9), USUAL)
    assert abs(found.gain) < 1e-6
    assert found.p_best == pytest.approx(0.5, abs=0.03)


def test_a_test_that_spends_everything_has_nothing_left_to_gain_with() -> None:
    assert forecast(replace(PLAN, test_share=1.0), USUAL).gain == pytest.approx(0, abs=1e-12)


def test_ending_where_testing_on_is_worth_less_earns_more_than_any_fixed_size() -> None:
    whole = Plan(variants=2, hours=240.0, events=450.0, test_share=1.0, stops_early=True)
    early = forecast(whole, USUAL)
    fixed = [
        forecast(replace(whole, stops_early=False, test_share=share, hours=240 * share), USUAL)
        for share in (0.1, 0.2, 0.3, 0.5, 0.8)
    ]
    assert early.gain > max(one.gain for one in fixed) - 2 * early.error
    assert 0.1 < early.test_share < 0.5
    assert early.days == pytest.approx(10 * early.test_share, rel=1e-6)


def test_waiting_for_late_reports_sees_more_of_what_was_sold() -> None:
    design = Design(("A", "B"), 500.0, 24.0, cooldown_hours=0.0)
    at_once = forecast(plan_of(design, 5000.0, 20.0), USUAL)
    settled = forecast(plan_of(replace(design, cooldown_hours=72.0), 5000.0, 20.0), USUAL)
    assert settled.gain > at_once.gain
    assert (at_once.days, settled.days) == (1.0, 4.0)


@pytest.mark.parametrize("criterion", list(Criterion))
def test_every_criterion_has_a_forecast(criterion: Criterion) -> None:
    design = Design(tuple("ABC"), 300.0, 72.0, criterion=criterion)
    plan = plan_of(design, 3000.0, 5.0)
    assert (plan.value_share > 0) == (criterion in {Criterion.ROAS, Criterion.REVENUE})
    assert (plan.delay is None) == (criterion in {Criterion.CTR, Criterion.CPC, Criterion.ENGAGEMENT})
    assert 0 < forecast(plan, USUAL).gain < forecast(plan, USUAL).possible


def test_equal_plans_have_equal_forecasts_to_the_last_digit() -> None:
    plan = Plan(variants=4, hours=96.0, events=300.0, test_share=0.8, stops_early=True)
    assert repr(forecast(plan, USUAL)) == repr(forecast(replace(plan), USUAL))


def test_a_scaled_campaign_takes_its_price_off_what_is_left() -> None:
    found = forecast(PLAN, USUAL)
    free, dear = Publishing(1.0, 1.0, 0.0, 1.0), Publishing(2.0, 0.9, 2.0, 0.8)
    assert net_when_scaled(found, PLAN, free) == pytest.approx(found.gain)
    kept = dear.efficiency(1 - found.test_share, 2, PLAN.days_of_budget)
    assert net_when_scaled(found, PLAN, dear) == pytest.approx(kept * (0.8 + found.gain) - 0.8)
    assert net_when_scaled(found, PLAN, dear) < found.gain


@pytest.mark.parametrize(("budget", "cost"), [(0.0, 20.0), (500.0, 0.0), (-1.0, 20.0)])
def test_amounts_that_are_none_are_refused(budget: float, cost: float) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        plan_of(Design(("A", "B"), 50.0, 24.0), budget, cost)
