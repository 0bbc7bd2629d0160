"""Account check of time zone and currency: a change is told in ended runs whose figures still come.

A run under way ends for it. One that has ended can only say so: in another time zone its figures stay whole, as their
window begins two days early; in another currency they are amounts of something else and are not read any more.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from autopublisher.domain.accounts.accounts import AdAccountFacts
from autopublisher.domain.ids import ActId
from autopublisher.domain.runs.notes import CURRENCY, TIME_ZONE
from autopublisher.domain.runs.run import FINAL, Run
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.run_pages import every_run
from autopublisher.flows.runs.account_facts import AccountFacts
from autopublisher.flows.watch.account_check import Outcome
from autopublisher.flows.watch.run_notes import keep_note
from autopublisher.flows.writes.money_gate import LONGEST
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter

_MEANS = {CURRENCY: RunMessage.BOOKS_CURRENCY, TIME_ZONE: RunMessage.BOOKS_ZONE}
_BACK = {CURRENCY: RunMessage.BOOKS_CURRENCY_BACK, TIME_ZONE: RunMessage.BOOKS_ZONE_BACK}


class BooksCheck:
    """The check that tells ended runs of a change of their account's books, for as long as figures of theirs come."""

    name = "books"

    def __init__(self, open_unit: OpenUnitOfWork, facts: AccountFacts) -> None:
        self._open_unit = open_unit
        self._facts = facts

    def __call__(self, act_id: ActId, before: Mapping[str, Any] | None, now: datetime) -> Outcome | None:
        """Compare the account with each run of which figures still come; None where there never was one."""
        runs = self._unsettled(act_id, now)
        if not runs:
            return None if before is None else Outcome(before)
        facts = self._facts.seen(act_id, runs)
        for run in runs:
            self._compared(run, facts, now)
        return Outcome({"at": now.isoformat()})

    def _unsettled(self, act_id: ActId, now: datetime) -> Sequence[Run]:
        wanted = RunFilter(statuses=FINAL, act_id=act_id, alive_since=now - LONGEST, is_unsettled=True)
        with self._open_unit().reading() as unit:
            return list(every_run(unit, wanted))

    def _compared(self, run: Run, facts: AdAccountFacts, now: datetime) -> None:
        changed = self._facts.change(run, facts)
        wanted = TIME_ZONE if facts.currency == run.currency else CURRENCY
        for name, means in _MEANS.items():
            if changed is not None and name == wanted:
                said = means(changed=changed)
                run = keep_note(self._open_unit, run, name, said, "books_changed", now, said)
            else:
                run = keep_note(self._open_unit, run, name, None, "books_back", now, _BACK[name]())
