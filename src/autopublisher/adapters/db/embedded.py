"""Rows of several tables in one statement: each table's come as one JSON text, and are made rows again here."""

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

import jiter
from sqlalchemy import JSON, Boolean, Column, ColumnElement, ScalarSelect, Table, Text, cast, func, select
from sqlalchemy.types import TypeDecorator

from autopublisher.adapters.db.column_types import Kept
from autopublisher.adapters.db.session import Row, Values

_Reader = Callable[[Any], Any]


class EmbeddedRows:
    """The rows of one table, as one value of a statement; they come back by ``order``, a column, or in no order."""

    def __init__(self, table: Table, order: str | None = None) -> None:
        self._columns = tuple(table.columns)
        self._names = tuple(table.columns.keys())
        self._order = None if order is None else itemgetter(self._names.index(order))

    def sql(self, *conditions: ColumnElement[bool], postgres: bool) -> ScalarSelect[str]:
        """Return the value that has the rows for which the conditions hold."""
        if postgres:
            row = func.json_build_array(*self._columns)
            return select(cast(func.json_agg(row), Text)).where(*conditions).scalar_subquery()
        row = func.json_array(*(func.json(one) if _is_json(one) else one for one in self._columns))
        return select(func.json_group_array(row)).where(*conditions).scalar_subquery()

    def rows(self, text: str | None) -> list[Row]:
        """Return the rows that such a value has."""
        return [dict(zip(self._names, values, strict=True)) for values in self.values(text)]

    def values(self, text: str | None) -> list[Values]:
        """Return them by the order of their columns."""
        rows = [] if text is None else _parsed(text)
        for index, read in self._readers:
            for row in rows:
                if row[index] is not None:
                    row[index] = read(row[index])
        return rows if self._order is None else sorted(rows, key=self._order)

    @cached_property
    def _readers(self) -> Sequence[tuple[int, _Reader]]:
        """What makes the values of some columns again what their types return."""
        found = ((index, _reader_of(column)) for index, column in enumerate(self._columns))
        return [(index, read) for index, read in found if read is not None]


def _is_json(column: Column[Any]) -> bool:
    kind = column.type
    return isinstance(kind.impl_instance if isinstance(kind, TypeDecorator) else kind, JSON)


def _reader_of(column: Column[Any]) -> _Reader | None:
    kind = column.type
    if isinstance(kind, Boolean):
        return bool  # a number on SQLite
    return kind.read if isinstance(kind, Kept) else None


def _parsed(text: str) -> list[Any]:
    """Return the rows; what holds half a pair of surrogates, as somebody's broken text may, only the slower parser takes."""
    try:
        rows: list[Any] = jiter.from_json(text.encode())
    except ValueError:
        rows = json.loads(text)
    return rows
