"""Drift detection: a run's journal against what its account shows; what differs is read again before it is an edit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from autopublisher.domain.errors import MetaError, MetaNotFoundError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.messages import Message, said_of
from autopublisher.domain.meta.object_state import GONE, ObjectState
from autopublisher.domain.reconciliation.edits import SWEEP_FIELDS, Edit, edits
from autopublisher.domain.reconciliation.findings import (
    Finding,
    last_requested,
    last_set_at,
    may_be_deleted,
    set_since,
    turn_of,
)
from autopublisher.domain.reconciliation.watch_messages import WatchMessage
from autopublisher.domain.runs.final_campaign import published_keys
from autopublisher.domain.runs.reservations import end_of
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.watch.account_snapshot import AccountSnapshot
from autopublisher.flows.writes.bookkeeping import as_read
from autopublisher.flows.writes.objects import READ_LAG, TREE, ObjectControl
from autopublisher.ports.meta.reading import ReadingClients

CREATIVE_AGE = timedelta(days=1)
"""Creatives cannot be changed once made, so that one is read again only after so long."""

_CREATIVES_AT_ONCE = 5


@dataclass
class Comparison:
    """What came of comparing one run: findings, the places that were looked at, and what Meta showed of each object.

    ``baselines`` are those of the objects that have one, by key.
    """

    run: Run
    rows: Sequence[Operation]
    baselines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    examined: set[tuple[str, str]] = field(default_factory=set)
    shown: dict[str, ObjectState] = field(default_factory=dict)
    problems: list[Message] = field(default_factory=list)

    @property
    def threats(self) -> list[Finding]:
        """What makes more spendable than is set aside."""
        return [finding for finding in self.findings if finding.edit.threat]


class DriftDetector:
    """Compares runs, one at a time."""

    def __init__(self, control: ObjectControl, clients: ReadingClients) -> None:
        self._control = control
        self._clients = clients

    def compare(
        self, run: Run, snapshot: AccountSnapshot, before: Mapping[tuple[str, str], Finding], now: datetime
    ) -> Comparison:
        """Compare a run; ``before`` are its findings of the look before, by place. Of an ended run only threats count."""
        models = {model.key: model for model in self._control.models(run)}
        baselines = {key: model.baseline for key, model in models.items() if model.baseline is not None}
        found = Comparison(run, self._control.rows(run), baselines)
        goes_on = can_still_act(run, found.rows, now)
        made = self._control.created(run)
        for row in (row for row in made if row.spec.kind in TREE):
            shown = snapshot.shown(row.spec.kind, row.meta_id)
            if shown is None and goes_on and snapshot.covers(row.spec.kind):
                shown = self._missing(found, row, models.get(row.key))
            if shown is not None:
                self._one(found, row, shown, before, now)
        if goes_on:
            self._creatives(found, [row for row in made if row.spec.kind is ObjectKind.CREATIVE], models, now)
        else:
            found.findings = found.threats
        self._keep(found, snapshot)
        return found

    # --- one object -----------------------------------------------------------------------------------

    def _one(
        self,
        found: Comparison,
        row: Operation,
        shown: ObjectState,
        before: Mapping[tuple[str, str], Finding],
        now: datetime,
    ) -> None:
        differing = self._findings(found, found.rows, row, shown, now)
        news = [
            finding
            for finding in differing
            if finding.edit.threat or _mark_of(before.get(finding.place)) != finding.mark
        ]
        if news and not shown.is_gone:
            again = self._read_again(found, row)
            if again is None:
                return
            shown, rows = again
            differing = self._findings(found, rows, row, shown, now)
        found.shown[row.key] = shown
        late = now - READ_LAG
        unsure = {name for name in SWEEP_FIELDS[row.spec.kind] if set_since(found.rows, row.key, name, late)}
        found.examined |= {(row.key, name) for name in SWEEP_FIELDS[row.spec.kind] if name not in unsure}
        for finding in differing:
            if finding.edit.threat or finding.edit.field not in unsure:
                earlier = before.get(finding.place)
                known = earlier is not None and earlier.mark == finding.mark
                found.findings.append(earlier if known and earlier is not None else finding)

    def _read_again(
        self, found: Comparison, row: Operation
    ) -> tuple[ObjectState, Sequence[Operation]] | None:
        """Read an object by itself; None where nothing can be said because somebody is working on it or Meta is silent."""
        before = _about(self._control.rows(found.run), row.key)
        try:
            shown = self._clients.for_account(found.run.act_id).read(
                row.spec.kind, row.meta_id or MetaId(""), SWEEP_FIELDS[row.spec.kind]
            )
        except MetaError as error:
            found.problems.append(WatchMessage.UNREAD(key=row.key, why=said_of(error)))
            return None
        self._control.views.forget(found.run)  # whoever works on it wrote that down beforehand
        rows = self._control.rows(found.run)
        return None if _about(rows, row.key) != before else (shown, rows)

    def _missing(self, found: Comparison, row: Operation, model: MetaObject | None) -> ObjectState | None:
        """Return what Meta says of an object that its account does not list; None where nothing is sure."""
        if model is not None and model.status in GONE:
            return ObjectState.known_to_be(model.kind, model.meta_id, model.status)
        try:
            return self._clients.for_account(found.run.act_id).read(
                row.spec.kind, row.meta_id or MetaId(""), SWEEP_FIELDS[row.spec.kind]
            )
        except MetaNotFoundError:
            return self._perhaps_gone(found, row)
        except MetaError as error:
            found.problems.append(WatchMessage.UNLISTED_UNREAD(key=row.key, why=said_of(error)))
            return None

    def _perhaps_gone(self, found: Comparison, row: Operation) -> ObjectState | None:
        gone = ObjectState.known_to_be(row.spec.kind, row.meta_id or MetaId(""), "DELETED")
        try:
            return gone if self._control.is_gone(found.run, row) else None
        except MetaError as error:
            found.problems.append(WatchMessage.UNSHOWN(key=row.key, why=said_of(error)))
            return None

    def _creatives(
        self,
        found: Comparison,
        rows: Sequence[Operation],
        models: Mapping[str, MetaObject],
        now: datetime,
    ) -> None:
        """Read the creatives that have not been read for long, a few at a time."""
        due = [row for row in rows if row.key in models and now - models[row.key].read_at >= CREATIVE_AGE]
        for row in due[:_CREATIVES_AT_ONCE]:
            shown = self._missing(found, row, None)
            if shown is not None:
                self._one(found, row, shown, {}, now)

    def _findings(
        self,
        compared: Comparison,
        rows: Sequence[Operation],
        row: Operation,
        shown: ObjectState,
        now: datetime,
    ) -> list[Finding]:
        run, kind, key = compared.run, row.spec.kind, row.key

        def found(edit: Edit) -> Finding:
            turn = turn_of(rows, key, edit.field)
            return Finding(run.id, key, kind, row.meta_id or MetaId(""), edit, now, turn)

        start_set_at = last_set_at(rows, key, "start_time")
        baseline = compared.baselines.get(key)
        amiss = edits(last_requested(rows, key), shown, baseline, start_set_at)
        if may_be_deleted(rows, key):
            amiss = tuple(edit for edit in amiss if edit.field != "status" or edit.shown not in GONE)
        return [found(edit) for edit in amiss]

    # --- models ---------------------------------------------------------------------------------------

    def _keep(self, found: Comparison, snapshot: AccountSnapshot) -> None:
        """Bring the models up to date, but for those that somebody has read since the snapshot."""
        models = [
            _as_shown(model, found.shown[model.key], snapshot.at)
            for model in self._control.models(found.run)
            if model.key in found.shown and model.read_at <= snapshot.at
        ]
        self._control.views.keep_models(found.run, models)


def can_still_act(run: Run, rows: Sequence[Operation], now: datetime) -> bool:
    """Tell whether a run goes on: it has not ended, or its final campaign can still spend."""
    if not run.is_final:
        return True
    if run.status is not RunStatus.COMPLETED:
        return False
    finals = [row for row in rows if row.key in published_keys(run, ObjectKind.AD_SET)]
    return any(end_of(row, rows) > now for row in finals)


def _mark_of(finding: Finding | None) -> tuple[str, str, int] | None:
    return None if finding is None else finding.mark


def _about(rows: Sequence[Operation], key: str) -> list[tuple[str, str, int]]:
    """Return what the journal says is being done to an object, to see whether it is still the same later."""
    return [(row.key, row.state.value, row.attempts) for row in rows if key in (row.key, row.spec.target)]


def _as_shown(model: MetaObject, shown: ObjectState, at: datetime) -> MetaObject:
    return replace(as_read(model, shown, at), name=shown.name or model.name)
