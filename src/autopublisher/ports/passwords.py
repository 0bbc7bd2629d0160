"""Hashes of passwords: dear to compute, so only few are under way at once and whoever finds no place is told early."""

from typing import Protocol

from autopublisher.domain.errors import UnavailableError


class PasswordsBusyError(UnavailableError):
    """Too many people are signing in at once."""

    remedy = "Nothing was changed. Try again in a few seconds."


class Passwords(Protocol):
    """Makes and checks hashes of passwords."""

    def protect(self, password: str) -> str:
        """Return a salted hash of ``password``; raises PasswordsBusyError where no place is free to wait in."""
        ...

    def matches(self, protected: str, password: str) -> bool:
        """Tell whether ``protected`` is a hash of ``password``; raises PasswordsBusyError like ``protect``."""
        ...
