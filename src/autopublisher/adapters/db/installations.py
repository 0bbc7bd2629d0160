"""The installation's row: which one this database is of, and whether it was restored."""

from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import select

from autopublisher.adapters.db.session import Session
from autopublisher.adapters.db.tables import installation
from autopublisher.domain.accounts.installation import Installation, Restoration

_ONLY = 1
_RESTORATION = TypeAdapter(Restoration)


class SqlInstallations:
    """Implements ``ports.repositories.InstallationRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def present(self) -> Installation | None:
        """Return the installation, None before the first start of a release that knows of them."""
        row = self._session.row(select(installation))
        if row is None:
            return None
        stored = row["restoration"]
        restoration = None if stored is None else _RESTORATION.validate_python(stored)
        return Installation(row["id"], row["made_at"], restoration)

    def add(self, present: Installation) -> None:
        """Insert the installation; nothing happens where there is one."""
        self._session.insert(installation, _row(present))

    def save(self, present: Installation) -> None:
        """Overwrite the installation."""
        self._session.put(installation, _row(present), ["number"])


def _row(present: Installation) -> dict[str, Any]:
    restoration = present.restoration
    stored = None if restoration is None else _RESTORATION.dump_python(restoration, mode="json")
    return {**asdict(present), "number": _ONLY, "restoration": stored}
