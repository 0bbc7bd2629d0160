"""Rules on a request's test: its size and times, and whether there is enough to make arms that differ."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import prod

from autopublisher.domain.errors import Problem
from autopublisher.domain.ids import RunId
from autopublisher.domain.request.request import ABTestConfig, RunRequest, Strategy, WinnerCriteria
from autopublisher.domain.request.variants import LETTERS, build_variants

FEWEST_VARIANTS = 2
FEWEST_ADAPTIVE_VARIANTS = 3
LONGEST_TEST_HOURS = 24 * 90
LONGEST_SETTLE_HOURS = 24 * 28
LEAST_SIGNIFICANCE, MOST_SIGNIFICANCE = Decimal("0.5"), Decimal("0.999")


def check_test(request: RunRequest) -> Iterator[Problem]:
    """Yield what is wrong with the test's size, times and proof."""
    ab = request.ab_test_config
    if not FEWEST_VARIANTS <= ab.variants_count <= len(LETTERS):
        yield Problem(
            "ab_test_config.variants_count",
            f"A test has 2 to {len(LETTERS)} variants, not {ab.variants_count}.",
            f"Choose a number from 2 to {len(LETTERS)}.",
        )
    yield from _check_times(ab)
    level = ab.statistical_significance_level
    if not level.is_finite() or not LEAST_SIGNIFICANCE <= level <= MOST_SIGNIFICANCE:
        yield Problem(
            "ab_test_config.statistical_significance_level",
            f"{level} is not a significance level between {LEAST_SIGNIFICANCE} and {MOST_SIGNIFICANCE}.",
            "0.95 is usual: at most 5 false winners in 100 tests of equal ads.",
        )
    if ab.same_offer and ab.winner_criteria is not WinnerCriteria.ROAS:
        yield Problem(
            "ab_test_config.same_offer", "same_offer only concerns winner_criteria roas.", "Leave it out."
        )
    if ab.adaptive_allocation and ab.variants_count < FEWEST_ADAPTIVE_VARIANTS:
        yield Problem(
            "ab_test_config.adaptive_allocation",
            f"Money can only be moved in a test of {FEWEST_ADAPTIVE_VARIANTS} variants or more.",
            f"Leave it out, or test at least {FEWEST_ADAPTIVE_VARIANTS} variants.",
        )


def _check_times(ab: ABTestConfig) -> Iterator[Problem]:
    if not 1 <= ab.test_duration_hours <= LONGEST_TEST_HOURS:
        yield Problem(
            "ab_test_config.test_duration_hours",
            f"A test lasts 1 to {LONGEST_TEST_HOURS} hours, not {ab.test_duration_hours}.",
            "Choose a duration in that range; seven days or more is best.",
        )
    if not 0 <= ab.embargo_hours < max(1, ab.test_duration_hours):
        yield Problem(
            "ab_test_config.embargo_hours",
            f"The embargo of {ab.embargo_hours} h does not end before the test of {ab.test_duration_hours} h.",
            "Choose an embargo shorter than the test.",
        )
    if not 0 <= ab.settle_hours <= LONGEST_SETTLE_HOURS:
        yield Problem(
            "ab_test_config.settle_hours",
            f"Late conversions are waited for between 0 and {LONGEST_SETTLE_HOURS} hours.",
            "72 is usual.",
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
            "Two variants would be identical, so there is nothing to test.",
            "Give each variant a creative, headline or text of its own.",
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
            f"The factors give {cells} combinations, not {wanted}.",
            "Add texts or creatives, or ask for fewer variants.",
            "not_enough",
        )
    elif cells > wanted:
        # Any part of the combinations would show some values only together, so that neither's share could be told.
        yield Problem(
            "ab_test_config.variants_count",
            f"The factors give {cells} combinations; with {wanted} variants some would never be shown.",
            f"Ask for {cells} variants."
            if cells <= len(LETTERS)
            else f"Leave out values until there are at most {len(LETTERS)} combinations, and ask for as many variants.",
            "too_many_combinations",
        )


def _check_places(request: RunRequest) -> Iterator[Problem]:
    wanted = request.ab_test_config.variants_count
    if len(request.targeting_config.placements) < wanted:
        yield Problem(
            "targeting_config.placements",
            f"{wanted} variants need {wanted} placements.",
            "Name one placement for each variant.",
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
            yield Problem(
                field,
                f"{wanted} variants need {wanted} values here; {count} given.",
                f"Give {wanted}" + ("." if field in must_vary else ", or one shared by all."),
                "not_enough",
            )


def _has_twins(request: RunRequest) -> bool:
    """Tell whether two arms are the same; not where they cannot be built because something else is wrong."""
    try:
        variants = build_variants(RunId("0" * 32), request)
    except IndexError:
        return False
    return len({variant.content for variant in variants}) < len(variants)
