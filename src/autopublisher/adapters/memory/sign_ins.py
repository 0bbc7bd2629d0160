"""Failures of sign-ins, in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter

from autopublisher.adapters.memory.tables import Tables
from autopublisher.domain.people import SignInFailures


class MemorySignInFailures:
    """Implements ``ports.sign_ins.SignInFailureRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._kept = tables.sign_in_failures

    def of(self, keys: Sequence[str]) -> Mapping[str, SignInFailures]:
        """Return by key the failures that are kept."""
        return {key: self._kept[key] for key in keys if key in self._kept}

    def put(self, failures: Sequence[SignInFailures]) -> None:
        """Insert or overwrite by key."""
        self._kept.update({one.key: one for one in failures})

    def forget(self, keys: Sequence[str]) -> None:
        """Delete what is kept of these keys."""
        for key in keys:
            self._kept.pop(key, None)

    def thin(self, before: datetime, most: int) -> None:
        """Delete what failed last before a moment, and all but about ``most`` of what failed since."""
        self.forget([key for key, one in self._kept.items() if one.failed_at < before])
        newest = sorted(self._kept.values(), key=attrgetter("failed_at"), reverse=True)
        if len(newest) > most:
            self.forget([one.key for one in newest if one.failed_at <= newest[most].failed_at])
