"""Longest test of a request: by how many whole days it may go on past its plan, and what it may spend then.

A test in mode `money`, or one whose `on_no_winner` is `extend`, goes on at its planned pace as long as all of it stays
within `max_test_share` of the total budget. All of that is set aside before the test begins.
"""

from decimal import Decimal

from autopublisher.domain.amounts import Money
from autopublisher.domain.request.request import ABTestConfig, DecisionMode, NoWinner, RunRequest

LONGEST_TEST_HOURS = 24 * 90
HOURS_PER_DAY = 24


def may_go_on(ab: ABTestConfig) -> bool:
    """Tell whether a test may go on past its plan: neither one below a day nor one whose money is moved between its arms."""
    asked = ab.decision_mode is DecisionMode.MONEY or ab.on_no_winner is NoWinner.EXTEND
    return asked and not ab.adaptive_allocation and ab.test_duration_hours >= HOURS_PER_DAY


def further_days(request: RunRequest, currency: str) -> int:
    """Return by how many whole days a test may go on past its plan; none where the request does not pass its checks."""
    ab = request.ab_test_config
    if not may_go_on(ab) or ab.variants_count < 1 or not ab.max_test_share.is_finite():
        return 0
    daily = _daily(ab, currency)
    if daily <= 0:
        return 0
    total = Money.from_major(request.budget_config.total_budget, currency).minor
    room = int(Decimal(total) * ab.max_test_share / ab.variants_count) - _planned(ab, currency)
    time = (LONGEST_TEST_HOURS - ab.test_duration_hours) // HOURS_PER_DAY
    return max(0, min(room // daily, time))


def budget_after(ab: ABTestConfig, currency: str, days: int) -> Money:
    """Return what one variant may spend in a test that goes on for so many days past its plan, at its planned pace."""
    further = days * _daily(ab, currency) if days else 0
    return Money(_planned(ab, currency) + further, currency)


def most_for_test(request: RunRequest, currency: str) -> Money:
    """Return what all variants together may spend in the longest test."""
    ab = request.ab_test_config
    each = budget_after(ab, currency, further_days(request, currency))
    return Money(each.minor * ab.variants_count, currency)


def _planned(ab: ABTestConfig, currency: str) -> int:
    return Money.from_major(ab.test_budget_per_variant, currency).minor


def _daily(ab: ABTestConfig, currency: str) -> int:
    return _planned(ab, currency) * HOURS_PER_DAY // ab.test_duration_hours
