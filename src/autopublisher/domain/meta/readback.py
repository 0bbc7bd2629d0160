"""Read-back: what was asked of Meta compared with what Meta shows, in Meta's own wire forms."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.messages import Message
from autopublisher.domain.meta.answers import Difference

READ_FIELDS = {
    ObjectKind.CAMPAIGN: (
        "id",
        "name",
        "status",
        "effective_status",
        "objective",
        "spend_cap",
        "daily_budget",
        "lifetime_budget",
    ),
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

_STUDY_SLACK = 120
"""So many seconds later than asked for may a study begin, for it is asked for ahead."""

_AMOUNTS = ("daily_budget", "lifetime_budget", "spend_cap")


def differences(wanted: Mapping[str, Any], read: Mapping[str, Any]) -> list[Message]:
    """Return one message per wanted value that Meta does not show; empty where everything stands as asked.

    Only values that Meta reads back unchanged are compared: status, money, times, parents, objective, and of a study its
    type and cells.
    """
    return [
        _difference(field, value, read.get(field))
        for field, value in wanted.items()
        if field in _COMPARED and not _same(field, value, read.get(field))
    ]


def _difference(field: str, wanted: Any, read: Any) -> Message:
    if read is None:
        return Difference.MISSING(field=field, wanted=str(wanted))
    return Difference.SHOWN(field=field, shown=str(read), wanted=str(wanted))


def _same(field: str, wanted: Any, read: Any) -> bool:
    """Tell whether a value reads as it was asked for; one that is not what Meta documents does not."""
    if read is None:
        return False
    try:
        return _JUDGES.get(field, _same_text)(wanted, read)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


def _same_text(wanted: Any, read: Any) -> bool:
    return str(wanted) == str(read)


def _same_amount(wanted: Any, read: Any) -> bool:
    return int(wanted) == int(read)


def _same_start(wanted: Any, read: Any) -> bool:
    """One that had passed when it was asked for reads back as a later moment; no study's has."""
    late = unix_seconds(read) - unix_seconds(wanted)
    return late >= 0 and (late <= _STUDY_SLACK or not isinstance(wanted, int))


def unix_seconds(value: Any) -> int:
    """Return a moment as Unix seconds, the form in which a study is asked for its times; everything else is written out."""
    return value if isinstance(value, int) else int(datetime.fromisoformat(str(value)).timestamp())


def _cells(cells: Any) -> list[tuple[str, int, list[str]]]:
    """Return name, share and ad sets of each cell of a study; Meta lists cells and members as edges, shares as numbers."""
    return sorted(
        (
            str(row.get("name")),
            int(float(row.get("treatment_percentage") or 0)),
            sorted(
                str(one["id"]) if isinstance(one, Mapping) else str(one) for one in _listed(row.get("adsets"))
            ),
        )
        for row in _listed(cells)
    )


def _listed(edge: Any) -> Sequence[Any]:
    """Return the rows of an edge, or what was asked for in its place."""
    rows = edge.get("data") if isinstance(edge, Mapping) else edge
    return rows if isinstance(rows, list | tuple) else ()


_JUDGES: Mapping[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(_AMOUNTS, _same_amount),
    "start_time": _same_start,
    "end_time": lambda wanted, read: unix_seconds(wanted) == unix_seconds(read),
    "cells": lambda wanted, read: _cells(wanted) == _cells(read),
}
_COMPARED = frozenset(_JUDGES) | {"status", "objective", "campaign_id", "adset_id", "type"}
