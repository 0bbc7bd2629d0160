"""Relaxed JSON and PHP's bracketed parameter names: the spellings Meta reads beside strict JSON."""

import json
import math
import re
from collections.abc import Iterable
from typing import Any

DEEPEST_BRACKETS = 64  # PHP's default; deeper levels are cut off
_TOKEN = re.compile(
    r"""
    (?P<double>"(?:[^"\\]|\\.)*") | (?P<single>'(?:[^'\\]|\\.)*')
    | (?P<key>[A-Za-z_][\w.]*)(?=\s*:) | (?P<word>[A-Za-z]+) | (?P<rest>[^"'A-Za-z]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_BRACKET = re.compile(r"\[([^\]]*)\]")


def read_json(text: str) -> Any:
    """Read JSON without NaN, endless depth or half characters, as requests' whole bodies must be. Raises ValueError."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair cannot be encoded
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def read_relaxed_json(text: str) -> Any:
    """Read a parameter's JSON: single quotes, unquoted keys and True for true are taken too. Raises ValueError."""
    try:
        return read_json(text)
    except ValueError:
        return read_json(_strict(text))


def _strict(text: str) -> str:
    """Return relaxed JSON as JSON; what is neither comes out as it was."""
    tokens = list(_TOKEN.finditer(text))
    if sum(len(token[0]) for token in tokens) != len(text):
        raise ValueError("neither JSON nor relaxed JSON")
    return "".join(_strict_token(token) for token in tokens)


def _strict_token(token: re.Match[str]) -> str:
    if token["single"]:
        inside = token["single"][1:-1].replace("\\'", "'")
        return '"' + re.sub(r'(?<!\\)"', r"\"", inside) + '"'
    if token["key"]:
        return json.dumps(token["key"])
    return token[0].lower() if token["word"] and token[0].lower() in ("true", "false", "null") else token[0]


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def read_pairs(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return parameters of a query or form by name; `a[b]=`, `a[0]=` and `a[]=` build tables and lists, as in PHP."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        head, *path = _path(name)
        _put(values, [head, *path[:DEEPEST_BRACKETS]], value)
    return {name: _as_list(value) for name, value in values.items()}


def _path(name: str) -> list[str]:
    head, bracket, _ = name.partition("[")
    inner = name[len(head) :]
    keys = _BRACKET.findall(inner)
    well_formed = head and bracket and sum(len(key) + 2 for key in keys) == len(inner)
    return [head, *keys] if well_formed else [name]


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    *above, last = path
    for key in above:
        name = key or str(len(values))
        if not isinstance(values.get(name), dict):
            values[name] = {}
        values = values[name]
    values[last or str(len(values))] = value


def _as_list(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    items = [_as_list(each) for each in value.values()]
    counted = list(value) == [str(number) for number in range(len(value))]
    return items if counted else dict(zip(value, items, strict=True))
