"""Failures of sign-ins."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, select

from autopublisher.adapters.db.session import Session
from autopublisher.adapters.db.tables import sign_in_failures
from autopublisher.domain.people import SignInFailures


class SqlSignInFailures:
    """Implements ``ports.sign_ins.SignInFailureRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, keys: Sequence[str]) -> Mapping[str, SignInFailures]:
        """Return by key the failures that are kept."""
        rows = self._session.rows(select(sign_in_failures).where(sign_in_failures.c.key.in_(keys)))
        return {row["key"]: SignInFailures(**row) for row in rows}

    def put(self, failures: Sequence[SignInFailures]) -> None:
        """Insert or overwrite by key."""
        for one in failures:
            self._session.put(sign_in_failures, vars(one), ("key",))

    def forget(self, keys: Sequence[str]) -> None:
        """Delete what is kept of these keys."""
        self._session.change(delete(sign_in_failures).where(sign_in_failures.c.key.in_(keys)))

    def thin(self, before: datetime, most: int) -> None:
        """Delete what failed last before a moment, and all but about ``most`` of what failed since."""
        failed_at = sign_in_failures.c.failed_at
        self._session.change(delete(sign_in_failures).where(failed_at < before))
        last = self._session.scalar(select(failed_at).order_by(failed_at.desc()).offset(most).limit(1))
        if last is not None:
            self._session.change(delete(sign_in_failures).where(failed_at <= last))
