"""The real clock of live mode: the one place of the product that asks the machine for the time."""

from datetime import UTC, datetime


class SystemClock:
    """Time as the machine knows it."""

    def now(self) -> datetime:
        """Return the present as aware UTC."""
        return datetime.now(UTC)

    def real_seconds_until(self, moment: datetime) -> float:
        """Return real seconds until ``moment``, 0 if it is past."""
        return max(0.0, (moment - self.now()).total_seconds())
