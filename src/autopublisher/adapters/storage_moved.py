"""Storage after a move: new files go to the new store, earlier ones are still found in the old one."""

from autopublisher.domain.errors import NotFoundError
from autopublisher.ports.storage import Storage


class MovedStorage:
    """Implements ``ports.storage.Storage`` over two others; nothing is ever written to the ``former`` one."""

    def __init__(self, present: Storage, former: Storage) -> None:
        self._present = present
        self._former = former

    def read(self, key: str) -> bytes:
        """Return the bytes under a key; raises NotFoundError where neither store has them, and what the stores raise."""
        try:
            return self._present.read(key)
        except NotFoundError:
            return self._former.read(key)

    def write(self, key: str, content: bytes) -> None:
        """Store bytes under a key, replacing what was there; raises what the present store raises."""
        self._present.write(key, content)
