"""Time as the product sees it: real in live mode, the simulator's in stub mode."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

Stopwatch = Callable[[], float]
"""Returns real seconds since some fixed moment, in stub mode too; they only grow, also while the process is suspended."""


class Clock(Protocol):
    """The only source of the present moment."""

    def now(self) -> datetime:
        """Return the present as aware UTC; raises UnavailableError where the time cannot be read."""
        ...

    def real_seconds_until(self, moment: datetime) -> float | None:
        """Return real seconds until ``moment`` (0 if past); None where time only moves when it is told to."""
        ...


class SteppedClock(Clock, Protocol):
    """A clock that jumps instead of running."""

    def advance_to(self, moment: datetime) -> datetime:
        """Move to ``moment`` unless it is past, and return the present after the move."""
        ...
