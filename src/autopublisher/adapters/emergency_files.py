"""Emergency notes and the account book as files of the data folder, readable by their owner only.

Each stop has a file of its own, one JSON object a line, made durable before the pause it speaks of is sent. A disk that is
full gives room for it by the reserve, which is kept for nothing else; what finds no room at all goes to standard error.
"""

import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from operator import attrgetter
from pathlib import Path
from threading import Lock
from typing import Any, TextIO

import structlog

from autopublisher.adapters.private_files import FILE_MODE, private_folder, replace_private
from autopublisher.domain.accounts.emergency import BookedAccount, NotedStop, noted_stop
from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import AccountId, ActId, StopId
from autopublisher.domain.messages import refusal

RESERVE_BYTES = 1_000_000
"""Room for the notes of a thousand objects."""

NOTES_FOLDER = "emergency"
BOOK_FILE = "accounts.json"
_RESERVE, _TAKEN = "reserve", "taken"
_log = structlog.get_logger(__name__)


class FileEmergencyNotes:
    """Implements ``ports.emergency.EmergencyNotes`` in a folder beside the log; safe to share between threads."""

    def __init__(self, folder: Path, terminal: TextIO | None = None) -> None:
        self._folder = folder
        self._terminal = terminal
        self._guard = Lock()
        self._homeless: dict[StopId, list[Mapping[str, Any]]] = {}
        self._writing: dict[StopId, int] = {}

    def reserve(self) -> None:
        """Set room aside for a day on which the disk is full; without room there is none to set aside."""
        with suppress(OSError):
            private_folder(self._folder)
            path = self._folder / _RESERVE
            if not path.exists() or path.stat().st_size < RESERVE_BYTES:
                replace_private(path, bytes(RESERVE_BYTES))

    def write(self, stop_id: StopId, records: Sequence[Mapping[str, Any]]) -> str:
        """Append to the stop's file and have it on the disk; to standard error, and to memory, where that is impossible."""
        content = "".join(f"{json.dumps(record)}\n" for record in records)
        with self._guard:
            try:
                self._appended(stop_id, content)
            except OSError as error:
                self._homeless.setdefault(stop_id, []).extend(records)
                self._write_to_terminal(content, error)
                return "standard error"
        return str(self._path(stop_id))

    def pending(self) -> Sequence[NotedStop]:
        """Return the stops whose notes have not been put away, oldest first; UnavailableError where some cannot be read."""
        found, problem = self._read()
        if problem is not None:
            raise problem
        return found

    def readable(self) -> Sequence[NotedStop]:
        """Return those of the pending stops that can be read."""
        return self._read()[0]

    def _read(self) -> tuple[Sequence[NotedStop], UnavailableError | None]:
        """Return the stops that can be read, and what is wrong with the last file that cannot."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        problem: UnavailableError | None = None
        try:
            paths = [
                one for one in self._folder.iterdir() if one.suffix == ".jsonl"
            ]  # glob would pass over what is denied
        except (FileNotFoundError, NotADirectoryError):
            paths = []
        except OSError as error:
            paths, problem = [], _unreadable(self._folder, error)
        for path in paths:
            try:
                found[path.stem] = _records(path)
            except FileNotFoundError:  # put away since it was listed
                continue
            except OSError as error:
                problem = _unreadable(path, error)
        with self._guard:
            for stop_id, records in self._homeless.items():
                found.setdefault(stop_id, []).extend(records)
        stops = [one for records in found.values() if (one := noted_stop(records)) is not None]
        return sorted(stops, key=lambda one: (one.stop.at, one.stop.id)), problem

    def close(self, stop_id: StopId) -> None:
        """Let go of the stop's file, and with it of the lock that says that it is being written."""
        with self._guard:
            descriptor = self._writing.pop(stop_id, None)
            if descriptor is not None:
                os.close(descriptor)

    def is_open(self, stop_id: StopId) -> bool:
        """Tell whether somebody holds the lock of the stop's file; it ends with its process."""
        with suppress(FileNotFoundError), self._path(stop_id).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def taken(self, stop_id: StopId) -> None:
        """Move the stop's file among those that were taken, and set the room aside again."""
        self.close(stop_id)
        with self._guard:
            self._homeless.pop(stop_id, None)
        path = self._path(stop_id)
        with suppress(OSError):
            private_folder(self._folder / _TAKEN)
            path.replace(self._folder / _TAKEN / path.name)
        self.reserve()

    def _appended(self, stop_id: StopId, content: str) -> None:
        try:
            self._write(stop_id, content.encode())
        except OSError:
            (self._folder / _RESERVE).unlink()  # raises where there is none: nothing more can be done
            self._write(stop_id, content.encode())

    def _write(self, stop_id: StopId, content: bytes) -> None:
        """Write all of it or leave the file as it was; what stands in it is whole lines."""
        descriptor = self._descriptor(stop_id)
        size = os.fstat(descriptor).st_size
        try:
            with os.fdopen(os.dup(descriptor), "ab") as file:  # writes all of it, or raises
                file.write(content)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise

    def _descriptor(self, stop_id: StopId) -> int:
        if stop_id not in self._writing:
            private_folder(self._folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            descriptor = os.open(self._path(stop_id), flags, FILE_MODE)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            self._writing[stop_id] = descriptor
            _sync_folder(self._folder)
        return self._writing[stop_id]

    def _path(self, stop_id: StopId) -> Path:
        return self._folder / f"{stop_id}.jsonl"

    def _write_to_terminal(self, content: str, error: OSError) -> None:
        terminal = self._terminal or sys.stderr
        with suppress(OSError, ValueError):  # a terminal that is gone or full must not stop a pause either
            terminal.write(f"emergency notes could not be written ({error.strerror or error}):\n{content}")
            terminal.flush()


class FileAccountBook:
    """Implements ``ports.emergency.AccountBook`` in one file beside the key."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def accounts(self) -> Sequence[BookedAccount]:
        """Return every booked account, by ad account."""
        try:
            rows = json.loads(self._path.read_text("utf-8"))
            found = [BookedAccount(AccountId(row["id"]), ActId(row["act_id"]), row["name"]) for row in rows]
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.warning("account_book_not_read", path=str(self._path), reason=str(error))
            return ()
        return sorted(found, key=attrgetter("act_id"))

    def book(self, accounts: Sequence[BookedAccount]) -> None:
        """Write the book anew where something has changed; an account that was booked once stays."""
        try:
            with self._alone():
                before = {account.act_id: account for account in self.accounts()}
                after = before | {account.act_id: account for account in accounts}
                if after != before:
                    rows = [vars(one) for one in sorted(after.values(), key=attrgetter("act_id"))]
                    replace_private(self._path, json.dumps(rows, indent=1).encode())
        except OSError as error:
            _log.warning("account_book_not_written", path=str(self._path), reason=str(error))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold a lock, so that of two starts neither loses the other's line."""
        private_folder(self._path.parent)
        descriptor = os.open(self._path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _records(path: Path) -> list[Mapping[str, Any]]:
    """Return the notes of a file; a line that a crash cut short is left out."""
    found: list[Mapping[str, Any]] = []
    for line in path.read_text("utf-8", "replace").splitlines():
        with suppress(ValueError):
            record = json.loads(line)
            if isinstance(record, dict) and "note" in record:
                found.append(record)
    return found


def _unreadable(path: Path, error: OSError) -> UnavailableError:
    unread = Fault.EMERGENCY_NOTES(path=str(path), why=str(error.strerror or error))
    return refusal(UnavailableError, unread)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
