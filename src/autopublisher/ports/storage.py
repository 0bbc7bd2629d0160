"""Creative bytes at rest."""

from typing import Protocol


class Storage(Protocol):
    """An object store: local folder, memory, the database or a bucket."""

    def read(self, key: str) -> bytes:
        """Return the bytes under a key; raises NotFoundError, or UnavailableError where the store does not answer."""
        ...

    def write(self, key: str, content: bytes) -> None:
        """Store bytes under a key, replacing what was there."""
        ...
