"""Rules on a request's test: its size and times, and whether there is enough to make arms that differ."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import prod

from autopublisher.domain.errors import Problem
from autopublisher.domain.ids import RunId
from autopublisher.domain.messages import remedied
from autopublisher.domain.request.longest_test import HOURS_PER_DAY, LONGEST_TEST_HOURS
from autopublisher.domain.request.request import (
    ABTestConfig,
    DecisionMode,
    NoWinner,
    RunRequest,
    Strategy,
    WinnerCriteria,
)
from autopublisher.domain.request.request_problems import RequestProblem
from autopublisher.domain.request.variants import LETTERS, build_variants

FEWEST_VARIANTS = 2
FEWEST_ADAPTIVE_VARIANTS = 3
LONGEST_SETTLE_HOURS = 24 * 28
LEAST_SIGNIFICANCE, MOST_SIGNIFICANCE = Decimal("0.5"), Decimal("0.999")
LEAST_TEST_SHARE, MOST_TEST_SHARE = Decimal("0.05"), Decimal(1)


def check_test(request: RunRequest) -> Iterator[Problem]:
    """Yield what is wrong with the test's size, times and proof."""
    ab = request.ab_test_config
    if not FEWEST_VARIANTS <= ab.variants_count <= len(LETTERS):
        yield Problem(
            "ab_test_config.variants_count",
            *remedied(RequestProblem.VARIANTS_COUNT(most=len(LETTERS), asked=ab.variants_count)),
        )
    yield from _check_times(ab)
    level = ab.statistical_significance_level
    if not level.is_finite() or not LEAST_SIGNIFICANCE <= level <= MOST_SIGNIFICANCE:
        yield Problem(
            "ab_test_config.statistical_significance_level",
            *remedied(
                RequestProblem.SIGNIFICANCE(
                    level=str(level), least=str(LEAST_SIGNIFICANCE), most=str(MOST_SIGNIFICANCE)
                )
            ),
        )
    share = ab.max_test_share
    if not share.is_finite() or not LEAST_TEST_SHARE <= share <= MOST_TEST_SHARE:
        yield Problem(
            "ab_test_config.max_test_share",
            *remedied(
                RequestProblem.OUT_OF_RANGE(
                    value=str(share), least=str(LEAST_TEST_SHARE), most=str(MOST_TEST_SHARE)
                )
            ),
        )
    if ab.same_offer and ab.winner_criteria is not WinnerCriteria.ROAS:
        yield Problem("ab_test_config.same_offer", *remedied(RequestProblem.SAME_OFFER()))
    if ab.adaptive_allocation and ab.variants_count < FEWEST_ADAPTIVE_VARIANTS:
        yield Problem(
            "ab_test_config.adaptive_allocation",
            *remedied(RequestProblem.TOO_FEW_TO_MOVE(fewest=FEWEST_ADAPTIVE_VARIANTS)),
        )
    yield from _check_going_on(ab)


def _check_going_on(ab: ABTestConfig) -> Iterator[Problem]:
    """Yield why a test that is asked to go on where it proves nothing cannot."""
    if ab.on_no_winner is not NoWinner.EXTEND:
        return
    if ab.decision_mode is DecisionMode.DECIDE:
        yield Problem("ab_test_config.on_no_winner", *remedied(RequestProblem.EXTEND_DECIDES()))
    if ab.adaptive_allocation:
        yield Problem("ab_test_config.adaptive_allocation", *remedied(RequestProblem.EXTEND_MOVES_MONEY()))
    if ab.test_duration_hours < HOURS_PER_DAY:
        yield Problem("ab_test_config.test_duration_hours", *remedied(RequestProblem.EXTEND_TOO_SHORT()))


def _check_times(ab: ABTestConfig) -> Iterator[Problem]:
    if not 1 <= ab.test_duration_hours <= LONGEST_TEST_HOURS:
        yield Problem(
            "ab_test_config.test_duration_hours",
            *remedied(RequestProblem.TEST_DURATION(most=LONGEST_TEST_HOURS, asked=ab.test_duration_hours)),
        )
    if not 0 <= ab.embargo_hours < max(1, ab.test_duration_hours):
        yield Problem(
            "ab_test_config.embargo_hours",
            *remedied(RequestProblem.EMBARGO(embargo=ab.embargo_hours, lasts=ab.test_duration_hours)),
        )
    if not 0 <= ab.settle_hours <= LONGEST_SETTLE_HOURS:
        yield Problem(
            "ab_test_config.settle_hours", *remedied(RequestProblem.SETTLE_HOURS(most=LONGEST_SETTLE_HOURS))
        )


def check_arms(request: RunRequest) -> Iterator[Problem]:
    """Yield what is missing for the strategy to make as many arms as are wanted, each different from the others."""
    strategy = request.ab_test_config.strategy
    if strategy is Strategy.FACTORIAL:
        yield from _check_factors(request)
    elif strategy is Strategy.PLACEMENT_SPLIT:
        yield from _check_places(request)
    else:
        yield from _check_supplies(request)
    if _has_twins(request):
        yield Problem(
            "ab_test_config.variants_count",
            *remedied(RequestProblem.IDENTICAL_VARIANTS()),
            "identical_variants",
        )


def _supplies(request: RunRequest) -> Mapping[str, int]:
    return {
        "creative_ids": len(request.creative_ids),
        "headlines": len(request.headlines),
        "primary_texts": len(request.primary_texts),
        "call_to_actions": len(request.call_to_actions),
    }


def _check_factors(request: RunRequest) -> Iterator[Problem]:
    wanted = request.ab_test_config.variants_count
    cells = prod(max(1, count) for count in _supplies(request).values())
    if cells < wanted:
        yield Problem(
            "ab_test_config.variants_count",
            *remedied(RequestProblem.TOO_FEW_COMBINATIONS(cells=cells, wanted=wanted)),
            "not_enough",
        )
    elif cells > wanted:
        # Any part of the combinations would show some values only together, so that neither's share could be told.
        said = RequestProblem.TOO_MANY_COMBINATIONS(cells=cells, wanted=wanted)
        if cells > len(LETTERS):
            said = RequestProblem.FAR_TOO_MANY_COMBINATIONS(cells=cells, wanted=wanted, most=len(LETTERS))
        yield Problem("ab_test_config.variants_count", *remedied(said), "too_many_combinations")


def _check_places(request: RunRequest) -> Iterator[Problem]:
    wanted = request.ab_test_config.variants_count
    if len(request.targeting_config.placements) < wanted:
        yield Problem(
            "targeting_config.placements",
            *remedied(RequestProblem.TOO_FEW_PLACEMENTS(wanted=wanted)),
            "not_enough",
        )


def _check_supplies(request: RunRequest) -> Iterator[Problem]:
    strategy, wanted = request.ab_test_config.strategy, request.ab_test_config.variants_count
    must_vary = ("creative_ids",) if strategy is Strategy.CREATIVE_SPLIT else ()
    for field, count in _supplies(request).items():
        shared = field not in must_vary and count <= 1
        if strategy is Strategy.COPY_SPLIT and field == "creative_ids":
            shared = True
        if not shared and count < wanted:
            own = field in must_vary
            code = RequestProblem.TOO_FEW_VALUES if own else RequestProblem.TOO_FEW_SHARED_VALUES
            yield Problem(field, *remedied(code(wanted=wanted, count=count)), "not_enough")


def _has_twins(request: RunRequest) -> bool:
    """Tell whether two arms are the same; not where they cannot be built because something else is wrong."""
    try:
        variants = build_variants(RunId("0" * 32), request)
    except IndexError:
        return False
    return len({variant.content for variant in variants}) < len(variants)
