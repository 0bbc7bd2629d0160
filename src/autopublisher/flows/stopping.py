"""The kill switch at work: at each look everything of ours in a stopped account is switched off and read back.

It pauses, campaigns first, what the journals know to have been on; then it asks the account itself for everything that
bears our mark and is on all the same. It ends with a report of what Meta showed, and is repeated until all of it is off.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from autopublisher.domain.errors import (
    MetaError,
    MetaNotFoundError,
    StaleOperationError,
    StaleRunError,
)
from autopublisher.domain.ids import ActId
from autopublisher.domain.operations import Operation
from autopublisher.domain.records import MetaObject
from autopublisher.domain.run import FINAL, Control, Run
from autopublisher.domain.stops import OFF, ObjectLine, Stop, StopReport, report_from_record
from autopublisher.flows.duties import Outcome
from autopublisher.flows.statuses import TREE, Statuses
from autopublisher.flows.steps import event
from autopublisher.flows.strays import Strays
from autopublisher.flows.waiting import NotYet, OperationRefused
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter

STOP_DUTY = "stop"
"""The name under which an account's stop report is kept in its watch."""

_ALL = 100_000
_TAKEN_OVER = "another worker is busy with this run; it is looked at again"


@dataclass(frozen=True)
class Target:
    """One object that a run made, and what Meta showed of it last."""

    run: Run
    row: Operation
    model: MetaObject | None

    @property
    def place(self) -> str:
        """By which its line is found in a report."""
        return f"{self.run.id}|{self.row.key}"

    @property
    def last_shown_off(self) -> bool:
        """Whether the last read showed it off."""
        return self.model is not None and self.model.status in OFF


class Enforcement:
    """The duty that makes a stop true."""

    name = STOP_DUTY

    def __init__(self, open_unit: OpenUnitOfWork, statuses: Statuses, strays: Strays) -> None:
        self._open_unit = open_unit
        self._statuses = statuses
        self._strays = strays

    def __call__(self, act_id: ActId, before: Mapping[str, Any] | None, now: datetime) -> Outcome | None:
        """Hold the account's runs, switch off what is on, and report; None where no stop holds."""
        with self._open_unit() as unit:
            stops = unit.stops.holding(act_id)
        if not stops:
            return None
        earlier = _still_valid(before, stops)
        targets = self._targets(self._held(act_id, stops[0], now), earlier)
        since = max(stop.at for stop in stops)
        lines = {target.place: self._switched_off(target, since) for target in targets}
        found = self._strays.switched_off(
            act_id, [one for one in earlier.values() if one.run_id is None], now
        )
        lines |= {line.place: line for line in found.lines}
        done = [target for target in targets if not self._is_known_off(target, since)]
        for target in self._among(done, act_id, found.known_on):
            lines[target.place] = self._switched_off(target, None)
        report = StopReport(
            stops=tuple(stop.id for stop in stops),
            at=now,
            objects=tuple((earlier | lines).values()),
            problems=found.problems,
        )
        return Outcome(report.to_record(), complete=report.confirmed)

    # --- the runs -----------------------------------------------------------------------------------

    def _held(self, act_id: ActId, stop: Stop, now: datetime) -> list[Run]:
        """Return every run of the account, those under way put to rest, so that no tick of theirs writes meanwhile."""
        with self._open_unit() as unit:
            runs = unit.runs.find(RunFilter(act_id=act_id, limit=_ALL))
        return [self._at_rest(run, stop, now) for run in runs]

    def _at_rest(self, run: Run, stop: Stop, now: datetime) -> Run:
        """Take the run from whatever worker has it; one on its way to its end goes on, for it only switches off."""
        ending = run.ends_as is not None or run.control is Control.CANCEL
        if run.status in FINAL or ending or run.next_tick_at is None:
            return run
        resting = replace(
            run, version=run.version + 1, updated_at=now, next_tick_at=None, attention=stop.sentence
        )
        try:
            with self._open_unit() as unit:
                unit.runs.save(resting, was=run.version)
                said = f"The account is {stop.sentence}"
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
            or not one.last_shown_off
            or self._statuses.owes_pause(one.run, one.row)
            or (one.place in earlier and not earlier[one.place].confirmed)
        ]
        return [one for kind in TREE for one in wanted if one.row.spec.kind is kind]

    def _of(self, run: Run) -> list[Target]:
        rows = [row for row in self._statuses.created(run) if row.spec.kind in TREE]
        if not rows:
            return []
        with self._open_unit() as unit:
            models = {model.key: model for model in unit.records.objects(run.id)}
        return [Target(run, row, models.get(row.key)) for row in rows]

    def _among(self, done: Iterable[Target], act_id: ActId, meta_ids: frozenset[str]) -> list[Target]:
        """Return the targets with these Meta ids that this look has not dealt with: the account says they are on."""
        if not meta_ids:
            return []
        dealt_with = {target.row.meta_id for target in done}
        with self._open_unit() as unit:
            runs = unit.runs.find(RunFilter(act_id=act_id, limit=_ALL))
        found = [target for run in runs for target in self._of(run)]
        return [one for one in found if one.row.meta_id in meta_ids and one.row.meta_id not in dealt_with]

    # --- one object ---------------------------------------------------------------------------------

    def _switched_off(self, target: Target, since: datetime | None) -> ObjectLine:
        """Switch an object off and say what Meta showed; one that was read off after ``since`` is not read again."""
        run, row, model = target.run, target.row, target.model
        if self._is_known_off(target, since):
            return _line(target, "PAUSED" if model is None else model.status)
        try:
            return _line(target, self._statuses.stop(run, row))
        except MetaNotFoundError as error:
            return self._perhaps_gone(target, error)
        except NotYet as wait:
            return _line(target, _shown(model), why=wait.attention or "sent; Meta's answer is awaited")
        except (OperationRefused, MetaError) as error:
            return _line(target, _shown(model), why=str(error))
        except (StaleRunError, StaleOperationError):
            return _line(target, _shown(model), why=_TAKEN_OVER)

    def _is_known_off(self, target: Target, since: datetime | None) -> bool:
        """Tell whether it was read off after ``since`` and no activation of ours is unanswered; it is not read again."""
        model = target.model
        shown = since is not None and model is not None and target.last_shown_off and model.read_at > since
        return shown and not self._statuses.owes_pause(target.run, target.row)

    def _perhaps_gone(self, target: Target, error: MetaError) -> ObjectLine:
        try:
            gone = self._statuses.is_gone(target.run, target.row)
        except MetaError as unreadable:
            return _line(target, _shown(target.model), why=unreadable.message)
        return _line(target, "GONE") if gone else _line(target, _shown(target.model), why=error.message)


def _still_valid(before: Mapping[str, Any] | None, stops: Sequence[Stop]) -> dict[str, ObjectLine]:
    """Return the lines of the look before, if it was about the same stops."""
    if before is None:
        return {}
    report = report_from_record(before)
    same = report.stops == tuple(stop.id for stop in stops)
    return {line.place: line for line in report.objects} if same else {}


def _line(target: Target, state: str, why: str = "") -> ObjectLine:
    row = target.row
    return ObjectLine(row.spec.kind, row.meta_id, row.key, target.run.id, state, not why, why)


def _shown(model: MetaObject | None) -> str:
    return "unknown" if model is None else model.status
