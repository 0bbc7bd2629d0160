"""Revisions of the tables: which one a database is at, and which ones this release knows; Alembic is not needed to tell."""

from pathlib import Path

from sqlalchemy import Engine, inspect, text

from autopublisher.adapters.db.session import reachable

FOLDER = Path(__file__).parent / "migrations"
_STORED = text("SELECT version_num FROM alembic_version")


def current_revision(engine: Engine) -> str | None:
    """Return the revision the database is at, or None where it is empty."""
    with reachable(), engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(_STORED).scalar()
    return None if found is None else str(found)


def is_current(engine: Engine) -> bool:
    """Tell whether the database has exactly this release's tables."""
    return current_revision(engine) == max(_known())


def knows(revision: str) -> bool:
    """Tell whether this release can bring tables of a revision to its own."""
    return revision in _known()


def _known() -> set[str]:
    """Return every revision of this release: a number of four digits, with which its file's name begins."""
    return {path.name.partition("_")[0] for path in (FOLDER / "versions").glob("[0-9]*_*.py")}
