"""Pacing state of each ad account."""

from sqlalchemy import select

from autopublisher.adapters.db.session import Session
from autopublisher.adapters.db.tables import pacing
from autopublisher.domain.ids import ActId
from autopublisher.domain.meta.pacing import pacing_from_record
from autopublisher.ports.repositories import KeptPacing


class SqlPacings:
    """Implements ``ports.repositories.PacingRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, act_id: ActId) -> KeptPacing | None:
        """Return what was kept last, or None."""
        row = self._session.row(select(pacing).where(pacing.c.subject == act_id))
        return None if row is None else KeptPacing(pacing_from_record(row["state"]), row["updated_at"])

    def put(self, act_id: ActId, kept: KeptPacing) -> None:
        """Insert or overwrite; of a family that asks nothing of anybody not even the usage is kept."""
        row = {"subject": act_id, "state": kept.pacing.to_record(), "updated_at": kept.kept_at}
        self._session.put(pacing, row, ["subject"])
