"""Alpha spending against simulation and brute force."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from autopublisher.domain.evidence.boundaries import (
    AnalysisTime,
    critical_value,
    critical_values,
    crossing_probability,
    planned_analyses,
)

ALPHA = 0.025


def test_the_twenty_analysis_plan_has_the_known_bounds() -> None:
    bounds = critical_values(planned_analyses(20), ALPHA)
    assert [round(bounds[analysis - 1], 2) for analysis in (1, 5, 10, 20)] == [3.84, 3.12, 2.72, 2.22]


def test_bounds_only_fall_while_the_test_goes_on() -> None:
    bounds = critical_values(planned_analyses(20), ALPHA)
    assert all(later < earlier for earlier, later in pairwise(bounds))


def test_simulated_paths_cross_as_often_as_the_error_allows() -> None:
    analyses = planned_analyses(20)
    bounds = np.array(critical_values(analyses, ALPHA))
    times = np.array([analysis.share for analysis in analyses])
    rng = np.random.default_rng(5)
    paths = rng.normal(0, np.sqrt(1 / 20), (200_000, 20)).cumsum(axis=1) / np.sqrt(times)
    crossed = float((paths > bounds).any(axis=1).mean())
    assert crossed == pytest.approx(ALPHA, abs=4 * (ALPHA / 200_000) ** 0.5)


def test_the_second_of_two_bounds_agrees_with_brute_force_integration() -> None:
    first, last = critical_values([AnalysisTime(0.4), AnalysisTime(1.0, last=True)], ALPHA)
    z = np.linspace(-9, first, 200_001)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    later = 1 - ndtr((last - z * 0.4**0.5) / 0.6**0.5)
    assert 1 - ndtr(first) == pytest.approx(ALPHA * 0.16, rel=1e-9)
    assert np.trapezoid(density * later, z) == pytest.approx(ALPHA * 0.84, rel=1e-6)


def test_a_single_analysis_is_the_ordinary_test() -> None:
    assert critical_value([AnalysisTime(0.7, last=True)], ALPHA) == pytest.approx(-ndtri(ALPHA))


def test_skipped_analyses_leave_their_error_to_later_ones() -> None:
    assert critical_value([AnalysisTime(0.5)], ALPHA) < critical_values(planned_analyses(20), ALPHA)[9]


@pytest.mark.parametrize(
    "shares", [(0.31, 0.87), (0.05, 0.051, 0.052, 1.0), (0.9, 0.99, 0.995), (0.2, 0.4, 0.4)]
)
def test_irregular_analyses_spend_exactly_the_error(shares: tuple[float, ...]) -> None:
    analyses = [*(AnalysisTime(share) for share in shares[:-1]), AnalysisTime(shares[-1], last=True)]
    assert crossing_probability(analyses, critical_values(analyses, ALPHA), 0.0) == pytest.approx(
        ALPHA, rel=1e-4
    )


def test_the_chance_of_crossing_under_a_drift_agrees_with_simulation() -> None:
    analyses = planned_analyses(20)
    bounds = critical_values(analyses, ALPHA)
    times = np.array([analysis.share for analysis in analyses])
    steps = np.random.default_rng(6).normal(2.5 / 20, np.sqrt(1 / 20), (100_000, 20))
    crossed = ((steps.cumsum(axis=1) / np.sqrt(times)) > np.array(bounds)).any(axis=1).mean()
    assert crossing_probability(analyses, bounds, 2.5) == pytest.approx(float(crossed), abs=0.007)
