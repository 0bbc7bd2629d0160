"""Execution of SQL statements, with every failure of the database turned into an error of ours."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    Insert,
    Select,
    Table,
    bindparam,
    case,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.exc import DatabaseError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from autopublisher.domain.errors import ConflictError, UnavailableError, UnwritableError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import RunId
from autopublisher.domain.messages import Message

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

Row: TypeAlias = Mapping[str, Any]
"""A row by column name."""

Values: TypeAlias = Sequence[Any]
"""A row by the order of its columns, which costs a third of the other."""

_EXISTS = Fault.EXISTS()
_FOREIGN_KEY = "23503"
_NO_SUCH_TABLE = "42P01"
_PRIMARY = 0xFF
"""The part of SQLite's extended result codes that names the kind of failure."""


_UNWRITABLE: Mapping[int | str, Message] = {
    sqlite3.SQLITE_FULL: Fault.DISK_FULL(),
    sqlite3.SQLITE_READONLY: Fault.READ_ONLY(),
    sqlite3.SQLITE_IOERR: Fault.DISK_ERROR(),
    "53100": Fault.SERVER_DISK_FULL(),
    "25006": Fault.READ_ONLY(),
    "42501": Fault.RIGHT_MISSING(),
}
"""SQLite's primary result codes and PostgreSQL's states that say that nothing can be written now."""


class OfRun(Protocol):
    """What belongs to a run."""

    @property
    def run_id(self) -> RunId:
        """The run's id."""
        ...


Belonging = TypeVar("Belonging", bound=OfRun)


def picker(table: Table, names: Sequence[str]) -> Callable[[Values], tuple[Any, ...]]:
    """Return what takes the values of two or more columns from a row of a table."""
    order = table.columns.keys()
    return itemgetter(*(order.index(name) for name in names))


def grouped(found: Iterable[Belonging]) -> dict[RunId, list[Belonging]]:
    """Return by run, and in the order found, what belongs to each."""
    groups: dict[RunId, list[Belonging]] = {}
    for one in found:
        groups.setdefault(one.run_id, []).append(one)
    return groups


@contextmanager
def reachable() -> Iterator[None]:
    """Turn the database's failures to answer, or to take what is written, into UnavailableError."""
    try:
        yield
    except PoolTimeoutError as error:
        raise UnavailableError(reason=Fault.CONNECTIONS_TAKEN()) from error
    except DBAPIError as error:
        unwritable = unwritable_reason(error)
        if unwritable is not None:
            raise UnwritableError(
                reason=Fault.UNWRITABLE_BECAUSE(reason=unwritable, why=_cause(error))
            ) from error
        with _answering():
            raise


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise UnavailableError(reason=Fault.DATABASE_SILENT(why=_cause(error))) from error
    except DatabaseError as error:
        # SQLite has no subclass for a file that is damaged or no database.
        if type(error) is not DatabaseError and _sqlstate(error) != _NO_SUCH_TABLE:
            raise
        raise UnavailableError(reason=Fault.DATABASE_UNUSABLE(why=_cause(error))) from error


def unwritable_reason(error: DBAPIError) -> Message | None:
    """Return why the database takes no writes, where that is what an error of it says."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return _UNWRITABLE.get(_sqlstate(error) or "" if code is None else code & _PRIMARY)


@contextmanager
def consistent(conflict: Message) -> Iterator[None]:
    """Turn a violated constraint into ConflictError; ``conflict`` says what a duplicate means here."""
    try:
        yield
    except IntegrityError as error:
        if _is_foreign_key(error):
            raise ConflictError(Fault.NOT_STORED()) from error
        raise ConflictError(conflict) from error


class WideStatement:
    """A statement that is compiled once for each database: to look a wide one up again costs more than to run it.

    ``build`` is told whether it is for PostgreSQL. Its parameters are texts, the constants in it texts and numbers.
    """

    def __init__(self, build: Callable[[bool], Select[*tuple[Any, ...]]]) -> None:
        self._build = build
        self._compiled: dict[str, tuple[str, Mapping[str, Any], Sequence[str] | None]] = {}

    def text(self, dialect: Dialect, texts: Mapping[str, str]) -> tuple[str, Any]:
        """Return the SQL, and its parameters as the driver wants them."""
        if dialect.name not in self._compiled:
            made = self._build(dialect.name == "postgresql").compile(dialect=dialect)
            self._compiled[dialect.name] = str(made), made.params, made.positiontup
        sql, constants, order = self._compiled[dialect.name]
        values = {**constants, **texts}
        return sql, values if order is None else tuple(values[name] for name in order)


class Session:
    """The statements of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def is_postgres(self) -> bool:
        """Whether rows can be locked; on SQLite the whole database is."""
        return self._connection.dialect.name == "postgresql"

    def rows(self, statement: Executable, **values: Any) -> list[dict[str, Any]]:
        """Return every row of a query, given its parameters."""
        with reachable():
            found = self._connection.execute(statement, values)
            names = tuple(found.keys())
            return [dict(zip(names, row, strict=True)) for row in found.all()]

    def values(self, statement: Executable) -> Sequence[Values]:
        """Return every row of a query, by the order of its columns."""
        with reachable():
            return self._connection.execute(statement).all()

    def row(self, statement: Executable) -> dict[str, Any] | None:
        """Return the first row of a query, or None."""
        with reachable():
            found = self._connection.execute(statement).first()
        return None if found is None else found._asdict()

    def scalar(self, statement: Executable) -> Any:
        """Return the first column of the first row, or None."""
        with reachable():
            return self._connection.execute(statement).scalar()

    def wide(self, statement: WideStatement, **texts: str) -> Sequence[Any]:
        """Return the only row of a wide statement, given its parameters."""
        sql, values = statement.text(self._connection.dialect, texts)
        with reachable():
            return self._connection.exec_driver_sql(sql, values).one()

    def change(self, statement: Executable, conflict: Message = _EXISTS) -> int:
        """Run a statement that writes; return how many rows it met. ConflictError on a violated constraint."""
        with reachable(), consistent(conflict):
            # Without the option some drivers' counts of inserted rows are thrown away.
            return self._connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount

    def insert(self, table: Table, row: Row) -> bool:
        """Insert a row unless one with the same unique value exists; return whether it was inserted.

        A refusal leaves the transaction usable, which a violated constraint would not on PostgreSQL.
        """
        statement = self._dialect_insert(table).on_conflict_do_nothing()
        return self.change(statement.values(**row)) == 1

    def insert_new(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert the rows that are not there yet and leave the others as they are."""
        if self.is_postgres and len(rows) > 1:
            columns = {name: [row[name] for row in rows] for name in rows[0]}
            with reachable(), consistent(_EXISTS):
                self._connection.execute(_new_rows(table, tuple(columns)), columns)
            return
        self._many(self._dialect_insert(table).on_conflict_do_nothing(), rows, _EXISTS)

    def append(self, table: Table, rows: Sequence[Row], conflict: Message = _EXISTS) -> None:
        """Insert rows, all of which must be new; ConflictError otherwise."""
        self._many(table.insert(), rows, conflict)

    def put(self, table: Table, row: Row, key: Sequence[str], conflict: Message = _EXISTS) -> None:
        """Insert a row or overwrite the one with the same ``key`` columns."""
        statement = self._dialect_insert(table).values(**row)
        # What was proposed is named, not sent a second time: a row may hold megabytes.
        proposed = {name: statement.excluded[name] for name in row}
        overwrite = statement.on_conflict_do_update(index_elements=list(key), set_=proposed)
        self.change(overwrite, conflict)

    def put_latest(
        self,
        table: Table,
        rows: Sequence[Row],
        key: Sequence[str],
        conflict: Message = _EXISTS,
        *,
        later: Sequence[str] = (),
        kept: Sequence[str] = (),
    ) -> None:
        """Insert rows or overwrite those with the same ``key`` columns, all in one statement.

        A stored row with a greater value in a column of ``later`` stays as it is; a value in ``kept`` stays in any case.
        """
        statement = _latest(table, tuple(key), tuple(later), tuple(kept), is_postgres=self.is_postgres)
        self._many(statement, rows, conflict)

    def _many(self, statement: Insert, rows: Sequence[Row], conflict: Message) -> None:
        if not rows:
            return
        with reachable(), consistent(conflict):
            self._connection.execute(statement, [dict(row) for row in rows])

    def _dialect_insert(self, table: Table) -> "postgresql.Insert | sqlite.Insert":
        return _insert(table, is_postgres=self.is_postgres)


def _insert(table: Table, *, is_postgres: bool) -> "postgresql.Insert | sqlite.Insert":
    # A process speaks one dialect, and the other takes a tenth of a short command's time to load.
    if is_postgres:
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - see above

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415 - see above

    return sqlite.insert(table)


@cache
def _new_rows(table: Table, names: tuple[str, ...]) -> Insert:
    """Return a statement for PostgreSQL that takes each column as one array: row by row it would cost several times that."""
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - as above

    given = [bindparam(name, type_=postgresql.ARRAY(table.c[name].type)) for name in names]
    rows = select(*(func.unnest(one).label(one.key) for one in given))
    return postgresql.insert(table).from_select(names, rows).on_conflict_do_nothing()


@cache
def _latest(
    table: Table, key: tuple[str, ...], later: tuple[str, ...], kept: tuple[str, ...], *, is_postgres: bool
) -> Insert:
    """Return the statement of ``put_latest``, which takes longer to put together than to run."""
    statement = _insert(table, is_postgres=is_postgres)
    proposed, stored = statement.excluded, table.c
    stays = or_(false(), *(stored[name] > proposed[name] for name in later))
    values: dict[str, ColumnElement[Any]] = {
        column.name: case((stays, column), else_=proposed[column.name]) for column in stored
    }
    values |= {name: func.coalesce(stored[name], proposed[name]) for name in kept}
    return statement.on_conflict_do_update(index_elements=list(key), set_=values)


def _cause(error: DBAPIError) -> str:
    """The driver's first line, which names hosts and tables but neither passwords nor values."""
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _is_foreign_key(error: IntegrityError) -> bool:
    return _sqlstate(error) == _FOREIGN_KEY or "FOREIGN KEY" in str(error.orig)
