"""The claims on ad accounts."""

from typing import Any

from sqlalchemy import select

from autopublisher.adapters.db.session import Row, Session
from autopublisher.adapters.db.tables import claims
from autopublisher.domain.accounts.claims import Claim
from autopublisher.domain.ids import ActId
from autopublisher.domain.messages import Message


class SqlClaims:
    """Implements ``ports.repositories.ClaimRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, act_id: ActId) -> Claim | None:
        """Return the claim on an account, None where it was never claimed."""
        row = self._session.row(select(claims).where(claims.c.act_id == act_id))
        return None if row is None else _claim(row)

    def put(self, claim: Claim) -> None:
        """Insert or overwrite."""
        said = None if claim.why is None else claim.why.to_record()
        self._session.put(claims, vars(claim) | {"why": "", "said": said}, ["act_id"])


def _claim(row: Row) -> Claim:
    told: dict[str, Any] = {**row}
    why = told.pop("said") or told["why"]
    return Claim(**told | {"why": Message.from_record(why) if why else None})
