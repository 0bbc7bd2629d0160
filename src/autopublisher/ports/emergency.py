"""Emergency storage: what the kill switch keeps outside the database, for when that cannot be read or written."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from autopublisher.domain.accounts.emergency import BookedAccount, NotedStop
from autopublisher.domain.ids import StopId


class EmergencyNotes(Protocol):
    """Notes of stops that the database has not taken yet."""

    def write(self, stop_id: StopId, records: Sequence[Mapping[str, Any]]) -> str:
        """Make notes of a stop durable and say where they stand; never raises, for a pause must not wait for its note."""
        ...

    def pending(self) -> Sequence[NotedStop]:
        """Return the stops that stand in notes only, oldest first; UnavailableError where a note cannot be read."""
        ...

    def readable(self) -> Sequence[NotedStop]:
        """Return those of the pending stops that can be read: a pause must not wait for the others."""
        ...

    def close(self, stop_id: StopId) -> None:
        """Say that this process writes no more notes of a stop."""
        ...

    def is_open(self, stop_id: StopId) -> bool:
        """Tell whether some living process still writes notes of a stop."""
        ...

    def taken(self, stop_id: StopId) -> None:
        """Put a stop's notes away: the database has them."""
        ...


class AccountBook(Protocol):
    """The registered ad accounts, named outside the database."""

    def accounts(self) -> Sequence[BookedAccount]:
        """Return every account that was ever booked here, by ad account; nothing where the book cannot be read."""
        ...

    def book(self, accounts: Sequence[BookedAccount]) -> None:
        """Add accounts and bring their names up to date; never raises, for a start must not fail by it."""
        ...
