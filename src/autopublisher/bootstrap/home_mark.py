"""The data folder's mark: which installation has admitted runs from here, so that the loss of its database is noticed.

A start on a database without runs would otherwise know nothing of what is on at Meta, and go on as if nothing were.
A folder from which no run was ever admitted has no mark: a first start that failed may simply be made again.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import structlog

from autopublisher.bootstrap.secret_file import write_private
from autopublisher.domain.errors import LostDatabaseError
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter
from autopublisher.ports.work import Tick, TickHandler

_FILE = "installation.json"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Stored:
    """What the database says: whose it is, and whether it holds a run that was ever admitted."""

    installation: str
    has_admitted: bool


class HomeMark:
    """The mark of one data folder, compared with the database that is opened from it."""

    def __init__(self, home: Path, open_unit: OpenUnitOfWork) -> None:
        self._path = home / _FILE
        self._open_unit = open_unit

    def check(self, *, new_database: bool = False) -> None:
        """Raise LostDatabaseError where runs were admitted from this folder and the database holds none.

        With ``new_database`` the folder belongs to this database from now on, whatever it held before.
        """
        stored = self._stored()
        if stored.has_admitted or new_database:
            self.renew()
        elif self._path.exists():
            raise LostDatabaseError(home=self._path.parent)

    def renew(self) -> None:
        """Make the folder's mark say what the database says."""
        stored = self._stored()
        try:
            if not stored.has_admitted:
                self._path.unlink(missing_ok=True)
            elif self._recorded() != stored.installation:
                write_private(self._path, json.dumps({"installation": stored.installation}) + "\n")
        except OSError as error:
            # The next tick or start tries again; runs must not wait for a folder that is full.
            _log.warning("home_mark_not_written", path=str(self._path), reason=error.strerror)

    @property
    def exists(self) -> bool:
        """Whether the folder is marked."""
        return self._path.exists()

    def _recorded(self) -> str | None:
        try:
            return str(json.loads(self._path.read_text("utf-8"))["installation"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def _stored(self) -> _Stored:
        with self._open_unit().reading() as unit:
            present = unit.installations.present()
            admitted = unit.runs.find(RunFilter(was_admitted=True, limit=1))
        return _Stored("" if present is None else present.id, bool(admitted))


class MarkedTicks:
    """Ticks that mark the data folder as soon as a run has been admitted."""

    def __init__(self, ticks: TickHandler, mark: HomeMark) -> None:
        self._ticks = ticks
        self._mark = mark

    def __call__(self, tick: Tick) -> None:
        """Handle the tick."""
        self._ticks(tick)
        if tick.run_id is not None and not self._mark.exists:
            self._mark.renew()
