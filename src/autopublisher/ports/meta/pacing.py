"""Pacing of the calls to Meta."""

from contextlib import AbstractContextManager
from typing import Protocol

from autopublisher.domain.ids import ActId
from autopublisher.domain.meta.pacing import Pacing


class MetaPacing(Protocol):
    """How fast the client lets calls go, so that one process can go on where another stood."""

    def working_for(self, act_id: ActId) -> AbstractContextManager[None]:
        """Have this thread's calls on objects of unknown owner count as the account's while the context lasts."""
        ...

    def pacing(self, act_id: ActId) -> Pacing:
        """Return how fast the account's calls may go, as far as this client knows."""
        ...

    def recall(self, act_id: ActId, pacing: Pacing) -> None:
        """Go on from what another process has learnt of the account, forgetting what this client knew."""
        ...
