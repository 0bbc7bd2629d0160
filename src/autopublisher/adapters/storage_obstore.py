"""Creative bytes in a folder or in memory through obstore; a bucket would be one more of its stores."""

from pathlib import Path
from typing import Self

from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore

from autopublisher.adapters.storage_keys import checked_key
from autopublisher.domain.errors import NotFoundError, UnavailableError
from autopublisher.domain.faults import Fault, Thing


class ObstoreStorage:
    """Implements ``ports.storage.Storage``."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """Keep the files below ``folder``, which is made if it does not exist."""
        return cls(LocalStore(folder, mkdir=True))

    @classmethod
    def in_memory(cls) -> Self:
        """Keep the files until the process ends."""
        return cls(MemoryStore())

    def read(self, key: str) -> bytes:
        """Return the bytes under a key; raises NotFoundError, or UnavailableError where the store does not answer."""
        place = checked_key(key)
        try:
            return bytes(self._store.get(place).bytes())
        except FileNotFoundError as error:
            raise NotFoundError(what=Thing.FILE(), id=key) from error
        except (BaseError, OSError) as error:
            raise UnavailableError(reason=Fault.STORE_UNREADABLE(key=key)) from error

    def write(self, key: str, content: bytes) -> None:
        """Store bytes under a key, replacing what was there; UnavailableError where the store does not answer."""
        place = checked_key(key)
        try:
            self._store.put(place, content)
        except (BaseError, OSError) as error:
            raise UnavailableError(reason=Fault.STORE_UNWRITABLE(key=key)) from error
