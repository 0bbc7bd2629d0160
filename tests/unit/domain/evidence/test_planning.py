"""What the planner promises before launch."""

import math
from dataclasses import replace

import numpy as np
import pytest

from autopublisher.domain.evidence import Design, chance_of_proof
from autopublisher.domain.evidence.criteria import Criterion
from autopublisher.domain.evidence.planning import (
    _errors,
    days_needed,
    detectable_lift,
    outcomes_of,
    power_of,
)

FORTNIGHT = Design(("a", "b"), planned_spend_per_variant=14_000.0, planned_hours=336.0)


@pytest.mark.parametrize(("lift", "measured"), [(0.50, 299), (0.30, 962), (0.20, 4824)])
def test_the_purchases_needed_agree_with_those_measured_by_simulation(lift: float, measured: float) -> None:
    needed = chance_of_proof(FORTNIGHT, 37.0, lift).cost.purchases_per_variant
    assert needed == pytest.approx(measured, rel=0.15)


def test_pooled_baskets_need_fewer_purchases() -> None:
    pooled = chance_of_proof(replace(FORTNIGHT, same_offer=True), 37.0, 0.30).cost.purchases_per_variant
    assert pooled == pytest.approx(813, rel=0.15)


def test_a_small_one_day_test_is_warned_about_and_cannot_be_bought_out_of_it() -> None:
    day = Design(("a", "b"), planned_spend_per_variant=50.0, planned_hours=24.0)
    chance = chance_of_proof(day, expected_cpa=20.0)
    assert chance.warn
    assert chance.cost.spend_per_variant is None


def test_a_longer_test_needs_fewer_purchases() -> None:
    month = replace(FORTNIGHT, planned_hours=672.0)
    short, long = (chance_of_proof(design, 37.0, 0.20).cost for design in (FORTNIGHT, month))
    assert short.purchases_per_variant is not None
    assert long.purchases_per_variant is not None
    assert long.purchases_per_variant < short.purchases_per_variant / 2


def test_buying_what_is_needed_gives_the_usual_power() -> None:
    needed = chance_of_proof(FORTNIGHT, 37.0, 0.30).cost.purchases_per_variant
    assert needed is not None
    assert power_of(FORTNIGHT, needed, 0.30) == pytest.approx(0.80, abs=0.01)


def test_more_rivals_are_harder_to_beat() -> None:
    four = replace(FORTNIGHT, variants=("a", "b", "c", "d"))
    assert power_of(four, 800, 0.30) < power_of(FORTNIGHT, 800, 0.30)


def test_a_cost_per_event_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        chance_of_proof(FORTNIGHT, 0.0)


E = replace(FORTNIGHT, same_offer=True)


@pytest.mark.parametrize(
    ("design", "events", "lift", "measured"),
    [
        (FORTNIGHT, 299, 0.50, 0.80),
        (FORTNIGHT, 962, 0.30, 0.80),
        (FORTNIGHT, 4824, 0.20, 0.80),
        (E, 179, 0.50, 0.80),
        (E, 813, 0.30, 0.80),
        (E, 4473, 0.20, 0.80),
        (FORTNIGHT, 380, 0.30, 0.563),
        (E, 380, 0.30, 0.690),
        (FORTNIGHT, 380, 0.50, 0.929),
        (E, 380, 0.50, 0.969),
    ],
)
def test_the_power_agrees_with_simulated_tests_within_six_points(
    design: Design, events: float, lift: float, measured: float
) -> None:
    assert power_of(design, events, lift) == pytest.approx(measured, abs=0.06)


def test_twice_the_days_need_a_third_of_the_purchases() -> None:
    month = replace(E, planned_hours=672.0)
    assert power_of(month, 4473 / 3, 0.20) == pytest.approx(0.80, abs=0.06)


def test_the_detectable_lift_is_the_one_that_has_the_usual_power() -> None:
    lift = detectable_lift(FORTNIGHT, 500)
    assert lift is not None
    assert power_of(FORTNIGHT, 500, lift) == pytest.approx(0.80, abs=0.001)


def test_more_purchases_detect_smaller_lifts() -> None:
    few, many = detectable_lift(FORTNIGHT, 200), detectable_lift(FORTNIGHT, 2000)
    assert few is not None
    assert many is not None
    assert many < few


def test_a_handful_of_purchases_detects_nothing() -> None:
    assert detectable_lift(FORTNIGHT, 5) is None


def test_the_days_needed_prove_and_one_day_less_does_not() -> None:
    days = days_needed(FORTNIGHT, 1000.0, 37.0, 0.30)
    assert days is not None
    power = [
        power_of(replace(FORTNIGHT, planned_hours=24.0 * each), 1000 * each / 37, 0.30)
        for each in (days - 1, days)
    ]
    assert power[0] < 0.80 <= power[1]


def test_more_spend_a_day_needs_fewer_days_but_never_a_single_one() -> None:
    slow, fast = days_needed(FORTNIGHT, 500.0, 37.0, 0.30), days_needed(FORTNIGHT, 50_000.0, 37.0, 0.30)
    assert slow is not None
    assert fast is not None
    assert 1 < fast < slow


def test_some_lifts_cannot_be_proven_in_half_a_year() -> None:
    assert days_needed(FORTNIGHT, 10.0, 37.0, 0.05) is None


@pytest.mark.parametrize(("spend", "cost"), [(0.0, 37.0), (100.0, 0.0)])
def test_days_need_positive_money(spend: float, cost: float) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        days_needed(FORTNIGHT, spend, cost, 0.30)


@pytest.mark.parametrize("lift", [0.0, 0.05, 0.3])
def test_the_chances_of_all_ends_add_up(lift: float) -> None:
    ends = outcomes_of(FORTNIGHT, 2000, lift)
    assert ends.right_winner + ends.wrong_winner + ends.no_difference + ends.not_enough_data == pytest.approx(
        1.0
    )


def test_the_chance_of_the_right_winner_is_the_power() -> None:
    assert outcomes_of(FORTNIGHT, 962, 0.30).right_winner == power_of(FORTNIGHT, 962, 0.30)


def test_equal_variants_give_a_false_winner_within_the_error() -> None:
    ends = outcomes_of(FORTNIGHT, 2000)
    assert ends.right_winner == 0
    assert 0 < ends.wrong_winner <= 0.05


def test_large_equal_variants_mostly_end_without_a_difference() -> None:
    cpa = replace(FORTNIGHT, criterion=Criterion.CPA, planned_hours=672.0)
    assert outcomes_of(cpa, 20_000).no_difference > 0.6
    assert outcomes_of(cpa, 80).no_difference == 0


def test_more_variants_end_less_often_without_a_difference() -> None:
    cpa = replace(FORTNIGHT, criterion=Criterion.CPA, planned_hours=672.0)
    four = replace(cpa, variants=("a", "b", "c", "d"))
    assert outcomes_of(four, 800).no_difference < outcomes_of(cpa, 800).no_difference


def test_the_ends_agree_with_simulated_paths() -> None:
    design = replace(FORTNIGHT, criterion=Criterion.CPA, planned_hours=672.0)
    ends = outcomes_of(design, 3000, 0.02)
    errors = _errors(design, 3000, 0.02)
    times, bounds = np.array([analysis.share for analysis in errors.analyses]), np.array(errors.bounds)
    steps = np.diff([0.0, *times])
    drift = math.log1p(0.02) / errors.true
    paths = (
        np.random.default_rng(3).normal(drift * steps, np.sqrt(steps), (200_000, len(steps))).cumsum(axis=1)
    )
    z = paths / np.sqrt(times)
    up, down = (z > bounds).any(axis=1), (z < -bounds).any(axis=1)
    close = np.abs(z[:, -1]) * errors.true < math.log1p(design.planned_lift) - bounds[-1] * errors.true
    assert ends.right_winner == pytest.approx(up.mean(), abs=0.005)
    assert ends.wrong_winner == pytest.approx(down.mean(), abs=0.005)
    assert ends.no_difference == pytest.approx((close & ~up & ~down).mean(), abs=0.02)


def test_a_worse_best_variant_is_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        outcomes_of(FORTNIGHT, 1000, -0.1)


def test_no_purchases_promise_nothing() -> None:
    assert outcomes_of(FORTNIGHT, 0.0, 0.3).not_enough_data == 1.0
