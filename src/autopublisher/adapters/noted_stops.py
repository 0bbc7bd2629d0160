"""Stops of the database together with those that stand in emergency notes only: both hold."""

from collections.abc import Callable, Sequence
from operator import attrgetter

from autopublisher.domain.accounts.emergency import NotedStop
from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.errors import StopNotFoundError
from autopublisher.domain.ids import ActId, StopId
from autopublisher.ports.repositories import StopRepository

Pending = Callable[[], Sequence[NotedStop]]


class StopsWithNoted:
    """Implements ``ports.repositories.StopRepository``: what an emergency has stopped is stopped before any row says so."""

    def __init__(self, stored: StopRepository, pending: Pending) -> None:
        self._stored = stored
        self._pending = pending

    def add(self, stop: Stop) -> None:
        """Insert a stop; ConflictError where its id is taken."""
        self._stored.add(stop)

    def get(self, stop_id: StopId) -> Stop:
        """Return a stop; raises StopNotFoundError."""
        try:
            return self._stored.get(stop_id)
        except StopNotFoundError:
            found = next((noted_stop for noted_stop in self._noted() if noted_stop.id == stop_id), None)
            if found is None:
                raise
            return found

    def save(self, stop: Stop) -> None:
        """Overwrite a stop, storing one that was noted only; raises StopNotFoundError."""
        if stop.id in {noted_stop.id for noted_stop in self._noted()}:
            self._stored.add(stop)
        else:
            self._stored.save(stop)

    def holding(self, act_id: ActId | None = None) -> Sequence[Stop]:
        """Return the stops that hold, oldest first: all of them, or those that concern one account."""
        return self.holding_among(self._stored.holding(act_id), act_id)

    def holding_among(self, stored: Sequence[Stop], act_id: ActId | None = None) -> Sequence[Stop]:
        """Return the same of stored stops that have been read already."""
        noted = [noted_stop for noted_stop in self._noted() if act_id is None or noted_stop.concerns(act_id)]
        return sorted([*stored, *noted], key=attrgetter("at", "id"))

    def concerning(self, act_id: ActId) -> Sequence[Stop]:
        """Return the stops that concern an account, those of every account included, oldest first."""
        noted = [noted_stop for noted_stop in self._noted() if noted_stop.concerns(act_id)]
        return sorted([*self._stored.concerning(act_id), *noted], key=attrgetter("at", "id"))

    def latest(self, limit: int = 50) -> Sequence[Stop]:
        """Return stops, those that hold first, then by ``at``, newest first."""
        return [*self._noted()[::-1], *self._stored.latest(limit)][:limit]

    def _noted(self) -> Sequence[Stop]:
        return [
            noted_stop.with_reports
            for noted_stop in self._pending()
            if not self._is_stored(noted_stop.stop.id)
        ]

    def _is_stored(self, stop_id: StopId) -> bool:
        try:
            self._stored.get(stop_id)
        except StopNotFoundError:
            return False
        return True
