"""Problems of several acts of which none may keep another from being tried: the first is raised in the end."""

from collections.abc import Iterator
from contextlib import contextmanager

from autopublisher.domain.errors import MetaError
from autopublisher.flows.outcomes.deferred import Deferred, OperationRefused


class Problems:
    """What went wrong so far."""

    def __init__(self) -> None:
        self._found: list[Deferred | OperationRefused | MetaError] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Try what the block does, and note what comes of it instead of raising it."""
        try:
            yield
        except (Deferred, OperationRefused, MetaError) as problem:
            self._found.append(problem)

    def raise_first(self) -> None:
        """Raise what went wrong first, if anything did."""
        if self._found:
            raise self._found[0]
