"""Intents: the rows of writes that are about to be made, inserted past the stop guard and the money gate or not at all."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from autopublisher.domain.accounts.stops import last_requested_params, passes_stop
from autopublisher.domain.journal.keys import Purpose, purpose_of
from autopublisher.domain.journal.operations import Operation, OperationSpec, OperationState
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.reconciliation.found import found_in
from autopublisher.domain.runs.run import Run
from autopublisher.flows.outcomes.deferred import Deferred, Held
from autopublisher.flows.writes.journal_views import JournalViews
from autopublisher.flows.writes.money_gate import MoneyGate
from autopublisher.flows.writes.stop_guard import check_writes_allowed
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import Fence, OpenUnitOfWork, UnitOfWork


class Intents:
    """Inserts rows of a run, and with them what they reserve; ``spacing`` is how long a restored database waits."""

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        clock: Clock,
        gate: MoneyGate,
        views: JournalViews,
        spacing: timedelta,
    ) -> None:
        self._open_unit = open_unit
        self._clock = clock
        self._gate = gate
        self._views = views
        self._spacing = spacing

    def intend(
        self, run: Run, specs: Sequence[OperationSpec], fence: Fence, *, send: bool = False
    ) -> tuple[Sequence[Operation], bool]:
        """Return the rows of writes and whether they are new: all of them, or none, and then those that were there.

        The gate sees each with those before it. ``send`` has new rows SENT in the same transaction.
        """
        with self._open_unit() as unit:
            rows = list(unit.journal.of_run(run.id))
            keys = {spec.key for spec in specs}
            known = [row for row in rows if row.key in keys]
            if known:
                self._views.forget(run)
                return known, False
            check_writes_allowed(unit, run, specs)
            self._check_current(unit, run, specs, rows)
            reopened = [_reopened(unit, row, fence) for spec in specs for row in _settled_of(spec, rows)]
            rows = [next((one for one in reopened if one.key == row.key), row) for row in rows]
            for spec in specs:
                rows.append(self._intended(unit, run, spec, fence, rows))
            new = rows[len(rows) - len(specs) :]
            if send:
                sent = [row.to(OperationState.SENT, sent_at=row.intended_at, attempts=1) for row in new]
                for was, row in zip(new, sent, strict=True):
                    unit.journal.advance(row, was, fence)
                new = sent
            unit.commit()
        for row in (*reopened, *new):
            self._views.follow(row)
        return new, True

    def _intended(
        self, unit: UnitOfWork, run: Run, spec: OperationSpec, fence: Fence, rows: Sequence[Operation]
    ) -> Operation:
        now = self._clock.now()
        operation = Operation(RunOwner(run.id), len(rows) + 1, spec, OperationState.INTENDED, now)
        self._gate.admit(unit, run, rows, operation)
        unit.journal.intend(operation, fence)
        return operation

    def _check_current(
        self, unit: UnitOfWork, run: Run, specs: Sequence[OperationSpec], rows: Sequence[Operation]
    ) -> None:
        """Let writes through for a run whose database is not older than Meta, as far as is known; pauses always."""
        if run.is_ending or all(
            passes_stop(spec, last_requested_params(rows, spec.target or "")) for spec in specs
        ):
            return
        if found_in(rows):
            raise Held(rows)
        present = unit.installations.present()
        restored = None if present is None else present.restoration
        if restored is not None and run.restoration != restored.id:
            raise Deferred(self._clock.now() + self._spacing, restored.said)


def _settled_of(spec: OperationSpec, rows: Sequence[Operation]) -> list[Operation]:
    """Return the settled arm that a write lets go on: from the moment it is intended all of its budget counts again."""
    if purpose_of(spec.key) is not Purpose.CONTINUE:
        return []
    return [row for row in rows if row.key == spec.target and row.spent is not None]


def _reopened(unit: UnitOfWork, row: Operation, fence: Fence) -> Operation:
    unsettled = replace(row, spent=None)
    unit.journal.advance(unsettled, row, fence)
    return unsettled
