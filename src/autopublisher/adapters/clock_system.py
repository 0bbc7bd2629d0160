"""System clock of live mode: the one place of the product that asks the machine for the time."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Time as the machine knows it."""

    def now(self) -> datetime:
        """Return the present as aware UTC."""
        return datetime.now(UTC)

    def real_seconds_until(self, moment: datetime) -> float:
        """Return real seconds until ``moment``, 0 if it is past."""
        return max(0.0, (moment - self.now()).total_seconds())


def seconds_since_boot() -> float:
    """Implements ``ports.clock.Stopwatch``: counts on while this process is stopped, and while the machine sleeps.

    Where the system has no such clock the time a machine slept is missing; that a process was stopped still counts.
    """
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)
