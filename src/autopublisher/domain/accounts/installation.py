"""Installation: the identity that its database carries, so that a restored or exchanged one is noticed."""

from dataclasses import dataclass
from datetime import datetime

from autopublisher.domain.ids import InstallationId
from autopublisher.domain.messages import Code, Message


class InstallationMessage(Code):
    """What is said of an installation."""

    RESTORED = "installation.restored"
    RESTORED_FROM = "installation.restored_from"


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
    def said(self) -> Message:
        """What people read until everything has been verified."""
        return InstallationMessage.RESTORED_FROM(at=self.at, backup_at=self.backup_at)


@dataclass(frozen=True)
class Installation:
    """All processes of one database; a restored copy keeps the ``id``."""

    id: InstallationId
    made_at: datetime
    restoration: Restoration | None = None
