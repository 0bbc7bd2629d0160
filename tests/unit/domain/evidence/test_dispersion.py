"""The arm-day variance: measured without bias, cautious while little is known."""

from collections.abc import Callable

import numpy as np
import pytest

from autopublisher.domain.evidence import Design, Snapshot
from autopublisher.domain.evidence.blocks import blocks_at
from autopublisher.domain.evidence.dispersion import DayNoise, day_noise
from autopublisher.domain.evidence.score import score_pairs
from autopublisher.domain.evidence.timeline import build

MakeTest = Callable[..., tuple[Snapshot, ...]]


def noise_of(design: Design, history: tuple[Snapshot, ...]) -> DayNoise:
    blocks = blocks_at(design, build(design, history), len(history))
    return day_noise(design, score_pairs(design, blocks, (0, 1)), blocks)


def test_a_large_day_effect_is_found_on_average_although_reports_come_late(
    two_weeks: Design, noisy_test: MakeTest
) -> None:
    found = [noise_of(two_weeks, noisy_test(seed, 336, (40.0, 40.0), day=0.3)).estimate for seed in range(30)]
    assert float(np.mean(found)) == pytest.approx(0.09, rel=0.25)


def test_without_any_day_effect_half_the_prior_stays(two_weeks: Design, even_test: MakeTest) -> None:
    assert noise_of(two_weeks, even_test(336, (40, 40))).estimate == pytest.approx(0.12**2 / 2)


def test_a_single_day_rests_on_the_prior_enlarged_threefold(one_day: Design, noisy_test: MakeTest) -> None:
    noise = noise_of(one_day, noisy_test(1, 24, (40.0, 40.0)))
    assert (noise.days, noise.from_data) == (1.0, 0.0)
    assert noise.variance == pytest.approx(3 * 0.12**2)


def test_few_purchases_leave_the_prior_nearly_untouched(two_weeks: Design, noisy_test: MakeTest) -> None:
    assert noise_of(two_weeks, noisy_test(1, 336, (0.1, 0.1))).from_data < 0.1
