"""Patience: how often and for how long a write without a clear answer is asked about."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from autopublisher.domain.errors import (
    MetaAuthorisationError,
    MetaError,
    MetaHumanNeededError,
    MetaThrottledError,
)

BLAMELESS = (MetaThrottledError, MetaAuthorisationError, MetaHumanNeededError)
"""Failures that are not the write's fault."""

_MOST_DOUBLINGS = 5


@dataclass(frozen=True)
class Patience:
    """How an unknown outcome is settled.

    A create is believed absent after ``lookups`` complete look-ups that found nothing, ever further apart and ``spacing`` at
    first, of which the last comes ``absent_after`` it was sent, or later (``writes.absence``): so long Meta may not list a
    new object. ``attempts`` is how often a write is sent before it is given up; ``pause`` how long a throttled or
    unauthorised write waits.
    """

    lookups: int = 3
    spacing: timedelta = timedelta(seconds=30)
    absent_after: timedelta = timedelta(minutes=15)
    attempts: int = 5
    pause: timedelta = timedelta(minutes=5)

    def between(self, lookups: int) -> timedelta:
        """Return how long to wait for the next look-up after so many that found nothing."""
        return self.spacing * (1 << min(lookups - 1, _MOST_DOUBLINGS))

    def after(self, error: MetaError, now: datetime) -> datetime:
        """Return when to try again after an error, which Meta may have named."""
        told = error.retry_at if isinstance(error, MetaThrottledError) else None
        return told or now + (self.pause if isinstance(error, BLAMELESS) else self.spacing)
