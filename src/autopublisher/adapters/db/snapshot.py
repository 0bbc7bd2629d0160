"""Database snapshot: read as of one moment while others write, restored in one transaction.

Rows travel as JSON lines that mean the same on both kinds of database, so that what one wrote the other can load. JSON
columns travel as their text, which keeps numbers and the order of keys.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from alembic import command
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    NullPool,
    Table,
    Text,
    bindparam,
    cast,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.types import JSON, DateTime, TypeDecorator, TypeEngine

from autopublisher.adapters.db.column_types import Said
from autopublisher.adapters.db.migrate import check_references, exclusive, settings_on
from autopublisher.adapters.db.session import consistent, reachable
from autopublisher.adapters.db.tables import METADATA, files
from autopublisher.domain.faults import Fault

LEFT_OUT = frozenset({files.name})
"""Tables whose content a backup keeps in another way."""

_BATCH = 500
_REVISION_TABLE = "alembic_version"


# --- out --------------------------------------------------------------------------------------------


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Yield a connection that sees the database as it is now, whatever others write meanwhile; nobody waits for it."""
    with reachable(), _reader(engine) as reader, reader.connect() as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '10min'"))
        # The first statement fixes the moment.
        connection.execute(select(func.count()).select_from(text(_REVISION_TABLE)))
        yield connection


@contextmanager
def _reader(engine: Engine) -> Iterator[Engine]:
    if engine.dialect.name == "postgresql":
        yield engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        return
    reader = create_engine(engine.url, poolclass=NullPool, hide_parameters=True)
    event.listen(reader, "connect", _begin_by_hand)
    event.listen(reader, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    yield reader
    reader.dispose()


def _begin_by_hand(connection: DBAPIConnection, _entry: object) -> None:
    connection.isolation_level = None  # the driver begins nothing itself


def table_names() -> list[str]:
    """Return the tables of this release, each after those it refers to."""
    return [table.name for table in METADATA.sorted_tables if table.name not in LEFT_OUT]


def rows_out(connection: Connection, name: str) -> Iterator[bytes]:
    """Yield a table's rows as JSON lines, in the order of its key."""
    table = METADATA.tables[name]
    columns = [_read(column) for column in table.columns]
    query = select(*columns).order_by(*table.primary_key.columns)
    with connection.execution_options(yield_per=_BATCH).execute(query) as found:
        for row in found:
            record = {column.name: _plain(value) for column, value in zip(table.columns, row, strict=True)}
            yield json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _read(column: Column[Any]) -> Any:
    travels_as_text = isinstance(column.type, Said) or _is_json(column.type)
    return cast(column, Text).label(column.name) if travels_as_text else column


def _is_json(kind: TypeEngine[Any]) -> bool:
    return isinstance(kind.impl if isinstance(kind, TypeDecorator) else kind, JSON)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


# --- in ---------------------------------------------------------------------------------------------


def replace_everything(
    engine: Engine,
    revision: str,
    tables: Mapping[str, Iterable[bytes]],
    then: Callable[[Connection], None],
) -> None:
    """Replace all of our tables by rows of another database at ``revision``, migrated to this release; all or nothing.

    ``then`` does in the same transaction what else belongs to it.
    """
    with reachable(), consistent(Fault.BACKUP_CONTRADICTS()), exclusive(engine) as connection:
        settings = settings_on(connection)
        METADATA.drop_all(connection)
        connection.execute(text(f"DROP TABLE IF EXISTS {_REVISION_TABLE}"))
        command.upgrade(settings, revision)
        made = MetaData()
        made.reflect(connection, only=list(tables))
        for table in made.sorted_tables:
            _rows_in(connection, table, tables.get(table.name, ()))
        command.upgrade(settings, "head")
        check_references(connection)
        then(connection)
        connection.commit()


def _rows_in(connection: Connection, table: Table, lines: Iterable[bytes]) -> None:
    on_postgres = connection.dialect.name == "postgresql"
    bound = {column.name: _bound(column, cast_json=on_postgres) for column in table.columns}
    statement = table.insert().values(bound)
    batch: list[dict[str, Any]] = []
    for line in lines:
        record = json.loads(line)
        batch.append({column.name: _meant(column, record[column.name]) for column in table.columns})
        if len(batch) == _BATCH:
            connection.execute(statement, batch)
            batch = []
    if batch:
        connection.execute(statement, batch)
    if on_postgres:
        _count_on(connection, table)


def _bound(column: Column[Any], *, cast_json: bool) -> Any:
    if not _is_json(column.type):
        return bindparam(column.name, type_=column.type)
    as_text = bindparam(column.name, type_=Text())
    return cast(as_text, column.type) if cast_json else as_text


def _meant(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, DateTime):
        return datetime.fromisoformat(value)
    if isinstance(column.type, LargeBinary):
        return base64.b64decode(value)
    return bool(value) if isinstance(column.type, Boolean) else value


def _count_on(connection: Connection, table: Table) -> None:
    """Have PostgreSQL give out numbers after the largest that was loaded; SQLite does so by itself."""
    for column in table.primary_key.columns:
        if isinstance(column.type, Integer) and column.server_default is not None:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            largest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
            connection.execute(select(func.setval(sequence, largest, False)))
