"""The reporting delay and matured exposure."""

import numpy as np
import pytest

from autopublisher.domain.evidence import ReportingDelay
from autopublisher.domain.evidence.delay import matured_weights

DELAY = ReportingDelay()


def test_the_default_delay_reports_the_known_shares() -> None:
    shares = DELAY.share_reported(np.array([-1.0, 0.0, 24.0, 72.0, 168.0, 500.0]))
    assert shares == pytest.approx([0.0, 0.5, 0.87, 0.97, 1.0, 1.0], abs=0.004)


def test_the_integral_agrees_with_numerical_integration() -> None:
    for age in (0.3, 5.0, 40.0, 168.0, 300.0):
        grid = np.linspace(0, age, 300_001)
        expected = np.trapezoid(DELAY.share_reported(grid), grid)
        assert DELAY.integrated(np.array(age)) == pytest.approx(expected, rel=1e-5)


def test_missed_polls_do_not_change_what_has_matured_of_an_even_spend() -> None:
    hourly, sparse = np.arange(49.0), np.array([0.0, 1.0, 7.0, 20.0, 48.0])
    every_hour = matured_weights(hourly, DELAY) @ np.ones(48)
    with_gaps = matured_weights(sparse, DELAY) @ np.diff(sparse)
    assert with_gaps == pytest.approx(every_hour[[0, 1, 7, 20, 48]])


def test_without_a_delay_everything_matures_at_once() -> None:
    assert (matured_weights(np.array([0.0, 1.0, 5.0]), None) @ np.array([3.0, 4.0])).tolist() == [0, 3, 7]


def test_exposure_is_fully_matured_a_week_later() -> None:
    assert matured_weights(np.array([0.0, 1.0, 200.0, 400.0]), DELAY)[-1, 0] == pytest.approx(1.0)
