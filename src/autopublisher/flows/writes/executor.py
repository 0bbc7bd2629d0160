"""Executor: drives a write at Meta from intent to a settled row, exactly once and never past the money gate.

Every step commits before the next begins, so a crash leaves a row that says how far the write can have gone. What comes
after is the same code whether the process died or not.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from autopublisher.domain.accounts.claims import needs_no_claim
from autopublisher.domain.errors import MetaError, MetaNotFoundError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.naming import token_in
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
    resolve,
)
from autopublisher.domain.journal.write_messages import WriteMessage, given_up, not_looked_up
from autopublisher.domain.messages import Message, said_of
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.meta.readback import READ_FIELDS, differences
from autopublisher.domain.meta.rules import MetaHeldBackError
from autopublisher.domain.money.duplicates import is_duplicate
from autopublisher.domain.runs.run import Run
from autopublisher.flows.outcomes.deferred import Deferred, OperationRefused, Unread
from autopublisher.flows.writes.absence import Absence
from autopublisher.flows.writes.bookkeeping import Bookkeeping
from autopublisher.flows.writes.claims import AccountClaims
from autopublisher.flows.writes.found_objects import FoundObjects
from autopublisher.flows.writes.intents import Intents
from autopublisher.flows.writes.lookups import look_for
from autopublisher.flows.writes.money_gate import MoneyGate
from autopublisher.flows.writes.patience import BLAMELESS, Patience
from autopublisher.flows.writes.problems import Problems
from autopublisher.flows.writes.send_deadline import SendDeadlineExceeded, deadline_from_now
from autopublisher.flows.writes.together import Together
from autopublisher.flows.writes.uploads import Uploads
from autopublisher.ports.clock import Clock, Stopwatch
from autopublisher.ports.meta.client import MetaClients
from autopublisher.ports.repositories import Fence, OpenUnitOfWork
from autopublisher.ports.storage import Storage

_CREATIVE_PATIENCE = timedelta(days=1)


@dataclass(frozen=True)
class _Call:
    """What a call to Meta needs besides its row: the bytes of an upload, the check before it leaves, an earlier sending.

    The check is begun before the row is saved as SENT: frozen at any moment after that, the write is held back. An update
    that is not ``is_read_back`` stays SENT once Meta has taken it.
    """

    content: bytes
    check: Callable[[], None]
    sent_before: datetime | None = None
    is_read_back: bool = True


Step = Callable[[Run, Operation, Fence], Operation]
"""Takes a row that is not CONFIRMED one state further."""


class _NotListed(Unread):
    """Where a create could have been found, Meta did not let us look."""


class Executor:
    """Performs operations of a run at Meta."""

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        clients: MetaClients,
        storage: Storage,
        clock: Clock,
        patience: Patience | None = None,
        *,
        gate: MoneyGate | None = None,
        stopwatch: Stopwatch = time.monotonic,
        claims: AccountClaims | None = None,
    ) -> None:
        self._open_unit = open_unit
        self._clients = clients
        self._clock = clock
        self._patience = patience or Patience()
        self._uploads = Uploads(storage, clock, self._patience)
        self.gate = gate or MoneyGate()
        self._stopwatch = stopwatch
        self._claims = claims
        self._books = Bookkeeping(open_unit, clock, stretch=self.gate.stretch)
        self._absence = Absence(open_unit, clock, self._patience.absent_after)
        self._found = FoundObjects(clients, clock, self._books, stretch=self.gate.stretch)
        self.views = self._books.views
        self._intents = Intents(open_unit, clock, self.gate, self.views, self._patience.spacing)
        self._together = Together(
            clients, clock, self._books, self._intents, patience=self._patience, stopwatch=stopwatch
        )
        self._steps: Mapping[OperationState, Step] = {
            OperationState.INTENDED: self._sent,
            OperationState.SENT: self._unanswered,
            OperationState.UNKNOWN: self._reconciled,
            OperationState.REJECTED: _refuse,
            OperationState.WITHDRAWN: _refuse,
        }

    def recount(self, run: Run, changes: Sequence[tuple[Operation, Operation]]) -> None:
        """Save what rows reserve or have spent, each as it was and as it is; raises as the journal does."""
        self._books.recount(run, changes)

    def perform(self, run: Run, spec: OperationSpec) -> Operation:
        """Return the CONFIRMED row of a write, doing whatever is still missing.

        Raises Deferred where only time can tell, OperationRefused where the write will not happen, GateRefusedError before
        anything is intended, and StaleRunError or StaleOperationError where another worker has taken over.
        """
        fence = Fence(run.id, run.version)
        with self._claimed(run, spec):
            row = self.views.of(run).row(spec.key) or self._begun(run, spec, fence)[0]
            return self._finished(run, row, fence)

    def perform_anew(self, run: Run, spec: OperationSpec) -> Operation | None:
        """Return the CONFIRMED row of a write under a key of its own; None where somebody has taken the key, unseen.

        Raises as ``perform`` does.
        """
        fence = Fence(run.id, run.version)
        with self._claimed(run, spec):
            row, is_new = self._begun(run, spec, fence)
            return self._finished(run, row, fence) if is_new else None

    def perform_all(self, run: Run, specs: Sequence[OperationSpec]) -> Sequence[OperationSpec]:
        """Perform writes under keys of their own, as many at a time as the account's limits let leave together.

        All are creates or all are updates, and none needs another's outcome. Returns those whose keys somebody has taken,
        unseen. Raises as ``perform`` does, with what was sent together settled as far as its answers tell.
        """
        fence, left, taken = Fence(run.id, run.version), list(specs), list[OperationSpec]()
        while left:
            room = self._clients.for_account(run.act_id).room()
            some, left = left[:room], left[room:]
            if len(some) == 1:
                taken += some if self.perform_anew(run, some[0]) is None else ()
                continue
            with self._claimed(run, some[0]):
                rows, is_new = self._together.perform(run, some, fence)
                if not is_new:
                    taken += some
                    continue
                # What Meta has taken is read first: another's wait must not leave it open.
                for row in sorted(rows, key=lambda row: row.state is not OperationState.SENT):
                    self._concluded(run, row, fence)
        return taken

    def perform_each(self, run: Run, specs: Sequence[OperationSpec]) -> Sequence[OperationSpec]:
        """Perform updates one by one, each whatever became of the others, and have one listing confirm them.

        Returns those whose keys somebody has taken, unseen. Raises as ``perform`` does for the first that went wrong, once
        all have been tried.
        """
        fence, problems = Fence(run.id, run.version), Problems()
        rows, taken = list[Operation](), list[OperationSpec]()
        for spec in specs:
            with problems.noted(), self._claimed(run, spec):
                row, is_new = self._begun(run, spec, fence, is_read_back=False)
                rows += [row] if is_new else []
                taken += [] if is_new else [spec]
        for row in self._together.shown(run, rows, fence):
            with problems.noted():
                self._concluded(run, row, fence)
        problems.raise_first()
        return taken

    def _concluded(self, run: Run, row: Operation, fence: Fence) -> Operation:
        """Return the CONFIRMED row of a write that was sent just now, SENT where Meta has taken it."""
        is_taken = row.state is OperationState.SENT
        return self._finished(run, self._read_back(run, row, fence) if is_taken else row, fence)

    def _claimed(self, run: Run, spec: OperationSpec) -> AbstractContextManager[None]:
        """Return within what a write is made: while this start holds the account."""
        return (
            nullcontext() if self._claims is None or needs_no_claim(spec) else self._claims.held(run.act_id)
        )

    def _finished(self, run: Run, operation: Operation, fence: Fence) -> Operation:
        before, too_late = operation, 0
        while operation.state is not OperationState.CONFIRMED:
            if _is_doubtful(operation, before):
                operation = self._in_doubt_again(operation, fence)
            before, operation = operation, self._steps[operation.state](run, operation, fence)
            too_late += (
                operation.state is before.state
            )  # only a write held back before it left stays INTENDED
            if too_late > 1:
                # No moment's freeze: the machine or the database is slow, and haste would make it slower.
                raise Deferred(
                    self._clock.now() + self._patience.spacing, operation.error or WriteMessage.NO_ANSWER()
                )
        return operation

    def settle(self, run: Run, operation: Operation) -> Operation:
        """Return a row nobody wants any more in a settled state: CONFIRMED if it did happen, else WITHDRAWN."""
        fence = Fence(run.id, run.version)
        while not operation.is_settled:
            if operation.state is OperationState.INTENDED:
                operation = self._books.advance(
                    operation, OperationState.WITHDRAWN, fence, error=WriteMessage.NO_LONGER_WANTED()
                )
            elif operation.state is OperationState.SENT:
                operation = self._books.advance(operation, OperationState.UNKNOWN, fence)
            elif operation.spec.action is Action.CREATE:
                operation = self._found_out(run, operation, fence)
            else:
                operation = self._books.advance(
                    operation, OperationState.WITHDRAWN, fence, error=WriteMessage.NO_LONGER_WANTED()
                )
        return operation

    def _found_out(self, run: Run, operation: Operation, fence: Fence) -> Operation:
        """Look a create up; one of a creative whose list stays too long for Meta's limits is let go after a while.

        A creative cannot spend, and should it exist, the account's daily listing reports it once it can be read.
        """
        try:
            return self._looked_up(run, operation, fence)
        except _NotListed as unlisted:
            looked_for = self._clock.now() - (operation.sent_at or operation.intended_at)
            if operation.spec.kind is not ObjectKind.CREATIVE or looked_for < _CREATIVE_PATIENCE:
                raise
            return self._books.advance(
                operation,
                OperationState.WITHDRAWN,
                fence,
                error=not_looked_up(unlisted.attention),
            )

    def account_for_orphans(
        self,
        run: Run,
        plan: Sequence[OperationSpec] = (),
        listing: Sequence[ObjectState] | None = None,
        *,
        anew: bool = False,
    ) -> Mapping[MetaId, ObjectState]:
        """Journal what bears the run's mark and no row knows: second objects, and what an older database has forgotten.

        ``plan`` is what the run would make now, ``listing`` what the account showed where that has been asked already.
        ``anew`` says that nothing is known of the database's age: activations it lacks are looked for as well, and what has
        been archived since. Returns all that was listed, by Meta's id.
        """
        fence = Fence(run.id, run.version)
        listed = self._found.listing(run) if listing is None else listing
        self.views.forget(run)  # what was made meanwhile by whoever was thought dead has its row by now
        rows = self.views.of(run).rows
        if anew:
            listed = [*listed, *self._found.archived(run, rows)]
        known = {row.meta_id for row in rows}
        # A create that is still being settled finds its own object, and must not find it taken.
        creates = [row for row in rows if row.spec.action is Action.CREATE and row.is_settled]
        makers = {row.spec.token: row for row in creates if row.spec.token and not is_duplicate(row)}
        for found in listed:
            maker = makers.get(token_in(found.name) or "")
            if maker is not None and maker.spec.kind is found.kind and found.id not in known:
                self._books.duplicate(run, maker, fence, found)
                self._absence.learn(maker, found)
        self._found.take_in(run, listed, plan, fence)
        if anew:
            self._found.take_in_activations(run, listed, fence)
        return {found.id: found for found in listed}

    # --- one step ---------------------------------------------------------------------------------

    def _unanswered(self, run: Run, operation: Operation, fence: Fence) -> Operation:
        """Return a row that a process has left behind as one whose outcome nobody knows."""
        del run
        return self._books.advance(
            operation, OperationState.UNKNOWN, fence, error=WriteMessage.NOT_RECORDED()
        )

    def _in_doubt_again(self, operation: Operation, fence: Fence) -> Operation:
        """Return a create that counted as absent UNKNOWN again; one look-up more that finds nothing is enough."""
        return self._books.advance(
            operation, OperationState.UNKNOWN, fence, lookups=self._patience.lookups - 1, look_again_at=None
        )

    def _begun(
        self, run: Run, spec: OperationSpec, fence: Fence, *, is_read_back: bool = True
    ) -> tuple[Operation, bool]:
        """Return the row of a write and whether it is new: a create is intended then, any other sent and answered.

        What may be repeated without harm (an upload has its hash, an update its absolute values) is intended and sent in one
        transaction; a create is intended in one of its own, so that one that never left is known not to have.
        """
        if spec.action is Action.CREATE:
            (row,), is_new = self._intents.intend(run, [spec], fence)
            return row, is_new
        check = deadline_from_now(self._stopwatch)
        call = _Call(self._uploads.content(spec), check, is_read_back=is_read_back)
        (row,), is_new = self._intents.intend(run, [spec], fence, send=True)
        return (self._called(run, row, call, fence), True) if is_new else (row, False)

    def _sent(self, run: Run, operation: Operation, fence: Fence) -> Operation:
        if operation.attempts >= self._patience.attempts:
            return self._books.advance(
                operation,
                OperationState.WITHDRAWN,
                fence,
                error=given_up(operation),
            )
        call = _Call(
            self._uploads.content(operation.spec), deadline_from_now(self._stopwatch), operation.sent_at
        )
        operation = self._books.advance(
            operation,
            OperationState.SENT,
            fence,
            braked=run,
            attempts=operation.attempts + 1,
            sent_at=self._clock.now(),
        )
        return self._called(run, operation, call, fence)

    def _called(self, run: Run, operation: Operation, call: _Call, fence: Fence) -> Operation:
        """Make the call of a row that is SENT, and return the row as the answer leaves it."""
        try:
            with self._clients.for_account(run.act_id).checked(call.check):
                meta_id = self._call(run, operation, call.content)
        except SendDeadlineExceeded as late:
            # Where this worker has been replaced meanwhile, the compare-and-swap says so.
            return self._never_sent(operation, call.sent_before, fence, late.said)
        except MetaHeldBackError as held:
            self._never_sent(operation, call.sent_before, fence, operation.error)
            raise Deferred(self._resume_at(held)) from held
        except MetaError as error:
            (failed,) = self._books.save([self._books.failed(run, operation, error)], fence)
            if isinstance(error, BLAMELESS):
                raise Deferred(self._resume_at(error), said_of(error)) from error
            return failed
        if operation.spec.action not in {Action.UPDATE, Action.DELETE}:
            return self._books.confirm(run, operation, meta_id, fence)
        return self._read_back(run, operation, fence) if call.is_read_back else operation

    def _never_sent(
        self, operation: Operation, sent_before: datetime | None, fence: Fence, error: Message | None
    ) -> Operation:
        """Return a row INTENDED again as if it had not been tried: what was never sent has started nothing."""
        return self._books.advance(
            operation,
            OperationState.INTENDED,
            fence,
            attempts=operation.attempts - 1,
            sent_at=sent_before,
            error=error,
        )

    def _call(self, run: Run, operation: Operation, content: bytes) -> MetaId | None:
        spec, meta = operation.spec, self._clients.for_account(run.act_id)
        if spec.action is Action.UPLOAD:
            return meta.upload_image(spec.params["name"], content)
        if spec.action is Action.CREATE:
            return meta.create(spec.kind, resolve(spec.params, self._books.ids(run)))
        target = self._target(run, spec)
        if spec.action is Action.DELETE:
            meta.delete(target)
        else:
            meta.update(target, resolve(spec.params, self._books.ids(run)))
        return target

    # --- settling an unknown outcome --------------------------------------------------------------

    def _reconciled(self, run: Run, operation: Operation, fence: Fence) -> Operation:
        if operation.spec.action is Action.UPLOAD:
            return self._to_upload_again(operation, fence)
        if operation.spec.action is Action.CREATE:
            return self._looked_up(run, operation, fence)
        return self._read_back(run, operation, fence)

    def _to_upload_again(self, operation: Operation, fence: Fence) -> Operation:
        """Let an upload be repeated, which its hash makes harmless; not at once where Meta failed to answer."""
        again = self._books.advance(operation, OperationState.INTENDED, fence)
        if self._clock.now() < (operation.sent_at or operation.intended_at) + self._patience.spacing:
            raise Deferred(self._clock.now() + self._patience.spacing * operation.attempts)
        return again

    def _looked_up(self, run: Run, operation: Operation, fence: Fence) -> Operation:
        """Look for a create's token in the account's edge; a look-up that fails, or comes too early, proves nothing."""
        now = self._clock.now()
        if operation.look_again_at is not None and now < operation.look_again_at:
            raise Deferred(operation.look_again_at)
        hits = self._hits(run, operation)
        if hits:
            return self._adopted(run, operation, hits, fence)
        misses = operation.lookups + 1
        provable = self._absence.provable_from(operation.sent_at or operation.intended_at)
        if now < provable or misses < self._patience.lookups:
            again = min(now + self._patience.between(misses), max(provable, now + self._patience.spacing))
            self._books.advance(operation, OperationState.UNKNOWN, fence, lookups=misses, look_again_at=again)
            raise Deferred(again)
        return self._books.advance(operation, OperationState.INTENDED, fence, lookups=0, look_again_at=None)

    def _hits(self, run: Run, operation: Operation) -> Sequence[ObjectState]:
        try:
            return look_for(self._clients.for_account(run.act_id), operation.spec, self._books.ids(run))
        except MetaError as error:
            raise _NotListed(self._resume_at(error), said_of(error)) from error

    def _adopted(
        self, run: Run, operation: Operation, hits: Sequence[ObjectState], fence: Fence
    ) -> Operation:
        """Keep the first object made; journal any other as ours, so that teardown and reports cover it.

        Its key is outside the plan's, so that no phase takes it for a part of the plan and switches it on.
        """
        for extra in hits[1:]:
            self._books.duplicate(run, operation, fence, extra)
        self._absence.learn(operation, hits[0], self._missed_at(operation))
        return self._books.confirm(run, operation, hits[0].id, fence)

    def _missed_at(self, operation: Operation) -> datetime | None:
        """Return when a look-up for this create last found nothing, at the earliest; None where none has."""
        if not operation.lookups:
            return None
        if operation.look_again_at is None:  # it counted as absent already
            return self._absence.provable_from(operation.sent_at or operation.intended_at)
        return operation.look_again_at - self._patience.between(operation.lookups)

    def _read_back(self, run: Run, operation: Operation, fence: Fence) -> Operation:
        """Read an update's or delete's object: as wanted -> CONFIRMED, else it may be sent again (absolute values)."""
        target = self._target(run, operation.spec)
        wanted = {"status": "DELETED"} if operation.spec.action is Action.DELETE else operation.spec.params
        try:
            meta, kind = self._clients.for_account(run.act_id), operation.spec.kind
            shown = meta.read(kind, target, READ_FIELDS[kind])
        except MetaError as error:
            is_gone = isinstance(error, MetaNotFoundError) and operation.spec.action is Action.DELETE
            if is_gone:  # what Meta no longer knows is as good as deleted
                gone = ObjectState.known_to_be(operation.spec.kind, target, "DELETED")
                return self._books.confirm(run, operation, target, fence, gone)
            if operation.state is OperationState.SENT:
                self._books.advance(operation, OperationState.UNKNOWN, fence)
            raise Unread(self._resume_at(error), said_of(error)) from error
        unlike = differences(resolve(wanted, self._books.ids(run)), shown.raw)
        if not unlike:
            return self._books.confirm(run, operation, target, fence, shown)
        self._books.advance(
            operation, OperationState.INTENDED, fence, error=WriteMessage.DIFFERS(what=tuple(unlike))
        )
        again = self._clock.now() + self._patience.spacing * operation.attempts
        raise Deferred(again, WriteMessage.NOT_SHOWN_YET(key=operation.key, what=tuple(unlike)))

    def _target(self, run: Run, spec: OperationSpec) -> MetaId:
        return MetaId(self._books.ids(run)[spec.target or ""])

    def _resume_at(self, error: MetaError) -> datetime:
        return self._patience.after(error, self._clock.now())


def _refuse(_run: Run, operation: Operation, _fence: Fence) -> Operation:
    raise OperationRefused(operation)


def _is_doubtful(operation: Operation, before: Operation) -> bool:
    """Tell whether a create was sent once, counted as absent, and has not been looked up by this very ``perform``."""
    was_sent = operation.spec.action is Action.CREATE and operation.sent_at is not None
    return (
        was_sent and operation.state is OperationState.INTENDED and before.state is not OperationState.UNKNOWN
    )
