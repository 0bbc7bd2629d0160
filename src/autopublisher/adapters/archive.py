"""Backup archive: a zip of named parts, the manifest last, with a seal over all of it.

Theory of operation. The seal is the SHA-256 of every byte before it, kept as the zip's comment and so at the very end of
the file: a file that was cut off, or in which a bit has flipped, is refused before anything in it is understood. A new
file is written beside its place under a name of its own, synced, and then moved to its place: whoever finds a file there
finds a whole one. Only its owner can read it, for it holds what the database holds.
"""

import hashlib
import json
import os
import secrets
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Self

from autopublisher.domain.errors import ConflictError, UnavailableError
from autopublisher.domain.faults import Fault
from autopublisher.domain.messages import refusal, remedied

MANIFEST = "manifest.json"
_LABEL = b"sha256:"
_DIGITS = 64
_CHUNK = 1 << 20
_SMALLEST = 22 + len(_LABEL) + _DIGITS  # an empty zip and its comment


class ArchiveWriter:
    """Writes one archive; without ``seal`` nothing of it stays."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        self._parts: dict[str, Mapping[str, Any]] = {}

    def __enter__(self) -> Self:
        """Begin; ConflictError where there is such a file already, UnavailableError where none can be made."""
        if self._path.exists():
            raise _taken(self._path)
        with _writable(self._path):
            descriptor = os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            self._file: IO[bytes] = os.fdopen(descriptor, "w+b")
            self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED)
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what was not put in its place, whatever the disk says to that."""
        with suppress(OSError, ValueError):
            self._file.close()
        # A zip that could not be finished tries again when it is collected, into a file that is closed.
        self._zip.fp = None
        with suppress(OSError):
            self._draft.unlink()

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write a part; raises UnavailableError where the disk takes no more."""
        digest, size = hashlib.sha256(), 0
        with _writable(self._path), self._zip.open(name, "w", force_zip64=True) as part:
            for chunk in chunks:
                part.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        self._parts[name] = {"bytes": size, "sha256": digest.hexdigest()}

    def seal(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest and the seal, and put the file in its place, where it is durable on return."""
        whole = {**manifest, "parts": self._parts}
        with _writable(self._path):
            self._zip.writestr(MANIFEST, json.dumps(whole, indent=1, ensure_ascii=False))
            self._zip.comment = _LABEL + b"0" * _DIGITS
            self._zip.close()
            seal = _digest(self._file)
            self._file.seek(-_DIGITS, os.SEEK_END)
            self._file.write(seal)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._into_place()

    def _into_place(self) -> None:
        if self._path.exists():
            raise _taken(self._path)
        self._draft.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class Archive:
    """An archive whose seal and parts have been verified; ``manifest`` is what was written with ``seal``."""

    def __init__(self, path: Path, opened: zipfile.ZipFile) -> None:
        self._path = path
        self._zip = opened
        self.manifest: Mapping[str, Any] = json.loads(opened.read(MANIFEST))

    def names(self, below: str) -> list[str]:
        """Return the names of the parts below a folder, without it."""
        return [name.removeprefix(below) for name in self.manifest["parts"] if name.startswith(below)]

    def read(self, name: str) -> bytes:
        """Return a part."""
        return self._zip.read(name)

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a part."""
        with self._zip.open(name) as part:
            yield from part

    def verify(self) -> None:
        """Compare every part with the manifest; raises ConflictError for the first that differs."""
        parts = self.manifest["parts"]
        if sorted(self._zip.namelist()) != sorted([*parts, MANIFEST]):
            raise ConflictError(*remedied(Fault.BACKUP_PARTS(path=str(self._path))))
        for name, entry in parts.items():
            digest = hashlib.sha256()
            with self._zip.open(name) as part:
                while chunk := part.read(_CHUNK):
                    digest.update(chunk)
            if digest.hexdigest() != entry["sha256"]:
                raise ConflictError(*remedied(Fault.BACKUP_PART(path=str(self._path), part=name)))


@contextmanager
def opened_archive(path: Path) -> Iterator[Archive]:
    """Open an archive that is whole; ConflictError for any other file, UnavailableError for one that cannot be read."""
    with ExitStack() as held:
        try:
            file = held.enter_context(path.open("rb"))
            if not _is_sealed(file):
                raise ConflictError(*remedied(Fault.BACKUP_CUT(path=str(path))))
            archive = Archive(path, held.enter_context(zipfile.ZipFile(file)))
            archive.verify()
        except OSError as error:
            raise UnavailableError(
                reason=Fault.FILE_UNREADABLE(path=str(path), why=str(error.strerror))
            ) from error
        yield archive


def _is_sealed(file: IO[bytes]) -> bool:
    if file.seek(0, os.SEEK_END) < _SMALLEST:
        return False
    seal = _digest(file)
    file.seek(-_DIGITS - len(_LABEL), os.SEEK_END)
    return file.read() == _LABEL + seal


def _digest(file: IO[bytes]) -> bytes:
    """Return the digits of the hash of everything before the seal's own."""
    left, digest = file.seek(0, os.SEEK_END) - _DIGITS, hashlib.sha256()
    file.seek(0)
    while left > 0 and (chunk := file.read(min(_CHUNK, left))):
        digest.update(chunk)
        left -= len(chunk)
    return digest.hexdigest().encode()


def _taken(path: Path) -> ConflictError:
    return ConflictError(*remedied(Fault.BACKUP_TAKEN(path=str(path))))


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        failed = Fault.FILE_UNWRITABLE(path=str(path), why=str(error.strerror))
        raise refusal(UnavailableError, failed) from error
