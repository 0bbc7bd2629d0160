"""Intake of emergency notes once the database can be written: the stop, what was paused, and the runs' journals."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import structlog

from autopublisher.domain.accounts.emergency import NotedPause, NotedStop
from autopublisher.domain.accounts.stops import Stop, StopMessage
from autopublisher.domain.errors import (
    ConflictError,
    StaleOperationError,
    StaleRunError,
    StaleWatchError,
    UnavailableError,
)
from autopublisher.domain.journal.keys import Purpose, change_key
from autopublisher.domain.journal.naming import run_marks_in
from autopublisher.domain.journal.operations import (
    Action,
    Operation,
    OperationSpec,
    OperationState,
    changes_of,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.journal.records import Event
from autopublisher.domain.runs.run import Run
from autopublisher.flows.outcomes.steps import SYSTEM
from autopublisher.flows.run_pages import every_run
from autopublisher.flows.ticks import look_now
from autopublisher.flows.writes.stop_guard import stop_lock
from autopublisher.ports.clock import Clock
from autopublisher.ports.emergency import EmergencyNotes
from autopublisher.ports.repositories import Fence, OpenUnitOfWork, RunFilter, UnitOfWork
from autopublisher.ports.work import TickQueue

_log = structlog.get_logger(__name__)


class EmergencyIntake:
    """Makes of every note what the kill switch would have written."""

    def __init__(
        self, open_unit: OpenUnitOfWork, notes: EmergencyNotes, clock: Clock, ticks: TickQueue
    ) -> None:
        self._open_unit = open_unit
        self._notes = notes
        self._clock = clock
        self._ticks = ticks

    def take_in(self) -> int:
        """Take in what stands in notes; returns how many stops still do, because the database cannot take them yet."""
        left = 0
        for noted in self._notes.readable():
            if self._notes.is_open(noted.stop.id) or not self._is_taken(noted):
                left += 1
            else:
                self._notes.taken(noted.stop.id)
        return left

    def _is_taken(self, noted: NotedStop) -> bool:
        try:
            return self._stored(noted)
        except (UnavailableError, StaleRunError, StaleOperationError, StaleWatchError) as error:
            _log.info("emergency_stop_not_recorded", stop_id=noted.stop.id, reason=str(error))
            return False

    def _stored(self, noted: NotedStop) -> bool:
        """Write everything in one transaction; False for an account that this database does not have."""
        stop, now = noted.stop, self._clock.now()
        with self._open_unit() as unit:
            accounts = sorted(
                account.act_id for account in unit.accounts.all() if stop.concerns(account.act_id)
            )
            if stop.act_id is not None and not accounts:
                return False
            for act_id in accounts:
                unit.lock(stop_lock(act_id))
            if _is_new(unit, stop):
                unit.observations.add_events([_pressed(stop)])
                for act_id in accounts:
                    look_now(self._ticks, unit, act_id, now)
            unit.observations.add_events([_event(noted, pause) for pause in noted.pauses])
            for pause in noted.pauses:
                _journal(unit, noted, pause)
            unit.prove_writable()
            unit.commit()
        _log.warning("emergency_stop_recorded", stop_id=stop.id, pauses=len(noted.pauses))
        return True


def _is_new(unit: UnitOfWork, stop: Stop) -> bool:
    """Store the stop and say whether it was not there.

    It may have been stored before the disk filled up, or a crash came between the commit and putting the notes away.
    """
    try:
        unit.stops.add(stop)
    except ConflictError:
        return False
    return True


def _pressed(stop: Stop) -> Event:
    facts = {"stop_id": stop.id, "act_id": stop.act_id}
    said = StopMessage.PRESSED_UNWRITABLE(actor=stop.by, reason=stop.reason)
    return Event(stop.at, "stops:stop:pressed", stop.by, said, None, facts)


def _event(noted: NotedStop, pause: NotedPause) -> Event:
    confirmed = noted.confirmed(pause)
    code = StopMessage.PAUSED_UNJOURNALED if confirmed else StopMessage.PAUSED_UNJOURNALED_UNSEEN
    message = code(kind=pause.kind.value, id=pause.meta_id, name=pause.name)
    return Event(pause.at, "stops:emergency:paused", SYSTEM, message, None, pause.to_record())


def _journal(unit: UnitOfWork, noted: NotedStop, pause: NotedPause) -> None:
    """Enter a pause that Meta has shown into its run's journal, as the kill switch's; the stop sees to every other.

    A pause that something of ours came after is no longer what was last asked of the object, and is an event only.
    """
    if noted.confirmed(pause) is None:
        return
    marked = RunFilter(act_id=pause.act_id, marks=frozenset(run_marks_in(pause.name)))
    # Somebody may have renamed it since it was made: then it is looked for in all runs of the account.
    for run in chain(every_run(unit, marked), every_run(unit, RunFilter(act_id=pause.act_id))):
        rows = unit.journal.of_run(run.id)
        made = next((row for row in rows if _has_made(row, pause)), None)
        if made is not None:
            if not any(_came_after(row, made, pause) or _is_entered(row, made, pause) for row in rows):
                _enter(unit, run, rows, made, pause)
            return


def _has_made(row: Operation, pause: NotedPause) -> bool:
    return row.spec.action is Action.CREATE and row.meta_id == pause.meta_id


def _came_after(row: Operation, made: Operation, pause: NotedPause) -> bool:
    changes = row.spec.target == made.key and "status" in row.spec.params
    return changes and (row.sent_at or row.intended_at) > pause.at


def _is_entered(row: Operation, made: Operation, pause: NotedPause) -> bool:
    return row.spec.target == made.key and row.purpose is Purpose.STOP and row.sent_at == pause.at


def _enter(unit: UnitOfWork, run: Run, rows: Sequence[Operation], made: Operation, pause: NotedPause) -> None:
    number = len(changes_of(rows, made.key, Purpose.STOP)) + 1
    spec = OperationSpec(
        change_key(Purpose.STOP, made.key, number),
        Action.UPDATE,
        made.spec.kind,
        {"status": "PAUSED"},
        target=made.key,
        variant=made.spec.variant,
    )
    fence = Fence(run.id, run.version)
    row = Operation(RunOwner(run.id), len(rows) + 1, spec, OperationState.INTENDED, pause.at)
    sent = row.to(OperationState.SENT, sent_at=pause.at, attempts=1)
    settled = sent.to(OperationState.CONFIRMED, meta_id=pause.meta_id, settled_at=pause.at)
    unit.journal.intend(row, fence)
    unit.journal.advance(sent, row, fence)
    unit.journal.advance(settled, sent, fence)
    for model in unit.records.objects(run.id):
        if model.key == made.key and model.read_at <= pause.at:
            shown = replace(model, status="PAUSED", effective_status="PAUSED", read_at=pause.at)
            unit.records.put_objects([shown], newest=True)
