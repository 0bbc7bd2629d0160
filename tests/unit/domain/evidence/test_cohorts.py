"""Cohorts by day of the click: the true reporting delay, and the arm-day variance at a fixed age."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest

from autopublisher.domain.evidence import Criterion, Design, Kind, ReportingDelay, Snapshot, judge, replay
from autopublisher.domain.evidence.cohorts import (
    ReweightedDelay,
    delay_at,
    start_weights,
    with_cohort_days,
)
from autopublisher.domain.evidence.comparison import compare_at_analyses
from autopublisher.domain.evidence.dispersion import day_noise_of_analyses
from autopublisher.domain.evidence.observations import History, in_order
from autopublisher.domain.evidence.timeline import build

Array = npt.NDArray[np.float64]
MakeTest = Callable[..., tuple[Snapshot, ...]]
SLOW = ReportingDelay(at_once=0.2, median_hours=20.0, sigma=1.0)
AGES = np.array([0.0, 2.0, 12.0, 24.0, 60.0])


@dataclass(frozen=True)
class Market:
    """What a simulated test is made of; rates per hour and variant."""

    rate: float = 4.0
    lifts: tuple[float, ...] = (1.0, 1.0)
    day: float = 0.1
    late: ReportingDelay = SLOW
    hours: int = 336


def history_of(market: Market, seed: int) -> History:
    """Return hourly polls with cohorts: every purchase keeps the hour of its click and that of its report."""
    rng, hours, arms = np.random.default_rng(seed), market.hours, len(market.lifts)
    days, polls = -(-hours // 24), hours + 72
    luck = rng.gamma(1 / market.day**2, market.day**2, (days, arms))[np.arange(hours) // 24]
    bought = rng.poisson(market.rate * luck * np.array(market.lifts))
    hour, arm = np.nonzero(bought)
    hour, arm = (np.repeat(each, bought[hour, arm]) for each in (hour, arm))
    late = rng.lognormal(np.log(market.late.median_hours), market.late.sigma, len(hour))
    late = np.where(rng.random(len(hour)) < market.late.at_once, 0.0, np.minimum(late, 160.0))
    seen = (hour + rng.random(len(hour)) + late).astype(int)
    value = rng.lognormal(4.0, 0.9, len(hour))
    cohorts = np.zeros((polls, arms, days, 2))
    inside = seen < polls
    at = (seen[inside], arm[inside], hour[inside] // 24)
    np.add.at(cohorts[..., 0], at, 1.0)
    np.add.at(cohorts[..., 1], at, value[inside])
    cohorts = cohorts.cumsum(axis=0)
    figures = np.zeros((polls, arms, 6))
    figures[:hours, :, :3] = (10.0, 1000.0, 20.0)
    figures = figures.cumsum(axis=0)
    figures[:, :, 3:5] = cohorts.sum(axis=2)
    begun = np.arange(1.0, polls + 1)[:, None] > 24.0 * np.arange(days)
    cohorts[~np.broadcast_to(begun[:, None, :], cohorts.shape[:3])] = np.nan
    return History(np.arange(1.0, polls + 1), figures, np.zeros(polls, dtype=np.bool_), cohorts)


def without_cohorts(history: History) -> History:
    return replace(history, cohorts=None)


def test_the_weights_of_the_start_delay_give_the_start_delay(two_weeks: Design) -> None:
    start = two_weeks.delay
    same = ReweightedDelay(start, tuple(start_weights(start).tolist()))
    ages = np.array([-2.0, 0.0, 0.4, 7.0, 100.0, 168.0, 400.0])
    assert same.share_reported(ages) == pytest.approx(start.share_reported(ages))
    assert same.integrated(ages) == pytest.approx(start.integrated(ages))


def test_the_integral_of_a_reweighted_delay_agrees_with_numerical_integration(two_weeks: Design) -> None:
    delay = ReweightedDelay(two_weeks.delay, (0.1, 0.05, 0.05, 0.1, 0.2, 0.2, 0.1, 0.1, 0.1))
    grid = np.linspace(0, 130, 400_001)
    assert delay.integrated(np.array(130.0)) == pytest.approx(
        np.trapezoid(delay.share_reported(grid), grid), rel=1e-5
    )


def test_a_delay_unlike_the_start_one_is_recovered(two_weeks: Design) -> None:
    timeline = build(two_weeks, history_of(Market(rate=10.0), 1))
    found = delay_at(two_weeks, timeline, len(timeline.hours) - 1)
    assert found.share_reported(AGES) == pytest.approx(SLOW.share_reported(AGES), abs=0.05)
    assert np.abs(two_weeks.delay.share_reported(AGES) - SLOW.share_reported(AGES)).max() > 0.2


def test_a_delay_is_recovered_while_the_test_still_runs(two_weeks: Design) -> None:
    timeline = build(two_weeks, history_of(Market(rate=10.0), 2))
    found = delay_at(two_weeks, timeline, 168)
    assert found.share_reported(AGES) == pytest.approx(SLOW.share_reported(AGES), abs=0.06)


def test_few_purchases_leave_the_start_delay_nearly_as_it_is(two_weeks: Design) -> None:
    timeline = build(two_weeks, history_of(Market(rate=0.02), 1))
    found = delay_at(two_weeks, timeline, 300)
    assert found.share_reported(AGES) == pytest.approx(two_weeks.delay.share_reported(AGES), abs=0.1)


def test_the_season_and_a_winner_do_not_pass_for_a_delay(two_weeks: Design) -> None:
    market = Market(rate=6.0, lifts=(1.0, 2.0), day=0.4, late=two_weeks.delay)
    timeline = build(two_weeks, history_of(market, 5))
    found = delay_at(two_weeks, timeline, len(timeline.hours) - 1)
    assert found.share_reported(AGES) == pytest.approx(two_weeks.delay.share_reported(AGES), abs=0.04)


@pytest.mark.parametrize("day", [0.1, 0.3])
def test_the_arm_day_variance_at_a_fixed_age_is_right_on_average(two_weeks: Design, day: float) -> None:
    design, found = replace(two_weeks, criterion=Criterion.CPA, day_spread_doubt=10.0), []
    for seed in range(30):
        timeline = build(design, history_of(Market(rate=40.0, day=day), seed))
        row = len(timeline.hours) - 1
        series = compare_at_analyses(design, timeline, [row], (0, 1))
        scores = with_cohort_days(design, timeline, [row], series.scores)
        (noise,) = day_noise_of_analyses(design, scores, series.blocks)
        found.append(noise.estimate)
    assert float(np.mean(found)) == pytest.approx(max(day**2, design.day_variance / 2), rel=0.25)


def test_day_sums_are_those_of_the_first_poll_a_day_after_the_days_end(two_weeks: Design) -> None:
    design = replace(two_weeks, criterion=Criterion.CPA)
    history = history_of(Market(), 3)
    timeline = build(design, history)
    series = compare_at_analyses(design, timeline, [100], (0, 1))
    scores = with_cohort_days(design, timeline, [100], series.scores)
    assert history.cohorts is not None
    # With even spend a day's score is half its purchases; the poll at hour 48 is the first 24 h after day 0.
    assert scores.a_days[0, 0, 0] == pytest.approx(history.cohorts[47, 0, 0, 0] / 2)
    assert scores.b_days[0, 0, 2] == pytest.approx(history.cohorts[95, 1, 2, 0] / 2)
    assert scores.a_days[0, 0, 3] == 0.0


def test_the_mature_share_follows_the_delay_that_was_seen(two_weeks: Design) -> None:
    history = history_of(Market(rate=10.0), 4)[:200]
    assert (
        judge(two_weeks, history).mature_share
        < judge(two_weeks, without_cohorts(history)).mature_share - 0.02
    )


def test_the_clock_stays_that_of_the_plan(two_weeks: Design) -> None:
    history = history_of(Market(), 4)
    with_them, without = judge(two_weeks, history), judge(two_weeks, without_cohorts(history))
    assert [analysis.share for analysis in with_them.analyses] == [
        analysis.share for analysis in without.analyses
    ]


def test_replaying_with_cohorts_stops_where_polling_one_by_one_would_have(two_weeks: Design) -> None:
    history = history_of(Market(lifts=(1.0, 2.0)), 6)
    ended = replay(two_weeks, history)
    assert ended.kind is Kind.WINNER
    assert judge(two_weeks, history[: int(ended.hour)]).to_json() == ended.to_json()


def test_clicks_have_no_cohorts(two_weeks: Design) -> None:
    design, history = replace(two_weeks, criterion=Criterion.CTR), history_of(Market(), 4)
    with_them, without = judge(design, history), judge(design, without_cohorts(history))
    assert with_them.to_dict() | {"digest": ""} == without.to_dict() | {"digest": ""}


def test_snapshots_keep_their_cohorts_through_json_and_columns(two_weeks: Design) -> None:
    one = history_of(Market(), 4)[60]
    assert len(one.cohorts[0]) == 3
    assert Snapshot.from_dict(json.loads(json.dumps(one.to_dict()))) == one
    assert in_order([one], 2)[0] == one


def test_cohorts_of_different_days_are_refused() -> None:
    one = history_of(Market(), 4)[60]
    with pytest.raises(ValueError, match="same days"):
        replace(one, cohorts=(one.cohorts[0], one.cohorts[1][:2]))
