"""Account check of billing: status, spending limit and balance at Meta, kept so that the exposure can show them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from autopublisher.domain.accounts.account_limit import BILLING, billing_of
from autopublisher.domain.ids import ActId
from autopublisher.flows.watch.account_check import Outcome
from autopublisher.flows.writes.money_gate import LONGEST
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter


class BillingCheck:
    """Reads status, spending limit, amount spent and balance of an account in which a run can still spend."""

    name = BILLING

    def __init__(self, open_unit: OpenUnitOfWork, clients: ReadingClients) -> None:
        self._open_unit = open_unit
        self._clients = clients

    def __call__(self, act_id: ActId, before: Mapping[str, Any] | None, now: datetime) -> Outcome | None:
        """Return what Meta says of the account now; what was known before where no run needs it."""
        with self._open_unit().reading() as unit:
            needed = unit.runs.count(RunFilter(act_id=act_id, alive_since=now - LONGEST))
        if not needed:
            return None if before is None else Outcome(before)
        return Outcome(billing_of(self._clients.for_account(act_id).account(), now).to_record())
