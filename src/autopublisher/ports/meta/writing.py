"""Writing half of Meta's Marketing API, of one ad account: for ``flows.writes`` alone, which journals and gates it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from autopublisher.domain.errors import MetaError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind

LastCheck = Callable[[], None]
"""Called when a write is about to leave; what it raises keeps the write from leaving."""


@dataclass(frozen=True)
class Write:
    """A create or, with the id of its ``target``, an update of a campaign, ad set, creative or ad."""

    kind: ObjectKind
    params: Mapping[str, Any]
    target: MetaId | None = None


class MetaWrites(Protocol):
    """Changes campaigns, ad sets, creatives and ads. A call is made once: no method here repeats a write."""

    def create(self, kind: ObjectKind, params: Mapping[str, Any]) -> MetaId:
        """Create an object and return its id; raises MetaOutcomeUnknownError where nobody can tell."""
        ...

    def update(self, meta_id: MetaId, params: Mapping[str, Any]) -> None:
        """Set absolute values on an object."""
        ...

    def room(self) -> int:
        """Return how many writes may leave in one request now: one where the account's limits are narrow or nearly used."""
        ...

    def write_together(self, writes: Sequence[Write]) -> Sequence[MetaId | MetaError]:
        """Make writes in one request, in any order; return of each, in turn, the id it made or changed, or how it failed.

        Raises as ``create`` does where the request failed as a whole; nobody can tell then what became of any of them,
        unless the error says that nothing was sent.
        """
        ...

    def delete(self, meta_id: MetaId) -> None:
        """Delete an object."""
        ...

    def upload_image(self, name: str, content: bytes) -> MetaId:
        """Upload image bytes and return the image hash; repeating it is harmless (the hash is the content's)."""
        ...


class MetaWriting(Protocol):
    """How a write is kept from leaving at the last moment."""

    def checked(self, check: LastCheck) -> AbstractContextManager[None]:
        """Have this thread's writes within the block checked right before their request goes out; reads are not."""
        ...
