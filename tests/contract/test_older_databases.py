"""The databases kept of older releases have the tables that the migrations still make up to their revision."""

from pathlib import Path

import pytest

from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.revisions import current_revision
from support.older import at_revision, load, revisions, tables


def test_there_is_one_for_each_change_that_was_released() -> None:
    assert revisions() == ["0001", "0003", "0010"]  # 0002 and 0003, and 0004 to 0010, came together


@pytest.mark.parametrize("revision", revisions())
def test_migrations_make_the_tables_that_the_older_release_had(revision: str, tmp_path: Path) -> None:
    older, made = tmp_path / "older.db", tmp_path / "made.db"
    load(revision, f"sqlite:///{older}")
    at_revision(f"sqlite:///{made}", revision)
    found = tables(older)
    assert "runs" in tables(made)
    assert {name: found.get(name) for name in tables(made)} == tables(made)
    engine = open_engine(f"sqlite:///{older}")
    assert current_revision(engine) == revision
    engine.dispose()
