"""Both halves of Meta's Marketing API, account by account, as one adapter provides them."""

from typing import Protocol

from autopublisher.domain.ids import ActId
from autopublisher.ports.meta.pacing import MetaPacing
from autopublisher.ports.meta.reading import MetaReading
from autopublisher.ports.meta.writing import MetaWrites, MetaWriting


class MetaAds(MetaReading, MetaWrites, MetaWriting, Protocol):
    """Both halves, of one ad account: for what writes."""


class MetaClients(MetaPacing, Protocol):
    """The client of each account: each may have a credential of its own."""

    def for_account(self, act_id: ActId) -> MetaAds:
        """Return what reads and writes one ad account."""
        ...
