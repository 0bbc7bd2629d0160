"""Tokens that were valid lately: what authorises a stop while the database cannot be asked."""

from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from autopublisher.domain.people import User

REMEMBERED: Final = timedelta(hours=12)
"""So long after it was last seen valid a token may still stop; nothing else is permitted by it."""

MOST_CALLERS: Final = 1000


class RecentCallers:
    """Remembers in this process whose token was valid; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: OrderedDict[str, tuple[User, datetime]] = OrderedDict()

    def saw(self, token_hash: str, user: User, now: datetime, expires_at: datetime | None) -> None:
        """Note that a token was valid just now."""
        until = now + REMEMBERED if expires_at is None else min(now + REMEMBERED, expires_at)
        with self._lock:
            self._seen[token_hash] = (user, until)
            self._seen.move_to_end(token_hash)
            if len(self._seen) > MOST_CALLERS:
                self._seen.popitem(last=False)

    def forget(self, token_hash: str) -> None:
        """Note that a token is not valid."""
        with self._lock:
            self._seen.pop(token_hash, None)

    def recall(self, token_hash: str, now: datetime) -> User | None:
        """Return whose token it was when it was last seen valid, None where that is too long ago."""
        with self._lock:
            user, until = self._seen.get(token_hash, (None, now))
        return user if now < until else None
