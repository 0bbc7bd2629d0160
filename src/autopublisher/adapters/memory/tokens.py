"""Tokens that count up, kept in plain sight: for tests alone."""

from itertools import count


class MemoryTokens:
    """Implements ``ports.tokens.Tokens``."""

    def __init__(self, secret_key: bytes) -> None:
        self._secret_key = secret_key
        self._numbers = count(1)

    def fresh(self) -> str:
        """Return a new token."""
        return f"ap_{next(self._numbers)}"

    def digest(self, token: str) -> str:
        """Return what is kept of ``token``, hexadecimal."""
        return (self._secret_key + token.encode("utf-8", "surrogatepass")).hex()
