"""Snapshots as they really come: gaps, corrections, glitches, jitter."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from autopublisher.domain.evidence import Criterion, Design, Figure, Snapshot
from autopublisher.domain.evidence.blocks import blocks_at
from autopublisher.domain.evidence.delay import matured_weights
from autopublisher.domain.evidence.observations import in_order
from autopublisher.domain.evidence.score import score_pairs
from autopublisher.domain.evidence.timeline import build, counter_fell

History = tuple[Snapshot, ...]
MakeTest = Callable[..., History]


def with_figure(history: History, index: int, **figures: float) -> History:
    at = history[index]
    changed = replace(at, figures=(replace(at.figures[0], **figures), *at.figures[1:]))
    return (*history[:index], changed, *history[index + 1 :])


def test_a_snapshot_with_a_fallen_counter_is_set_aside(two_weeks: Design, even_test: MakeTest) -> None:
    history = with_figure(even_test(10, (20, 20)), 6, conversions=100.0)
    assert build(two_weeks, history).row_of == (1, 2, 3, 4, 5, 6, None, 7, 8, 9)


def test_a_small_correction_downward_is_tolerated(two_weeks: Design, even_test: MakeTest) -> None:
    history = with_figure(even_test(10, (20, 20)), 6, conversions=119.0, spend=59.9)
    assert None not in build(two_weeks, history).row_of


def test_a_tolerated_correction_never_makes_exposure_negative(two_weeks: Design, even_test: MakeTest) -> None:
    history = with_figure(even_test(10, (20, 20)), 6, spend=59.9)
    timeline = build(two_weeks, history)
    assert (np.diff(timeline.matured_spend, axis=0) >= 0).all()


def test_polls_more_often_than_hourly_still_make_hourly_blocks(
    two_weeks: Design, even_test: MakeTest
) -> None:
    quarters = tuple(replace(each, hour=each.hour / 4) for each in even_test(40, (5, 5)))
    assert build(two_weeks, quarters).kept == tuple(range(0, 41, 4))


def test_what_is_known_at_a_row_does_not_depend_on_what_comes_later(
    two_weeks: Design, noisy_test: MakeTest
) -> None:
    history = noisy_test(3, 96, (2.0, 2.0))
    early, late = build(two_weeks, history[:50]), build(two_weeks, history)
    days = early.matured.shape[2]
    assert early.matured == pytest.approx(late.matured[:51, :, :days])
    assert early.kept == late.kept[: len(early.kept)]


def test_readings_in_disorder_are_put_in_order_and_the_later_of_two_wins(even_test: MakeTest) -> None:
    history = even_test(5, (1, 1))
    again = with_figure(history, 2, conversions=7.0)[2]
    ordered = in_order((*reversed(history), again), 2)
    assert [each.hour for each in ordered] == [1, 2, 3, 4, 5]
    assert ordered[2] == again


def test_a_snapshot_with_the_wrong_number_of_variants_is_refused(even_test: MakeTest) -> None:
    with pytest.raises(ValueError, match="figures for 3 variants"):
        in_order(even_test(2, (1, 1)), 3)


def test_hours_in_which_one_variant_did_not_deliver_compare_nothing(
    two_weeks: Design, even_test: MakeTest
) -> None:
    history = even_test(30, (4, 4))
    late = tuple(
        replace(
            each,
            figures=(each.figures[0], replace(each.figures[1], spend=max(each.figures[1].spend - 100, 0))),
        )
        for each in history
    )
    design = replace(two_weeks, criterion=Criterion.CPC)
    scores = score_pairs(design, blocks_at(design, build(design, late), 30), (0, 1))
    assert scores.a[0] == pytest.approx(20 * 20 / 2)


def test_the_score_of_an_even_test_is_the_ratio_of_rates(two_weeks: Design, even_test: MakeTest) -> None:
    timeline = build(two_weeks, even_test(100, (3, 2)))
    scores = score_pairs(two_weeks, blocks_at(two_weeks, timeline, 100), (0, 1))
    assert scores.a[0] / scores.b[0] == pytest.approx(1.5)
    assert scores.a_days.sum() == pytest.approx(scores.a.sum())


@pytest.mark.parametrize("seed", range(6))
def test_readings_are_set_aside_as_one_by_one(seed: int, two_weeks: Design, noisy_test: MakeTest) -> None:
    rng = np.random.default_rng(seed)
    history = tuple(
        replace(
            each, figures=(replace(each.figures[0], clicks=each.figures[0].clicks * factor), each.figures[1])
        )
        for each, factor in zip(
            noisy_test(seed, 60, (2.0, 2.0)), rng.choice([1.0, 0.9, 1.2], 132), strict=True
        )
    )
    peak, row, expected = np.zeros((2, 6)), 0, list[int | None]()
    for each in history:
        now = np.round([figures.row() for figures in each.figures], 6)
        row += 0 if (fell := counter_fell(peak, now)) else 1
        peak = peak if fell else np.maximum(peak, now)
        expected.append(None if fell else row)
    assert build(two_weeks, history).row_of == tuple(expected)


@pytest.mark.parametrize("criterion", [Criterion.CPA, Criterion.CVR, Criterion.CTR])
def test_what_has_matured_is_the_exposure_weighed_block_by_block(
    two_weeks: Design, noisy_test: MakeTest, criterion: Criterion
) -> None:
    late = np.random.default_rng(5).uniform(0, 0.3, 420)
    history = tuple(
        replace(each, hour=each.hour + float(late[index]))
        for index, each in enumerate(noisy_test(4, 348, (1.0, 2.0)))
    )
    design = replace(two_weeks, criterion=criterion)
    timeline = build(design, history)
    weights = matured_weights(timeline.hours, design.event_delay)
    for found, figure in (
        (timeline.matured.sum(axis=2), design.measure.exposure),
        (timeline.matured_spend, Figure.SPEND),
    ):
        expected = weights @ np.diff(timeline.column(figure), axis=0)
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-9)
