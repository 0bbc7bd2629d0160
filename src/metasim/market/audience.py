"""Audiences: which share of each cell's people an ad set's targeting lets in, and how audiences overlap."""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from metasim.market.population import Cells, Population

OLDEST = 65  # "65 and older"
LAST_YEAR = 80  # where the oldest bracket is taken to end
GENDERS = {"1": "male", "2": "female"}
NARROWING = ("custom_audiences", "interests", "behaviors")
PHONES = {"iphone": "iOS", "android_smartphone": "Android"}


def eligible(population: Population, targeting: dict[str, Any]) -> Cells:
    """Return the share of every cell's people that targeting lets in.

    With Advantage audience, ages and genders are hints and everybody in the places is let in.
    """
    narrow = _interest_share(targeting, population.parameters.interest_share)
    strict = str((targeting.get("targeting_automation") or {}).get("advantage_audience", 0)) != "1"
    shares = [_label_share(label, targeting, strict=strict) * narrow for label in population.labels]
    return np.array(shares, dtype=np.float64)


def audience_key(targeting: dict[str, Any]) -> str:
    """Identify the people a targeting means: equal keys, the same people."""
    return hashlib.blake2b(repr(sorted(targeting.items())).encode(), digest_size=8).hexdigest()


def _interest_share(targeting: dict[str, Any], share: float) -> float:
    specs: list[dict[str, Any]] = [targeting, *(targeting.get("flexible_spec") or [])]
    narrowed = sum(1 for spec in specs if any(spec.get(name) for name in NARROWING))
    return float(share**narrowed)


def _label_share(label: dict[str, str], targeting: dict[str, Any], *, strict: bool) -> float:
    share = 1.0
    if strict:
        share *= _age_share(label.get("age"), targeting) * _gender_share(label.get("gender"), targeting)
    return share * _place_share(label, targeting) * _device_share(label.get("impression_device"), targeting)


def _age_share(bracket: str | None, targeting: dict[str, Any]) -> float:
    if bracket is None:
        return 1.0
    first, _, last = bracket.rstrip("+").partition("-")
    low, high = int(first), int(last or LAST_YEAR)
    youngest, oldest = int(targeting.get("age_min", 18)), int(targeting.get("age_max", OLDEST))
    oldest = LAST_YEAR if oldest >= OLDEST else oldest
    return max(0, min(high, oldest) - max(low, youngest) + 1) / (high - low + 1)


def _gender_share(gender: str | None, targeting: dict[str, Any]) -> float:
    wanted = {GENDERS[str(number)] for number in targeting.get("genders") or []}
    return 1.0 if gender is None or not wanted or gender in wanted else 0.0


def _place_share(label: dict[str, str], targeting: dict[str, Any]) -> float:
    places = targeting.get("geo_locations") or {}
    regions = {str(row.get("name", row.get("key"))) for row in places.get("regions") or []}
    if "country" in label and places.get("countries") and label["country"] not in places["countries"]:
        return 0.0
    return 1.0 if "region" not in label or not regions or label["region"] in regions else 0.0


def _device_share(device: str | None, targeting: dict[str, Any]) -> float:
    if device is None:
        return 1.0
    platforms = [str(name) for name in targeting.get("device_platforms") or []]
    if platforms and ("desktop" if device == "desktop" else "mobile") not in platforms:
        return 0.0
    systems = [str(name) for name in targeting.get("user_os") or []]
    meant = any(system.startswith(PHONES.get(device, "")) for system in systems)
    return 1.0 if not systems or meant else 0.0


def united_reach(population: Population, shown: Iterable[tuple[str, Cells, Cells]]) -> float:
    """Return how many different people saw any of several ads.

    Args:
        population: the people.
        shown: for each ad its audience's key, the audience's share of each cell, and its impressions per cell.

    Impressions on one audience add up; different audiences within a cell meet its people independently.
    """
    pools: dict[str, tuple[Cells, Cells]] = {}
    for key, share, impressions in shown:
        known = pools.get(key, (share, np.zeros(len(population))))[1]
        pools[key] = (share, known + impressions)
    missed = np.ones(len(population))
    for share, impressions in pools.values():
        missed *= 1 - population.reached(impressions, share) / population.people
    return float((population.people * (1 - missed)).sum())
