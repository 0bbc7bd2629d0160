"""Field selections such as `id,name,adsets.limit(5){id,budget_remaining}`, read into a small tree."""

import re
from dataclasses import dataclass, field

from metasim.graph.errors import GraphError
from metasim.graph.wire import Params

_TOKEN = re.compile(
    r"""
    \s+ | [A-Za-z0-9_:]+ | [{},]
    | \.[a-z_]+\( (?: "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | [^()"'] )* \)
    """,
    re.VERBOSE,
)

DEEPEST = 12  # assumed; every level may multiply the answer


@dataclass(frozen=True)
class Selection:
    """Chosen field names in order, each with its own nested selection and modifiers (limit, filtering...)."""

    names: dict[str, "Selection"] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.names)


def read_selection(params: Params) -> Selection:
    """Return the selection of a call's `fields`. Raises GraphError 2500 on bad syntax."""
    fields = params.get("fields")
    listed = isinstance(fields, list) or str(fields or "").lstrip().startswith("[")
    return parse_selection(",".join(params.words("fields") or []) if listed else params.text("fields") or "")


def parse_selection(text: str) -> Selection:
    """Read a selection's text."""
    tokens = _TOKEN.findall(text)
    if sum(map(len, tokens)) != len(text):
        raise _syntax(text)
    selection, rest = _read([token for token in tokens if not token.isspace()], text, DEEPEST)
    if rest:
        raise _syntax(text)
    return selection


def _read(tokens: list[str], text: str, depth: int) -> tuple[Selection, list[str]]:
    if not depth:
        raise GraphError(f"(#100) Fields may be nested at most {DEEPEST} deep", 100, blame=("fields",))
    names: dict[str, Selection] = {}
    while tokens and tokens[0] != "}":
        name, *tokens = tokens
        if name == ",":
            continue
        options: dict[str, str] = {}
        while tokens and tokens[0].startswith("."):
            key, _, value = tokens[0][1:-1].partition("(")
            options[key] = value
            tokens = tokens[1:]
        nested: dict[str, Selection] = {}
        if tokens and tokens[0] == "{":
            inside, tokens = _read(tokens[1:], text, depth - 1)
            if not tokens:
                raise _syntax(text)
            nested, tokens = inside.names, tokens[1:]
        names[name] = Selection(nested, options)
    return Selection(names), tokens


def _syntax(text: str) -> GraphError:
    return GraphError(f"Syntax error in field selection: {text[:80]}", 2500)
