"""Rules of targeting: places, ages, the Advantage audience flag, placements and the EU's transparency duty."""

from typing import Any

from metasim.facts import (
    AUDIENCE_FLAG_CATEGORIES,
    CLOSED_COUNTRIES,
    COUNTRIES,
    DSA_LIMIT,
    EU_COUNTRIES,
    FEED_COMPANIONS,
    PLACEMENTS,
)
from metasim.graph.errors import GraphError, malformed, missing, not_one_of, refusal
from metasim.graph.wire import Params
from metasim.scenario import Account

Targeting = dict[str, Any]
PLACE_LISTS = ("regions", "cities", "zips", "places", "geo_markets", "custom_locations", "neighborhoods")
KEYED_PLACES = ("regions", "cities", "zips", "geo_markets", "neighborhoods")
NARROWING = ("custom_audiences", "excluded_custom_audiences", "flexible_spec", "interests", "behaviors")
YOUNGEST, OLDEST, USUAL_YOUNGEST, RELAXED_YOUNGEST = 13, 65, 18, 25


def read_targeting(params: Params) -> Targeting:
    """Return checked targeting (rules that hold on creation and on change alike)."""
    targeting = params.table("targeting")
    if targeting is None:
        raise missing("targeting")
    return check_targeting(targeting)


def check_targeting(targeting: Targeting) -> Targeting:
    """Return targeting as it holds, or raise GraphError."""
    _check_places(targeting)
    if not isinstance(targeting.get("targeting_automation") or {}, dict):
        raise malformed("targeting[targeting_automation]", "a JSON object")
    _check_people(targeting)
    _check_placements(targeting)
    return _without_removed_stories(targeting)


def check_audience_flag(targeting: Targeting, categories: list[str]) -> Targeting:
    """Apply the Advantage audience rule of new ad sets and return targeting with the flag that holds."""
    automation = dict(targeting.get("targeting_automation") or {})
    flag = automation.get("advantage_audience")
    if flag is None:
        if _narrowed(targeting) or AUDIENCE_FLAG_CATEGORIES & set(categories):
            raise refusal(
                1870227,
                "Advantage audience flag required",
                "Set targeting_automation.advantage_audience to 1 or 0.",
                "targeting",
            )
        flag = 1
    if str(flag) not in ("0", "1"):
        raise not_one_of("targeting_automation[advantage_audience]", ("0", "1"))
    if int(flag) == 1:
        _check_relaxed_ages(targeting)
    automation["advantage_audience"] = int(flag)
    return {**targeting, "targeting_automation": automation}


def _check_relaxed_ages(targeting: Targeting) -> None:
    if int(targeting.get("age_max", OLDEST)) != OLDEST:
        text = "With Advantage audience the maximum age must be 65."
        raise refusal(1870189, "Age not allowed", text, "targeting")
    if int(targeting.get("age_min", USUAL_YOUNGEST)) > RELAXED_YOUNGEST:
        text = "With Advantage audience the minimum age cannot be over 25."
        raise refusal(None, "Age not allowed", text, "targeting")


def _narrowed(targeting: Targeting) -> bool:
    ages = (int(targeting.get("age_min", USUAL_YOUNGEST)), int(targeting.get("age_max", OLDEST)))
    genders = targeting.get("genders") or []
    one_gender = len(set(map(str, genders))) == 1
    return ages[0] > USUAL_YOUNGEST or ages[1] < OLDEST or one_gender or any(map(targeting.get, NARROWING))


def _check_places(targeting: Targeting) -> None:
    places = targeting.get("geo_locations")
    if not isinstance(places, dict):
        raise refusal(
            None, "Location required", "targeting.geo_locations must name at least one place.", "targeting"
        )
    if "location_types" in places:
        raise refusal(1870199, "Location types removed", "Leave out location_types.", "targeting")
    _check_lists(places)
    countries = places.get("countries") or []
    if not countries and not any(places.get(name) for name in (*PLACE_LISTS, "country_groups")):
        raise refusal(None, "Location required", "Name at least one place.", "targeting")
    for country in countries:
        if not isinstance(country, str) or country not in COUNTRIES:
            raise malformed("targeting[geo_locations][countries]", f"ISO country codes, not {country!r}")
        if country in CLOSED_COUNTRIES:
            raise refusal(None, "Country not available", f"Ads cannot be shown in {country}.", "targeting")


def _check_lists(places: dict[str, Any]) -> None:
    for name in (*PLACE_LISTS, "countries", "country_groups"):
        if not isinstance(places.get(name) or [], list):
            raise malformed(f"targeting[geo_locations][{name}]", "an array")
    for name in KEYED_PLACES:
        if not all(isinstance(row, dict) and row.get("key") for row in places.get(name) or []):
            raise malformed(f"targeting[geo_locations][{name}]", "an array of objects with a key")


def _check_people(targeting: Targeting) -> None:
    ages = [_age(targeting, "age_min", USUAL_YOUNGEST), _age(targeting, "age_max", OLDEST)]
    if ages[0] > ages[1]:
        raise refusal(None, "Invalid ages", "age_min is over age_max.", "targeting")
    for gender in targeting.get("genders") or []:
        if str(gender) not in ("1", "2"):
            raise not_one_of("targeting[genders]", ("1", "2"))


def _age(targeting: Targeting, name: str, default: int) -> int:
    try:
        age = int(targeting.get(name, default))
    except (TypeError, ValueError) as error:
        raise malformed(f"targeting[{name}]", "an integer") from error
    if not YOUNGEST <= age <= OLDEST:
        raise refusal(None, "Invalid age", f"{name} must be from {YOUNGEST} to {OLDEST}.", "targeting")
    return age


def _check_placements(targeting: Targeting) -> None:
    _refuse_removed(targeting)
    for name, allowed in PLACEMENTS.items():
        for position in _chosen(targeting, name):
            if not (name == "messenger_positions" and position == "story") and position not in allowed:
                raise not_one_of(f"targeting[{name}]", allowed)
    broken = _broken_combination(targeting)
    if broken:
        raise refusal(None, "Invalid placement combination", broken, "targeting")


def _refuse_removed(targeting: Targeting) -> None:
    if "video_feeds" in _chosen(targeting, "facebook_positions"):
        raise _removed(2490562, "video_feeds")
    if "explore" in _chosen(targeting, "instagram_positions"):
        raise _removed(2490589, "explore; use explore_home")


def _removed(subcode: int, position: str) -> GraphError:
    return refusal(subcode, "Placement removed", f"This placement is gone: {position}", "targeting")


def _broken_combination(targeting: Targeting) -> str | None:
    """Return the co-selection rule that targeting breaks, if any."""
    platforms = set(_chosen(targeting, "publisher_platforms"))
    facebook = set(_chosen(targeting, "facebook_positions"))
    instagram = set(_chosen(targeting, "instagram_positions"))
    devices = set(_chosen(targeting, "device_platforms"))
    any_instagram = not instagram and (not platforms or "instagram" in platforms)
    rules = {
        "audience_network cannot be the only platform.": platforms == {"audience_network"},
        "threads needs instagram and its stream position.": "threads" in platforms
        and not ("instagram" in platforms and (any_instagram or "stream" in instagram)),
        "whatsapp status needs instagram story.": "whatsapp" in platforms
        and not ("instagram" in platforms and (any_instagram or "story" in instagram)),
        "facebook story needs feed or instagram story.": "story" in facebook
        and not ("feed" in facebook or "story" in instagram or any_instagram),
        "facebook story needs mobile devices.": facebook == {"story"} and devices == {"desktop"},
        "marketplace, search, profile_feed and notification need feed.": bool(facebook & FEED_COMPANIONS)
        and "feed" not in facebook,
        "instagram on desktop only reaches nobody.": platforms == {"instagram"} and devices == {"desktop"},
    }
    return next((text for text, broken in rules.items() if broken), None)


def _chosen(targeting: Targeting, name: str) -> list[str]:
    value = targeting.get(name) or []
    if not isinstance(value, list):
        raise malformed(f"targeting[{name}]", "an array")
    return [str(item) for item in value]


def _without_removed_stories(targeting: Targeting) -> Targeting:
    positions = _chosen(targeting, "messenger_positions")
    if "story" not in positions:
        return targeting
    rest = [position for position in positions if position != "story"]  # dropped without a word since v26
    return {**targeting, "messenger_positions": rest}


def countries_of(targeting: Targeting) -> set[str]:
    """Return the countries of all targeted places that say theirs."""
    places = targeting.get("geo_locations") or {}
    rows = [row for name in PLACE_LISTS for row in places.get(name) or [] if isinstance(row, dict)]
    named = {str(row["country"]) for row in rows if row.get("country")}
    return {*(str(code) for code in places.get("countries") or []), *named}


def targets_eu(targeting: Targeting) -> bool:
    """Tell whether any targeted place lies in the European Union."""
    places, countries = targeting.get("geo_locations") or {}, countries_of(targeting)
    worldwide = {"worldwide", "eea", "europe"} & {str(group) for group in places.get("country_groups") or []}
    return bool(EU_COUNTRIES & countries or worldwide)


def read_transparency(params: Params, targeting: Targeting, account: Account) -> dict[str, str]:
    """Return who benefits and who pays; EU targeting needs both, from the call or the account."""
    named = {
        "dsa_beneficiary": params.text("dsa_beneficiary") or account.default_dsa_beneficiary,
        "dsa_payor": params.text("dsa_payor") or account.default_dsa_payor,
    }
    for name, subcode in (("dsa_beneficiary", 3858081), ("dsa_payor", 3858079)):
        value = named[name]
        if value is not None and len(value) > DSA_LIMIT:
            raise malformed(name, f"at most {DSA_LIMIT} characters long")
        if not value and targets_eu(targeting):
            error = refusal(subcode, "Advertiser information missing", f"EU targeting needs {name}.", name)
            error.blame_as_text = True
            raise error
    return {name: value for name, value in named.items() if value and targets_eu(targeting)} or {
        name: str(params.text(name)) for name in named if params.given(name)
    }
