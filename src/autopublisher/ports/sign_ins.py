"""Wrong passwords as every process counts them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from autopublisher.domain.people import SignInFailures


class SignInFailureRepository(Protocol):
    """Failures of sign-ins by key, the same for all processes of one database."""

    def of(self, keys: Sequence[str]) -> Mapping[str, SignInFailures]:
        """Return by key the failures that are kept."""
        ...

    def put(self, failures: Sequence[SignInFailures]) -> None:
        """Insert or overwrite by key."""
        ...

    def forget(self, keys: Sequence[str]) -> None:
        """Delete what is kept of these keys."""
        ...

    def thin(self, before: datetime, most: int) -> None:
        """Delete what failed last before a moment, and all but about ``most`` of what failed since."""
        ...
