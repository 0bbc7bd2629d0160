"""Passwords hashed by Argon2 in a thread of their own, one at a time, so that signing in leaves the processors to others."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from autopublisher.ports.passwords import PasswordsBusyError

PLACES: Final = 8
"""Hashes under way (one) and waiting; at some 0.1 s each nobody waits much longer than a second."""

_T = TypeVar("_T")


class Argon2Passwords:
    """Implements ``ports.passwords.Passwords``; to be closed in the end."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = PasswordHasher() if hasher is None else hasher
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="passwords")
        self._places = threading.BoundedSemaphore(PLACES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the thread once its hash is done."""
        self._pool.shutdown()

    def protect(self, password: str) -> str:
        """Return a salted hash of ``password``; raises PasswordsBusyError where no place is free to wait in."""
        return self._in_turn(lambda: self._hasher.hash(_bytes(password)))

    def matches(self, protected: str, password: str) -> bool:
        """Tell whether ``protected`` is a hash of ``password``; raises PasswordsBusyError like ``protect``."""
        return self._in_turn(lambda: self._verify(protected, password))

    def _in_turn(self, work: Callable[[], _T]) -> _T:
        if not self._places.acquire(blocking=False):
            raise PasswordsBusyError
        try:
            return self._pool.submit(work).result()
        finally:
            self._places.release()

    def _verify(self, protected: str, password: str) -> bool:
        try:
            return self._hasher.verify(protected, _bytes(password))
        except (VerifyMismatchError, InvalidHashError):
            return False


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
