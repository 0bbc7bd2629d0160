"""Bearer tokens: text that nobody can guess, and the keyed digest under which one is kept."""

from typing import Protocol


class Tokens(Protocol):
    """Makes tokens and their digests, with the installation's secret key."""

    def fresh(self) -> str:
        """Return a new token."""
        ...

    def digest(self, token: str) -> str:
        """Return what is kept of ``token``, hexadecimal; without the key it opens nothing and cannot be computed."""
        ...
