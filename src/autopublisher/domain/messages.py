"""Messages: a code and typed parameters each, which the catalogue words when somebody reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, TypeVar, Union

from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import AutoPublisherError

LEGACY: Final = "legacy"
"""The code of what an earlier release stored as a sentence: shown as it stands, in whatever language that is."""

_E = TypeVar("_E", bound=AutoPublisherError)

Param = Union[str, int, float, date, datetime, Money, "Message", tuple["Param", ...]]
"""What a message is filled with; numbers, money and moments are written as the reader's language and zone ask for."""


@dataclass(frozen=True)
class Message:
    """One thing to say: a ``code`` of the catalogue, and what fills the places of its sentence."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Write the code and its parameters, for logs and tracebacks: nobody reads them in a language."""
        return " ".join((self.code, *(f"{name}={value}" for name, value in self.params.items())))

    def to_record(self) -> dict[str, Any]:
        """Return what is stored: JSON in which money, moments and messages are told apart from text."""
        params = {one: value if type(value) is str else _stored(value) for one, value in self.params.items()}
        return {"code": self.code, "params": params}

    @classmethod
    def from_record(cls, stored: Mapping[str, Any] | str) -> "Message":
        """Return what was stored; a sentence of an earlier release as ``legacy``."""
        if isinstance(stored, str):
            return legacy(stored)
        params = {
            one: value if type(value) is str else _read(value) for one, value in stored["params"].items()
        }
        return cls(stored["code"], params)


def legacy(sentence: str) -> Message:
    """Return a sentence that has no code: one of an earlier release, or of Meta or a person as they wrote it."""
    return Message(LEGACY, {"sentence": sentence})


def worded(said: Message | str) -> Message:
    """Return a message; a sentence without a code, as Meta or a library wrote it, as ``legacy``."""
    return said if isinstance(said, Message) else legacy(said)


def remedied(said: Message) -> tuple[Message, Message]:
    """Return what is wrong and what to do about it, which is worded from the same parameters."""
    return said, Message(f"{said.code}.remedy", said.params)


def refusal(kind: type[_E], said: Message, **facts: object) -> _E:
    """Return an error of a kind whose reason is a message, with the message's own remedy."""
    reason, remedy = remedied(said)
    error = kind(reason=reason, **facts)
    error.remedy = remedy
    return error


def said_of(error: AutoPublisherError) -> Message:
    """Return what an error says: the code of its class, filled with its facts."""
    facts = {name: value if isinstance(value, Message) else str(value) for name, value in error.facts.items()}
    return Message(code_of(type(error)), facts)


def remedy_of(error: AutoPublisherError) -> Message | str:
    """Return what can be done about an error: the code of the class that states it, or what this error was given."""
    kind = type(error)
    if not error.remedy or error.remedy != kind.remedy:
        return error.remedy
    owner = next(one for one in kind.__mro__ if "remedy" in vars(one))
    return Message(f"{code_of(owner)}.remedy")


def code_of(kind: type[AutoPublisherError]) -> str:
    """Return the code of a class of errors, such as ``error.run_not_found``."""
    name = "".join(f"_{one.lower()}" if one.isupper() else one for one in kind.__name__.removesuffix("Error"))
    return f"error.{name.lstrip('_')}"


class Code(StrEnum):
    """The codes of one subject; calling one with its parameters makes the message."""

    def __call__(self, **params: Param) -> Message:
        """Return the message."""
        return Message(self.value, params)


def _stored(value: Param) -> Any:
    if isinstance(value, Message):
        return value.to_record()
    if isinstance(value, Money):
        return {"minor": value.minor, "currency": value.currency}
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    return [_stored(one) for one in value] if isinstance(value, tuple) else value


def _read(value: Any) -> Param:
    if isinstance(value, list):
        return tuple(_read(one) for one in value)
    if not isinstance(value, dict):
        found: Param = value
        return found
    if "code" in value:
        return Message.from_record(value)
    if "minor" in value:
        return Money(value["minor"], value["currency"])
    return datetime.fromisoformat(value["at"]) if "at" in value else date.fromisoformat(value["day"])
