"""Writes that belong to no run: journaled under their ad account, and let through only where they can spend nothing.

Theory of operation. Each may be repeated without harm, so it is intended and sent in one transaction, in which the gate, the
stops and the claim are asked. What became of it is told by reading, never by the answer alone: whoever asked for the write
reads, and settles its row by what was read. Without a clear answer the row is UNKNOWN until then. A refusal settles it at
once, and what was held back before it left is INTENDED again. An account has no version that could fence its rows, so of two
workers the compare-and-swap of each row lets one through.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from autopublisher.domain.errors import MetaError, MetaRefusedError, StaleOperationError
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.keys import Purpose, change_key
from autopublisher.domain.journal.operations import (
    Action,
    Operation,
    OperationSpec,
    OperationState,
    changes_of,
)
from autopublisher.domain.journal.owners import AccountOwner
from autopublisher.domain.journal.records import Event
from autopublisher.domain.journal.write_messages import WriteMessage
from autopublisher.domain.messages import Message, said_of
from autopublisher.domain.meta.rules import MetaHeldBackError
from autopublisher.flows.writes.send_deadline import SendDeadlineExceeded, deadline_from_now
from autopublisher.flows.writes.stop_guard import check_account_write_allowed
from autopublisher.ports.clock import Clock, Stopwatch
from autopublisher.ports.meta.client import MetaClients
from autopublisher.ports.meta.writing import LastCheck
from autopublisher.ports.repositories import OpenUnitOfWork, UnitOfWork

Along = Callable[[UnitOfWork], None]
"""Saves, in the transaction in which a write is sent, what belongs to it."""


class AccountWrites:
    """Sends writes of an ad account and keeps their rows."""

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        clients: MetaClients,
        clock: Clock,
        stopwatch: Stopwatch = time.monotonic,
    ) -> None:
        self._open_unit = open_unit
        self._clients = clients
        self._clock = clock
        self._stopwatch = stopwatch

    def rows(self, act_id: ActId) -> Sequence[Operation]:
        """Return the account's own rows, oldest first."""
        with self._open_unit().reading() as unit:
            return unit.journal.of_account(act_id)

    def send(
        self,
        act_id: ActId,
        spec: OperationSpec,
        along: Along,
        meta_id: MetaId | None = None,
        on_sent: Callable[[], None] = lambda: None,
    ) -> Operation:
        """Send a write under a new row, or an open one of the same key once more; ``meta_id`` names what it changes.

        ``on_sent`` is called once the row and what goes along with it are saved, before Meta is asked.

        Returns the row: SENT where Meta has answered, INTENDED where it was too late to send it. Raises GateRefusedError,
        the Meta errors, and StaleOperationError where another worker has been quicker.
        """
        check = deadline_from_now(self._stopwatch)
        with self._open_unit() as unit:
            check_account_write_allowed(unit, act_id, spec)
            row = unit.journal.get(AccountOwner(act_id), spec.key)
            if row is None:
                row = self._intended(unit, act_id, spec, meta_id)
            elif row.is_settled or row.spec != spec:  # another worker's, which has been quicker with this key
                raise StaleOperationError(key=spec.key, was="absent")
            sent = _to_be_sent(row).to(
                OperationState.SENT, sent_at=self._clock.now(), attempts=row.attempts + 1
            )
            unit.journal.advance(sent, row, None)
            along(unit)
            unit.commit()
        on_sent()
        return self._called(act_id, sent, check)

    def settle(
        self, row: Operation, state: OperationState, *, events: Sequence[Event] = (), **changes: Any
    ) -> Operation:
        """Return the row in its next state, saved with the events that say so."""
        moved = row.to(state, **changes)
        with self._open_unit() as unit:
            unit.journal.advance(moved, row, None)
            unit.observations.add_events(events)
            unit.commit()
        return moved

    def give_up(self, row: Operation) -> None:
        """Save a row as no longer wanted."""
        with self._open_unit() as unit:
            unit.journal.advance(given_up(row, self._clock.now()), row, None)
            unit.commit()

    def _intended(
        self, unit: UnitOfWork, act_id: ActId, spec: OperationSpec, meta_id: MetaId | None
    ) -> Operation:
        number = len(unit.journal.of_account(act_id)) + 1
        row = Operation(
            AccountOwner(act_id), number, spec, OperationState.INTENDED, self._clock.now(), meta_id
        )
        unit.journal.intend(row, None)
        return row

    def _called(self, act_id: ActId, row: Operation, check: LastCheck) -> Operation:
        try:
            with self._clients.for_account(act_id).checked(check):
                self._call(act_id, row)
        except (SendDeadlineExceeded, MetaHeldBackError) as held:
            back = self.settle(
                row,
                OperationState.INTENDED,
                attempts=row.attempts - 1,
                error=_why_not_sent(held),
            )
            if isinstance(held, MetaHeldBackError):
                raise
            return back
        except MetaRefusedError as error:
            self.settle(row, OperationState.REJECTED, settled_at=self._clock.now(), error=said_of(error))
            raise
        except MetaError as error:
            self.settle(row, OperationState.UNKNOWN, error=said_of(error))
            raise
        return row

    def _call(self, act_id: ActId, row: Operation) -> None:
        spec, meta = row.spec, self._clients.for_account(act_id)
        if spec.action is Action.CREATE:
            meta.create(spec.kind, spec.params)
        elif spec.action is Action.DELETE:
            meta.delete(row.meta_id or MetaId(""))
        else:
            meta.update(row.meta_id or MetaId(""), spec.params)


def _why_not_sent(held: SendDeadlineExceeded | MetaHeldBackError) -> Message:
    return held.said if isinstance(held, SendDeadlineExceeded) else said_of(held)


def open_or_next_key(rows: Sequence[Operation], purpose: Purpose, target: str) -> str:
    """Return the key of the change that is still open, or else of one more for the same purpose of the same object."""
    earlier = changes_of(rows, target, purpose)
    open_one = next((row for row in earlier if not row.is_settled), None)
    return change_key(purpose, target, len(earlier) + 1) if open_one is None else open_one.key


def given_up(row: Operation, now: datetime) -> Operation:
    """Return an open row as no longer wanted; whether a call of it took effect makes no difference any more."""
    if row.state is OperationState.SENT:
        row = row.to(OperationState.UNKNOWN)
    return row.to(OperationState.WITHDRAWN, settled_at=now, error=WriteMessage.NO_LONGER_WANTED())


def _to_be_sent(row: Operation) -> Operation:
    """Return an open row as it is sent again: what a process has left SENT is unknown first."""
    if row.state is OperationState.SENT:
        row = row.to(OperationState.UNKNOWN)
    return row.to(OperationState.INTENDED) if row.state is OperationState.UNKNOWN else row
