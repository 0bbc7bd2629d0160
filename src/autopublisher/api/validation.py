"""From pydantic's findings to problems that name field, reason and remedy; what was sent is never repeated."""

from collections.abc import Mapping, Sequence
from typing import Any

from autopublisher.domain.errors import Problem

_REMEDIES = {
    "missing": "Add this field.",
    "extra_forbidden": "Remove it, or correct its spelling; GET /openapi.json lists the fields.",
}
_CODES = {"missing": "missing", "extra_forbidden": "unknown_field"}
_REASONS = {"missing": "This field is required.", "extra_forbidden": "There is no such field."}


def problems_of(found: Sequence[Mapping[str, Any]], skip: int = 1) -> list[Problem]:
    """Return pydantic's error details as problems; ``skip`` leading parts of each location are not fields."""
    return [_problem_of(one, skip) for one in found]


def _problem_of(found: Mapping[str, Any], skip: int) -> Problem:
    kind = str(found["type"])
    return Problem(
        field=_path(found["loc"], skip),
        reason=_REASONS.get(kind, str(found["msg"])),
        remedy=_REMEDIES.get(kind, "Correct this value."),
        code=_CODES.get(kind, "invalid"),
    )


def _path(location: Sequence[str | int], skip: int) -> str:
    """Write where a value stands: ``headlines[1]``, ``ab_test_config.strategy``; ``body`` for the whole body."""
    parts = location[skip:] or location or ("body",)
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.lstrip(".")
