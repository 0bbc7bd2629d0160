"""Durable memory of a simulator: one SQLite table of keyed JSON records, written before each answer.

WAL with synchronous=NORMAL survives a killed process, which is what the simulator promises.
"""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Store:
    """Keyed JSON records in a SQLite file, or nowhere when there is no path."""

    def __init__(self, path: Path | None) -> None:
        """Open or create the file. Raises sqlite3.Error if it cannot be used."""
        self._db: sqlite3.Connection | None = None
        if path is not None:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("CREATE TABLE IF NOT EXISTS record (key TEXT PRIMARY KEY, body TEXT NOT NULL)")

    @property
    def durable(self) -> bool:
        """Whether anything is kept."""
        return self._db is not None

    def load(self) -> Iterator[tuple[str, Any]]:
        """Yield every saved record, in the order in which records were first saved."""
        if self._db is not None:
            for key, body in self._db.execute("SELECT key, body FROM record ORDER BY rowid").fetchall():
                yield key, json.loads(body)

    def save(self, records: dict[str, Any]) -> None:
        """Write records in one transaction; it is on the file when this returns."""
        if self._db is None or not records:
            return
        rows = [(key, json.dumps(body, separators=(",", ":"))) for key, body in records.items()]
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(
            "INSERT INTO record VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET body = excluded.body", rows
        )
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None
