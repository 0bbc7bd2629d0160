"""The claims on ad accounts, in memory."""

from autopublisher.adapters.memory.tables import Tables
from autopublisher.domain.accounts.claims import Claim
from autopublisher.domain.ids import ActId


class MemoryClaims:
    """Implements ``ports.repositories.ClaimRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def of(self, act_id: ActId) -> Claim | None:
        """Return the claim on an account, None where it was never claimed."""
        return self._tables.claims.get(act_id)

    def put(self, claim: Claim) -> None:
        """Insert or overwrite."""
        self._tables.claims[claim.act_id] = claim
