"""Account check of stops: everything of ours in a stopped account is switched off and read back.

It pauses, campaigns first, what the journals know to have been on; then it asks the account itself for everything that
bears our mark and is on all the same. It ends with a report of what Meta showed, and is repeated until all of it is off.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from autopublisher.domain.accounts.stops import (
    STOP_DUTY,
    ObjectLine,
    Stop,
    StopMessage,
    StopReport,
    may_land_until,
    report_from_record,
    unpaused_activation,
)
from autopublisher.domain.errors import (
    MetaError,
    MetaNotFoundError,
    StaleOperationError,
    StaleRunError,
)
from autopublisher.domain.ids import ActId
from autopublisher.domain.journal.operations import Action, Operation, OperationState
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.messages import Message, said_of
from autopublisher.domain.meta.object_state import GONE, OFF
from autopublisher.domain.runs.run import FINAL, Control, Run
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.outcomes.deferred import Deferred, OperationRefused
from autopublisher.flows.outcomes.steps import event
from autopublisher.flows.run_pages import every_run
from autopublisher.flows.watch.account_check import Outcome
from autopublisher.flows.watch.orphans import OrphanedObjects
from autopublisher.flows.writes.objects import TREE, ObjectControl
from autopublisher.flows.writes.orphan_pause import unfinished_pauses
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter


@dataclass(frozen=True)
class Target:
    """One object that a run made, what Meta showed of it last, and the run's journal as it was when the look began."""

    run: Run
    row: Operation
    model: MetaObject | None
    journal: Sequence[Operation]

    @property
    def place(self) -> str:
        """By which its line is found in a report."""
        return f"{self.run.id}|{self.row.key}"

    @property
    def last_shown_off(self) -> bool:
        """Whether the last read showed it off."""
        return self.model is not None and self.model.status in OFF

    @property
    def owes_pause(self) -> bool:
        """Whether an activation of ours was sent that no confirmed pause has answered."""
        return unpaused_activation(self.journal, self.row.key) is not None

    @property
    def may_land_until(self) -> datetime | None:
        """Until when an unanswered activation can switch it on, whatever a pause did meanwhile; None without one."""
        return may_land_until(self.journal, self.row.key)

    @property
    def is_surely_off(self) -> bool:
        """Whether it was shown off, and nothing of ours can have switched it on since."""
        model, lands = self.model, self.may_land_until
        if model is None or not self.last_shown_off or self.owes_pause:
            return False
        return lands is None or model.status in GONE or model.read_at > lands


class StopEnforcement:
    """The check that makes a stop true."""

    name = STOP_DUTY

    def __init__(self, open_unit: OpenUnitOfWork, control: ObjectControl, orphans: OrphanedObjects) -> None:
        self._open_unit = open_unit
        self._control = control
        self._orphans = orphans

    def __call__(self, act_id: ActId, before: Mapping[str, Any] | None, now: datetime) -> Outcome | None:
        """Hold the account's runs, switch off what is on, and report; None where no stop holds."""
        with self._open_unit().reading() as unit:
            stops = unit.stops.holding(act_id)
            unfinished = unfinished_pauses(unit, act_id) if stops else ()
        if not stops:
            return None
        earlier = _still_valid(before, stops)
        targets = self._targets(self._held(act_id, stops[0], now), earlier)
        since = max(stop.at for stop in stops)
        open_ones = [target for target in targets if not _is_known_off(target, since)]
        lines = {target.place: _line(target, _shown(target.model)) for target in targets}
        lines |= {target.place: self._switched_off(target, now) for target in open_ones}
        found = self._orphans.switched_off(
            act_id, [one for one in earlier.values() if one.run_id is None], now, unfinished=unfinished
        )
        lines |= {line.place: line for line in found.lines}
        for target in self._among(open_ones, act_id, found.known_on):
            lines[target.place] = self._switched_off(target, now)
        report = StopReport(
            stops=tuple(stop.id for stop in stops),
            at=now,
            objects=tuple((earlier | lines).values()),
            problems=found.problems,
        )
        unanswered = found.problems[0] if len(found.problems) == len(TREE) else None
        return Outcome(report.to_record(), complete=report.confirmed, unanswered=unanswered)

    # --- the runs -----------------------------------------------------------------------------------

    def _held(self, act_id: ActId, stop: Stop, now: datetime) -> list[Run]:
        """Return every run of the account, those under way put to rest, so that no tick of theirs writes meanwhile."""
        with self._open_unit().reading() as unit:
            runs = list(every_run(unit, RunFilter(act_id=act_id)))
        return [self._at_rest(run, stop, now) for run in runs]

    def _at_rest(self, run: Run, stop: Stop, now: datetime) -> Run:
        """Take the run from whatever worker has it; one on its way to its end goes on, for it only switches off."""
        ending = run.ending.turned_to is not None or run.control is Control.CANCEL
        if run.status in FINAL or ending or run.next_tick_at is None:
            return run
        resting = replace(
            run, version=run.version + 1, updated_at=now, next_tick_at=None, attention=stop.said
        )
        try:
            with self._open_unit() as unit:
                unit.runs.save(resting, was=run.version)
                said = RunMessage.STOPPED(actor=stop.by, reason=stop.reason)
                unit.observations.add_events([event(run, now, "stopped", said, actor=stop.by)])
                unit.commit()
        except StaleRunError:
            return run  # somebody was quicker; its writes are refused all the same, and it is reported below
        return resting

    def _targets(self, runs: Sequence[Run], earlier: Mapping[str, ObjectLine]) -> list[Target]:
        """Return what has to be looked at: all of the runs under way, and of ended ones what is not known to be off."""
        found = [target for run in runs for target in self._of(run)]
        wanted = [
            one
            for one in found
            if one.run.status not in FINAL
            or not one.is_surely_off
            or (one.place in earlier and not earlier[one.place].confirmed)
        ]
        return [one for kind in TREE for one in wanted if one.row.spec.kind is kind]

    def _of(self, run: Run) -> list[Target]:
        known = self._control.views.of(run)
        return [
            Target(run, row, known.models.get(row.key), known.rows)
            for row in known.rows
            if _is_switchable(row)
        ]

    def _among(self, done: Iterable[Target], act_id: ActId, meta_ids: frozenset[str]) -> list[Target]:
        """Return the targets with these Meta ids that this look has not dealt with: the account says they are on."""
        if not meta_ids:
            return []
        dealt_with = {target.row.meta_id for target in done}
        with self._open_unit().reading() as unit:
            runs = list(every_run(unit, RunFilter(act_id=act_id)))
        for run in runs:
            # What the account shows may have been confirmed since this look began.
            self._control.views.forget(run)
        found = [target for run in runs for target in self._of(run)]
        return [one for one in found if one.row.meta_id in meta_ids and one.row.meta_id not in dealt_with]

    # --- one object ---------------------------------------------------------------------------------

    def _switched_off(self, target: Target, now: datetime) -> ObjectLine:
        """Switch an object off and say what Meta showed, and whether that will last."""
        run, row, model = target.run, target.row, target.model
        try:
            state = self._control.stop(run, row)
        except MetaNotFoundError as error:
            return self._perhaps_gone(target, error)
        except Deferred as wait:
            return _line(target, _shown(model), why=wait.attention or StopMessage.AWAITS_ANSWER())
        except (OperationRefused, MetaError) as error:
            return _line(target, _shown(model), why=_said(error))
        except (StaleRunError, StaleOperationError):
            return _line(target, _shown(model), why=StopMessage.TAKEN_OVER())
        lands = target.may_land_until
        may_land = state not in GONE and lands is not None and now <= lands
        return _line(target, state, why=StopMessage.MAY_LAND() if may_land else None)

    def _perhaps_gone(self, target: Target, error: MetaError) -> ObjectLine:
        try:
            gone = self._control.is_gone(target.run, target.row)
        except MetaError as unreadable:
            return _line(target, _shown(target.model), why=said_of(unreadable))
        return _line(target, "GONE") if gone else _line(target, _shown(target.model), why=said_of(error))


def _said(error: OperationRefused | MetaError) -> Message:
    return error.said if isinstance(error, OperationRefused) else said_of(error)


def _is_switchable(row: Operation) -> bool:
    made = row.spec.action is Action.CREATE and row.state is OperationState.CONFIRMED
    return made and row.spec.kind in TREE


def _is_known_off(target: Target, since: datetime) -> bool:
    """Tell whether it was read off after ``since`` and for good: it is not read again."""
    return target.is_surely_off and target.model is not None and target.model.read_at > since


def _still_valid(before: Mapping[str, Any] | None, stops: Sequence[Stop]) -> dict[str, ObjectLine]:
    """Return the lines of the look before, if it was about the same stops."""
    if before is None:
        return {}
    report = report_from_record(before)
    same = report.stops == tuple(stop.id for stop in stops)
    return {line.place: line for line in report.objects} if same else {}


def _line(target: Target, state: str, why: Message | None = None) -> ObjectLine:
    row = target.row
    return ObjectLine(row.spec.kind, row.meta_id, row.key, target.run.id, state, not why, why)


def _shown(model: MetaObject | None) -> str:
    return "unknown" if model is None else model.status
