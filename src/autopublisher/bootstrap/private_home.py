"""The data folder belongs to its owner alone: new files are made so, and older, looser ones are tightened.

A folder that is shared with others, such as /tmp, is left as it is; what is ours in it is closed all the same.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import structlog

from autopublisher.adapters.private_files import FILE_MODE, FOLDER_MODE, private_folder
from autopublisher.domain.errors import ConfigurationError
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

_log = structlog.get_logger(__name__)


def own_home(settings: Settings) -> tuple[Path, ...]:
    """Make the data folder, and have whatever this process makes from now on be its owner's only.

    Returns what was open to others and was closed; raises ConfigurationError where the folder cannot be made.
    """
    os.umask(OTHERS)
    home = settings.home
    try:
        private_folder(home)
    except OSError as error:
        raise unusable_home(home, f"{home} cannot be used ({error.strerror})") from error
    files = settings.database_file
    beside = () if files is None or files.parent == home else _database_files(files)
    found = [home] if not _is_shared(home) else []
    return tuple(path for path in (*found, *_ours(home), *beside) if _is_closed(path))


def unusable_home(home: Path, reason: str) -> ConfigurationError:
    """Return the error of a data folder that cannot be used."""
    error = ConfigurationError(name="AUTO_PUBLISHER_HOME", reason=f"{reason}.")
    error.remedy = (
        f"Give {home} room and this user the right to write there, or name another folder: "
        "export AUTO_PUBLISHER_HOME=$HOME/.autopublisher"
    )
    return error


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


def _is_closed(path: Path) -> bool:
    """Take others' rights away where there are any and the file is ours to close, and say whether that was done."""
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode) or not stat.S_IMODE(status.st_mode) & OTHERS:
            return False
        path.chmod(FOLDER_MODE if stat.S_ISDIR(status.st_mode) else FILE_MODE)
    except OSError as error:
        _log.warning("home:file:not_closed", path=str(path), reason=error.strerror)
        return False
    return True
