"""Writes that leave together: one request to Meta, and for each of them the row, the check and the answer it has alone.

Theory of operation. All rows are INTENDED and then SENT before the request leaves, in one transaction each, so a crash
leaves rows that say of every write how far it can have gone. Meta does not take a request as a whole: it may do some writes
of it and not others, in any order. So each row is settled by its own answer. One that was not answered is UNKNOWN; so are
all of them where the request was not. What becomes of them then is the same as of a write that was sent alone.
"""

from collections.abc import Mapping, Sequence

from autopublisher.domain.errors import MetaError, MetaOutcomeUnknownError, MetaRefusedError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import Action, Operation, OperationSpec, OperationState, resolve
from autopublisher.domain.messages import Message, said_of
from autopublisher.domain.meta.readback import READ_FIELDS, differences
from autopublisher.domain.meta.rules import MetaHeldBackError
from autopublisher.domain.runs.run import Run
from autopublisher.flows.outcomes.deferred import Deferred
from autopublisher.flows.writes.bookkeeping import Bookkeeping, Change
from autopublisher.flows.writes.intents import Intents
from autopublisher.flows.writes.listings import shown_together
from autopublisher.flows.writes.patience import BLAMELESS, Patience
from autopublisher.flows.writes.send_deadline import SendDeadlineExceeded, deadline_from_now
from autopublisher.ports.clock import Clock, Stopwatch
from autopublisher.ports.meta.client import MetaClients
from autopublisher.ports.meta.writing import LastCheck, Write
from autopublisher.ports.repositories import Fence


class Together:
    """Makes creates, or updates, of a run in one request."""

    def __init__(
        self,
        clients: MetaClients,
        clock: Clock,
        books: Bookkeeping,
        intents: Intents,
        *,
        patience: Patience,
        stopwatch: Stopwatch,
    ) -> None:
        self._clients = clients
        self._clock = clock
        self._books = books
        self._intents = intents
        self._patience = patience
        self._stopwatch = stopwatch

    def perform(
        self, run: Run, specs: Sequence[OperationSpec], fence: Fence
    ) -> tuple[Sequence[Operation], bool]:
        """Return the rows of writes as their answers leave them, and whether they are new: others are left as they are.

        An update that Meta has taken and not shown yet is SENT. Raises Deferred where Meta took none now, once all rows are
        saved, and what intents raise.
        """
        check = deadline_from_now(self._stopwatch)
        creates = specs[0].action is Action.CREATE
        rows, is_new = self._intents.intend(run, specs, fence, send=not creates)
        if not is_new:
            return rows, False
        if creates:
            check, now = deadline_from_now(self._stopwatch), self._clock.now()
            sent = [Change(row, row.to(OperationState.SENT, sent_at=now, attempts=1)) for row in rows]
            rows = self._books.save(sent, fence, braked=run)
        return self._called(run, rows, check, fence), True

    def _called(
        self, run: Run, rows: Sequence[Operation], check: LastCheck, fence: Fence
    ) -> Sequence[Operation]:
        meta, ids = self._clients.for_account(run.act_id), self._books.ids(run)
        writes = [_write(row, ids) for row in rows]
        try:
            with meta.checked(check):
                outcomes = meta.write_together(writes)
        except SendDeadlineExceeded as late:
            return self._books.save([_never_sent(row, late.said) for row in rows], fence)
        except MetaHeldBackError as held:
            self._books.save([_never_sent(row, row.error) for row in rows], fence)
            raise Deferred(self._patience.after(held, self._clock.now())) from held
        except MetaRefusedError as refused:
            # Of the request and not of a write, and nobody says that none of them was made.
            outcomes = [MetaOutcomeUnknownError(refused.why)] * len(rows)
        except MetaError as error:
            outcomes = [error] * len(rows)
        return self._settled(run, rows, outcomes, fence)

    def _settled(
        self, run: Run, rows: Sequence[Operation], outcomes: Sequence[MetaId | MetaError], fence: Fence
    ) -> Sequence[Operation]:
        """Return the rows as their answers, and what Meta shows of objects that were changed, leave them."""
        answers = {row.key: one for row, one in zip(rows, outcomes, strict=True)}
        known = {row.key: self._known(run, row, answers[row.key]) for row in rows}
        changed = [row for row in rows if known[row.key] is None]
        hindrance = next((one for one in outcomes if isinstance(one, BLAMELESS)), None)
        if hindrance is None:
            known |= self._shown(run, changed)
        changes = [one for one in known.values() if one is not None]
        if changes:
            self._books.save(changes, fence)
        if hindrance is not None:
            raise Deferred(
                self._patience.after(hindrance, self._clock.now()), said_of(hindrance)
            ) from hindrance
        return [row if (change := known[row.key]) is None else change.row for row in rows]

    def _known(self, run: Run, row: Operation, outcome: MetaId | MetaError) -> Change | None:
        """Return the step that an answer leads to; None of an update that was taken, which has to be shown."""
        if isinstance(outcome, MetaError):
            return self._books.failed(run, row, outcome)
        return self._books.confirmed(run, row, outcome) if row.spec.action is Action.CREATE else None

    def shown(self, run: Run, rows: Sequence[Operation], fence: Fence) -> Sequence[Operation]:
        """Return the rows of updates, those CONFIRMED that are SENT and that one listing shows as asked."""
        known = self._shown(run, [row for row in rows if row.state is OperationState.SENT])
        if known:
            self._books.save(list(known.values()), fence)
        return [known[row.key].row if row.key in known else row for row in rows]

    def _shown(self, run: Run, rows: Sequence[Operation]) -> dict[str, Change]:
        """Return by key the steps of updates that one listing shows as asked; what is amiss in it is read by itself."""
        ids = self._books.ids(run)
        kinds = {_target(row, ids): row.spec.kind for row in rows}
        try:
            shown = shown_together(self._clients.for_account(run.act_id), run.id, kinds, READ_FIELDS)
        except MetaError:
            return {}
        return {
            row.key: self._books.confirmed(run, row, meta_id, shown[meta_id])
            for row in rows
            if (meta_id := _target(row, ids)) in shown
            and not differences(resolve(row.spec.params, ids), shown[meta_id].raw)
        }


def _write(row: Operation, ids: Mapping[str, str]) -> Write:
    target = None if row.spec.target is None else _target(row, ids)
    return Write(row.spec.kind, resolve(row.spec.params, ids), target)


def _target(row: Operation, ids: Mapping[str, str]) -> MetaId:
    return MetaId(ids[row.spec.target or ""])


def _never_sent(row: Operation, error: Message | None) -> Change:
    """Return the step of a row that was not sent: it is as if it had not been tried."""
    return Change(row, row.to(OperationState.INTENDED, attempts=0, sent_at=None, error=error))
