"""Secret key of stub mode: made once, kept in the data folder, readable by its owner only."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from autopublisher.adapters.private_files import draft_private, replace_private
from autopublisher.domain.errors import ConfigurationError
from autopublisher.domain.faults import Fault
from autopublisher.settings import Settings

_BYTES = 32


def secret_key(settings: Settings) -> bytes:
    """Return SECRET_KEY, or in stub mode the data folder's own; raises ConfigurationError in live mode without one."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    settings.check_secrets()
    path = settings.home / "secret_key"
    if not path.exists():
        _create(path)
    content = path.read_bytes().strip()
    if len(content) < _BYTES:
        raise ConfigurationError(name="SECRET_KEY", reason=Fault.KEY_DAMAGED(path=str(path)))
    return content


def write_private(path: Path, text: str) -> None:
    """Replace a file's content at once, readable by its owner only."""
    replace_private(path, text.encode())


def _create(path: Path) -> None:
    """Of several processes that start at once, one file wins and all read that one."""
    draft = draft_private(path, secrets.token_hex(_BYTES).encode())
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
