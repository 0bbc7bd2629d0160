"""Random bearer tokens, kept as HMAC-SHA-256 under the installation's secret key."""

import hashlib
import hmac
import secrets


class HmacTokens:
    """Implements ``ports.tokens.Tokens``."""

    def __init__(self, secret_key: bytes) -> None:
        self._secret_key = secret_key

    def fresh(self) -> str:
        """Return a new token of 256 random bits."""
        return f"ap_{secrets.token_urlsafe(32)}"

    def digest(self, token: str) -> str:
        """Return what is kept of ``token``, hexadecimal."""
        return hmac.new(self._secret_key, token.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
