"""The simulator's time. The only module that looks at the machine's clock, and only at the monotonic one.

In manual mode time stands still until it is told to move; in speed mode it runs from where it was last set.
"""

import time

from metasim.config import ClockMode
from metasim.times import SECOND


def real_seconds() -> float:
    """Return the machine's monotonic seconds, for idle timers."""
    return time.monotonic()


class SimClock:
    """A clock that never goes backwards; moments are microseconds since the epoch."""

    def __init__(self, start_us: int, mode: ClockMode = "manual", speed: float = 1.0) -> None:
        """Start at `start_us`; `speed` is simulated seconds per real second."""
        self.mode: ClockMode = mode
        self.speed = speed
        self._base_us = start_us
        self._base_real = time.monotonic()

    def now_us(self) -> int:
        """Return the present simulated moment."""
        if self.mode == "manual":
            return self._base_us
        passed = time.monotonic() - self._base_real
        return self._base_us + int(passed * self.speed * SECOND)

    def advance_to(self, moment_us: int) -> int:
        """Move forward to a moment, or stay where it already is later; return the present moment."""
        now = self.now_us()
        self._base_us = max(now, moment_us)
        self._base_real = time.monotonic()
        return self._base_us
