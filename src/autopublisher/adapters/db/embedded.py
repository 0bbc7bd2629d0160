"""Rows of several tables in one statement: each table's come as one JSON text, and are made rows again here."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import JSON, Boolean, ColumnElement, ScalarSelect, Table, Text, cast, func, null, select
from sqlalchemy.types import TypeDecorator

from autopublisher.adapters.db.column_types import Kept
from autopublisher.adapters.db.session import Row, Session, Values, WideStatement
from autopublisher.adapters.json_text import from_json

_T = TypeVar("_T")
_Reader = Callable[[Any], Any]

Conditions = Mapping[Table, ColumnElement[bool]]
"""Which rows of which table are wanted."""


def among(column: ColumnElement[str], listed: ColumnElement[str], *, postgres: bool) -> ColumnElement[bool]:
    """Tell whether a column's text is in a JSON list, itself one parameter, so that a statement takes any number of texts.

    What an index finds, PostgreSQL finds of an array alone.
    """
    if postgres:
        texts = select(func.json_array_elements_text(cast(listed, JSON))).scalar_subquery()
        return column.op("=", is_comparison=True)(func.any(func.array(texts)))
    return column.in_(select(func.json_each(listed).table_valued("value").c.value))


class WideQuery:
    """Rows of several tables, read by one statement that is compiled once for each database.

    ``conditions`` says which rows of which table, given whether it is for PostgreSQL; its parameters are texts. The rows of
    a table come in the order of a column where ``order`` has one. Columns that are ``unread`` come as None; of a table that
    ``only`` has, these columns alone come, in this order.
    """

    def __init__(
        self,
        conditions: Callable[[bool], Conditions],
        order: Mapping[Table, str] = MappingProxyType({}),
        unread: Collection[str] = (),
        only: Mapping[Table, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self._rows = {
            table: _EmbeddedRows(table, order.get(table), unread, only.get(table))
            for table in conditions(False)
        }
        self._statement = WideStatement(
            lambda postgres: select(
                *(
                    self._rows[table].sql(which, postgres=postgres)
                    for table, which in conditions(postgres).items()
                )
            )
        )

    def ask(self, session: Session, **texts: str) -> "Found":
        """Return what the statement gives for these parameters."""
        given = session.wide(self._statement, **texts)
        return Found(
            {table: (rows, text) for (table, rows), text in zip(self._rows.items(), given, strict=True)}
        )


class Found:
    """What a wide query has found, table by table."""

    def __init__(self, given: Mapping[Table, tuple["_EmbeddedRows", str | None]]) -> None:
        self._given = given

    def all(self, table: Table, make: Callable[[Values], _T]) -> list[_T]:
        """Return what ``make`` makes of each row by the order of its columns."""
        rows, text = self._given[table]
        return [make(values) for values in rows.read(text)]

    def rows(self, table: Table) -> list[Row]:
        """Return every row by column name."""
        names = table.columns.keys()
        return self.all(table, lambda values: dict(zip(names, values, strict=True)))

    def only(self, table: Table, make: Callable[[Row], _T]) -> _T | None:
        """Return what ``make`` makes of the only row; None where there is none."""
        return next(map(make, self.rows(table)), None)


class _EmbeddedRows:
    """The rows of one table, as one value of a statement."""

    def __init__(
        self, table: Table, order: str | None, unread: Collection[str], only: Sequence[str] | None
    ) -> None:
        self._table = table
        wanted = table.columns if only is None else [table.c[name] for name in only]
        self._columns = tuple(null() if one.name in unread else one for one in wanted)
        self._order = None if order is None else itemgetter(table.columns.keys().index(order))

    def sql(self, condition: ColumnElement[bool], *, postgres: bool) -> ScalarSelect[str]:
        """Return the value that has the rows for which the condition holds."""
        if postgres:
            row = func.json_build_array(*self._columns)
            found = select(cast(func.json_agg(row), Text))
        else:
            row = func.json_array(*(func.json(one) if _is_json(one) else one for one in self._columns))
            found = select(func.json_group_array(row))
        return found.select_from(self._table).where(condition).scalar_subquery()

    def read(self, text: str | None) -> Sequence[Values]:
        """Return the rows that such a value has."""
        rows = [] if text is None else from_json(text)
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


def _is_json(column: ColumnElement[Any]) -> bool:
    kind = column.type
    return isinstance(kind.impl_instance if isinstance(kind, TypeDecorator) else kind, JSON)


def _reader_of(column: ColumnElement[Any]) -> _Reader | None:
    kind = column.type
    if isinstance(kind, Boolean):
        return bool  # a number on SQLite
    return kind.read if isinstance(kind, Kept) else None
