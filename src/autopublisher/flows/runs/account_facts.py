"""Account facts: what Meta says of a run's account now, as long as its time zone and currency are the run's.

Every figure is asked for by the account's days and read in its currency, so a change of either makes all money uncertain:
the run ends then, with everything off.
"""

from collections.abc import Sequence

from autopublisher.domain.accounts.accounts import AdAccountFacts
from autopublisher.domain.ids import ActId
from autopublisher.domain.messages import Message
from autopublisher.domain.runs.run import Run
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.outcomes.failing import RunFailed
from autopublisher.flows.writes.journal_views import JournalViews
from autopublisher.ports.meta.reading import ReadingClients


class AccountFacts:
    """Reads the account for the phases that decide about money."""

    def __init__(self, views: JournalViews, clients: ReadingClients) -> None:
        self._views = views
        self._clients = clients

    def current(self, run: Run) -> AdAccountFacts:
        """Return what Meta says now; raises RunFailed where it says twice that time zone or currency have changed."""
        facts = self.seen(run.act_id, [run])
        changed = self.change(run, facts)
        if changed is not None:
            raise RunFailed(RunMessage.BOOKS_UNCOUNTED(changed=changed))
        return facts

    def seen(self, act_id: ActId, runs: Sequence[Run]) -> AdAccountFacts:
        """Return what Meta says of the account, asked again where something has changed for one of its runs."""
        meta = self._clients.for_account(act_id)
        facts = meta.account()
        changed = any(self.change(run, facts) is not None for run in runs)
        return meta.account() if changed else facts

    def change(self, run: Run, facts: AdAccountFacts) -> Message | None:
        """Return what is other than when the run began; None where nothing is."""
        timezone = self._views.account(run).timezone
        known = f"{run.currency} and {timezone}"
        is_same = _books(facts) == known
        return None if is_same else RunMessage.BOOKS_CHANGED(found=_books(facts), known=known)


def _books(facts: AdAccountFacts) -> str:
    return f"{facts.currency} and {facts.timezone}"
