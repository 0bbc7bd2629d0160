"""Every formula against a second, independent way of computing it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import multivariate_normal

from autopublisher.domain.evidence import Criterion, Design, Figures, ReportingDelay, Snapshot, judge
from autopublisher.domain.evidence.boundaries import (
    AnalysisTime,
    bound_after,
    critical_value,
    critical_values,
    crossing_probability,
    planned_analyses,
)
from autopublisher.domain.evidence.delay import matured_weights
from autopublisher.domain.evidence.interval import Quadratic, ratio_interval
from autopublisher.domain.evidence.posterior import best_of

Array = npt.NDArray[np.float64]
MakeTest = Callable[..., tuple[Snapshot, ...]]
ALPHA = 0.025
THREE = (AnalysisTime(0.3), AnalysisTime(0.6), AnalysisTime(1.0, last=True))


def correlation(times: Array) -> Array:
    """Return the correlations of the z values of a Brownian motion at some times."""
    matrix: Array = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
    return matrix


def stays_below(times: Array, bounds: Array, drift: float = 0.0) -> float:
    """Return P(no z exceeds its bound) by integrating the joint normal density."""
    mean, cov = drift * np.sqrt(times), correlation(times)
    return float(multivariate_normal.cdf(bounds, mean=mean, cov=cov, abseps=1e-8, releps=1e-8))


def test_three_bounds_spend_what_they_should_by_the_joint_normal_distribution() -> None:
    times, bounds = np.array([0.3, 0.6, 1.0]), np.array(critical_values(THREE, ALPHA))
    spent = [1 - stays_below(times[:count], bounds[:count]) for count in (1, 2, 3)]
    assert spent == pytest.approx([ALPHA * 0.09, ALPHA * 0.36, ALPHA], abs=2e-5)


def test_power_agrees_with_the_joint_normal_distribution() -> None:
    times, bounds = np.array([0.3, 0.6, 1.0]), critical_values(THREE, ALPHA)
    expected = 1 - stays_below(times, np.array(bounds), drift=2.8)
    assert crossing_probability(THREE, bounds, 2.8) == pytest.approx(expected, abs=1e-4)


def test_twenty_bounds_and_their_power_agree_with_simulated_paths() -> None:
    analyses = planned_analyses(20)
    bounds, times = (
        np.array(critical_values(analyses, ALPHA)),
        np.array([analysis.share for analysis in analyses]),
    )
    rng, crossed, won = np.random.default_rng(12), 0, 0
    for _ in range(8):
        noise = rng.normal(0, np.sqrt(1 / 20), (50_000, 20)).cumsum(axis=1)
        crossed += int((noise / np.sqrt(times) > bounds).any(axis=1).sum())
        won += int(((noise + 2.8 * times) / np.sqrt(times) > bounds).any(axis=1).sum())
    assert crossed / 400_000 == pytest.approx(ALPHA, abs=4 * (ALPHA / 400_000) ** 0.5)
    assert won / 400_000 == pytest.approx(crossing_probability(analyses, bounds.tolist(), 2.8), abs=0.003)


def test_bounds_for_any_spending_agree_with_those_for_the_square() -> None:
    times = [0.3, 0.6, 1.0]
    spent = [ALPHA * time**2 for time in times]
    assert bound_after(times, spent) == pytest.approx(critical_value(THREE, ALPHA), rel=1e-9)


def test_interval_ends_are_the_roots_of_the_studentised_score() -> None:
    rng = np.random.default_rng(4)
    for _ in range(200):
        a, b = rng.uniform(20, 200, 2)
        sa, sb, r = *rng.uniform(0.02, 0.25, 2), rng.uniform(-0.5, 0.9)
        q = Quadratic(a, b, (a * sa) ** 2, r * a * sa * b * sb, (b * sb) ** 2)

        def excess(ratio: float, q: Quadratic = q) -> float:
            return abs(q.a - ratio * q.b) - 2.4 * math.sqrt(q.aa - 2 * ratio * q.ab + ratio**2 * q.bb)

        interval = ratio_interval(q, 2.4)
        assert interval.low == pytest.approx(brentq(excess, 0.0, a / b), abs=1e-9)
        assert interval.high == pytest.approx(brentq(excess, a / b, 1e3 * a / b), rel=1e-9)


def test_matured_exposure_agrees_with_a_direct_double_loop() -> None:
    delay, rng = ReportingDelay(), np.random.default_rng(2)
    hours, bought = np.arange(61.0), rng.uniform(0, 50, 60)
    fine = (np.arange(400) + 0.5) / 400
    expected = np.zeros(61)
    for now in range(61):
        for hour in range(now):
            expected[now] += bought[hour] * float(delay.share_reported(now - (hour + fine)).mean())
    assert matured_weights(hours, delay) @ bought == pytest.approx(expected, rel=1e-4)


def test_chances_and_loss_agree_with_a_million_draws() -> None:
    mean, sd = np.array([0.10, 0.02, -0.05, 0.08, 0.0]), np.array([0.05, 0.10, 0.20, 0.07, 0.01])
    draws = np.random.default_rng(8).normal(mean, sd, (1_000_000, 5))
    p_best, largest = best_of(mean, sd)
    assert p_best == pytest.approx(np.bincount(draws.argmax(axis=1), minlength=5) / 1e6, abs=0.003)
    assert largest - mean == pytest.approx((draws.max(axis=1)[:, None] - draws).mean(axis=0), abs=0.0005)


def test_the_chance_of_the_better_of_two_has_its_closed_form() -> None:
    for gap in (0.0, 0.03, 0.3):
        p_best, _ = best_of(np.array([gap, 0.0]), np.array([0.1, 0.2]))
        assert p_best[0] == pytest.approx(float(ndtr(gap / np.hypot(0.1, 0.2))), abs=1e-4)


def steps_of(history: tuple[Snapshot, ...], name: str) -> Array:
    """Return what each hour added to a counter, shape (hours, 2)."""
    totals = [[float(getattr(row, name)) for row in each.figures] for each in history]
    added: Array = np.diff([[0.0, 0.0], *totals], axis=0)
    return added


@dataclass(frozen=True, eq=False)
class ByHand:
    """One pair's score from the formulas with plain loops; one poll an hour."""

    blocks: Array
    a_days: Array
    b_days: Array

    @property
    def ratio(self) -> float:
        return float(self.blocks[:, 0].sum() / self.blocks[:, 1].sum())

    def statistic(self, day_variance: float, extra: float = 0.0) -> float:
        a, b = self.blocks.sum(axis=0)
        variance = ((self.blocks[:, 0] - self.blocks[:, 1]) ** 2).sum() + extra * a * b
        variance += day_variance * (self.a_days**2 + self.b_days**2).sum()
        return float((a - b) / variance**0.5)


def by_hand(events: Array, exposure: Array, delay: ReportingDelay | None) -> ByHand:
    hours = len(events)
    weights = matured_weights(np.arange(hours + 1.0), delay)
    a_days, b_days, blocks = np.zeros(-(-hours // 24)), np.zeros(-(-hours // 24)), []
    for now in range(1, hours + 1):
        by_day = np.zeros((2, len(a_days)))
        for hour in range(now):
            by_day[:, hour // 24] += exposure[hour] * (weights[now, hour] - weights[now - 1, hour])
        m = by_day.sum(axis=1)
        a, b = events[now - 1] * m[::-1] / m.sum()
        a_days, b_days = a_days + a * by_day[0] / m[0], b_days + b * by_day[1] / m[1]
        blocks.append((a, b))
    return ByHand(np.array(blocks), a_days, b_days)


def test_the_statistic_of_a_whole_test_agrees_with_plain_loops(
    two_weeks: Design, noisy_test: MakeTest
) -> None:
    history, design = noisy_test(21, 96, (2.0, 2.4), cooldown=0), replace(two_weeks, criterion=Criterion.CPA)
    verdict = judge(design, history)
    score = by_hand(steps_of(history, "conversions"), steps_of(history, "spend"), design.delay)
    assert verdict.day_spread is not None
    assert verdict.pairs[0].ratio == pytest.approx(score.ratio, rel=1e-6)
    assert verdict.pairs[0].statistic == pytest.approx(score.statistic(verdict.day_spread**2), rel=1e-5)


def test_the_arm_day_variance_agrees_with_plain_arithmetic(two_weeks: Design) -> None:
    rng, hours, days = np.random.default_rng(6), 120, 5
    luck = rng.normal(0, 0.3, (days, 2))[np.arange(hours) // 24]
    clicks = rng.poisson(200 * np.exp(luck)).cumsum(axis=0)
    history = tuple(
        Snapshot(hour + 1.0, tuple(Figures(10.0 * (hour + 1), 5000.0 * (hour + 1), float(n)) for n in row))
        for hour, row in enumerate(clicks)
    )
    design = replace(two_weeks, criterion=Criterion.CTR, day_spread=0.1, day_spread_doubt=0.05)
    score = by_hand(steps_of(history, "clicks"), steps_of(history, "impressions"), None)
    day, ratio = np.arange(hours) // 24, score.ratio
    residual = score.blocks[:, 0] - ratio * score.blocks[:, 1]
    part = score.b_days / score.b_days.sum()
    mine, all_of_them = 1 - 2 * part, part**2
    in_noise = np.bincount(day, score.blocks[:, 0] ** 2 + ratio**2 * score.blocks[:, 1] ** 2)
    noise = np.bincount(day, residual**2)
    noise = mine * noise + all_of_them * noise.sum()
    days_squared = score.a_days**2 + ratio**2 * score.b_days**2
    size = mine * days_squared + all_of_them * days_squared.sum() - in_noise
    raw = (np.bincount(day, residual) ** 2 - noise).sum() / size.sum()
    doubt = (2 * (noise + 0.01 * size) ** 2).sum() / size.sum() ** 2
    estimate = 0.01 + 0.05**2 / (0.05**2 + doubt) * (raw - 0.01)
    verdict = judge(design, history)
    assert verdict.day_spread is not None
    assert verdict.day_spread**2 == pytest.approx(estimate * (1 + 4 / (days + 1)), rel=1e-6)


def gls_weight(gap_variance: float, prior_variance: float) -> float:
    """Return what the observed log ratio of baskets counts: generalised least squares by matrix algebra.

    Observed: log ratio of purchases x = c, of baskets y = g, and the prior 0 = g; wanted is c + g.
    """
    design = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    precision = np.diag([1 / 0.01, 1 / gap_variance, 1 / prior_variance])
    solve = np.linalg.inv(design.T @ precision @ design) @ design.T @ precision
    return float((np.array([1.0, 1.0]) @ solve)[1])


def test_pooled_baskets_agree_with_generalised_least_squares(two_weeks: Design, noisy_test: MakeTest) -> None:
    history, design = noisy_test(13, 96, (2.0, 2.2), cooldown=0), replace(two_weeks, same_offer=True)
    bought, revenue = steps_of(history, "conversions"), steps_of(history, "revenue")
    totals, money = bought.sum(axis=0), revenue.sum(axis=0)
    basket = money / totals
    doubt = float((((revenue - basket * bought) ** 2).sum(axis=0) / money**2).sum())
    spread = max(0.08**2, float(np.log(basket[0] / basket[1])) ** 2 - doubt)
    weight = gls_weight(doubt, spread)
    pooled = (1 - weight) * bought * money.sum() / totals.sum() + weight * revenue
    score, verdict = by_hand(pooled, steps_of(history, "spend"), design.delay), judge(design, history)
    assert verdict.day_spread is not None
    assert verdict.pairs[0].ratio == pytest.approx(score.ratio, rel=1e-6)
    expected = score.statistic(verdict.day_spread**2, (1 - weight) ** 2 * spread)
    assert verdict.pairs[0].statistic == pytest.approx(expected, rel=1e-5)
