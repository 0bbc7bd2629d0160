"""From pydantic's findings to problems that name field, reason and remedy; what was sent is never repeated."""

from collections.abc import Mapping, Sequence
from typing import Any

from autopublisher.domain.errors import Problem

_REMEDIES = {
    "missing": "Add this field.",
    "extra_forbidden": "Remove it, or correct its spelling; GET /openapi.json lists the fields.",
    "unknown_form_field": "Remove it, or correct its spelling; the form has {known}.",
    "repeated_form_field": "Send it once.",
    "string_type": "Give a text in double quotes.",
    "bool_type": "Give true or false, without quotes.",
    "list_type": "Give a list in square brackets, such as [].",
    "dict_type": "Give an object in braces, such as {{}}.",
    "object_type": "Give an object in braces, such as {{}}.",
    "enum": "Allowed: {expected}.",
    "literal_error": "Allowed: {expected}.",
    "string_pattern_mismatch": "Give a text that fits {pattern}.",
    "string_too_long": "Give at most {max_length} characters.",
    "string_too_short": "Give at least {min_length} characters.",
    "too_long": "Give at most {max_length} entries.",
    "too_short": "Give at least {min_length} entries.",
    "greater_than": "Give a number above {gt}.",
    "greater_than_equal": "Give {ge} or more.",
    "less_than": "Give a number below {lt}.",
    "less_than_equal": "Give {le} or less.",
    "amount_type": "Give a number without quotes, such as 50.0.",
    "amount_range": "Give a number in that range.",
    "amount_places": "Give at most {most} decimal places.",
    "whole_type": "Give a whole number without quotes, such as 24.",
    "whole_range": "Give a whole number up to 1000000000.",
    "text_characters": "Leave out control characters; line breaks and tabs are allowed.",
    "moment_type": "Give date, time and offset, such as 2026-12-01T09:00:00Z.",
}
_ANY_REMEDY = "GET /openapi.json says what this field may be."
_CODES = {"missing": "missing", "extra_forbidden": "unknown_field", "unknown_form_field": "unknown_field"}
_REASONS = {
    "missing": "This field is required.",
    "extra_forbidden": "There is no such field.",
    "unknown_form_field": "There is no such field.",
}


def problems_of(found: Sequence[Mapping[str, Any]], skip: int = 1) -> list[Problem]:
    """Return pydantic's error details as problems; ``skip`` leading parts of each location are not fields."""
    return [_problem_of(one, skip) for one in found]


def _problem_of(found: Mapping[str, Any], skip: int) -> Problem:
    kind = str(found["type"])
    return Problem(
        field=_path(found["loc"], skip),
        reason=_REASONS.get(kind, str(found["msg"])),
        remedy=_remedy(kind, found.get("ctx", {})),
        code=_CODES.get(kind, "invalid"),
    )


def _remedy(kind: str, bounds: Mapping[str, Any]) -> str:
    """Return what is allowed instead, by the bounds that the value has broken."""
    try:
        return _REMEDIES.get(kind, _ANY_REMEDY).format_map(bounds)
    except KeyError:
        return _ANY_REMEDY


def _path(location: Sequence[str | int], skip: int) -> str:
    """Write where a value stands: ``headlines[1]``, ``ab_test_config.strategy``; ``body`` for the whole body."""
    parts = location[skip:] or location or ("body",)
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.lstrip(".")
