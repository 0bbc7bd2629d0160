"""Rules on special ad categories: which there are, and whom an ad of each may be narrowed to."""

from collections.abc import Iterator

from autopublisher.domain.errors import Problem
from autopublisher.domain.messages import remedied
from autopublisher.domain.request.request import RunRequest, TargetingConfig
from autopublisher.domain.request.request_problems import RequestProblem

NO_CATEGORY = "NONE"
EQUAL_OPPORTUNITY = frozenset({"CREDIT", "EMPLOYMENT", "FINANCIAL_PRODUCTS_SERVICES", "HOUSING"})
"""Categories in which nobody may be left out by age or gender."""

AUTHORISED = frozenset({"ISSUES_ELECTIONS_POLITICS", "ONLINE_GAMBLING_AND_GAMING"})
"""Categories whose ads Meta shows only for advertisers that it has authorised."""

SPECIAL_AD_CATEGORIES = frozenset({NO_CATEGORY}) | EQUAL_OPPORTUNITY | AUTHORISED
"""Meta's categories of ads under special rules; NONE is the same as naming none."""

ADULT, EVERYBODY_ELSE = 18, 65
"""The ages that ads of an equal-opportunity category are shown to: everybody of 18 and older."""

_GENDERS = frozenset({"male", "female"})


def special_categories(request: RunRequest) -> tuple[str, ...]:
    """Return the categories that bind the request's ads, none for NONE."""
    return tuple(name for name in request.special_ad_categories if name != NO_CATEGORY)


def check_categories(request: RunRequest) -> Iterator[Problem]:
    """Yield categories that Meta does not have, and targeting that those named forbid."""
    for index, category in enumerate(request.special_ad_categories):
        if category not in SPECIAL_AD_CATEGORIES:
            yield Problem(
                f"special_ad_categories[{index}]",
                *remedied(
                    RequestProblem.UNKNOWN_CATEGORY(
                        category=category, known=tuple(sorted(SPECIAL_AD_CATEGORIES))
                    )
                ),
            )
    named = special_categories(request)
    if named and NO_CATEGORY in request.special_ad_categories:
        yield Problem(
            "special_ad_categories", *remedied(RequestProblem.NONE_BESIDE_OTHERS(named=tuple(named)))
        )
    equal = [name for name in named if name in EQUAL_OPPORTUNITY]
    if equal:
        yield from _check_nobody_left_out(request.targeting_config, ", ".join(equal))


def _check_nobody_left_out(target: TargetingConfig, category: str) -> Iterator[Problem]:
    ages = {"age_min": (target.age_min, ADULT), "age_max": (target.age_max, EVERYBODY_ELSE)}
    for name, (age, only) in ages.items():
        if age != only:
            yield Problem(
                f"targeting_config.{name}",
                *remedied(
                    RequestProblem.AGE_NARROWED(category=category, adult=ADULT, name=name, only=only, age=age)
                ),
                "forbidden_by_category",
            )
    if target.genders and set(target.genders) != _GENDERS:
        yield Problem(
            "targeting_config.genders",
            *remedied(RequestProblem.GENDER_NARROWED(category=category)),
            "forbidden_by_category",
        )
