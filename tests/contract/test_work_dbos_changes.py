"""What is due is asked of the tables only after somebody has stored something."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from autopublisher.adapters.db.file_changes import FileChanges
from autopublisher.adapters.work_dbos_claims import Claims
from autopublisher.domain.errors import UnavailableError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a file of ticks.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE ticks (id INTEGER)")
    connection.close()
    return path


@pytest.fixture
def changes(file: Path) -> Iterator[FileChanges]:
    found = FileChanges(str(file))
    yield found
    found.close()


def store(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("INSERT INTO ticks VALUES (1)")
    connection.close()


def test_a_commit_of_anybody_is_a_change_once(file: Path, changes: FileChanges) -> None:
    assert changes()
    assert not changes()
    store(file)
    assert [changes(), changes()] == [True, False]


def test_what_is_not_committed_is_none(file: Path, changes: FileChanges) -> None:
    assert changes()
    writer = sqlite3.connect(file)
    writer.execute("INSERT INTO ticks VALUES (2)")
    assert not changes()
    writer.rollback()
    writer.close()
    assert not changes()


def test_a_file_that_cannot_be_read_counts_as_changed(tmp_path: Path) -> None:
    lost = FileChanges(str(tmp_path / "lost.db"))
    assert [lost(), lost()] == [True, True]
    assert not (tmp_path / "lost.db").exists()


class CountedClaims(Claims):
    """Claims that only count how often the tables would be asked, failing the first ``failures`` times."""

    def __init__(self, changed: list[bool], failures: int = 0, concurrency: int = 8) -> None:
        super().__init__(None, "local", concurrency, threading.Event(), lambda: changed.pop(0))  # type: ignore[arg-type]
        self.asked = 0
        self._failures = failures

    def _begin(self, room: int) -> None:
        del room
        self.asked += 1
        if self.asked <= self._failures:
            raise UnavailableError(reason="away")


def test_an_idle_worker_asks_once_and_then_after_each_change() -> None:
    claims = CountedClaims([True, False, False, True, False])
    for _ in range(5):
        claims.take()
    assert claims.asked == 2


def test_a_question_that_failed_is_asked_again_though_nothing_has_changed() -> None:
    claims = CountedClaims([True, False, False], failures=1)
    with pytest.raises(UnavailableError):
        claims.take()
    claims.take()
    claims.take()
    assert claims.asked == 2


def test_a_change_is_not_used_up_while_there_is_no_room() -> None:
    changed = [True]
    claims = CountedClaims(changed, concurrency=0)
    claims.take()
    assert (claims.asked, changed) == (0, [True])
