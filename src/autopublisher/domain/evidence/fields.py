"""Fields of a JSON line, each read as what it must be or refused with its name and a remedy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST_QUOTE = 40


class LineError(ValueError):
    """A line that is not a test: which field, why, and what to do about it."""

    def __init__(self, field: str, reason: str, remedy: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
        self.remedy = remedy


def as_object(value: Any, field: str) -> dict[str, Any]:
    """Return the value, which must be an object."""
    if not isinstance(value, dict):
        raise LineError(field, "is not an object", "Write a JSON object here.")
    return value


def needed(values: Mapping[str, Any], name: str, field: str) -> Any:
    """Return a field that must be there."""
    if name not in values:
        raise LineError(field, "is missing", "Add this field.")
    return values[name]


def known_only(values: Mapping[str, Any], names: frozenset[str], prefix: str) -> None:
    """Refuse fields that are not among `names`."""
    for name in values:
        if name not in names:
            raise LineError(prefix + name, "is not a known field", f"Use one of: {', '.join(sorted(names))}.")


def flag_of(values: Mapping[str, Any], name: str, *, default: bool, prefix: str = "") -> bool:
    """Return a field that is true or false."""
    value = values.get(name, default)
    if not isinstance(value, bool):
        raise LineError(prefix + name, "is not true or false", "Write true or false.")
    return value


@dataclass(frozen=True)
class Range:
    """Numbers above `above` (or equal to it, where that is allowed) and below `below`."""

    above: float
    below: float
    allow_lowest: bool = False

    def read(self, value: Any, field: str) -> float:
        """Return the number; LineError when it is none or outside."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise LineError(field, "is not a number", self.remedy)
        lowest = value >= self.above if self.allow_lowest else value > self.above
        if not (lowest and value < self.below):
            raise LineError(field, f"is {value}"[:_LONGEST_QUOTE], self.remedy)
        return float(value)

    @property
    def remedy(self) -> str:
        """What to write instead."""
        least = "from" if self.allow_lowest else "above"
        return f"Write a number {least} {self.above:g} and below {self.below:g}."
