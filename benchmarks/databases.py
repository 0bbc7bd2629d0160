"""Databases of the benchmarks: SQLite files and a PostgreSQL server of their own, whose statements and time are counted."""

import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine, event, text

from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.migrate import upgrade
from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from postgres_server import DURABLE, PostgresServer, machine_installations, throw_away_server

SQLITE, POSTGRES = "SQLite", "PostgreSQL"
KINDS = (SQLITE, POSTGRES)


@dataclass(frozen=True)
class Database:
    """One database at this release's tables; ``counts`` has its statements, transactions and commits."""

    kind: str
    url: str
    engine: Engine
    postmaster: int | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        event.listen(self.engine, "before_cursor_execute", self._note_statement)
        event.listen(self.engine, "begin", self._note("transactions"))
        event.listen(self.engine, "commit", self._note("commits"))

    def _note_statement(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.counts["statements"] += not statement.startswith("BEGIN")

    def _note(self, what: str) -> Callable[..., None]:
        def note(*_: Any) -> None:
            self.counts[what] += 1

        return note

    def open_unit(self) -> SqlUnitOfWork:
        return SqlUnitOfWork(self.engine)

    def server_seconds(self) -> float:
        """Return the processor time of the server's processes so far; SQLite has no server."""
        return 0.0 if self.postmaster is None else server_seconds(self.postmaster)

    def transactions(self) -> int:
        """Return how many transactions the server has ended in this database, its clients' all together; SQLite: none."""
        if self.kind == SQLITE:
            return 0
        with self.engine.connect() as connection:
            ended = text(
                "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
            )
            return int(connection.execute(ended).scalar_one())

    def settle(self) -> None:
        """Have PostgreSQL look at what was loaded, as its own housekeeping would sooner or later."""
        if self.kind == POSTGRES:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))


class Databases:
    """Makes databases, and keeps those that were filled for whoever asks for the same again."""

    def __init__(self) -> None:
        self._undo = ExitStack()
        self._filled: dict[tuple[str, str], Database] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    @cached_property
    def server(self) -> PostgresServer:
        """The server, started when first asked for."""
        return self._undo.enter_context(throw_away_server(machine_installations(), settings=DURABLE))

    @cached_property
    def folder(self) -> Path:
        """A folder that lasts as long as the databases."""
        return Path(self._undo.enter_context(tempfile.TemporaryDirectory(prefix="autopublisher-benchmark-")))

    def address(self, kind: str) -> str:
        """Return the address of a new and empty database."""
        if kind == POSTGRES:
            return self.server.create_database().render_as_string(hide_password=False)
        name = len([*self.folder.iterdir()])
        return f"sqlite:///{self.folder / f'{name}.db'}"

    def opened(self, kind: str, url: str) -> Database:
        """Open a database and bring it to this release's tables."""
        engine = open_engine(url)
        self._undo.callback(engine.dispose)
        upgrade(engine)
        return Database(kind, url, engine, postmaster_of(engine) if kind == POSTGRES else None)

    def filled(self, kind: str, name: str, fill: Callable[[Database], None]) -> Database:
        """Return the database of this name, made and filled when it is first asked for."""
        if (kind, name) not in self._filled:
            database = self.opened(kind, self.address(kind))
            fill(database)
            database.settle()
            self._filled[kind, name] = database
        return self._filled[kind, name]


def postmaster_of(engine: Engine) -> int:
    """Return the process id of the server, which is the parent of each connection's."""
    with engine.connect() as connection:
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    return int(Path(f"/proc/{backend}/stat").read_text("utf-8").rpartition(")")[2].split()[1])


def server_seconds(postmaster: int) -> float:
    """Return the processor time of a server's processes, those that have ended included."""
    own = Path(f"/proc/{postmaster}")
    fields = (own / "stat").read_text("utf-8").rpartition(")")[2].split()
    ended = sum(int(value) for value in fields[13:15]) / 100
    children = (own / "task" / str(postmaster) / "children").read_text("utf-8").split()
    return ended + sum(_nanoseconds(int(child)) for child in children) / 1e9


def _nanoseconds(pid: int) -> int:
    """Return the processor time of a process of one thread; nothing where it has just ended."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text("utf-8").split()[0])
    except FileNotFoundError:
        return 0
