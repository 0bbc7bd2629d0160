"""The data folder belongs to its owner alone: new files are made so, and older, looser ones are tightened.

A folder that is shared with others, such as /tmp, is left as it is; what is ours in it is closed all the same.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autopublisher.adapters.private_files import FILE_MODE, FOLDER_MODE, private_folder
from autopublisher.domain.errors import ConfigurationError
from autopublisher.domain.faults import Fault
from autopublisher.domain.messages import Message, refusal
from autopublisher.settings import Settings

OTHERS = 0o077
OURS = (
    ".env",
    "accounts.*",
    "autopublisher.*",
    "credentials.txt",
    "installation.json",
    "requests.log*",
    "request_example.json",
    "secret_key",
    "simulator.*",
)
OUR_FOLDERS = ("emergency", "storage")
"""What stands in a data folder; nothing else in it is touched."""


@dataclass(frozen=True)
class OpenFiles:
    """What others on this machine could read: what was ``closed`` to them just now, and what could not be."""

    closed: tuple[Path, ...] = ()
    left_open: tuple[Path, ...] = ()


def own_home(settings: Settings) -> OpenFiles:
    """Make the data folder, and have whatever this process makes from now on be its owner's only.

    Raises ConfigurationError where the folder cannot be made.
    """
    os.umask(OTHERS)
    home = settings.home
    try:
        private_folder(home)
    except OSError as error:
        raise unusable_home(Fault.HOME_UNUSABLE(home=str(home), why=str(error.strerror))) from error
    files = settings.database_file
    beside = () if files is None or files.parent == home else _database_files(files)
    found = [home] if not _is_shared(home) else []
    loose = [path for path in (*found, *_ours(home), *beside) if _is_open(path)]
    closed = tuple(path for path in loose if _is_closed(path))
    return OpenFiles(closed, tuple(path for path in loose if path not in closed))


def unusable_home(fault: Message) -> ConfigurationError:
    """Return the error of a data folder that cannot be used."""
    return refusal(ConfigurationError, fault, name="AUTO_PUBLISHER_HOME")


def _is_shared(home: Path) -> bool:
    """Tell whether a folder is other people's, too: it is not ours, or everybody may put something in it."""
    status = home.stat()
    return status.st_uid != os.geteuid() or bool(status.st_mode & stat.S_ISVTX) or home == Path.home()


def _ours(home: Path) -> Iterator[Path]:
    for pattern in OURS:
        yield from home.glob(pattern)
    for name in OUR_FOLDERS:
        folder = home / name
        if folder.is_dir():
            yield folder
            yield from folder.rglob("*")


def _database_files(file: Path) -> tuple[Path, ...]:
    return tuple(file.parent.glob(f"{file.name}*"))


def _is_open(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False  # gone meanwhile
    return not stat.S_ISLNK(mode) and bool(stat.S_IMODE(mode) & OTHERS)


def _is_closed(path: Path) -> bool:
    """Take others' rights away, and say whether that was possible."""
    try:
        path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)
    except OSError:
        return False
    return True
