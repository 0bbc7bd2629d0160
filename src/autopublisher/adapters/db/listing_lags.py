"""Listing lags: how late Meta has listed new objects."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from autopublisher.adapters.db.session import Session
from autopublisher.adapters.db.tables import listing_lags


class SqlListingLags:
    """Implements ``ports.repositories.ListingLagRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def longest(self) -> timedelta:
        """Return the longest lag seen; nothing where none was."""
        return timedelta(
            milliseconds=self._session.scalar(select(func.max(listing_lags.c.milliseconds))) or 0
        )

    def note(self, lag: timedelta, at: datetime) -> None:
        """Keep a lag that was seen, unless a longer one is kept."""
        if lag > self.longest():
            row = {"seen_at": at, "milliseconds": lag // timedelta(milliseconds=1)}
            self._session.put(listing_lags, row, ["seen_at"])
