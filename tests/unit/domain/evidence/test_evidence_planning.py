"""What the planner promises before launch."""

from dataclasses import replace

import pytest

from autopublisher.domain.evidence import Design, chance_of_proof
from autopublisher.domain.evidence.planning import power_of

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
