"""Requests and answers as values: whatever the encoding, a call is a method, a path and parameters."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from metasim.graph.errors import GraphError, malformed, missing, not_one_of
from metasim.graph.relaxed_json import read_relaxed_json
from metasim.times import parse_moment


@dataclass(frozen=True)
class Upload:
    """A file of a multipart request."""

    filename: str
    content: bytes


class Params(Mapping[str, Any]):
    """A call's parameters; nested values may be JSON text and are read on demand."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def given(self, name: str) -> bool:
        """Tell whether a parameter was sent with a value."""
        return self._values.get(name) not in (None, "")

    def text(self, name: str) -> str | None:
        """Return a parameter as text, or None."""
        value = self._values.get(name)
        if value is None:
            return None
        return value if isinstance(value, str) else json.dumps(value)

    def need_text(self, name: str) -> str:
        """Return a parameter that must be there as text."""
        value = self.text(name)
        if not value:
            raise missing(name)
        return value

    def integer(self, name: str) -> int | None:
        """Return a parameter as an integer, or None if it was not sent."""
        value = self._values.get(name)
        if value in (None, ""):
            return None
        try:
            return int(str(value))
        except ValueError as error:
            raise malformed(name, "an integer") from error

    def flag(self, name: str) -> bool | None:
        """Return a parameter as a boolean, or None if it was not sent."""
        value = str(self._values.get(name, "")).strip('"').lower()
        if value in ("", "none"):
            return None
        if value not in ("true", "false", "1", "0"):
            raise malformed(name, "a boolean")
        return value in ("true", "1")

    def structure(self, name: str) -> Any:
        """Return a parameter's JSON value, parsing JSON text; None if it was not sent."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return read_relaxed_json(value) if value else None
        except ValueError as error:
            raise malformed(name, "a valid JSON value") from error

    def table(self, name: str) -> dict[str, Any] | None:
        """Return a parameter that must be a JSON object, or None if it was not sent."""
        value = self.structure(name)
        if value is not None and not isinstance(value, dict):
            raise malformed(name, "a JSON object")
        return value

    def words(self, name: str) -> list[str] | None:
        """Return a list given as JSON or with commas, or None if it was not sent."""
        value = self._values.get(name)
        if isinstance(value, str) and not value.lstrip().startswith("["):
            return [word.strip() for word in value.split(",") if word.strip()]
        items = self.structure(name)
        if items is not None and not isinstance(items, list):
            raise malformed(name, "an array")
        return None if items is None else [str(item) for item in items]

    def choice(self, name: str, allowed: tuple[str, ...] | frozenset[str]) -> str | None:
        """Return a parameter that must be one of a set, or None if it was not sent."""
        value = self.text(name)
        if not value:
            return None
        if value not in allowed:
            raise not_one_of(name, allowed)
        return value

    def moment(self, name: str, zone: ZoneInfo, now_us: int) -> int | None:
        """Return a time in microseconds, or None if it was not sent; words such as `tomorrow` count from now."""
        value = self._values.get(name)
        if value in (None, ""):
            return None
        try:
            return parse_moment(value, zone, now_us)
        except ValueError as error:
            raise malformed(name, "a valid date-time") from error

    @property
    def validate_only(self) -> bool:
        """Whether the caller only wants to know if the write would be accepted."""
        return "validate_only" in (self.words("execution_options") or [])


@dataclass(frozen=True)
class Call:
    """One request as the Graph API understands it."""

    method: str
    segments: tuple[str, ...]
    params: Params
    version: str | None = None
    token: str | None = None
    base_url: str = ""
    files: dict[str, Upload] = field(default_factory=dict)
    asynchronous: bool = False  # done later, when larger copies are allowed

    @property
    def path(self) -> str:
        """The path without version."""
        return "/".join(self.segments)

    @property
    def writes(self) -> bool:
        """Whether the call may change something."""
        return self.method != "GET"


@dataclass(frozen=True)
class Reply:
    """One answer; `html` replaces the JSON body when something in front of Meta answers."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    html: str | None = None


def reply_of(error: GraphError, trace: str) -> Reply:
    """Return the answer that carries an error."""
    headers = {}
    if error.code in (102, 190):
        headers["WWW-Authenticate"] = f'OAuth "Facebook Platform" "invalid_token" "{error.message}"'
    return Reply(error.http, error.body(trace), headers)
