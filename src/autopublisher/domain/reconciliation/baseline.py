"""Baseline of Meta-set defaults, used to detect drift in fields we never set.

Theory of operation. Meta adds values of its own to what was asked for, so that the journal cannot say what they should be.
Their baseline is what Meta showed when the object was verified, before it was switched on. A later look that shows
something else shows somebody's doing, but for what Meta is known to change by itself.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from autopublisher.domain.meta.object_state import ObjectState

BASELINE_FIELDS = (
    "targeting",
    "adset_schedule",
    "pacing_type",
    "attribution_spec",
    "destination_type",
    "promoted_object",
    "bid_amount",
    "bid_constraints",
    "frequency_control_specs",
)
"""What of an ad set decides where, when and to whom it delivers, beside what is always asked for and compared as asked."""

METAS_OWN = frozenset(
    {
        "targeting_automation",  # the part of it that we ask for is compared as asked
        "targeting_optimization",
        "targeting_relaxation_types",
        "age_range",
        "user_age_unknown",
    }
)
"""Parts of a targeting that Meta adds and changes by itself."""

METAS_TO_ADD = frozenset({"brand_safety_content_filter_levels"})
"""Parts of a targeting that Meta may add or leave out; what they are while they are shown is somebody's choice."""

_UNSET: Mapping[str, Any] = {
    "pacing_type": ["standard"],
    "destination_type": "UNDEFINED",
    "location_types": ["home", "recent"],
    "device_platforms": ["desktop", "mobile"],
    "bid_amount": 0,
}
"""What Meta may show for a value that is not set: it is the same."""

_NEVER_BY_META = ("adset_schedule", "pacing_type", "bid_amount", "bid_constraints", "frequency_control_specs")
"""What Meta sets for nobody who has not asked for it."""

_PLACES = frozenset(
    {
        *("publisher_platforms", "device_platforms", "facebook_positions", "instagram_positions"),
        *("audience_network_positions", "messenger_positions", "threads_positions", "whatsapp_positions"),
    }
)
_BLOCKED = frozenset({"excluded_publisher_categories", "excluded_publisher_list_ids"})


def baseline_of(shown: ObjectState, amiss: Iterable[str]) -> dict[str, Any]:
    """Return the baseline of an ad set from what Meta shows of it; ``amiss`` are the fields that somebody has changed."""
    return {name: shown.raw.get(name) for name in BASELINE_FIELDS if name not in set(amiss)}


def drifted_fields(baseline: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what an ad set shows otherwise than in its baseline: by field, what it was and what it is.

    Of a targeting only the parts that differ are returned.
    """
    found: dict[str, tuple[Any, Any]] = {}
    for name, was in baseline.items():
        now = shown.get(name)
        pair = _differing(was or {}, now or {}) if name == "targeting" else (was, now)
        if _canonical(name, pair[0]) != _canonical(name, pair[1]):
            found[name] = pair
    return found


def unrequested_fields(wanted: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an ad set that show what only a person sets and nobody of us has asked for."""
    found = {
        name: shown.get(name)
        for name in _NEVER_BY_META
        if name not in wanted and _canonical(name, shown.get(name)) is not None
    }
    asked, there = wanted.get("targeting"), shown.get("targeting") or {}
    added = [name for name in _watched(asked or {}) if _canonical(name, there.get(name)) is not None]
    if asked is not None and not asked.keys() >= set(added):
        found["targeting"] = there
    return found


def _watched(asked: Mapping[str, Any]) -> frozenset[str]:
    """Return the parts of a targeting that only a person adds; Meta may complete the places where some are asked for."""
    return _BLOCKED if _PLACES & asked.keys() else _BLOCKED | _PLACES


def _differing(was: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    names = {
        name
        for name in (was.keys() | now.keys()) - METAS_OWN
        if _canonical(name, was.get(name)) != _canonical(name, now.get(name))
    }
    names -= {name for name in METAS_TO_ADD if not (was.get(name) and now.get(name))}
    return _only(was, names), _only(now, names)


def _only(one: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: one[name] for name in sorted(names) if name in one}


def _canonical(name: str, value: Any) -> Any:
    """Return a value in one form: numbers as text, lists in one order, and None for all that stands for nothing."""
    if isinstance(value, Mapping):
        parts = {key: _canonical(key, part) for key, part in value.items() if key not in METAS_OWN}
        form: Any = {key: part for key, part in parts.items() if part is not None}
    elif isinstance(value, list | tuple):
        form = sorted((_canonical("", one) for one in value), key=repr)
    elif value is None or isinstance(value, bool):
        form = None if value is None else str(int(value))
    else:
        form = str(value)
    return None if form in ({}, [], "") or (name in _UNSET and form == _canonical("", _UNSET[name])) else form
