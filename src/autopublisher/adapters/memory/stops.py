"""Stops and account watches in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter

from autopublisher.adapters.json_text import json_copy
from autopublisher.adapters.memory.tables import Tables, need
from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.errors import StaleWatchError, StopNotFoundError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import ActId, StopId


class MemoryStops:
    """Implements ``ports.repositories.StopRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, stop: Stop) -> None:
        """Insert a stop; ConflictError where its id is taken."""
        need(stop.id not in self._tables.stops, Fault.STOP_EXISTS(id=stop.id))
        self._tables.need_act_id(stop.act_id)
        self._tables.stops[stop.id] = replace(stop, report=json_copy(stop.report))

    def get(self, stop_id: StopId) -> Stop:
        """Return a stop; raises StopNotFoundError."""
        if stop_id not in self._tables.stops:
            raise StopNotFoundError(id=stop_id)
        return self._tables.stops[stop_id]

    def save(self, stop: Stop) -> None:
        """Overwrite a stop; raises StopNotFoundError."""
        self.get(stop.id)
        self._tables.need_act_id(stop.act_id)
        self._tables.stops[stop.id] = replace(stop, report=json_copy(stop.report))

    def holding(self, act_id: ActId | None = None) -> Sequence[Stop]:
        """Return the stops that hold, oldest first: all of them, or those that concern one account."""
        held = [stop for stop in self._tables.stops.values() if stop.holds]
        concerned = [one for one in held if act_id is None or one.concerns(act_id)]
        return sorted(concerned, key=attrgetter("at", "id"))

    def concerning(self, act_id: ActId) -> Sequence[Stop]:
        """Return the stops that concern an account, those of every account included, oldest first."""
        concerned = [stop for stop in self._tables.stops.values() if stop.concerns(act_id)]
        return sorted(concerned, key=attrgetter("at", "id"))

    def latest(self, limit: int = 50) -> Sequence[Stop]:
        """Return stops, those that hold first, then by ``at``, newest first."""
        by_id = sorted(self._tables.stops.values(), key=attrgetter("id"))
        newest = sorted(by_id, key=attrgetter("at"), reverse=True)
        return sorted(newest, key=lambda stop: not stop.holds)[:limit]


class MemoryWatches:
    """Implements ``ports.repositories.WatchRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, watch: Watch) -> None:
        """Insert an account's watch; nothing happens where it has one."""
        self._tables.need_act_id(watch.act_id)
        self._tables.watches.setdefault(watch.act_id, replace(watch, report=json_copy(watch.report)))

    def get(self, act_id: ActId) -> Watch | None:
        """Return an account's watch, or None."""
        return self._tables.watches.get(act_id)

    def save(self, watch: Watch, was: int) -> None:
        """Overwrite the watch if its stored version still is ``was``; StaleWatchError else."""
        stored = self.get(watch.act_id)
        if stored is None or stored.version != was:
            raise StaleWatchError(act_id=watch.act_id, version=was)
        self._tables.watches[watch.act_id] = replace(watch, report=json_copy(watch.report))

    def all(self) -> Sequence[Watch]:
        """Return every watch by account."""
        return sorted(self._tables.watches.values(), key=attrgetter("act_id"))

    def due(self, moment: datetime) -> Sequence[Watch]:
        """Return the watches to be looked at by then, the longest due first."""
        found = [watch for watch in self._tables.watches.values() if watch.next_look_at <= moment]
        return sorted(found, key=attrgetter("next_look_at", "act_id"))
