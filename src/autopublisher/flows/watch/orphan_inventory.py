"""Orphan inventory: rules, studies and creatives with our mark and in no journal; as they cannot spend, only reported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from autopublisher.domain.errors import MetaError, MetaThrottledError
from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.journal.naming import MARK, run_mark, run_marks_in
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.journal.records import Event
from autopublisher.domain.messages import Message, said_of
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.reconciliation.watch_messages import WatchMessage
from autopublisher.domain.runs.run import Run
from autopublisher.flows.outcomes.steps import SYSTEM
from autopublisher.flows.run_pages import every_run
from autopublisher.flows.watch.drift import CREATIVE_AGE
from autopublisher.flows.watch.orphans import is_journaled, may_become
from autopublisher.flows.writes.lookups import NO_RIGHT
from autopublisher.flows.writes.orphan_pause import OrphanedObject
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter, UnitOfWork

ORPHAN_FOUND = "watch:unclaimed:found"

_KINDS = (ObjectKind.RULE, ObjectKind.STUDY, ObjectKind.CREATIVE)
_FIELDS = ("id", "name", "status")
_AFTER_THROTTLING = timedelta(hours=6)
"""Of a list longer than Meta's limit lets us read nothing is kept; trying at every look would leave the runs no calls."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Listed:
    """What a look knows, as JSON types: the objects of no journal, when each kind was last listed, and what went wrong.

    ``put_off`` says of a kind that Meta's limits kept us from listing ``until`` when it is left alone, and the ``problem``.
    """

    objects: tuple[Mapping[str, Any], ...]
    listed_at: Mapping[str, str]
    put_off: Mapping[str, Mapping[str, Any]]
    problems: tuple[Message, ...]


class OrphanInventory:
    """Lists each kind once a day, and says of each object once that no journal has it."""

    def __init__(self, open_unit: OpenUnitOfWork, clients: ReadingClients) -> None:
        self._open_unit = open_unit
        self._clients = clients

    def listed(self, act_id: ActId, before: Mapping[str, Any] | None, now: datetime) -> Listed:
        """Return what is there now; of a kind whose turn it is not, or that could not be read, what was there before."""
        earlier = [one for one in (before or {}).get("unclaimed", ()) if isinstance(one, Mapping)]
        listed_at = dict((before or {}).get("listed_at", {}))
        put_off = {
            name: one for name, one in (before or {}).get("put_off", {}).items() if not _is_over(one, now)
        }
        objects: list[Mapping[str, Any]] = []
        problems = []
        for kind in _KINDS:
            of_kind: list[Mapping[str, Any]] = [one for one in earlier if one["kind"] == kind.value]
            if kind.value not in put_off and _is_due(listed_at.get(kind.value), now):
                try:
                    shown = self._shown(act_id, kind)
                except MetaThrottledError as error:
                    until = (now + _AFTER_THROTTLING).isoformat()
                    put_off[kind.value] = {"until": until, "problem": _problem(kind, error).to_record()}
                except MetaError as error:
                    problems.append(_problem(kind, error))
                else:
                    if shown is not None:
                        of_kind = self._report_new(act_id, shown, of_kind, now)
                    listed_at[kind.value] = now.isoformat()
            objects += of_kind
        problems += [Message.from_record(one["problem"]) for one in put_off.values()]
        return Listed(tuple(objects), listed_at, put_off, tuple(problems))

    def _shown(self, act_id: ActId, kind: ObjectKind) -> Sequence[ObjectState] | None:
        """Return what is listed and not gone; None where we may not look, which the log says."""
        try:
            listed = self._clients.for_account(act_id).find(kind, MARK, _FIELDS)
        except NO_RIGHT as error:
            _log.info("kind_not_listed", act_id=act_id, kind=kind.value, reason=error.message)
            return None
        return [one for one in listed if not one.is_gone]

    def _report_new(
        self,
        act_id: ActId,
        shown: Sequence[ObjectState],
        earlier: Sequence[Mapping[str, Any]],
        now: datetime,
    ) -> list[Mapping[str, Any]]:
        """Return the records of those of no journal, and write an event for each that none was written for.

        The journals are read after the listing, so that a create that has answered meanwhile is known.
        """
        known = {one["meta_id"]: one for one in earlier}
        found: list[Mapping[str, Any]] = []
        journals: dict[RunId, Sequence[Operation]] = {}
        with self._open_unit() as unit:
            marks = frozenset(mark for one in shown for mark in run_marks_in(one.name))
            runs = {run_mark(run.id): run for run in every_run(unit, RunFilter(marks=marks))}
            for orphan in map(OrphanedObject.of, shown):
                run = _run_of(orphan, runs)
                if run is not None and run.act_id != act_id:
                    continue  # a business shows the studies of all its accounts: that account's look says it
                if run is not None and run.id not in journals:
                    journals[run.id] = unit.journal.of_run(run.id)
                journal = () if run is None else journals[run.id]
                if is_journaled(journal, orphan) or any(may_become(one, orphan) for one in journal):
                    continue
                record = known.get(orphan.meta_id) or _record(orphan, now)
                found.append(record)
                is_reported = orphan.meta_id in known or (run is not None and _is_reported(unit, run, orphan))
                if not is_reported:
                    unit.observations.add_events([_event(act_id, orphan, run, now)])
            unit.commit()
        return found


def _problem(kind: ObjectKind, error: MetaError) -> Message:
    return WatchMessage.NOT_LISTED(kind=kind.value, why=said_of(error))


def _is_over(put_off: Mapping[str, Any], now: datetime) -> bool:
    return now >= datetime.fromisoformat(put_off["until"])


def _is_due(listed_at: str | None, now: datetime) -> bool:
    return listed_at is None or now - datetime.fromisoformat(listed_at) >= CREATIVE_AGE


def _run_of(orphan: OrphanedObject, runs: Mapping[str, Run]) -> Run | None:
    return next((runs[mark] for mark in run_marks_in(orphan.name) if mark in runs), None)


def _is_reported(unit: UnitOfWork, run: Run, orphan: OrphanedObject) -> bool:
    """Tell whether a look that died before it could keep its record has written the event."""
    reports = [event for event in unit.observations.events(run.id) if event.tag == ORPHAN_FOUND]
    return any(report.data["meta_id"] == orphan.meta_id for report in reports)


def _record(orphan: OrphanedObject, now: datetime) -> Mapping[str, Any]:
    return {
        "kind": orphan.kind.value,
        "meta_id": orphan.meta_id,
        "name": orphan.name,
        "since": now.isoformat(),
    }


def _event(act_id: ActId, orphan: OrphanedObject, run: Run | None, now: datetime) -> Event:
    facts = {"act_id": act_id, **_record(orphan, now)}
    message = WatchMessage.UNCLAIMED(kind=orphan.kind.value, id=orphan.meta_id, name=orphan.name)
    return Event(now, ORPHAN_FOUND, SYSTEM, message, None if run is None else run.id, facts)
