"""Trouble that people of the trade have reported: advice, ranges and leaders must not contradict the test."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from autopublisher.domain.evidence import (
    Criterion,
    Design,
    Figures,
    Kind,
    Language,
    Mode,
    Snapshot,
    Verdict,
    replay,
    sentences,
)

History = tuple[Snapshot, ...]
MakeTest = Callable[..., History]
WEEK = Design(("A", "B"), 700.0, 168.0, criterion=Criterion.CPA, cooldown_hours=0.0)


def daily(*days: Sequence[Sequence[float]]) -> History:
    """Return one poll a day; a variant's figures are spend, views, clicks, purchases, revenue."""
    return tuple(
        Snapshot(24.0 * number, tuple(Figures(*row) for row in rows)) for number, rows in enumerate(days, 1)
    )


def steady(first: Sequence[float], second: Sequence[float], days: int = 7) -> History:
    """Return polls of two variants that add the same figures every day."""
    return daily(*([[day * each for each in row] for row in (first, second)] for day in range(1, days + 1)))


def said(verdict: Verdict, language: Language = Language.ENGLISH) -> str:
    return " ".join(sentences(verdict, language))


# --- advice: ten uneven days ----------------------------------------------------------------------

UNEVEN = (
    (337, 1119, 1383, 1844, 2164, 2871, 3531, 4214, 4802, 5216),
    (296, 995, 1224, 1823, 2466, 2668, 3324, 3796, 4230, 4534),
)
TEN_DAYS = Design(("A", "B"), 1000.0, 240.0, criterion=Criterion.CPA, cooldown_hours=0.0)


@pytest.fixture
def uneven() -> Verdict:
    days = [
        [(100 * day, 1000 * day, 100 * day, arm[day - 1], 50 * arm[day - 1]) for arm in UNEVEN]
        for day in range(1, 11)
    ]
    return replay(TEN_DAYS, daily(*days), final=True)


def test_advice_rests_on_the_noise_just_measured_and_asks_for_more_than_was_spent(uneven: Verdict) -> None:
    assert uneven.kind is Kind.NOT_ENOUGH_DATA
    for cost in uneven.cost_of_proof:
        assert cost.spend_per_variant is None or cost.spend_per_variant > 1000.0
        assert cost.purchases_per_variant is None or cost.purchases_per_variant > (5216 + 4534) / 2
    assert "would take about 15,000 purchases per variant in all, about 3,000 EUR each, over 30 days" in said(
        uneven
    )


def test_what_would_have_shown_already_is_not_asked_for_again(noisy_test: MakeTest) -> None:
    design = replace(TEN_DAYS, planned_spend_per_variant=3360.0, planned_hours=336.0, planned_lift=2.0)
    verdict = replay(design, noisy_test(3, 336, (1.0, 1.0)), final=True)
    planned = verdict.cost_of_proof[-1]
    assert (planned.lift, planned.reached) == (2.0, True)
    assert "would most likely have been proven with what was spent" in said(verdict)


@pytest.mark.parametrize("purchases", [(0.02, 0.03), (0.6, 0.9), (3.0, 3.1)])
def test_advice_never_lies_below_what_was_spent_without_proof(
    two_weeks: Design, noisy_test: MakeTest, purchases: tuple[float, float]
) -> None:
    verdict = replay(two_weeks, noisy_test(5, 336, purchases), final=True)
    assert verdict.kind is not Kind.WINNER
    for cost in verdict.cost_of_proof:
        assert cost.reached or cost.spend_per_variant is None or cost.spend_per_variant >= 3360.0


# --- ranges: a variant without events -------------------------------------------------------------


def test_a_winner_over_a_variant_without_events_has_a_range_with_one_end_and_says_so() -> None:
    verdict = replay(WEEK, steady((100, 1000, 100, 0, 0), (100, 1000, 100, 5, 250)), final=True)
    assert (verdict.kind, verdict.winner) == (Kind.WINNER, "B")
    assert verdict.estimate is not None
    assert verdict.estimate.low > 1.0
    assert (verdict.estimate.high, verdict.estimate.raw) == (None, None)
    assert "(at least -9%; A had no purchases, so there is no upper limit)" in said(verdict)
    assert "A no tuvo compras, así que no hay límite superior" in said(verdict, Language.SPANISH)


# --- values missing, or plainly unlike ------------------------------------------------------------

BY_RETURN = replace(WEEK, criterion=Criterion.ROAS)
WITHOUT = steady((100, 1000, 100, 10, 0), (100, 1000, 100, 10, 500))
HUNDREDFOLD = steady((100, 1000, 100, 10, 50_000), (100, 1000, 100, 10, 500))
NOWHERE = steady((100, 1000, 100, 10, 0), (100, 1000, 100, 12, 0))


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("same_offer", [False, True])
@pytest.mark.parametrize(
    ("history", "fault"),
    [(WITHOUT, "values_missing"), (HUNDREDFOLD, "values_unlike"), (NOWHERE, "no_values")],
)
@pytest.mark.parametrize("final", [False, True])
def test_values_that_cannot_be_compared_name_no_winner_in_any_mode(
    *, history: History, fault: str, mode: Mode, same_offer: bool, final: bool
) -> None:
    design = replace(BY_RETURN, mode=mode, same_offer=same_offer)
    verdict = replay(design, history, final=final)
    assert (verdict.kind, verdict.winner, verdict.leader) == (Kind.UNHEALTHY, None, None)
    assert verdict.reasons == (fault,)
    assert verdict.cost_of_proof == ()
    assert "Cost per purchase can still be compared: A 10.00 EUR, B " in said(verdict)
    assert "El coste por compra sí se puede comparar: A 10,00 EUR" in said(verdict, Language.SPANISH)


@pytest.mark.parametrize(
    ("history", "words"),
    [
        (WITHOUT, "A had 70 purchases without a value."),
        (HUNDREDFOLD, "An average purchase of A is worth 100.0 times one of the others."),
        (NOWHERE, "154 purchases without a value."),
    ],
)
def test_the_check_that_failed_is_named_with_its_number(history: History, words: str) -> None:
    assert words in said(replay(BY_RETURN, history, final=True))


@pytest.mark.parametrize("history", [WITHOUT, HUNDREDFOLD, NOWHERE])
def test_the_same_figures_can_be_judged_by_cost_per_purchase(history: History) -> None:
    assert replay(WEEK, history, final=True).kind is not Kind.UNHEALTHY


@pytest.mark.parametrize("baskets", [(50.0, 150.0), (50.0, 62.0)])
def test_offers_of_different_prices_are_no_fault(baskets: tuple[float, float]) -> None:
    first, second = ((100, 1000, 100, 10, 10 * basket) for basket in baskets)
    assert replay(BY_RETURN, steady(first, second), final=True).kind is not Kind.UNHEALTHY


def test_a_few_purchases_without_a_value_are_no_fault_yet() -> None:
    verdict = replay(BY_RETURN, steady((100, 1000, 100, 0.5, 0), (100, 1000, 100, 10, 500)), final=True)
    assert verdict.kind is not Kind.UNHEALTHY


# --- the leader when spend moves between the arms -------------------------------------------------

MOVED = daily(
    [(90, 9000, 900, 90, 4500), (10, 1000, 100, 12, 600)],
    [(180, 18000, 1800, 180, 9000), (20, 2000, 200, 24, 1200)],
    [(270, 27000, 2700, 270, 13500), (30, 3000, 300, 36, 1800)],
    [(280, 28000, 2800, 272, 13600), (120, 12000, 1200, 58, 2900)],
    [(290, 29000, 2900, 274, 13700), (210, 21000, 2100, 80, 4000)],
    [(300, 30000, 3000, 276, 13800), (300, 30000, 3000, 102, 5100)],
)


def test_leader_chance_and_estimate_follow_the_blocks_when_spend_moves() -> None:
    design = replace(WEEK, planned_spend_per_variant=300.0, planned_hours=144.0)
    verdict = replay(design, MOVED, final=True)
    assert verdict.pairs[0].statistic < 0  # B does better on every single day, A in the totals
    assert verdict.leader == "B"
    assert verdict.p_best is not None
    assert verdict.p_best > 0.5
    assert verdict.estimate is not None
    assert verdict.estimate.shrunk > 1.0
    assert verdict.estimate.raw is not None
    assert verdict.estimate.raw > 1.0


@pytest.mark.parametrize("seed", range(12))
def test_the_leader_of_two_is_the_one_the_test_sees_ahead(
    two_weeks: Design, noisy_test: MakeTest, seed: int
) -> None:
    verdict = replay(two_weeks, noisy_test(seed, 120, (1.0, 1.1)))
    assert verdict.leader == ("a" if verdict.pairs[0].statistic > 0 else "b")
    assert verdict.p_best is not None
    assert verdict.p_best >= 0.5


# --- spend missing --------------------------------------------------------------------------------


@pytest.mark.parametrize("criterion", [Criterion.CTR, Criterion.CPA])
def test_views_without_spend_are_missing_spend_and_no_lack_of_delivery(criterion: Criterion) -> None:
    history = steady((0, 1000, 100, 10, 500), (0, 1000, 100, 10, 500))
    verdict = replay(replace(WEEK, criterion=criterion), history, final=True)
    assert (verdict.kind, verdict.reasons) == (Kind.UNHEALTHY, ("spend_missing",))
    assert "Spend is missing" in said(verdict)
    assert "hardly being delivered" not in said(verdict)
    assert "0 EUR" not in said(verdict)
    assert "Falta el gasto" in said(verdict, Language.SPANISH)
