"""Changes of a SQLite file, told by SQLite's own counter."""

import sqlite3
from pathlib import Path


class FileChanges:
    """Tells whether anybody has committed to a SQLite file since it was last asked, without reading a table of it."""

    def __init__(self, path: str) -> None:
        self._address = f"{Path(path).absolute().as_uri()}?mode=rw"
        self._connection: sqlite3.Connection | None = None
        self._version: int | None = None

    def __call__(self) -> bool:
        """Say it; also where that cannot be told, for whoever then asks the tables will say what is wrong."""
        try:
            if self._connection is None:
                # Closed by the thread that stops the rounds.
                self._connection = sqlite3.connect(self._address, uri=True, check_same_thread=False)
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            return True
        was, self._version = self._version, version
        return bool(version != was)

    def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
