"""The installation, in memory."""

from autopublisher.adapters.memory.tables import Tables
from autopublisher.domain.accounts.installation import Installation

_ONLY = 1


class MemoryInstallations:
    """Implements ``ports.repositories.InstallationRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def present(self) -> Installation | None:
        """Return the installation, None before it was added."""
        return self._tables.installations.get(_ONLY)

    def add(self, present: Installation) -> None:
        """Insert the installation; nothing happens where there is one."""
        self._tables.installations.setdefault(_ONLY, present)

    def save(self, present: Installation) -> None:
        """Overwrite the installation."""
        self._tables.installations[_ONLY] = present
