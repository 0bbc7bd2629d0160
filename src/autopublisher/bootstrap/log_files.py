"""Log files whose size is bounded whatever happens: rotated by size and age, repeated lines counted instead of written."""

import json
import logging
import sys
from contextlib import suppress
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

LARGEST_BYTES = 10_000_000
KEPT_FILES = 4
LONGEST_SECONDS = 7 * 24 * 3600.0
"""How long one file is written."""

KEPT_SECONDS = 60 * 24 * 3600.0
"""How long a file that was rotated away is kept at most."""

WINDOW_SECONDS = 60.0
FIRST_LINES, NEXT_LINES = 5, 1
"""How many lines of one kind pass within a window: at first, and while they have been too many before."""

LONGEST_LINE = 100_000
"""Characters of a first line that are read for its moment."""

MOST_KINDS = 1000
"""Kinds of lines that are counted at once: some libraries write values into the text itself."""


class BoundedLog(RotatingFileHandler):
    """A log file and its predecessors: together never more than ``KEPT_FILES + 1`` times ``LARGEST_BYTES``.

    A device that takes no more lines is said once on standard error, and the lines are lost until it does.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=LARGEST_BYTES, backupCount=KEPT_FILES, encoding="utf-8")
        self._began = _began(path)
        self._trouble = ""

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 - the library's name
        """Tell whether the file is too large for this record, or has been written for too long."""
        if self._began is None:
            self._began = record.created
        return record.created - self._began > LONGEST_SECONDS or bool(super().shouldRollover(record))

    def doRollover(self) -> None:  # noqa: N802 - the library's name
        """Begin a new file, and remove what is too old beside the one that has just ended."""
        super().doRollover()
        self._began = None
        with suppress(OSError):
            ended = Path(f"{self.baseFilename}.1").stat().st_mtime
            for number in range(2, KEPT_FILES + 1):
                old = Path(f"{self.baseFilename}.{number}")
                if old.exists() and ended - old.stat().st_mtime > KEPT_SECONDS:
                    old.unlink()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        before, self._trouble = self._trouble, ""
        super().emit(record)
        if self._trouble and not before:
            _say(
                f"The log {self.baseFilename} cannot be written ({self._trouble}); its lines are lost until it can."
            )
        if before and not self._trouble:
            _say(f"The log {self.baseFilename} is written again.")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Remember why a line was lost; ``emit`` says it once."""
        del record
        error = sys.exc_info()[1]
        self._trouble = str(getattr(error, "strerror", None) or error)


def _say(sentence: str) -> None:
    with suppress(OSError, ValueError):  # a terminal that is gone must not end what is being done
        sys.stderr.write(f"{sentence}\n")


class RepeatFilter(logging.Filter):
    """Lets warnings and errors of one kind pass a few times a minute and then once, with how many were left out."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, int, str], tuple[float, int, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is written; the first of a window tells of those that were not."""
        if record.levelno < logging.WARNING:
            return True
        kind = (record.name, record.levelno, _event(record))
        since, count, most = self._seen.get(kind, (record.created, 0, FIRST_LINES))
        if record.created - since >= WINDOW_SECONDS:
            left_out = max(0, count - most)
            _tell_of(record, left_out)
            since, count, most = record.created, 0, NEXT_LINES if left_out else FIRST_LINES
        if len(self._seen) > MOST_KINDS:
            self._seen.clear()
        self._seen[kind] = (since, count + 1, most)
        return count < most


def _event(record: logging.LogRecord) -> str:
    return str(record.msg.get("event")) if isinstance(record.msg, dict) else str(record.msg)


def _tell_of(record: logging.LogRecord, left_out: int) -> None:
    if left_out and isinstance(record.msg, dict):
        record.msg = {**record.msg, "left_out": left_out}
    elif left_out:
        record.msg, record.args = f"{record.getMessage()} ({left_out} like it were left out)", ()


def _began(path: Path) -> float | None:
    """Return when the first line of a log was written, None where it has none that says so."""
    with suppress(OSError, ValueError, KeyError, TypeError), path.open(encoding="utf-8") as file:
        first: dict[str, Any] = json.loads(file.readline(LONGEST_LINE))
        return datetime.fromisoformat(first["timestamp"]).timestamp()
    return None
