"""Files in memory."""

from autopublisher.adapters.storage_keys import checked_key
from autopublisher.domain.errors import NotFoundError
from autopublisher.domain.faults import Thing


class MemoryStorage:
    """Implements ``ports.storage.Storage``."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def read(self, key: str) -> bytes:
        """Return the bytes under a key; raises NotFoundError."""
        place = checked_key(key)
        if place not in self._contents:
            raise NotFoundError(what=Thing.FILE(), id=key)
        return self._contents[place]

    def write(self, key: str, content: bytes) -> None:
        """Store bytes under a key, replacing what was there."""
        self._contents[checked_key(key)] = content
