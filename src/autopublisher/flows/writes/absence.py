"""Absence of an unanswered create: proven by a look-up without a hit, later than Meta has ever listed a new object here.

Theory of operation. Meta lists a new object only after a while (its read-after-write lag), and documents no bound. So the
wait is a setting, and what shows that the lag is longer is kept for good: an object that a look-up missed and a later one
found. From then on every create waits for twice as long as that.
"""

from datetime import datetime, timedelta

from autopublisher.domain.accounts.stops import LANDS_WITHIN
from autopublisher.domain.journal.operations import Operation, OperationState
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork

LONGEST_LAG = timedelta(days=1)
"""No longer lag is believed: what was missed for more than that was missed for another reason."""


class Absence:
    """Decides from when a look-up without a hit proves that nothing was made; ``after`` is the installation's setting."""

    def __init__(self, open_unit: OpenUnitOfWork, clock: Clock, after: timedelta) -> None:
        self._open_unit = open_unit
        self._clock = clock
        self._after = after

    def provable_from(self, sent_at: datetime) -> datetime:
        """Return from when no look-up can miss what a create sent then has made."""
        with self._open_unit().reading() as unit:
            seen = unit.listing_lags.longest()
        return sent_at + max(self._after, LANDS_WITHIN + 2 * seen)

    def learn(self, create: Operation, found: ObjectState, missed_at: datetime | None = None) -> None:
        """Keep how old an object of this create was when a look-up missed it; ``found`` is what Meta shows of it now.

        ``missed_at`` is the moment of the last miss, where the row does not say it.
        """
        missed = missed_at or self._last_missed(create)
        made_at = found.created_at or create.sent_at
        if missed is None or made_at is None:
            return
        lag = missed - made_at
        if lag > timedelta(0):
            with self._open_unit() as unit:
                unit.listing_lags.note(min(lag, LONGEST_LAG), self._clock.now())
                unit.commit()

    def _last_missed(self, create: Operation) -> datetime | None:
        """Return when this create was last believed absent: it was sent again then, or given up."""
        if create.state is OperationState.WITHDRAWN and create.sent_at is not None:
            return self.provable_from(create.sent_at)
        return create.sent_at if create.attempts > 1 else None
