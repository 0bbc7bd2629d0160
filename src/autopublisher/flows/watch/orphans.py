"""Orphaned objects: what bears our mark and is on, as the account itself lists it, compared with every journal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from autopublisher.domain.accounts.stops import ObjectLine
from autopublisher.domain.errors import MetaError, StaleOperationError, StaleRunError
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.naming import MARK, run_marks_in
from autopublisher.domain.journal.operations import Action, Operation
from autopublisher.domain.messages import Message, said_of
from autopublisher.domain.reconciliation.watch_messages import WatchMessage
from autopublisher.domain.runs.run import Run
from autopublisher.flows.outcomes.deferred import Held
from autopublisher.flows.runs.holding import Planner
from autopublisher.flows.writes.objects import TREE, ObjectControl
from autopublisher.flows.writes.orphan_pause import OrphanedObject, OrphanPause
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter

_log = structlog.get_logger(__name__)
_FIELDS = ("id", "name", "status")


@dataclass(frozen=True)
class Found:
    """What the account showed: the Meta ids of journaled objects that are on, and what became of all the others."""

    known_on: frozenset[str]
    lines: tuple[ObjectLine, ...]
    problems: tuple[Message, ...]


class OrphanedObjects:
    """Finds what is on; what belongs to no journal it switches off itself. ``plan`` says what a run would make now."""

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        control: ObjectControl,
        clients: ReadingClients,
        pause: OrphanPause,
        plan: Planner,
    ) -> None:
        self._open_unit = open_unit
        self._control = control
        self._clients = clients
        self._pause = pause
        self._plan = plan

    def switched_off(
        self,
        act_id: ActId,
        earlier: Sequence[ObjectLine],
        now: datetime,
        *,
        unfinished: Sequence[OrphanedObject] = (),
    ) -> Found:
        """Look through the account; of ``earlier``, the orphans of the look before, those not confirmed are tried again.

        ``unfinished`` are those whose pause the account's journal has as begun and not settled.
        """
        on, problems = self._listed(act_id)
        known = frozenset(orphan.meta_id for orphan in on if self._is_journaled(act_id, orphan))
        orphans = {orphan.meta_id: orphan for orphan in on if orphan.meta_id not in known}
        for line in earlier:
            if not line.confirmed and line.meta_id is not None:
                orphans.setdefault(line.meta_id, OrphanedObject(line.kind, line.meta_id, line.key))
        orphans = self._unfinished(act_id, unfinished) | orphans
        lines = tuple(self._pause(act_id, orphan, now) for orphan in orphans.values())
        return Found(known, lines, tuple(problems))

    def taken_care_of(
        self,
        act_id: ActId,
        unknown: Sequence[OrphanedObject],
        earlier: Sequence[ObjectLine],
        now: datetime,
        *,
        unfinished: Sequence[OrphanedObject] = (),
    ) -> Found:
        """See to objects of no known journal while no stop holds; a create that is still being settled keeps its own.

        ``earlier`` and ``unfinished`` are as in ``switched_off``.
        """
        left = [one for one in unknown if not self._is_journaled(act_id, one, settling=True)]
        orphans = {orphan.meta_id: orphan for orphan in left if orphan.on}
        for line in earlier:
            if (
                not line.confirmed
                and line.meta_id is not None
                and line.meta_id not in {orphan.meta_id for orphan in left}
            ):
                orphans[line.meta_id] = OrphanedObject(line.kind, line.meta_id, line.key)
        orphans = self._unfinished(act_id, unfinished) | orphans
        off = [
            ObjectLine(orphan.kind, orphan.meta_id, orphan.name, None, "PAUSED", True)
            for orphan in left
            if orphan.meta_id not in orphans
        ]
        return Found(
            frozenset(), (*off, *(self._pause(act_id, orphan, now) for orphan in orphans.values())), ()
        )

    def _unfinished(self, act_id: ActId, begun: Sequence[OrphanedObject]) -> dict[MetaId, OrphanedObject]:
        """Return those whose pause has to be brought to its end; what a run's journal has by now is left to the run."""
        found = {}
        for orphan in begun:
            if self._is_journaled(act_id, orphan, settling=True):
                self._pause.leave(act_id, orphan)
            else:
                found[orphan.meta_id] = orphan
        return found

    def _listed(self, act_id: ActId) -> tuple[list[OrphanedObject], list[Message]]:
        """Return everything of ours that the account shows to be on, and why some of it could not be read."""
        found: list[OrphanedObject] = []
        problems = []
        for kind in TREE:
            try:
                listed = self._clients.for_account(act_id).find(kind, MARK, _FIELDS)
            except MetaError as error:
                problems.append(WatchMessage.NOT_LISTED(kind=kind.value, why=said_of(error)))
                continue
            found += [OrphanedObject.of(one) for one in listed if not one.is_off]
        return found, problems

    def _is_journaled(self, act_id: ActId, orphan: OrphanedObject, *, settling: bool = False) -> bool:
        """Tell whether the object's run knows it, taking it into the run's journal if it can.

        ``settling`` is the answer for one that a create not yet settled may have made.
        """
        with self._open_unit().reading() as unit:
            marks = frozenset(run_marks_in(orphan.name))
            run = next(iter(unit.runs.find(RunFilter(act_id=act_id, marks=marks))), None)
            rows = () if run is None else unit.journal.of_run(run.id)
        if run is None or is_journaled(rows, orphan):
            return run is not None
        if any(may_become(row, orphan) for row in rows):
            return settling  # its own create is still being looked for, and must not find it taken
        return self._is_taken_in(run, orphan)

    def _is_taken_in(self, run: Run, orphan: OrphanedObject) -> bool:
        try:
            self._control.account_for_orphans(run, self._plan(run))
        except (Held, MetaError, StaleRunError, StaleOperationError) as error:
            _log.warning("orphan_not_adopted", run_id=run.id, meta_id=orphan.meta_id, reason=str(error))
        return is_journaled(self._control.rows(run), orphan)


def is_journaled(rows: Sequence[Operation], orphan: OrphanedObject) -> bool:
    """Tell whether a create of the journal has made this object."""
    return any(row.meta_id == orphan.meta_id and row.spec.action is Action.CREATE for row in rows)


def may_become(row: Operation, orphan: OrphanedObject) -> bool:
    """Tell whether a create that is not settled yet may turn out to have made this object."""
    unsettled = row.spec.action is Action.CREATE and not row.is_settled
    return unsettled and bool(row.spec.token) and str(row.spec.token) in orphan.name
