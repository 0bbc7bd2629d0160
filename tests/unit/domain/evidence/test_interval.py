"""Fieller ranges against root finding."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import brentq

from autopublisher.domain.evidence.interval import EVERYTHING, Quadratic, RatioInterval, ratio_interval

SIZES = st.floats(0.01, 100.0)


def studentised(q: Quadratic, ratio: float) -> float:
    return abs(q.a - ratio * q.b) / math.sqrt(q.aa - 2 * ratio * q.ab + ratio**2 * q.bb)


def test_the_ends_are_where_the_statistic_meets_the_critical_value() -> None:
    q = Quadratic(a=120.0, b=100.0, aa=90.0, ab=10.0, bb=70.0)
    interval = ratio_interval(q, 2.3)
    low = brentq(lambda ratio: studentised(q, ratio) - 2.3, 0.1, 1.2)
    high = brentq(lambda ratio: studentised(q, ratio) - 2.3, 1.2, 5.0)
    assert (interval.low, interval.high) == pytest.approx((low, high))


def test_an_open_range_starts_where_the_statistic_meets_the_critical_value() -> None:
    q = Quadratic(a=50.0, b=5.0, aa=40.0, ab=2.0, bb=9.0)
    interval = ratio_interval(q, 2.5)
    assert interval.high is None
    assert studentised(q, interval.low) == pytest.approx(2.5)


def test_nothing_seen_excludes_nothing() -> None:
    assert ratio_interval(Quadratic(0.0, 0.0, 0.0, 0.0, 0.0), 2.5) == EVERYTHING


RELATIVE = st.floats(0.01, 0.3)
QUADRATICS = st.builds(
    lambda a, b, sa, sb, r: Quadratic(a, b, (a * sa) ** 2, r * a * sa * b * sb, (b * sb) ** 2),
    SIZES,
    SIZES,
    RELATIVE,
    RELATIVE,
    st.floats(-0.9, 0.9),
)


@given(QUADRATICS, st.floats(1.5, 12.0))
def test_the_range_holds_the_estimate(q: Quadratic, critical: float) -> None:
    interval = ratio_interval(q, critical)
    assert interval.low <= q.a / q.b * (1 + 1e-9)
    assert interval.high is None or interval.high >= q.a / q.b * (1 - 1e-9)


@given(QUADRATICS)
def test_exchanging_the_variants_inverts_a_bounded_range(q: Quadratic) -> None:
    interval = ratio_interval(q, 2.0)
    inverse = ratio_interval(Quadratic(q.b, q.a, q.bb, q.ab, q.aa), 2.0).inverse()
    assert inverse.low == pytest.approx(interval.low, rel=1e-6)
    assert inverse.high == pytest.approx(interval.high, rel=1e-6)


WIDE = st.floats(0.05, 3.0)
ANY_QUADRATICS = st.builds(
    lambda a, b, sa, sb, r: Quadratic(a, b, (a * sa) ** 2, r * a * sa * b * sb, (b * sb) ** 2),
    SIZES,
    st.one_of(st.just(0.0), SIZES),
    WIDE,
    WIDE,
    st.floats(-0.95, 0.99),
)


@given(ANY_QUADRATICS, st.floats(1.5, 6.0))
def test_a_range_holds_no_difference_exactly_where_the_test_does_not_reject_it(
    q: Quadratic, critical: float
) -> None:
    interval = ratio_interval(q, critical)
    z = (q.a - q.b) / math.sqrt(q.aa - 2 * q.ab + q.bb)
    assume(abs(abs(z) - critical) > 1e-6)
    assert interval.contains(1.0) is (abs(z) < critical)
    if abs(z) > critical:
        assert (interval.low > 1.0) is (z > 0)


def test_a_variant_without_events_gives_a_range_with_one_end() -> None:
    interval = ratio_interval(Quadratic(a=15.0, b=0.0, aa=37.5, ab=0.0, bb=0.0), 2.0)
    assert interval.low == pytest.approx((15**2 / 37.5) / 2.0**2)
    assert interval.high is None
    assert ratio_interval(Quadratic(a=0.0, b=15.0, aa=0.0, ab=0.0, bb=37.5), 2.0).high == pytest.approx(
        2 / 3, rel=1e-6
    )


def test_a_range_without_upper_end_contains_large_ratios() -> None:
    assert RatioInterval(1.5, None).contains(1e9)
    assert not RatioInterval(1.5, None).contains(1.4)
