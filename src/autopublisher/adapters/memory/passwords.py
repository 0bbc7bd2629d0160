"""Passwords hashed quickly, for tests: nothing that guards a person."""

import hashlib
import hmac
import secrets
import threading

from autopublisher.ports.passwords import PasswordsBusyError

PLACES = 8


class MemoryPasswords:
    """Implements ``ports.passwords.Passwords`` without its cost; counts what was checked."""

    def __init__(self) -> None:
        self.checked = 0
        self._places = threading.BoundedSemaphore(PLACES)

    def protect(self, password: str) -> str:
        """Return a salted hash of ``password``; raises PasswordsBusyError where no place is free to wait in."""
        return self._hash(secrets.token_hex(8), password)

    def matches(self, protected: str, password: str) -> bool:
        """Tell whether ``protected`` is a hash of ``password``; raises PasswordsBusyError like ``protect``."""
        if not self._places.acquire(blocking=False):
            raise PasswordsBusyError
        try:
            return self._check(protected, password)
        finally:
            self._places.release()

    def _check(self, protected: str, password: str) -> bool:
        self.checked += 1
        salt = protected.partition("$")[0]
        return hmac.compare_digest(protected.encode(), self._hash(salt, password).encode())

    def _hash(self, salt: str, password: str) -> str:
        digest = hashlib.sha256((salt + password).encode("utf-8", "surrogatepass"))
        return f"{salt}${digest.hexdigest()}"
