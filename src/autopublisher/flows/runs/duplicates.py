"""Duplicates of a run's objects at Meta in its ledger: what they can spend, and then what they did spend.

Theory of operation. For a duplicate that is on, or had to be switched off, money is set aside when it is journaled and at
each look. Before a winner is scaled every duplicate is switched off, unless somebody has deleted it; after its spend has
had time to show since, the figure replaces the reserve. A campaign with a budget of its own has its own figure, less what
is counted with its ad sets. So the final campaign is given only what neither the arms nor any duplicate has taken.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from autopublisher.domain.errors import MetaNotFoundError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.meta.insights import figures_of
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.money.duplicates import (
    Figure,
    dated,
    had_its_status_changed,
    holds_money,
    paused_at,
    settled,
    weighed,
)
from autopublisher.domain.runs.plan import total_of
from autopublisher.domain.runs.run import Run
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.outcomes.deferred import Deferred, Unread
from autopublisher.flows.runs.collector import SPEND_SHOWS
from autopublisher.flows.writes.objects import TREE, ObjectControl
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.reading import ReadingClients

_AGAIN = timedelta(seconds=30)

Shown = Mapping[str, ObjectState]
"""What Meta shows of objects, by key."""


class Duplicates:
    """Sees to the money of duplicates; ``stretch`` is how far Meta may stretch a daily budget on one day, in per cent."""

    def __init__(
        self,
        control: ObjectControl,
        clients: ReadingClients,
        clock: Clock,
        *,
        stretch: int,
    ) -> None:
        self.stretch = stretch
        self._control = control
        self._clients = clients
        self._clock = clock

    def weigh(self, run: Run, shown_of: Callable[[Operation], ObjectState | None]) -> None:
        """Set aside what the run's duplicates can spend; ``shown_of`` says what Meta shows, None leaves a row as it is.

        Raises StaleRunError or StaleOperationError where another worker has taken over.
        """
        rows = self._control.rows(run)
        pairs = [(row, shown_of(row)) for row in rows if holds_money(row)]
        news = [(row, self._as_shown(run, row, rows, shown)) for row, shown in pairs if shown is not None]
        self._control.recount(run, [(was, row) for was, row in news if row != was])

    def _as_shown(self, run: Run, row: Operation, rows: Sequence[Operation], shown: ObjectState) -> Operation:
        now = self._clock.now()
        counted = weighed(row, rows, shown, total_of(run).minor, now, self.stretch)
        return dated(counted, now + SPEND_SHOWS, gone=shown.is_gone)

    def settle(self, run: Run) -> None:
        """Have every duplicate off, and what each has spent in the ledger; raises Deferred while that is not known."""
        listed = self._control.account_for_orphans(run)
        rows = [row for row in self._made(run) if row.spec.kind in TREE]
        if not rows:
            return
        shown = {row.key: self._shown(run, row, listed) for row in rows}
        self.weigh(run, lambda row: shown.get(row.key))
        self._control.pause(run, self._to_pause(run, rows, shown))
        figures = self._figures(run, shown)
        self._pause_what_has_spent(run, figures, shown)
        self._wait_for_figures(run)
        self._keep(run, figures)

    def _to_pause(self, run: Run, rows: Sequence[Operation], shown: Shown) -> list[Operation]:
        """Return what is not shown off, and of what is paused those that were not always off: a listing may be late.

        The others are not read again: a read that Meta throttles is answered with a pause, as if they had been on.
        """
        journal = self._control.rows(run)
        return [
            row
            for row in rows
            if not shown[row.key].is_off
            or (not shown[row.key].is_gone and had_its_status_changed(journal, row.key))
        ]

    def _made(self, run: Run) -> Sequence[Operation]:
        return self._control.created(run, Purpose.DUPLICATE)

    def _shown(self, run: Run, row: Operation, listed: Shown) -> ObjectState:
        """Return what Meta shows of a duplicate; one that its account lists no more is asked for."""
        return listed[row.key] if row.key in listed else self._control.shown_now(run, row)

    def _figures(self, run: Run, shown: Shown) -> Mapping[str, Figure]:
        """Return what Meta reports each duplicate with money to have spent, by key.

        Campaigns are asked for last: what a figure of theirs has more than their ad sets' is then nobody else's.
        """
        rows = [row for row in self._made(run) if holds_money(row)]
        figures: dict[str, Figure] = {}
        inside: Counter[MetaId | None] = Counter()
        for row in sorted(rows, key=lambda one: one.spec.kind is ObjectKind.CAMPAIGN):
            spent = self._spent(run, row, shown[row.key])
            figures[row.key] = Figure(spent, inside[row.meta_id])
            inside[shown[row.key].campaign_id] += spent
        return figures

    def _spent(self, run: Run, row: Operation, shown: ObjectState) -> int:
        """Return what Meta reports one duplicate to have spent, in minor units; nothing of one it does not know any more."""
        try:
            found = self._clients.for_account(run.act_id).insights_of(
                row.meta_id or MetaId(""), run.created_at, self._clock.now()
            )
        except MetaNotFoundError as error:
            if shown.is_gone:
                return 0
            missing = RunMessage.DUPLICATE_FIGURES_MISSING(key=row.key)
            raise Unread(self._clock.now() + _AGAIN, missing) from error
        event = run.request.ad.conversion_event or "PURCHASE"
        return 0 if found is None else figures_of(found, run.currency, event).spend

    def _pause_what_has_spent(self, run: Run, figures: Mapping[str, Figure], shown: Shown) -> None:
        """Order a pause of what was off at every look and has spent all the same: a moment to count from."""
        journal = self._control.rows(run)
        for row in (one for one in journal if one.key in figures):
            unexplained = figures[row.key].own and row.spent is None
            if unexplained and not had_its_status_changed(journal, row.key) and not shown[row.key].is_gone:
                self._control.update(run, row, {"status": "PAUSED"}, Purpose.PAUSE)
        self.weigh(run, lambda row: shown.get(row.key))

    def _wait_for_figures(self, run: Run) -> None:
        """Wait until all that the duplicates spent before they were off or gone is in Meta's figures."""
        journal, now = self._control.rows(run), self._clock.now()
        shows = {row.key: _shows_at(row, journal) for row in journal if holds_money(row)}
        later = {key: at for key, at in shows.items() if at is not None and at > now}
        if later:
            until = max(later.values())
            raise Deferred(until, RunMessage.DUPLICATE_WAS_ON(keys=tuple(later), at=until))

    def _keep(self, run: Run, figures: Mapping[str, Figure]) -> None:
        """Write the figures down; that of one which nobody knows to be off or gone may still grow and settles nothing."""
        rows = self._control.rows(run)
        final = [row for row in rows if row.key in figures and _shows_at(row, rows) is not None]
        known = [(row, settled(row, figures[row.key])) for row in final]
        self._control.recount(run, [(was, row) for was, row in known if row != was])


def _shows_at(row: Operation, rows: Sequence[Operation]) -> datetime | None:
    """Return when all that a duplicate spent is in Meta's figures: it was switched off in time before, or is gone."""
    paused = paused_at(rows, row.key)
    moments = [row.look_again_at, None if paused is None else paused + SPEND_SHOWS]
    return max((at for at in moments if at is not None), default=None)
