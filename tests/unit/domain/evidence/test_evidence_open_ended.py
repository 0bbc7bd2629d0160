"""Tests without a planned end, and planned ones whose spend passes the plan."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from autopublisher.domain.evidence import Criterion, Design, Kind, Snapshot, judge, replay
from autopublisher.domain.evidence.boundaries import (
    AnalysisTime,
    critical_value,
    critical_values,
    crossing_probability,
    planned_analyses,
)
from autopublisher.domain.evidence.confidence_sequence import MixtureBoundary, sharpest_at_one

History = tuple[Snapshot, ...]
MakeTest = Callable[..., History]
ALPHA = 0.025


def bound(share: float, alpha: float = ALPHA) -> float:
    return MixtureBoundary(alpha, share).critical


@pytest.fixture
def open_ended(two_weeks: Design) -> Design:
    return replace(two_weeks, open_ended=True)


@pytest.mark.parametrize("share", [0.05, 0.4, 1.0, 7.0])
def test_at_the_bound_the_mixed_likelihood_ratio_is_the_inverse_error(share: float) -> None:
    spread, score = sharpest_at_one(2 * ALPHA), bound(share) * share**0.5

    def weighed(tilt: float) -> float:
        prior = np.exp(-(tilt**2) / (2 * spread)) / np.sqrt(2 * np.pi * spread)
        return float(np.exp(tilt * score - tilt**2 * share / 2) * prior)

    middle = score / (share + 1 / spread)
    reach = 12 / (share + 1 / spread) ** 0.5
    mixed, _ = quad(weighed, middle - reach, middle + reach, epsrel=1e-10)
    assert mixed == pytest.approx(1 / (2 * ALPHA), rel=1e-7)


def test_the_bound_is_sharpest_at_the_planned_spend() -> None:
    best = minimize_scalar(
        lambda spread: (1 + 1 / spread) * (np.log1p(spread) - 2 * np.log(2 * ALPHA)),
        bounds=(0.1, 100),
        method="bounded",
    )
    assert bound(1.0) == pytest.approx(best.fun**0.5, rel=1e-3)
    assert bound(1.0) == pytest.approx(3.035, abs=0.001)


def test_paths_without_a_drift_rarely_cross_however_long_they_run() -> None:
    rng, shares = np.random.default_rng(8), np.arange(1, 401) / 40
    bounds = np.array([bound(share) for share in shares])
    paths = rng.normal(0, 40**-0.5, (20_000, 400)).cumsum(axis=1) / np.sqrt(shares)
    crossed = float((np.abs(paths) > bounds).any(axis=1).mean())
    assert crossed <= 2 * ALPHA


def test_a_smaller_error_asks_for_more() -> None:
    bounds = [bound(0.7, alpha) for alpha in (0.1, 0.05, 0.025, 0.001)]
    assert all(less < more for less, more in pairwise(bounds))


def test_the_score_that_proves_grows_with_the_clock_but_slower_than_it() -> None:
    shares = np.linspace(0.05, 8, 60)
    scores = np.array([bound(share) * share**0.5 for share in shares])
    assert (np.diff(scores) > 0).all()
    assert (np.diff(scores / shares) < 0).all()


def test_a_planned_end_proves_with_less_at_every_analysis() -> None:
    analyses = planned_analyses(20)
    planned = critical_values(analyses[-1:], ALPHA)[0], *critical_values(analyses, ALPHA)[9:]
    unplanned = bound(1.0), *(bound(analysis.share) for analysis in analyses[9:])
    assert all(less < more for less, more in zip(planned, unplanned, strict=True))


def test_analyses_go_on_past_the_planned_spend(open_ended: Design, noisy_test: MakeTest) -> None:
    verdict = judge(open_ended, noisy_test(2, 600, (1.0, 1.0)))
    assert verdict.method == "A"
    assert verdict.analyses_taken > 30
    assert verdict.share > 1.6
    assert verdict.next_analysis_share is not None
    assert verdict.next_analysis_share > verdict.share


def test_a_winner_is_named_past_the_plan_when_it_shows_only_there(
    open_ended: Design, noisy_test: MakeTest
) -> None:
    history = noisy_test(21, 1000, (2.0, 2.5))
    verdict = replay(open_ended, history)
    assert (verdict.kind, verdict.winner) == (Kind.WINNER, "b")
    assert verdict.share > 1
    assert replay(open_ended, history[:336]).kind is Kind.NOT_YET


def test_a_loser_is_stopped_without_a_planned_end(noisy_test: MakeTest) -> None:
    design = Design(("a", "b", "c", "d"), 3360.0, 336.0, open_ended=True)
    assert replay(design, noisy_test(3, 500, (4.0, 4.0, 4.0, 0.8))).eliminated == ("d",)


def test_equal_variants_are_found_equal_in_the_end(open_ended: Design, even_test: MakeTest) -> None:
    design = replace(open_ended, criterion=Criterion.CPA, day_spread=0.05)
    verdict = replay(design, even_test(900, (20.0, 20.0)))
    assert verdict.kind is Kind.EQUIVALENT
    assert verdict.largest_difference is not None
    assert verdict.largest_difference < 0.1


def test_the_range_is_wider_than_a_planned_tests(
    two_weeks: Design, open_ended: Design, noisy_test: MakeTest
) -> None:
    history = noisy_test(10, 336, (1.5, 1.5))
    (planned,), (unplanned,) = judge(two_weeks, history).pairs, judge(open_ended, history).pairs
    assert unplanned.low < planned.low
    assert planned.high is not None
    assert unplanned.high is None or unplanned.high > planned.high


@pytest.mark.slow
def test_equal_variants_rarely_produce_a_winner_over_three_times_the_plan(noisy_test: MakeTest) -> None:
    design = Design(("a", "b"), 1200.0, 120.0, open_ended=True)
    named = sum(
        replay(design, noisy_test(seed, 360, (1.0, 1.0)), final=True, detailed=False).kind is Kind.WINNER
        for seed in range(150)
    )
    assert named <= 8


def test_past_its_plan_a_test_waits_for_its_one_last_analysis(
    two_weeks: Design, noisy_test: MakeTest
) -> None:
    history = noisy_test(2, 600, (1.0, 1.0))
    running, ended = judge(two_weeks, history), judge(two_weeks, history, final=True)
    assert running.share > 1.6
    assert [analysis.share for analysis in running.analyses if analysis.share > 0.96] == []
    assert running.next_analysis_share == 1.0
    assert ended.analyses_taken == running.analyses_taken + 1
    assert ended.analyses[-1].share > 1.6


@pytest.mark.parametrize("end", [1.0, 1.3, 2.5])
def test_the_last_analysis_spends_what_is_left_and_no_more_wherever_it_comes(end: float) -> None:
    analyses = (*planned_analyses(20)[:-1], AnalysisTime(end, last=True))
    assert crossing_probability(analyses, critical_values(analyses, ALPHA), 0.0) == pytest.approx(
        ALPHA, rel=1e-6
    )


def test_the_later_the_last_analysis_the_more_it_asks_for() -> None:
    analyses = planned_analyses(20)[:-1]
    ends = [critical_value((*analyses, AnalysisTime(end, last=True)), ALPHA) for end in (1.0, 1.3, 2.0, 3.0)]
    assert all(earlier < later for earlier, later in pairwise(ends))
    assert ends[0] == pytest.approx(2.22, abs=0.01)
