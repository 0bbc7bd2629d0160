"""Files and folders that nobody but their owner can read."""

import os
import secrets
from pathlib import Path

FOLDER_MODE, FILE_MODE = 0o700, 0o600


def private_folder(folder: Path) -> None:
    """Make a folder, and those above it, for their owner only; one that is there stays as it is."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def replace_private(path: Path, content: bytes) -> None:
    """Replace a file's content at once, on the disk and readable by its owner only; raises OSError."""
    draft = draft_private(path, content)
    try:
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def draft_private(path: Path, content: bytes) -> Path:
    """Write a file of a name nobody has beside ``path`` and return it; nothing is left where that fails (OSError)."""
    private_folder(path.parent)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft
