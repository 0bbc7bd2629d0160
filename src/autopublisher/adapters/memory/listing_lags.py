"""Listing lags in memory: how late Meta has listed new objects."""

from datetime import datetime, timedelta

from autopublisher.adapters.memory.tables import Tables


class MemoryListingLags:
    """Implements ``ports.repositories.ListingLagRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def longest(self) -> timedelta:
        """Return the longest lag seen; nothing where none was."""
        return max((lag for lag, _ in self._tables.listing_lags), default=timedelta(0))

    def note(self, lag: timedelta, at: datetime) -> None:
        """Keep a lag that was seen, unless a longer one is kept."""
        if lag > self.longest():
            self._tables.listing_lags.append((lag, at))
