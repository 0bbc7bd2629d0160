"""Rules on a request's audience and placements: countries, ages, genders, and which placements go together."""

from collections.abc import Iterator

from autopublisher.domain.errors import Problem
from autopublisher.domain.messages import remedied
from autopublisher.domain.request.countries import COUNTRIES, WITHOUT_ADS
from autopublisher.domain.request.placements import PLACEMENTS, placement_conflict, unknown_placements
from autopublisher.domain.request.request import RunRequest, Strategy, TargetingConfig
from autopublisher.domain.request.request_problems import RequestProblem

YOUNGEST, OLDEST = 13, 65
"""Ages Meta takes; the upper one stands for everybody older, too."""

GENDERS = ("male", "female")


def check_targeting(request: RunRequest) -> Iterator[Problem]:
    """Yield what Meta would not understand of the audience and the placements."""
    yield from _check_countries(request.targeting_config)
    yield from _check_people(request.targeting_config)
    yield from _check_placements(request)


def _check_countries(target: TargetingConfig) -> Iterator[Problem]:
    if not target.countries:
        yield Problem("targeting_config.countries", *remedied(RequestProblem.NO_COUNTRY()))
    for index, country in enumerate(target.countries):
        if country in WITHOUT_ADS:
            yield Problem(
                f"targeting_config.countries[{index}]",
                *remedied(RequestProblem.NO_ADS_THERE(place=WITHOUT_ADS[country], country=country)),
                "no_ads_there",
            )
        elif country not in COUNTRIES:
            yield Problem(
                f"targeting_config.countries[{index}]",
                *remedied(RequestProblem.UNKNOWN_COUNTRY(country=country)),
            )
    if len(set(target.countries)) != len(target.countries):
        yield Problem("targeting_config.countries", *remedied(RequestProblem.COUNTRY_TWICE()))


def _check_people(target: TargetingConfig) -> Iterator[Problem]:
    for name, age in (("age_min", target.age_min), ("age_max", target.age_max)):
        if not YOUNGEST <= age <= OLDEST:
            yield Problem(
                f"targeting_config.{name}",
                *remedied(RequestProblem.AGE_OUT_OF_RANGE(youngest=YOUNGEST, oldest=OLDEST, age=age)),
            )
    if target.age_min > target.age_max:
        yield Problem("targeting_config.age_min", *remedied(RequestProblem.AGES_CROSSED()))
    for index, gender in enumerate(target.genders):
        if gender not in GENDERS:
            yield Problem(
                f"targeting_config.genders[{index}]", *remedied(RequestProblem.UNKNOWN_GENDER(gender=gender))
            )


def _check_placements(request: RunRequest) -> Iterator[Problem]:
    names = request.targeting_config.placements
    unknown = unknown_placements(names)
    for name in unknown:
        yield Problem(
            "targeting_config.placements",
            *remedied(RequestProblem.UNKNOWN_PLACEMENT(name=name, known=tuple(sorted(PLACEMENTS)))),
        )
    # In a split each arm has one placement to itself, so none may depend on its neighbour's.
    alone = request.ab_test_config.strategy is Strategy.PLACEMENT_SPLIT
    groups = [(name,) for name in names] if alone else [names]
    conflicts = [] if unknown else [placement_conflict(group) for group in groups]
    for conflict in conflicts:
        if conflict is not None:
            code = RequestProblem.PLACEMENT_ALONE if alone else RequestProblem.PLACEMENTS_TOGETHER
            yield Problem("targeting_config.placements", *remedied(code(conflict=conflict)))
