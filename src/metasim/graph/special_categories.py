"""Special ad categories and regulated countries: what they ask of an ad set's targeting."""

from typing import Any

from metasim.facts import AUDIENCE_FLAG_CATEGORIES
from metasim.graph.errors import refusal
from metasim.graph.targeting import (
    NARROWING,
    OLDEST,
    USUAL_YOUNGEST,
    Targeting,
    countries_of,
)
from metasim.graph.wire import Params

BOTH_GENDERS = 2
REGIONS = {"TW": "TAIWAN_UNIVERSAL", "SG": "SINGAPORE_UNIVERSAL", "TH": "THAILAND_UNIVERSAL"}
"""Countries whose ad sets declare a category of their own; the categories' names in Meta's enumeration."""


def check_categories(targeting: Targeting, campaign: dict[str, Any]) -> None:
    """Refuse targeting that the campaign's special ad categories forbid."""
    categories = set(Params(campaign).words("special_ad_categories") or []) - {"NONE"}
    if not categories:
        return
    allowed = set(Params(campaign).words("special_ad_category_country") or [])
    outside = sorted(countries_of(targeting) - allowed)
    if outside:
        text = f"{outside[0]} is not among the countries of the campaign's special ad category."
        raise refusal(2909034, "Country not declared", text, "targeting")
    if categories & AUDIENCE_FLAG_CATEGORIES:
        _check_audience(targeting)


def _check_audience(targeting: Targeting) -> None:
    if any(targeting.get(name) for name in NARROWING if name != "custom_audiences"):
        text = "Special ad categories allow no detailed targeting."
        raise refusal(2446007, "Targeting not allowed", text, "targeting")
    ages = (int(targeting.get("age_min", USUAL_YOUNGEST)), int(targeting.get("age_max", OLDEST)))
    genders = {str(each) for each in targeting.get("genders") or []}
    places = targeting.get("geo_locations") or {}
    if ages != (USUAL_YOUNGEST, OLDEST) or 0 < len(genders) < BOTH_GENDERS or places.get("zips"):
        text = "Special ad categories allow no choice of ages, genders or postcodes."
        raise refusal(2446007, "Targeting not allowed", text, "targeting")


def check_regions(targeting: Targeting, written: dict[str, Any]) -> None:
    """Refuse ad sets that reach a country with rules of its own and do not declare its category and who is behind it."""
    declared = set(Params(written).words("regional_regulated_categories") or [])
    identities = Params(written).table("regional_regulation_identities") or {}
    for country in sorted(countries_of(targeting) & set(REGIONS)):
        category = REGIONS[country]
        if category not in declared:
            raise refusal(
                3858550,
                "Regional category missing",
                f"{country} needs {category}.",
                "regional_regulated_categories",
            )
        for role, subcode in (("beneficiary", 3858634), ("payer", 3858636)):
            if not any(identities.get(f"{prefix}_{role}") for prefix in (category.lower(), "universal")):
                text = f"{category} needs {category.lower()}_{role} or universal_{role}."
                raise refusal(subcode, "Identity missing", text, "regional_regulation_identities")
