"""Moving test money: who gets it, what never changes, and the clock and bounds that keep decisions valid meanwhile."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.evidence.allocation import (
    ArmMoney,
    clock_limit,
    may_move,
    next_amounts,
    pair_bound,
    pair_clocks,
    share_of_error,
    top_two_shares,
)

ALPHA = 0.025
CHANCES = st.lists(st.floats(0, 1), min_size=3, max_size=10).filter(lambda chances: sum(chances) > 0.01)


def test_equal_chances_keep_equal_shares() -> None:
    assert top_two_shares([0.25] * 4) == pytest.approx([0.25] * 4)


def test_the_two_best_get_most_and_the_rest_keep_the_floor() -> None:
    shares = top_two_shares([0.6, 0.4, 0.0, 0.0])
    assert shares == pytest.approx([0.4375, 0.4375, 0.0625, 0.0625], abs=1e-3)


def test_half_goes_to_a_certain_leader_before_the_floor() -> None:
    assert top_two_shares([1.0, 0.0, 0.0])[0] == pytest.approx(0.25 / 3 + 0.75 / 2, abs=1e-6)


@pytest.mark.slow
def test_the_shares_are_those_of_top_two_thompson_sampling() -> None:
    chances, rng = np.array([0.5, 0.3, 0.15, 0.05]), np.random.default_rng(1)
    picked = np.zeros(4)
    for _ in range(40_000):
        leader = challenger = rng.choice(4, p=chances)
        if rng.random() < 0.5:
            while challenger == leader:
                challenger = rng.choice(4, p=chances)
        picked[challenger] += 1
    assert top_two_shares(chances.tolist()) == pytest.approx(0.0625 + 0.75 * picked / 40_000, abs=0.01)


@pytest.mark.parametrize("chances", [[0.0, 0.0, 0.0], [0.5, -0.1, 0.6], [math.nan, 0.5, 0.5]])
def test_chances_that_are_none_are_refused(chances: list[float]) -> None:
    with pytest.raises(ValueError, match="Chances of being best"):
        top_two_shares(chances)


@given(CHANCES)
def test_every_variant_keeps_its_floor_and_shares_add_up(chances: list[float]) -> None:
    shares = top_two_shares(chances)
    assert shares.sum() == pytest.approx(1.0)
    assert shares.min() >= 0.25 / len(chances) - 1e-12


@given(CHANCES)
def test_a_better_chance_never_gets_less(chances: list[float]) -> None:
    shares = top_two_shares(chances)
    order = np.argsort(chances)
    assert (np.diff(shares[order]) >= -1e-9).all()


def arms(*left: int, spent: int = 1000, least: int = 0) -> list[ArmMoney]:
    return [ArmMoney(spent + each, spent, least) for each in left]


def test_two_variants_are_never_moved() -> None:
    assert next_amounts(arms(500, 500), [0.9, 0.1]) == (1500, 1500)
    assert not may_move(2, None)


def test_money_moves_once_a_day() -> None:
    assert may_move(3, None)
    assert not may_move(3, 23.9)
    assert may_move(3, 24.0)


def test_one_move_takes_at_most_thirty_percent_of_what_is_left() -> None:
    assert next_amounts(arms(1000, 1000, 1000, 1000), [0.5, 0.5, 0.0, 0.0]) == (2300, 2300, 1700, 1700)


def test_nothing_moves_where_nothing_is_left() -> None:
    assert next_amounts(arms(0, 0, 0), [0.8, 0.1, 0.1]) == (1000, 1000, 1000)


def test_the_platforms_minimum_is_kept() -> None:
    money = [ArmMoney(1500, 0, 1400), ArmMoney(1500, 0, 1400), ArmMoney(1500, 0, 1400)]
    assert min(next_amounts(money, [0.98, 0.01, 0.01])) >= 1400


def test_more_spent_than_arranged_is_refused() -> None:
    with pytest.raises(ValueError, match="less than what has been spent"):
        next_amounts([ArmMoney(10, 11), ArmMoney(10, 0), ArmMoney(10, 0)], [0.3, 0.3, 0.4])


def test_a_chance_for_every_variant_is_needed() -> None:
    with pytest.raises(ValueError, match="its chance"):
        next_amounts(arms(1, 1, 1), [0.5, 0.5])


MONEY = st.tuples(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9)).map(
    lambda each: ArmMoney(each[0] + each[1], each[0], each[2])
)


@given(st.lists(st.tuples(MONEY, st.floats(0.001, 1)), min_size=3, max_size=10))
def test_the_total_stays_and_no_amount_falls_below_its_least(cases: list[tuple[ArmMoney, float]]) -> None:
    money, chances = [each for each, _ in cases], [chance for _, chance in cases]
    after = next_amounts(money, chances)
    assert sum(after) == sum(each.amount for each in money)
    assert all(new >= min(each.fixed, each.amount) for new, each in zip(after, money, strict=True))


@given(st.lists(st.tuples(MONEY, st.floats(0.001, 1)), min_size=3, max_size=10))
def test_no_amount_moves_further_than_allowed(cases: list[tuple[ArmMoney, float]]) -> None:
    money, chances = [each for each, _ in cases], [chance for _, chance in cases]
    after = next_amounts(money, chances)
    moves = [abs(new - each.amount) for new, each in zip(after, money, strict=True)]
    assert all(
        move <= 0.30 * (each.amount - each.spent) + 1e-6 for move, each in zip(moves, money, strict=True)
    )


def test_an_even_split_reaches_clock_one_at_the_planned_spend() -> None:
    clocks = pair_clocks(np.full((100, 3), 10.0), 1000.0)
    assert clocks == pytest.approx(np.ones((3, 3)) - np.eye(3))


def test_a_pairs_clock_is_the_sum_over_blocks() -> None:
    matured = np.array([[3.0, 1.0, 0.0], [2.0, 2.0, 5.0]])
    clocks = pair_clocks(matured, 10.0)
    assert clocks[0, 1] == pytest.approx((3 * 1 / 4 + 2 * 2 / 4) / 5)
    assert clocks[0, 2] == pytest.approx((2 * 5 / 7) / 5)


def test_a_clock_needs_a_plan() -> None:
    with pytest.raises(ValueError, match="planned spend"):
        pair_clocks(np.ones((2, 2)), 0.0)


@pytest.mark.parametrize(("variants", "limit"), [(2, 1.25), (3, 1.5), (4, 1.75), (7, 2.5), (10, 2.5)])
def test_error_lasts_until_the_documented_clock(variants: int, limit: float) -> None:
    assert clock_limit(variants) == pytest.approx(limit)
    assert share_of_error(limit, variants) == pytest.approx(1.0)
    assert share_of_error(limit - 0.01, variants) < 1.0


def test_three_quarters_are_spent_by_clock_one() -> None:
    assert share_of_error(1.0, 4) == pytest.approx(0.75)
    assert share_of_error(0.5, 4) == pytest.approx(0.75 / 4)


@given(st.lists(st.floats(0.0, 3.0), min_size=2, max_size=8), st.integers(3, 10))
def test_error_spent_never_falls(clocks: list[float], variants: int) -> None:
    spent = [share_of_error(clock, variants) for clock in sorted(clocks)]
    assert spent == sorted(spent)
    assert 0 <= spent[0] <= spent[-1] <= 1


def test_the_bounds_of_a_pair_spend_its_error_exactly() -> None:
    clocks = [0.2, 0.5, 0.9, 1.3, 1.75]
    bounds = [pair_bound(clocks[: index + 1], ALPHA, 4) for index in range(len(clocks))]
    steps = np.diff([0.0, *clocks])
    paths = np.random.default_rng(7).normal(0, np.sqrt(steps), (400_000, 5)).cumsum(axis=1) / np.sqrt(clocks)
    crossed = float((paths > np.array(bounds)).any(axis=1).mean())
    assert crossed == pytest.approx(ALPHA, abs=4 * (ALPHA / 400_000) ** 0.5)


def test_an_analysis_without_new_information_decides_nothing() -> None:
    assert pair_bound([0.3, 0.305], ALPHA, 3) == math.inf


def test_a_skipped_analysis_does_not_change_later_bounds() -> None:
    assert pair_bound([0.3, 0.305, 0.6], ALPHA, 3) == pair_bound([0.3, 0.6], ALPHA, 3)


def test_when_all_error_is_spent_nothing_is_decided_any_more() -> None:
    assert pair_bound([0.5, 1.5], ALPHA, 3) < math.inf
    assert pair_bound([0.5, 1.5, 1.7], ALPHA, 3) == math.inf


def test_before_any_information_nothing_is_decided() -> None:
    assert pair_bound([0.0], ALPHA, 3) == math.inf
    assert pair_bound([], ALPHA, 3) == math.inf


def test_a_clock_does_not_run_back() -> None:
    with pytest.raises(ValueError, match="run back"):
        pair_bound([0.5, 0.4], ALPHA, 3)
