"""JSON text as it is stored: one form for every adapter, so that a value changes the same way (or not) in all of them."""

import json
from collections.abc import Mapping
from typing import Any

import jiter


def to_json(value: Any) -> str:
    """Write a value as JSON; raises ValueError for NaN and TypeError for what JSON has no word for."""
    return json.dumps(value, allow_nan=False, default=_plain, separators=(",", ":"))


def from_json(text: str | bytes) -> Any:
    """Return what a JSON text says; half a pair of surrogates, as broken text may hold, only the slower parser takes."""
    try:
        return jiter.from_json(text.encode() if isinstance(text, str) else text)
    except ValueError:
        return json.loads(text)


def json_copy(value: Any) -> Any:
    """Return what would come back after storing ``value``: tuples become lists, mappings become dicts."""
    return json.loads(to_json(value))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
