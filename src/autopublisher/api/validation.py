"""From pydantic's findings to problems that name field, reason and remedy; what was sent is never repeated."""

from collections.abc import Mapping, Sequence
from typing import Any

from autopublisher.domain.errors import Problem
from autopublisher.domain.messages import Message
from autopublisher.messages import is_worded

_CODES = {"missing": "missing", "extra_forbidden": "unknown_field", "unknown_form_field": "unknown_field"}


def problems_of(found: Sequence[Mapping[str, Any]], skip: int = 1) -> list[Problem]:
    """Return pydantic's error details as problems; ``skip`` leading parts of each location are not fields."""
    return [_problem_of(one, skip) for one in found]


def _problem_of(found: Mapping[str, Any], skip: int) -> Problem:
    said, remedy = _said(found)
    return Problem(_path(found["loc"], skip), said, remedy, _CODES.get(str(found["type"]), "invalid"))


def _said(found: Mapping[str, Any]) -> tuple[Message, Message]:
    """Return what is wrong and what is allowed instead, by the bounds that the value has broken."""
    code = f"field.{found['type']}"
    bounds = {name: str(value) for name, value in found.get("ctx", {}).items()}
    if not is_worded(code, bounds):
        return Message("field.other", {"message": str(found["msg"])}), Message("field.other.remedy")
    return Message(code, bounds), Message(f"{code}.remedy", bounds)


def _path(location: Sequence[str | int], skip: int) -> str:
    """Write where a value stands: ``headlines[1]``, ``ab_test_config.strategy``; ``body`` for the whole body."""
    parts = location[skip:] or location or ("body",)
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.lstrip(".")
