"""Pause of orphaned objects: journaled under their ad account, as no run's journal has them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from autopublisher.domain.accounts.stops import ObjectLine, StopMessage
from autopublisher.domain.errors import MetaError, StaleOperationError
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.keys import OperationKey, Purpose
from autopublisher.domain.journal.naming import token_in
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.records import Event
from autopublisher.domain.messages import Message, said_of, worded
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.reconciliation.watch_messages import WatchMessage
from autopublisher.flows.outcomes.steps import SYSTEM
from autopublisher.flows.writes.account_writes import AccountWrites, open_or_next_key
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import UnitOfWork

_FIELDS = ("id", "name", "status")


@dataclass(frozen=True)
class OrphanedObject:
    """One object that is on, or found to be off."""

    kind: ObjectKind
    meta_id: MetaId
    name: str
    on: bool = True

    @classmethod
    def of(cls, shown: ObjectState) -> "OrphanedObject":
        """Return an object as its account shows it."""
        return cls(shown.kind, shown.id, shown.name, on=not shown.is_off)


@dataclass(frozen=True)
class _Task:
    """The pause of one object, begun now."""

    act_id: ActId
    orphan: OrphanedObject
    now: datetime

    @property
    def target(self) -> str:
        """How the journal calls the object."""
        return OperationKey(Purpose.ORPHAN, self.orphan.meta_id).text

    def named(self, shown: ObjectState) -> "_Task":
        """Return the task with the name that Meta shows."""
        return replace(self, orphan=replace(self.orphan, name=shown.name or self.orphan.name))

    def spec(self, rows: Sequence[Operation]) -> OperationSpec:
        """Return the write that is still open, or the next."""
        key = open_or_next_key(rows, Purpose.PAUSE, self.target)
        off, token = {"status": "PAUSED"}, token_in(self.orphan.name)
        return OperationSpec(key, Action.UPDATE, self.orphan.kind, off, target=self.target, token=token)

    def event(self, action: str, code: WatchMessage) -> Event:
        """Return the line of the log for what was done to the object."""
        kind, meta_id = self.orphan.kind.value, self.orphan.meta_id
        message = code(kind=kind, id=meta_id, name=self.orphan.name)
        facts = {"act_id": self.act_id, "kind": kind, "meta_id": meta_id}
        return Event(self.now, f"watch:stray:{action}", SYSTEM, message, None, facts)

    def line(self, state: str, why: Message | None) -> ObjectLine:
        """Return what Meta showed of the object, and what is still missing."""
        orphan = self.orphan
        return ObjectLine(orphan.kind, orphan.meta_id, orphan.name, None, state, not why, why)


class OrphanPause:
    """Pauses one object and reads it back."""

    def __init__(self, writes: AccountWrites, clients: ReadingClients) -> None:
        self._writes = writes
        self._clients = clients

    def __call__(self, act_id: ActId, orphan: OrphanedObject, now: datetime) -> ObjectLine:
        """Switch off an object that no run's journal has; the events say so before and after.

        A pause that was begun before is settled by what Meta shows, and sent once more where the object is still on.
        """
        task = _Task(act_id, orphan, now)
        try:
            return self._paused(task)
        except MetaError as error:
            return task.line("unknown", said_of(error))
        except StaleOperationError:
            return task.line("unknown", StopMessage.TAKEN_OVER())

    def leave(self, act_id: ActId, orphan: OrphanedObject) -> None:
        """Give up the pause of an object that a run's journal has by now: it is the run's to switch off or on."""
        target = OperationKey(Purpose.ORPHAN, orphan.meta_id).text
        for row in self._writes.rows(act_id):
            if row.spec.target == target and not row.is_settled:
                with suppress(StaleOperationError):  # another worker has settled it
                    self._writes.give_up(row)

    def _paused(self, task: _Task) -> ObjectLine:
        rows = [row for row in self._writes.rows(task.act_id) if row.spec.target == task.target]
        begun = next((row for row in rows if not row.is_settled), None)
        shown = None if begun is None else self._shown(task)
        if begun is not None and shown is not None and shown.is_off:
            return self._settled(task.named(shown), begun, shown)
        pausing = task.event("pausing", WatchMessage.ORPHAN_PAUSING)
        row = self._writes.send(
            task.act_id,
            task.spec(rows),
            lambda unit: unit.observations.add_events([pausing]),
            task.orphan.meta_id,
        )
        if row.state is OperationState.INTENDED:  # it was too late to send it
            return task.line("unknown", worded(row.error or ""))
        try:
            shown = self._read(task)
        except MetaError as error:
            self._writes.settle(row, OperationState.UNKNOWN, error=said_of(error))
            raise
        return self._settled(task.named(shown), row, shown)

    def _settled(self, task: _Task, row: Operation, shown: ObjectState) -> ObjectLine:
        """Settle the row by what Meta shows; of an object that is still on it is sent again at the next look."""
        state = str(shown.status)
        if not shown.is_off:
            why = WatchMessage.STILL_ON(state=state)
            self._writes.settle(row, OperationState.INTENDED, error=why)
            return task.line(state, why)
        # One that is INTENDED again had been read as not done.
        is_ours = row.state is not OperationState.INTENDED
        outcome = OperationState.CONFIRMED if is_ours else OperationState.WITHDRAWN
        paused = task.event("paused", WatchMessage.ORPHAN_PAUSED)
        self._writes.settle(row, outcome, events=(paused,), settled_at=task.now, error=None)
        return task.line(state, None)

    def _shown(self, task: _Task) -> ObjectState | None:
        """Return what Meta shows, None where it does not answer now: stopping does not wait for knowing."""
        try:
            return self._read(task)
        except MetaError:
            return None

    def _read(self, task: _Task) -> ObjectState:
        return self._clients.for_account(task.act_id).read(task.orphan.kind, task.orphan.meta_id, _FIELDS)


def unfinished_pauses(unit: UnitOfWork, act_id: ActId) -> Sequence[OrphanedObject]:
    """Return the objects whose pause is in the account's journal and not settled; a tick may have died in the middle."""
    return [
        OrphanedObject(row.spec.kind, row.meta_id, row.spec.token or row.meta_id)
        for row in unit.journal.of_account(act_id)
        if row.purpose is Purpose.PAUSE and not row.is_settled and row.meta_id is not None
    ]
