"""Deleted spend after a restoring: read at Meta, kept in the run's journal, and waited for before anything new may spend.

Theory of operation. The account's total is compared with the rows of all its ad sets, and what the journals know of deleted
ones is taken away; what is left counts (``domain/runs/deleted_spend``). Ad sets rather than campaigns: somebody may have
deleted one of a campaign that stands. The rows are read before the total and, where they differ, once more after it: only
where nothing has moved meanwhile is the difference exact, and if it never stands still it is too large rather than too
small. What is deleted is off, so only figures that come late can raise it: after ``SPEND_SHOWS`` it is read for the last
time, and until then no run that builds, scales or publishes goes on.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from autopublisher.domain.accounts.installation import Restoration
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import MetaNotFoundError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind, Operation, OperationSpec, OperationState
from autopublisher.domain.meta.insights import spend_of
from autopublisher.domain.money.ledger import commitment_of, ledger_of
from autopublisher.domain.runs.deleted_spend import (
    counted_before,
    deleted_spend_row,
    deleted_spend_said,
    new_row,
    unlisted_spend,
    with_deleted_spend,
)
from autopublisher.domain.runs.plan import total_of
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.outcomes.deferred import Deferred
from autopublisher.flows.outcomes.failing import RunFailed
from autopublisher.flows.outcomes.steps import event
from autopublisher.flows.run_pages import every_run
from autopublisher.flows.runs.collector import SPEND_SHOWS
from autopublisher.flows.writes.money_gate import LONGEST
from autopublisher.flows.writes.objects import ObjectControl
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import Fence, OpenUnitOfWork, RunFilter

_SPENDS_ANEW = frozenset({RunStatus.CREATING_CAMPAIGNS, RunStatus.SCALING_BUDGET, RunStatus.PUBLISHING_FINAL})
_TRIES = 3
"""So often the rows may move while they are read; Meta renews its figures every quarter of an hour."""

_BEFORE = timedelta(days=3)
"""A window of figures begins up to so much before the moment that is asked for."""

_PAGE = 500


class DeletedSpend:
    """Counts what was deleted at Meta before a backup came back."""

    def __init__(
        self, open_unit: OpenUnitOfWork, control: ObjectControl, clients: ReadingClients, clock: Clock
    ) -> None:
        self._open_unit = open_unit
        self._control = control
        self._clients = clients
        self._clock = clock

    def count(self, run: Run, restored: Restoration | None) -> None:
        """Have the journal count what was deleted, read twice, the second time when nothing is late any more.

        Raises a Meta error where it cannot be read.
        """
        if restored is None:
            return
        row = deleted_spend_row(restored, self._control.rows(run))
        now = self._clock.now()
        if row is None and run.restoration != restored.id:
            self._keep(run, restored, None, self._read(run, restored, now), now + SPEND_SHOWS)
        elif row is not None and row.look_again_at is not None and row.look_again_at <= now:
            self._keep(run, restored, row, self._read(run, restored, now), None)

    def noted(self, run: Run) -> Run:
        """Return the run with the warnings of what counts for it."""
        return with_deleted_spend(run, self._control.rows(run))

    def settle(self, run: Run, restored: Restoration | None, plan: Sequence[OperationSpec]) -> None:
        """Let a run spend anew only once what was deleted is known for good, and where it leaves enough for ``plan``.

        Raises Deferred before, and RunFailed where it does not.
        """
        if restored is None or run.is_ending or run.status not in _SPENDS_ANEW:
            return
        rows = self._control.rows(run)
        row = deleted_spend_row(restored, rows)
        if row is None:
            return
        if row.look_again_at is not None:
            raise Deferred(row.look_again_at, RunMessage.DELETED_AWAITED(at=row.look_again_at))
        made = {one.key: one for one in rows if one.state is OperationState.CONFIRMED}
        missing = {spec.key: spec.reserves for spec in plan if spec.key not in made}
        needed = Money(sum(missing.values()), run.currency)
        asked = sum(commitment_of(one, rows) for one in rows if one.key in missing)
        left = ledger_of(total_of(run), rows).left + Money(asked, run.currency)
        # What was made before the restoring fits the total whatever was deleted, but arms may have been on and off since.
        is_new = needed.minor > 0 or run.status is RunStatus.CREATING_CAMPAIGNS
        if row.spent and is_new and needed > left:
            said = deleted_spend_said(run, rows)
            raise RunFailed(RunMessage.DELETED_LEAVES(needed=needed, left=left, deleted=said))

    # --- what Meta shows ------------------------------------------------------------------------------

    def _read(self, run: Run, restored: Restoration, now: datetime) -> int:
        """Return what deleted objects that no journal knows have spent, in minor units."""
        meta = self._clients.for_account(run.act_id)
        for _ in range(_TRIES):
            rows = meta.ad_sets(None, run.created_at, now)
            spends = [spend_of(row) for row in rows]
            total = spend_of(meta.insights_of(MetaId(run.act_id), run.created_at, now))
            missing = unlisted_spend(total, spends, (), run.currency)
            if not missing:
                return 0
            again = sum(spend_of(row) for row in meta.ad_sets(None, run.created_at, now))
            if again == sum(spends):
                break
        known = self._known(run, {row.object_id for row in rows}, now)
        found = unlisted_spend(total, spends, known, run.currency)
        return max(0, found - counted_before(self._control.rows(run), restored))

    def _known(self, run: Run, listed: set[MetaId], now: datetime) -> list[Decimal]:
        """Return what ad sets have spent that the account's journals know and its rows lack, each asked for by its id."""
        since = run.created_at - _BEFORE
        alive = RunFilter(act_id=run.act_id, alive_since=since - LONGEST, limit=_PAGE)
        with self._open_unit().reading() as unit:
            models = [one for each in every_run(unit, alive) for one in unit.records.objects(each.id)]
        ids = [
            one.meta_id
            for one in models
            if one.kind is ObjectKind.AD_SET and (one.ends_at is None or one.ends_at >= since)
        ]
        return [self._own(run, meta_id, now) for meta_id in ids if meta_id not in listed]

    def _own(self, run: Run, meta_id: MetaId, now: datetime) -> Decimal:
        try:
            return spend_of(self._clients.for_account(run.act_id).insights_of(meta_id, run.created_at, now))
        except MetaNotFoundError:
            return Decimal(0)

    # --- what is kept ---------------------------------------------------------------------------------

    def _keep(
        self, run: Run, restored: Restoration, was: Operation | None, spent: int, again: datetime | None
    ) -> None:
        """Save what counts now, and say so where that has changed; raises as the journal does."""
        now, fence = self._clock.now(), Fence(run.id, run.version)
        with self._open_unit() as unit:
            row = was
            if row is None:
                number = len(unit.journal.of_run(run.id)) + 1
                row = new_row(run, restored, number, now)
                unit.journal.intend(row, fence)
            counts = replace(
                row, state=OperationState.WITHDRAWN, settled_at=now, spent=spent, look_again_at=again
            )
            unit.journal.advance(counts, row, fence)
            said = deleted_spend_said(run, [counts])
            if was is None or was.spent != spent:
                unit.observations.add_events([event(run, now, "deleted_spend", one) for one in said])
            unit.commit()
        self._control.views.forget(run)
