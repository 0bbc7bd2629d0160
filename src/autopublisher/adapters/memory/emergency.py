"""Emergency notes and the account book in memory."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from autopublisher.domain.accounts.emergency import BookedAccount, NotedStop, noted_stop
from autopublisher.domain.ids import ActId, StopId


class MemoryEmergencyNotes:
    """Implements ``ports.emergency.EmergencyNotes``."""

    def __init__(self) -> None:
        self.records: dict[StopId, list[Mapping[str, Any]]] = {}
        self._open: set[StopId] = set()

    def write(self, stop_id: StopId, records: Sequence[Mapping[str, Any]]) -> str:
        """Keep the notes."""
        self._open.add(stop_id)
        self.records.setdefault(stop_id, []).extend(records)
        return "memory"

    def pending(self) -> Sequence[NotedStop]:
        """Return what is kept, oldest first."""
        found = [noted_stop(records) for records in self.records.values()]
        return sorted((one for one in found if one is not None), key=lambda one: one.stop.at)

    def readable(self) -> Sequence[NotedStop]:
        """Return all that is pending."""
        return self.pending()

    def close(self, stop_id: StopId) -> None:
        """Remember that the notes are complete."""
        self._open.discard(stop_id)

    def is_open(self, stop_id: StopId) -> bool:
        """Tell whether the notes are not complete."""
        return stop_id in self._open

    def taken(self, stop_id: StopId) -> None:
        """Forget a stop's notes."""
        self.records.pop(stop_id, None)


class MemoryAccountBook:
    """Implements ``ports.emergency.AccountBook``."""

    def __init__(self) -> None:
        self._accounts: dict[ActId, BookedAccount] = {}

    def accounts(self) -> Sequence[BookedAccount]:
        """Return every booked account, by ad account."""
        return sorted(self._accounts.values(), key=attrgetter("act_id"))

    def book(self, accounts: Sequence[BookedAccount]) -> None:
        """Add accounts."""
        self._accounts |= {account.act_id: account for account in accounts}
