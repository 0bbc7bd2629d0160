"""Installation: the identity that its database carries, so that a restored or exchanged one is noticed."""

from dataclasses import dataclass
from datetime import datetime

from autopublisher.domain.ids import InstallationId


@dataclass(frozen=True)
class Restoration:
    """One restoring of a backup: ``id`` tells it from every other, ``backup_at`` is what moment the data are of.

    Both moments are of the machine's clock, in stub mode too, and so are only for people: what has been verified since
    is told by ``id``, not by comparing times.
    """

    id: str
    at: datetime
    backup_at: datetime
    by: str
    took_over: bool = False

    @property
    def sentence(self) -> str:
        """What people read until everything has been verified."""
        at, backup_at = (moment.isoformat(timespec="seconds") for moment in (self.at, self.backup_at))
        return f"restored at {at} from a backup of {backup_at}: everything is verified against Meta before any write"


@dataclass(frozen=True)
class Installation:
    """All processes of one database; a restored copy keeps the ``id``."""

    id: InstallationId
    made_at: datetime
    restoration: Restoration | None = None
