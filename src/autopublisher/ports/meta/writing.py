"""Writing half of Meta's Marketing API, of one ad account: for ``flows.writes`` alone, which journals and gates it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind

LastCheck = Callable[[], None]
"""Called when a write is about to leave; what it raises keeps the write from leaving."""


class MetaWrites(Protocol):
    """Changes campaigns, ad sets, creatives and ads. A call is made once: no method here repeats a write."""

    def create(self, kind: ObjectKind, params: Mapping[str, Any]) -> MetaId:
        """Create an object and return its id; raises MetaOutcomeUnknownError where nobody can tell."""
        ...

    def update(self, meta_id: MetaId, params: Mapping[str, Any]) -> None:
        """Set absolute values on an object."""
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
