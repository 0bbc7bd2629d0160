"""What Meta says of a run's account now, as long as it keeps its books in the time zone and currency of the run.

Every figure is asked for by the account's days and read in its currency, so a change of either makes all money uncertain:
the run ends then, with everything off.
"""

from autopublisher.domain.accounts import AdAccountFacts
from autopublisher.domain.run import Run
from autopublisher.flows.failing import RunFailed
from autopublisher.ports.meta_ads import MetaAds
from autopublisher.ports.repositories import OpenUnitOfWork

_CHANGED = (
    "Meta now keeps the account's books in {found}, not in {known} as when the run began; "
    "what is spent cannot be counted across the change"
)


class AccountFacts:
    """Reads the account for the phases that decide about money."""

    def __init__(self, open_unit: OpenUnitOfWork, meta: MetaAds) -> None:
        self._open_unit = open_unit
        self._meta = meta

    def current(self, run: Run) -> AdAccountFacts:
        """Return what Meta says now; raises RunFailed where it says twice that time zone or currency have changed."""
        with self._open_unit() as unit:
            timezone = unit.accounts.get(run.account_id).timezone
        known = f"{run.currency} and {timezone}"
        facts = self._meta.account(run.act_id)
        if _books(facts) != known:
            facts = self._meta.account(run.act_id)
        if _books(facts) != known:
            raise RunFailed(_CHANGED.format(found=_books(facts), known=known))
        return facts


def _books(facts: AdAccountFacts) -> str:
    return f"{facts.currency} and {facts.timezone}"
