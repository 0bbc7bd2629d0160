"""Time that only moves when it is told to."""

import threading
from datetime import UTC, datetime


class ManualClock:
    """Implements ``ports.clock.SteppedClock``, beginning at ``start`` (aware)."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError(f"{start} has no time zone")
        self._now = start.astimezone(UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the present as aware UTC."""
        return self._now

    def real_seconds_until(self, moment: datetime) -> float | None:  # noqa: ARG002 (no moment ever comes by itself)
        """Return None: waiting does not help."""
        return None

    def advance_to(self, moment: datetime) -> datetime:
        """Move to ``moment`` unless it is past, and return the present after the move."""
        with self._lock:
            self._now = max(self._now, moment.astimezone(UTC))
            return self._now
