"""Bookkeeping of writes: the journal's row, the Meta model and the log's line of each, kept in step.

A row, the model it concerns and what is said of it are saved in one transaction, so that none of them tells another story.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from autopublisher.domain.errors import MetaError, MetaRefusedError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.keys import OperationKey, Purpose, change_key
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.journal.records import Event, MetaObject
from autopublisher.domain.journal.write_messages import DONE, WriteMessage
from autopublisher.domain.messages import Message, said_of
from autopublisher.domain.meta.answers import said_by_meta
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.money.duplicates import MONEY_KINDS, worst_case
from autopublisher.domain.runs.plan import total_of
from autopublisher.domain.runs.run import Run
from autopublisher.flows.writes.journal_views import JournalViews
from autopublisher.flows.writes.patience import BLAMELESS
from autopublisher.flows.writes.stop_guard import check_writes_allowed
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import Fence, OpenUnitOfWork

_MODELLED = frozenset({ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD, ObjectKind.CREATIVE})
_VERBS = {
    Action.CREATE: "created",
    Action.UPLOAD: "uploaded",
    Action.UPDATE: "updated",
    Action.DELETE: "deleted",
}


@dataclass(frozen=True)
class Change:
    """One step of a row, the object that is saved with it, and the log's line of it."""

    was: Operation
    row: Operation
    model: MetaObject | None = None
    event: Event | None = None


class Bookkeeping:
    """Keeps the journal, the Meta models and the log of a run in step.

    ``stretch`` is how far Meta may stretch a daily budget on one day, in per cent.
    """

    def __init__(self, open_unit: OpenUnitOfWork, clock: Clock, *, stretch: int) -> None:
        self.views = JournalViews(open_unit)
        self._stretch = stretch
        self._open_unit = open_unit
        self._clock = clock

    def ids(self, run: Run) -> dict[str, str]:
        """Return the Meta id of every write of the run that has one, by key."""
        return self.views.of(run).ids

    def advance(
        self,
        operation: Operation,
        state: OperationState,
        fence: Fence,
        *,
        braked: Run | None = None,
        **changes: Any,
    ) -> Operation:
        """Return the row in its next state, saved; with ``braked`` only if no stop forbids it (raises Stopped)."""
        (moved,) = self.save([Change(operation, operation.to(state, **changes))], fence, braked=braked)
        return moved

    def save(self, changes: Sequence[Change], fence: Fence, *, braked: Run | None = None) -> list[Operation]:
        """Return rows as they are now, saved together; with ``braked`` only if no stop forbids any (raises Stopped)."""
        with self._open_unit() as unit:
            if braked is not None:
                check_writes_allowed(unit, braked, [one.row.spec for one in changes])
            for one in changes:
                unit.journal.advance(one.row, one.was, fence)
            # Other than a read they are the newest, whosever clock is ahead.
            unit.records.put_objects([one.model for one in changes if one.model is not None], newest=True)
            unit.observations.add_events([one.event for one in changes if one.event is not None])
            unit.commit()
        for one in changes:
            self.views.follow(one.row, one.model)
        return [one.row for one in changes]

    def recount(self, run: Run, changes: Sequence[tuple[Operation, Operation]]) -> None:
        """Save what rows reserve or have spent, each as it was and as it is; raises as the journal does."""
        if not changes:
            return
        with self._open_unit() as unit:
            for was, row in changes:
                unit.journal.advance(row, was, Fence(run.id, run.version))
            unit.commit()
        for _, row in changes:
            self.views.follow(row)

    def confirm(
        self,
        run: Run,
        operation: Operation,
        meta_id: MetaId | None,
        fence: Fence,
        shown: ObjectState | None = None,
    ) -> Operation:
        """Return the row CONFIRMED, saved with the model it made or changed; ``shown`` is what Meta showed of it."""
        (settled,) = self.save([self.confirmed(run, operation, meta_id, shown)], fence)
        return settled

    def confirmed(
        self, run: Run, operation: Operation, meta_id: MetaId | None, shown: ObjectState | None = None
    ) -> Change:
        """Return the step of a write that Meta has shown or said to be done."""
        now = self._clock.now()
        settled = operation.to(
            OperationState.CONFIRMED, meta_id=meta_id, settled_at=now, look_again_at=None, error=None
        )
        said = DONE[operation.spec.action](key=operation.key, id=str(meta_id))
        data = {"key": operation.key, "meta_id": meta_id}
        event = self.event(run, _VERBS[operation.spec.action], said, data)
        model = _modelled(run, settled, now, shown, self._known(run, operation.spec))
        return Change(operation, settled, model, event)

    def failed(self, run: Run, operation: Operation, error: MetaError) -> Change:
        """Return the step of a write whose call failed: REJECTED where Meta refused it, else UNKNOWN.

        What is not the write's fault does not use up an attempt; whether it happened is still looked up.
        """
        if isinstance(error, MetaRefusedError):
            said, now = said_by_meta(error), self._clock.now()
            rejected = operation.to(OperationState.REJECTED, error=said, settled_at=now)
            message = WriteMessage.REJECTED(key=operation.key, why=said)
            event = self.event(run, "rejected", message, {"key": operation.key})
            return Change(operation, rejected, event=event)
        tried = operation.attempts - isinstance(error, BLAMELESS)
        unknown = operation.to(OperationState.UNKNOWN, error=said_of(error), lookups=0, attempts=tried)
        return Change(operation, unknown)

    def duplicate(self, run: Run, operation: Operation, fence: Fence, shown: ObjectState) -> None:
        """Journal a second object that a create has made, once, so that teardown and the reports cover it.

        Its key is outside the plan's, so that no phase takes it for a part of the plan and switches it on. ``shown`` is what
        Meta shows of it (``READ_FIELDS``); unless that is off, what it could spend is set aside at once.
        """
        now, meta_id = self._clock.now(), shown.id
        costs = shown.kind in MONEY_KINDS and not shown.is_off
        whole = total_of(run).minor
        reserves = worst_case(shown, 0, whole, now, self._stretch) if costs else 0
        key = change_key(Purpose.DUPLICATE, operation.key, meta_id)
        spec = replace(operation.spec, key=key, reserves=reserves)
        known = self._known(run, spec)
        with self._open_unit() as unit:
            if unit.journal.get(RunOwner(run.id), spec.key) is not None:
                return
            row = Operation(
                RunOwner(run.id), len(unit.journal.of_run(run.id)) + 1, spec, OperationState.INTENDED, now
            )
            sent = row.to(OperationState.SENT, sent_at=now, attempts=1)
            found = sent.to(OperationState.CONFIRMED, meta_id=meta_id, settled_at=now)
            unit.journal.intend(row, fence)
            unit.journal.advance(sent, row, fence)
            unit.journal.advance(found, sent, fence)
            model = _modelled(run, found, now, shown, known)
            unit.records.put_objects([] if model is None else [model], newest=True)
            message = WriteMessage.DUPLICATE_FOUND(key=operation.key, id=meta_id)
            unit.observations.add_events(
                [self.event(run, "duplicate_found", message, {"key": operation.key, "meta_id": meta_id})]
            )
            unit.commit()
        self.views.forget(run)

    def unplaced(self, run: Run, fence: Fence, shown: ObjectState) -> None:
        """Journal an object that bears the run's mark and whose place no plan has, as a duplicate of nothing."""
        key = OperationKey(Purpose.UNPLACED, kind=shown.kind.value).text
        spec = OperationSpec(key, Action.CREATE, shown.kind, {"name": shown.name, "status": "PAUSED"})
        now = self._clock.now()
        self.duplicate(run, Operation(RunOwner(run.id), 0, spec, OperationState.CONFIRMED, now), fence, shown)

    def found(
        self,
        run: Run,
        spec: OperationSpec,
        meta_id: MetaId | None,
        fence: Fence,
        shown: ObjectState | None = None,
        *,
        sent: bool,
    ) -> Operation:
        """Return the row of what Meta holds and this journal never asked for, saved with its model.

        ``sent`` has it count as sent by us, because it is provably what the plan asks for; otherwise the run is held for
        it. An intent of the same key that never left is replaced.
        """
        now, known = self._clock.now(), self._known(run, spec)
        with self._open_unit() as unit:
            row = unit.journal.get(RunOwner(run.id), spec.key)
            if row is None:
                number = len(unit.journal.of_run(run.id)) + 1
                row = Operation(RunOwner(run.id), number, spec, OperationState.INTENDED, now)
                unit.journal.intend(row, fence)
            on_its_way = replace(row.to(OperationState.SENT, sent_at=now if sent else None), spec=spec)
            found = on_its_way.to(OperationState.CONFIRMED, meta_id=meta_id, settled_at=now)
            unit.journal.advance(on_its_way, row, fence)
            unit.journal.advance(found, on_its_way, fence)
            model = _modelled(run, found, now, shown, known)
            unit.records.put_objects([] if model is None else [model], newest=True)
            unit.observations.add_events([self._found_event(run, found)])
            unit.commit()
        self.views.forget(run)
        return found

    def _known(self, run: Run, spec: OperationSpec) -> MetaObject | None:
        """Return the object that a write changes, as it was last read; None of a create."""
        return None if spec.target is None else self.views.of(run).models.get(spec.target)

    def _found_event(self, run: Run, row: Operation) -> Event:
        code = WriteMessage.FOUND_PLANNED if row.sent_at else WriteMessage.FOUND_UNKNOWN
        message = code(kind=row.spec.kind.value, id=str(row.meta_id), key=row.key)
        return self.event(run, "found", message, {"key": row.key, "meta_id": row.meta_id})

    def event(self, run: Run, action: str, message: Message, data: Mapping[str, Any]) -> Event:
        """Return the line of the log for what happened to a write."""
        return Event(
            self._clock.now(), f"executor:operation:{action}", "autopublisher", message, run.id, data
        )


def as_read(model: MetaObject, shown: ObjectState, now: datetime) -> MetaObject:
    """Return the model with what Meta just said of the object: its status, and its budget and end where it has them.

    A budget or an end that cannot be read leaves the model's as it was: that an object can be paused matters more.
    """
    status = shown.status or model.status
    return replace(
        model,
        status=status,
        effective_status=shown.effective_status or status,
        budget=shown.budget or model.budget,
        ends_at=shown.ends_at or model.ends_at,
        read_at=now,
    )


def _modelled(
    run: Run, row: Operation, now: datetime, shown: ObjectState | None, known: MetaObject | None
) -> MetaObject | None:
    """Return the object that a confirmed write made or changed, as Meta showed it; None where none is kept.

    ``known`` is the object as it was before an update or a delete.
    """
    if row.spec.kind not in _MODELLED or row.meta_id is None:
        return None
    if row.spec.action is Action.CREATE:
        known = _new_model(run, row, now)
    return known and as_read(known, shown or ObjectState(row.meta_id, row.spec.kind), now)


def _new_model(run: Run, operation: Operation, now: datetime) -> MetaObject:
    spec = operation.spec
    status = str(spec.params.get("status", ""))
    budget = spec.params.get("lifetime_budget", spec.params.get("daily_budget"))
    ends = spec.params.get("end_time")
    return MetaObject(
        id=str(uuid4()),
        run_id=run.id,
        act_id=run.act_id,
        kind=spec.kind,
        key=spec.key,
        variant=spec.variant,
        meta_id=operation.meta_id or MetaId(""),
        parent_meta_id=None,
        name=str(spec.params.get("name", "")),
        status=status,
        effective_status=status,
        created_at=now,
        read_at=now,
        budget=None if budget is None else int(budget),
        ends_at=None if ends is None else datetime.fromisoformat(str(ends)),
    )
