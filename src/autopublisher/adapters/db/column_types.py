"""Column types that give the domain back what it stored: aware moments, named words, tuples, messages."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Dialect, Integer, Text
from sqlalchemy.types import JSON, TIMESTAMP, TypeDecorator, TypeEngine

from autopublisher.adapters.json_text import to_json
from autopublisher.domain.messages import Message

_T = TypeVar("_T")
_W = TypeVar("_W", bound=StrEnum)

NAME = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that is compared and ordered byte by byte, the same on every database and in Python."""

RECORD = JSON(none_as_null=True)
"""JSON kept as text, so that numbers and the order of keys come back as they were."""

_RECORD_BEGINS = '{"code":'

SERIAL = BigInteger().with_variant(Integer, "sqlite")
"""A number the database counts up; SQLite only does so for INTEGER."""


class Kept(TypeDecorator[_T]):
    """A type whose values come back as the domain's, from a column or from a JSON text that embeds it."""

    def read(self, value: Any) -> _T:
        """Return what the database gave, which is not nothing, as the domain has it."""
        raise NotImplementedError

    def process_result_value(self, value: Any, _dialect: Dialect) -> _T | None:
        """Return the domain's value, None for nothing."""
        return None if value is None else self.read(value)


class Moment(Kept[datetime]):
    """An aware moment, returned in UTC; on SQLite ISO text of fixed width, which sorts as time does."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose timestamptz where there is one."""
        return dialect.type_descriptor(TIMESTAMP(timezone=True) if _is_postgres(dialect) else Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        """Refuse a moment without a time zone: nobody could say when it was."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        moment = value.astimezone(UTC)
        return moment if _is_postgres(dialect) else moment.isoformat(timespec="microseconds")

    def read(self, value: Any) -> datetime:
        """Return the moment in UTC."""
        moment: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


class Word(Kept[_W]):
    """One word of a StrEnum, stored as its text."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[_W]) -> None:
        super().__init__()
        self.words = words
        self._members = {one.value: one for one in words}

    def process_bind_param(self, value: _W | None, _dialect: Dialect) -> str | None:
        """Store the text; a word the enum does not have is a ValueError."""
        return None if value is None else self.words(value).value

    def read(self, value: Any) -> _W:
        """Return the enum's member; KeyError for a word that it does not have."""
        return self._members[value]


class Said(Kept[Message]):
    """A message, stored as JSON text; other text is a sentence of an earlier release."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Message | None, _dialect: Dialect) -> str | None:
        """Store its record."""
        return None if value is None else to_json(value.to_record())

    def read(self, value: Any) -> Message:
        """Return the message, or the sentence as ``legacy``."""
        return Message.from_record(json.loads(value) if value.startswith(_RECORD_BEGINS) else value)


class Words(Kept[tuple[str, ...]]):
    """A tuple of texts, stored as a JSON list."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, _dialect: Dialect) -> list[str] | None:
        """Store a list."""
        return None if value is None else list(value)

    def read(self, value: Any) -> tuple[str, ...]:
        """Return a tuple."""
        return tuple(value)


def _is_postgres(dialect: Dialect) -> bool:
    return dialect.name == "postgresql"
