"""Comparing what was asked of Meta with what Meta reads back, in Meta's own wire forms."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from autopublisher.domain.operations import ObjectKind

READ_FIELDS = {
    ObjectKind.CAMPAIGN: ("id", "name", "status", "effective_status", "objective", "spend_cap"),
    ObjectKind.AD_SET: (
        "id",
        "name",
        "status",
        "effective_status",
        "campaign_id",
        "daily_budget",
        "lifetime_budget",
        "start_time",
        "end_time",
    ),
    ObjectKind.CREATIVE: ("id", "name", "status"),
    ObjectKind.AD: ("id", "name", "status", "effective_status", "adset_id"),
    ObjectKind.RULE: ("id", "name", "status"),
    ObjectKind.STUDY: ("id", "name", "status", "type", "start_time", "end_time", "cells"),
}
"""Fields read to check an object, and only those are compared."""

_MOMENTS = frozenset({"start_time", "end_time"})
_AMOUNTS = frozenset({"daily_budget", "lifetime_budget", "spend_cap"})
_COMPARED = _MOMENTS | _AMOUNTS | {"status", "objective", "campaign_id", "adset_id", "type", "cells"}


def differences(wanted: Mapping[str, Any], read: Mapping[str, Any]) -> list[str]:
    """Return one sentence per wanted value that Meta does not show; empty where everything stands as asked.

    Only values that Meta reads back unchanged are compared: status, money, times, parents, objective, and of a study its
    type and cells.
    """
    return [
        f"{field} is {read.get(field)!r}, not {value!r}"
        for field, value in wanted.items()
        if field in _COMPARED and not _same(field, value, read.get(field))
    ]


def _same(field: str, wanted: Any, read: Any) -> bool:
    if read is None:
        return False
    if field == "start_time":
        return unix_seconds(read) >= unix_seconds(
            wanted
        )  # a start that has passed reads back as the moment it was set
    if field in _MOMENTS:
        return unix_seconds(wanted) == unix_seconds(read)
    if field in _AMOUNTS:
        return int(wanted) == int(read)
    if field == "cells":
        return _shares(wanted) == _shares(read)
    return str(wanted) == str(read)


def unix_seconds(value: Any) -> int:
    """Return a moment as Unix seconds, the form in which a study is asked for its times; everything else is written out."""
    return value if isinstance(value, int) else int(datetime.fromisoformat(str(value)).timestamp())


def _shares(cells: Any) -> list[tuple[str, int]]:
    """Return the name and share of each cell of a study; Meta lists the cells as an edge, and shares as numbers or text."""
    rows = cells.get("data") if isinstance(cells, Mapping) else cells
    listed = rows if isinstance(rows, list | tuple) else ()
    return sorted((str(row.get("name")), int(float(row.get("treatment_percentage") or 0))) for row in listed)
