"""Rules on a request's audience and placements: countries, ages, genders, and which placements go together."""

from collections.abc import Iterator

from autopublisher.domain.errors import Problem
from autopublisher.domain.request.countries import COUNTRIES, WITHOUT_ADS
from autopublisher.domain.request.placements import PLACEMENTS, placement_conflict, unknown_placements
from autopublisher.domain.request.request import RunRequest, Strategy, TargetingConfig

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
        yield Problem(
            "targeting_config.countries", "No country is named.", 'Give ISO codes, such as ["ES", "PE"].'
        )
    for index, country in enumerate(target.countries):
        if country in WITHOUT_ADS:
            yield Problem(
                f"targeting_config.countries[{index}]",
                f"Meta shows no ads in {WITHOUT_ADS[country]} ({country}).",
                "Leave it out.",
                "no_ads_there",
            )
        elif country not in COUNTRIES:
            yield Problem(
                f"targeting_config.countries[{index}]",
                f"{country!r} is no ISO 3166 country code in capitals.",
                "Use two-letter codes such as ES, PE, US.",
            )
    if len(set(target.countries)) != len(target.countries):
        yield Problem("targeting_config.countries", "A country is named twice.", "Name each once.")


def _check_people(target: TargetingConfig) -> Iterator[Problem]:
    for name, age in (("age_min", target.age_min), ("age_max", target.age_max)):
        if not YOUNGEST <= age <= OLDEST:
            yield Problem(
                f"targeting_config.{name}",
                f"Meta takes ages {YOUNGEST} to {OLDEST}, not {age}.",
                f"{OLDEST} means {OLDEST} and older.",
            )
    if target.age_min > target.age_max:
        yield Problem("targeting_config.age_min", "age_min is above age_max.", "Swap or correct them.")
    for index, gender in enumerate(target.genders):
        if gender not in GENDERS:
            yield Problem(
                f"targeting_config.genders[{index}]",
                f"{gender!r} is no gender Meta targets.",
                "male, female or none.",
            )


def _check_placements(request: RunRequest) -> Iterator[Problem]:
    names = request.targeting_config.placements
    unknown = unknown_placements(names)
    for name in unknown:
        yield Problem(
            "targeting_config.placements",
            f"{name!r} is no known placement.",
            "Known: " + ", ".join(sorted(PLACEMENTS)),
        )
    # In a split each arm has one placement to itself, so none may depend on its neighbour's.
    alone = request.ab_test_config.strategy is Strategy.PLACEMENT_SPLIT
    groups = [(name,) for name in names] if alone else [names]
    conflicts = [] if unknown else [placement_conflict(group) for group in groups]
    for conflict in conflicts:
        if conflict is not None:
            yield Problem(
                "targeting_config.placements",
                f"Meta refuses this: {conflict}.",
                "Choose placements that can stand alone." if alone else "Add what is missing.",
            )
