"""The largest of normals, row by row, against one quadrature around each of them."""

import numpy as np
import pytest

from autopublisher.domain.evidence.largest import largest_of
from autopublisher.domain.evidence.posterior import best_of


@pytest.mark.parametrize("variants", [2, 3, 8, 10])
def test_rows_are_worked_out_as_each_would_be_alone(variants: int) -> None:
    rng = np.random.default_rng(variants)
    means, deviations = rng.normal(0, 0.2, (50, variants)), np.exp(rng.uniform(-5, -1, (50, variants)))
    chances, largest = largest_of(means, deviations)
    alone = [best_of(mean, deviation) for mean, deviation in zip(means, deviations, strict=True)]
    assert chances == pytest.approx(np.array([each for each, _ in alone]), abs=1e-6)
    assert largest == pytest.approx(np.array([most for _, most in alone]), abs=1e-7)


def test_of_two_the_chances_have_their_closed_form() -> None:
    chances, largest = largest_of(np.array([[0.1, 0.0]]), np.array([[0.3, 0.4]]))
    assert chances[0, 0] == pytest.approx(0.5792597094391030, abs=1e-12)  # Phi(.1 / .5)
    # Clark 1961: m1 Phi(a) + m2 Phi(-a) + s phi(a), s = .5 and a = .2.
    assert largest[0] == pytest.approx(0.1 * 0.5792597094391030 + 0.5 * 0.3910426939754559, abs=1e-12)


def test_one_that_is_known_exactly_beside_one_that_is_not_known_at_all() -> None:
    chances, largest = largest_of(np.array([[0.5, 0.0]]), np.array([[1e-9, 1.0]]))
    assert chances[0, 0] == pytest.approx(0.6914624612740131, abs=1e-4)  # Phi(.5)
    assert largest[0] == pytest.approx(0.5 * 0.6914624612740131 + 0.3520653267642995, abs=1e-4)


def test_order_changes_nothing() -> None:
    means, deviations = np.array([[0.1, 0.3, -0.2]]), np.array([[0.2, 0.1, 0.3]])
    chances, largest = largest_of(means, deviations)
    turned, same = largest_of(means[:, ::-1], deviations[:, ::-1])
    assert turned[0, ::-1] == pytest.approx(chances[0], abs=1e-15)
    assert same[0] == pytest.approx(largest[0], abs=1e-15)
