"""Chance of being best and expected loss against closed forms and dense quadrature."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from autopublisher.domain.evidence.posterior import best_of


def test_two_variants_agree_with_the_closed_form() -> None:
    p_best, largest = best_of(np.array([0.1, 0.0]), np.array([0.1, 0.15]))
    spread = (0.1**2 + 0.15**2) ** 0.5
    z = 0.1 / spread
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    assert p_best[0] == pytest.approx(ndtr(z), abs=1e-6)
    assert largest == pytest.approx(0.1 * ndtr(z) + spread * density, abs=1e-6)


def test_four_variants_agree_with_dense_integration() -> None:
    mean, sd = np.array([0.0, 0.05, -0.1, 0.2]), np.array([0.05, 0.2, 0.1, 0.15])
    x = np.linspace(-2, 2, 400_001)
    z = (x[:, None] - mean) / sd
    density, below = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) / sd, ndtr(z)
    parts = np.stack([density[:, i] * np.delete(below, i, axis=1).prod(axis=1) for i in range(4)])
    p_best, largest = best_of(mean, sd)
    assert p_best == pytest.approx(np.trapezoid(parts, x, axis=1), abs=1e-5)
    assert largest == pytest.approx(np.trapezoid(parts.sum(axis=0) * x, x), abs=1e-5)


def test_a_sharply_known_variant_does_not_break_the_quadrature() -> None:
    p_best, _ = best_of(np.array([0.0, 0.03]), np.array([0.2, 0.002]))
    assert p_best[0] == pytest.approx(1 - ndtr(0.03 / np.hypot(0.2, 0.002)), abs=0.005)


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=10), st.floats(0.01, 0.2))
def test_chances_add_up_and_nobody_expects_more_than_the_best(means: list[float], sd: float) -> None:
    p_best, largest = best_of(np.array(means), np.full(len(means), sd))
    assert p_best.sum() == pytest.approx(1.0)
    assert largest >= max(means) - 1e-6
