"""Databases that older releases wrote, kept as text: how one is written, and how it is loaded again.

A schema change is proved on what the release before it leaves behind. Before a new revision goes in, write what the
last commit without it makes, and commit both files::

    git worktree add --detach ../older COMMIT
    PYTHONPATH=src:tests python -m support.older ../older

The older tree's own ``support.under_way`` brings a run to every status, on SQLite and against this tree's simulator.
``REVISION.sql`` has the tables as that release made them and all rows, every value as quoted text, which both kinds of
database read as the column's type; of the ticks in the queue, those no run is past. ``REVISION.meta.sql`` has what the
simulator remembers. Ids differ from one writing to the next, and nothing depends on them.
"""

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from autopublisher.adapters.db import migrations
from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.work_dbos import prepare
from autopublisher.bootstrap.database import opened_database
from metasim import SimulatorConfig
from metasim.server import SimulatorThread

FOLDER = Path(__file__).parents[1] / "torture" / "older"
EARLY = "0003"
WITHOUT_LOG = frozenset({"sqlite_sequence"})
MADE_BY_LIBRARIES = frozenset({"alembic_version", "dbos_migrations", "queues"})
"""Tables with rows as soon as they exist."""

STALE_TICKS = (
    """DELETE FROM workflow_status WHERE workflow_uuid NOT IN
    (SELECT id || ':' || version FROM runs WHERE ended_at IS NULL)""",
    "DELETE FROM workflow_input WHERE workflow_uuid NOT IN (SELECT workflow_uuid FROM workflow_status)",
)


def revisions() -> list[str]:
    """Return the revisions of which there is a database, oldest first."""
    return sorted(path.stem for path in FOLDER.glob("*.sql") if not path.stem.endswith(".meta"))


def market(state: Path) -> SimulatorConfig:
    """Say which simulator an older release is given, and which one goes on from what it remembers."""
    return SimulatorConfig(scenario="demo", seed=7, state_path=state)


# --- loading ----------------------------------------------------------------------------------------


def remembered(revision: str, folder: Path) -> SimulatorConfig:
    """Return the simulator that goes on where the one beside the older release stopped."""
    state = folder / "simulator.db"
    _loaded_whole(state, FOLDER / f"{revision}.meta.sql")
    return market(state)


def load(revision: str, url: str) -> None:
    """Fill an empty database: SQLite with the release's own tables, PostgreSQL with those its migrations make."""
    script = FOLDER / f"{revision}.sql"
    address = sa.make_url(url)
    if address.get_backend_name() == "sqlite":
        _loaded_whole(Path(str(address.database)), script)
        return
    at_revision(url, revision)
    prepare(url)
    engine = open_engine(url)
    # Without parameters a percent sign is only that.
    with engine.execution_options(no_parameters=True).begin() as connection:
        connection.exec_driver_sql("SET LOCAL search_path TO public, dbos")
        for table, statement in _inserts(script.read_text("utf-8")):
            if table not in MADE_BY_LIBRARIES:
                connection.exec_driver_sql(statement)
    engine.dispose()


def load_and_upgrade(url: str) -> None:
    """Fill an empty database with runs at every status that an earlier release has left to this one."""
    load(EARLY, url)
    with opened_database(url):
        pass


def at_revision(url: str, revision: str) -> None:
    """Bring a database up to a revision."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(str(migrations.__file__)).parent))
    settings.set_main_option("path_separator", "os")
    engine = open_engine(url)
    with engine.begin() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)
    engine.dispose()


def tables(database: Path) -> dict[str, str]:
    """Return what makes an SQLite file's tables and indexes, by name."""
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {str(name): _on_one_line(str(made)) for name, made in found}


def _loaded_whole(database: Path, script: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(f"BEGIN; {script.read_text('utf-8')} COMMIT;")


def _inserts(script: str) -> Iterator[tuple[str, str]]:
    for line in script.splitlines():
        found = re.match(r'INSERT INTO "(\w+)"', line)
        if found is not None:
            yield found.group(1), line.removesuffix(";")


# --- writing ----------------------------------------------------------------------------------------


def write(tree: Path) -> None:
    """Have an older tree write a database, and keep it as text under its revision."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        state, database = folder / "simulator.db", folder / "product.db"
        with SimulatorThread(market(state)) as simulator:
            program = tree / "tests" / "support" / "under_way.py"
            paths = os.pathsep.join([str(tree / "src"), str(tree / "tests")])
            subprocess.run(
                [
                    sys.executable,
                    "-P",
                    program,
                    folder,
                    f"sqlite:///{database}",
                    simulator.url,
                ],
                env={**os.environ, "PYTHONPATH": paths},
                check=True,
            )
        with closing(sqlite3.connect(database)) as connection:
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            for statement in STALE_TICKS:
                connection.execute(statement)
            text = "\n".join(_lines(connection))
        with closing(sqlite3.connect(state)) as connection:
            memory = "\n".join(_lines(connection))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{revision}.sql").write_text(f"{text}\n", "utf-8")
    (FOLDER / f"{revision}.meta.sql").write_text(f"{memory}\n", "utf-8")


def _lines(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield statements of one line each: what makes the tables and indexes, then the rows, referred-to ones first."""
    made = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    yield from (f"{_on_one_line(sql)};" for _, name, sql in made if name not in WITHOUT_LOG)
    names = [str(name) for kind, name, _ in made if kind == "table" and name not in WITHOUT_LOG]
    for name in _referred_to_first(connection, names):
        yield from _rows(connection, name)


def _on_one_line(statement: str) -> str:
    assert "--" not in statement, statement
    return " ".join(statement.split())


def _referred_to_first(connection: sqlite3.Connection, names: list[str]) -> list[str]:
    needs = {
        name: {str(row[2]) for row in connection.execute(f'PRAGMA foreign_key_list("{name}")')} - {name}
        for name in names
    }
    found: list[str] = []
    while len(found) < len(names):
        found += [name for name in names if name not in found and needs[name] <= set(found)]
    return found


def _rows(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    """Yield a table's rows; a number the database counts up is left for it to count again."""
    columns = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
    (made,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", [table]).fetchone()
    counted = "AUTOINCREMENT" in str(made)
    names = [str(name) for _, name, kind, *_, key in columns if not (counted and key and kind == "INTEGER")]
    listed = ", ".join(f'"{name}"' for name in names)
    for row in connection.execute(f'SELECT {listed} FROM "{table}" ORDER BY rowid'):  # noqa: S608 - its own names
        present = [(name, value) for name, value in zip(names, row, strict=True) if value is not None]
        into = ", ".join(f'"{name}"' for name, _ in present)
        values = ", ".join(_literal(value) for _, value in present)
        yield f'INSERT INTO "{table}" ({into}) VALUES ({values});'  # noqa: S608 - its own names, quoted values


def _literal(value: object) -> str:
    text = str(value)
    assert isinstance(value, str | int | float), type(value)
    assert len(text.splitlines()) <= 1, text
    return "'" + text.replace("'", "''") + "'"


if __name__ == "__main__":
    write(Path(sys.argv[1]).resolve())
