"""Edits: fields of an object at Meta that differ from what the journal last requested.

Theory of operation. What we asked for is compared in a canonical form: Meta writes numbers as text, moments in the
account's zone, lists in its own order, some goals under another name, and adds defaults of its own. What we never asked for
counts where Meta never sets it by itself (a budget, a schedule for the day, an audience, a place, a placement added to a
targeting), and otherwise where it is not as Meta showed it when the object was new (``baseline``). An edit is a
threat where it makes more money spendable than is set aside for the object.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.messages import Message
from autopublisher.domain.meta.object_state import GONE, OFF, ObjectState
from autopublisher.domain.meta.readback import READ_FIELDS
from autopublisher.domain.reconciliation.baseline import BASELINE_FIELDS, drifted_fields, unrequested_fields
from autopublisher.domain.reconciliation.finding_messages import FindingMessage

START_SLACK = timedelta(minutes=2)
"""A start that had passed when it was asked for reads as the moment of asking, by Meta's clock."""

SWEEP_FIELDS: Mapping[ObjectKind, tuple[str, ...]] = {
    ObjectKind.CAMPAIGN: (
        *READ_FIELDS[ObjectKind.CAMPAIGN],
        "buying_type",
        "special_ad_categories",
    ),
    ObjectKind.AD_SET: (
        *READ_FIELDS[ObjectKind.AD_SET],
        "billing_event",
        "optimization_goal",
        "bid_strategy",
        *BASELINE_FIELDS,
    ),
    ObjectKind.CREATIVE: (*READ_FIELDS[ObjectKind.CREATIVE], "object_story_spec"),
    ObjectKind.AD: (*READ_FIELDS[ObjectKind.AD], "creative"),
}
"""What the reconciliation reads of each kind: more than a tick needs to see whether its own write took effect."""

_BUDGETS = frozenset({"daily_budget", "lifetime_budget"})
_AMOUNTS = _BUDGETS | {"spend_cap"}
_NEVER_UNASKED: Mapping[ObjectKind, frozenset[str]] = {
    ObjectKind.CAMPAIGN: _AMOUNTS,
    ObjectKind.AD_SET: _BUDGETS,
}
"""Money that counts as changed even where we never named it."""

_DEFAULTS: Mapping[str, Any] = {
    "age_min": 18,
    "age_max": 65,
    "buying_type": "AUCTION",
    "bid_strategy": "LOWEST_COST_WITHOUT_CAP",
}
"""What Meta may leave out because it is the default."""

_AUDIENCE = frozenset(
    {
        *(
            "behaviors",
            "connections",
            "custom_audiences",
            "excluded_connections",
            "excluded_custom_audiences",
        ),
        *("excluded_geo_locations", "excluded_user_device", "exclusions", "flexible_spec"),
        *(
            "friends_of_connections",
            "genders",
            "interests",
            "life_events",
            "locales",
            "user_device",
            "user_os",
        ),
        *("wireless_carrier", "product_audience_specs", "industries", "income", "family_statuses"),
        *("relationship_statuses", "education_statuses", "work_employers", "work_positions"),
    }
)
_PLACES = frozenset(
    {
        *("cities", "country_groups", "custom_locations", "electoral_districts", "geo_markets"),
        *("neighborhoods", "places", "regions", "zips"),
    }
)
"""Parts of a targeting that change who sees an ad, and that Meta never sets by itself: there, they are somebody's doing."""

_ALIASES = {"REACH": "IMPRESSIONS"}
"""Goals that Meta reads back under another name."""

_UNNAMED = frozenset({ObjectKind.CREATIVE})
"""Kinds whose name may be another object's: Meta answers an identical creative with the one it has."""


@dataclass(frozen=True)
class Edit:
    """One value that is not as we asked: ``wanted`` and ``shown`` as text, ``threat`` where it frees more money.

    With ``unasked`` it is a value we never asked for, and ``wanted`` is what Meta showed when the object was new.
    """

    field: str
    wanted: str
    shown: str
    threat: bool = False
    unasked: bool = False

    @property
    def said(self) -> Message:
        """What people read."""
        code = FindingMessage.EDITED_UNASKED if self.unasked else FindingMessage.EDITED
        nothing = FindingMessage.NOT_SET() if self.unasked else FindingMessage.NONE()
        shown = _readable(self.shown) or FindingMessage.NOT_SET()
        return code(field=self.field, shown=shown, wanted=_readable(self.wanted) or nothing)

    def to_record(self) -> dict[str, Any]:
        """Return the edit as JSON types."""
        return asdict(self)


def _readable(value: str) -> str | datetime:
    """Return a moment as one, so that it is shown in the account's zone; any other value as it is."""
    try:
        return datetime.fromisoformat(value) if len(value) >= len("2026-12-01T09:00:00+0000") else value
    except ValueError:
        return value


def edits(
    wanted: Mapping[str, Any],
    shown: ObjectState,
    baseline: Mapping[str, Any] | None = None,
    start_set_at: datetime | None = None,
) -> tuple[Edit, ...]:
    """Return what Meta shows otherwise than ``wanted``: the create's parameters and the later updates, ids resolved.

    ``shown`` has ``SWEEP_FIELDS``, of which Meta leaves out what is not set. Of an object that is gone only that counts.
    ``baseline`` is how Meta showed the rest when the object was new, ``start_set_at`` when its start was set; without
    them less is found.
    """
    kind, read = shown.kind, shown.raw
    if shown.is_gone:
        return () if wanted.get("status") in GONE else (_edit("status", wanted.get("status"), shown.status),)
    unasked = {name: None for name in _NEVER_UNASKED.get(kind, ()) if name not in wanted}
    names = [
        name for name in SWEEP_FIELDS[kind] if name in wanted and (name != "name" or kind not in _UNNAMED)
    ]
    asked = unasked | {name: wanted[name] for name in names}
    found = {
        name: _edit(name, value, read.get(name))
        for name, value in asked.items()
        if not _JUDGES.get(name, _is_held)(value, _or_default(name, read.get(name)))
    }
    start = asked.get("start_time")
    if start is not None and start_set_at is not None and _is_put_off(start, read, start_set_at):
        found["start_time"] = _edit("start_time", start, read.get("start_time"))
    if kind is ObjectKind.AD_SET:
        found = _beside(wanted, read, baseline or {}) | found
    return tuple(found.values())


def _beside(
    wanted: Mapping[str, Any], read: Mapping[str, Any], baseline: Mapping[str, Any]
) -> dict[str, Edit]:
    """Return what an ad set shows of what we never asked for, by field: somebody else has set it, or has changed it."""
    set_by_somebody = {
        name: _edit(name, wanted.get(name), value) for name, value in unrequested_fields(wanted, read).items()
    }
    changed = {
        name: Edit(name, _text(was or None), _text(now or None), unasked=True)
        for name, (was, now) in drifted_fields(baseline, read).items()
    }
    return set_by_somebody | changed


def _edit(field: str, wanted: Any, shown: Any) -> Edit:
    return Edit(field, _text(wanted), _text(shown), _is_threat(field, wanted, shown))


def _is_threat(field: str, wanted: Any, shown: Any) -> bool:
    """Tell whether more can be spent with the shown value than with the wanted one."""
    if field == "status":
        return wanted in OFF and _text(shown) not in OFF
    if field in _BUDGETS:
        return _is_more(_amount(shown), _amount(wanted))
    if field == "spend_cap":  # none at all is the highest cap
        cap = _amount(wanted) or 0
        return cap > 0 and not 0 < (_amount(shown) or 0) <= cap
    if field == "end_time":
        return wanted is not None and _is_more(_moment(shown), _moment(wanted))
    return False


def _is_more(shown: int | None, wanted: int | None) -> bool:
    """Tell whether one is more than the other; what cannot be read may be."""
    return shown is None or wanted is None or shown > wanted


# --- canonical forms ------------------------------------------------------------------------------


def _is_held(wanted: Any, read: Any) -> bool:
    """Tell whether ``read`` has all that ``wanted`` names; what Meta adds to it does not matter."""
    if isinstance(wanted, Mapping):
        there: Mapping[str, Any] = read if isinstance(read, Mapping) else {}
        return all(_is_held(value, _or_default(name, there.get(name))) for name, value in wanted.items())
    if isinstance(wanted, list | tuple):
        shown = read if isinstance(read, list | tuple) else ()
        return _members(wanted) == _members(shown)
    return _text(wanted) == _text(read)


def _or_default(name: str, shown: Any) -> Any:
    return _DEFAULTS.get(name) if shown is None else shown


def _is_same_audience(wanted: Any, read: Any) -> bool:
    """Tell whether a targeting has all that was asked for, and nothing besides that changes who is reached."""
    return _is_held(wanted, read) and not any(
        _has_more(names, asked, shown)
        for names, asked, shown in (
            (_AUDIENCE, wanted, read),
            (_PLACES, wanted.get("geo_locations"), read.get("geo_locations")),
        )
    )


def _has_more(names: frozenset[str], asked: Any, shown: Any) -> bool:
    known, there = asked or {}, shown or {}
    return any(there.get(name) and name not in known for name in names)


def _members(values: Sequence[Any]) -> list[str]:
    """Return a list's values in one order; Meta writes an empty list of categories as NONE, too."""
    return sorted(text for text in map(_text, values) if text != "NONE")


def _is_same_creative(wanted: Any, read: Any) -> bool:
    ids = [
        one.get("id") or one.get("creative_id") if isinstance(one, Mapping) else None
        for one in (wanted, read)
    ]
    return ids[0] == ids[1]


def _is_same_start(wanted: Any, read: Any) -> bool:
    """Tell whether the start is as asked; one that had passed when it was set reads as a later moment."""
    asked, shown = _moment(wanted), _moment(read)
    return asked is not None and shown is not None and shown >= asked


def _is_put_off(wanted: Any, read: Mapping[str, Any], set_at: datetime) -> bool:
    """Tell whether the start is later than was asked for and than the moment at which Meta was asked."""
    asked, shown = _moment(wanted), _moment(read.get("start_time"))
    latest = max(asked or 0, int((set_at + START_SLACK).timestamp()))
    return shown is not None and shown > latest


_JUDGES: Mapping[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(_AMOUNTS, lambda wanted, read: _amount(wanted) == _amount(read)),
    "start_time": _is_same_start,
    "end_time": lambda wanted, read: _moment(wanted) == _moment(read),
    "optimization_goal": lambda wanted, read: _ALIASES.get(wanted, wanted) == _ALIASES.get(read, read),
    "creative": _is_same_creative,
    "targeting": _is_same_audience,
}


def _amount(value: Any) -> int | None:
    """Return minor units, None where they cannot be read; Meta shows an amount that is not set as nothing or as 0."""
    try:
        return int(str(value or 0))
    except ValueError:
        return None


def _moment(value: Any) -> int | None:
    """Return a moment in Unix seconds, None where there is none or it cannot be read."""
    try:
        return int(datetime.fromisoformat(str(value)).timestamp())
    except ValueError:
        return None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else json.dumps(value, sort_keys=True)
