"""What stays: the bytes that a database keeps of a run when it has ended, and what they are."""

from collections.abc import Iterator

from benchmarks.databases import SQLITE, Database
from benchmarks.measuring import Line, Setting
from benchmarks.seeding import filled_with
from sqlalchemy import func, select, text

from autopublisher.adapters.db.tables import decisions, events, insight_snapshots, operations
from autopublisher.domain.runs.run import RunStatus


def growth(setting: Setting) -> Iterator[Line]:
    """Bytes of a database for each completed run of the brief's request; ticks that have ended go after an hour."""
    runs = setting.sizes((100,), (300,))[0]
    for kind in setting.kinds:
        empty = setting.databases.filled(kind, "nothing", lambda _: None)
        filled = setting.databases.filled(kind, f"{runs} ended", filled_with({RunStatus.COMPLETED: runs}))
        grown = (_bytes(filled) - _bytes(empty)) / runs / 1000
        yield Line(f"a completed run, {kind}", "KB", (grown,), None, _rows(filled, runs))


def _bytes(database: Database) -> int:
    asked = (
        "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        if database.kind == SQLITE
        else "SELECT pg_database_size(current_database())"
    )
    with database.engine.connect() as connection:
        return int(connection.execute(text(asked)).scalar_one())


def _rows(database: Database, runs: int) -> dict[str, float]:
    """Return how many rows of each table there are for one run."""
    with database.engine.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() / runs
            for table in (operations, insight_snapshots, decisions, events)
        }
