"""Recovery of found objects: journals what Meta holds of a run and its journal has no write for.

What is provably the same plan counts at once as sent by us; all else stays unanswered, and the run is held for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autopublisher.domain.errors import MetaError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.keys import Purpose, key_from
from autopublisher.domain.journal.naming import run_mark
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.meta.object_state import GONE, ObjectState
from autopublisher.domain.meta.readback import READ_FIELDS
from autopublisher.domain.money.duplicates import MONEY_KINDS, is_duplicate, worst_case
from autopublisher.domain.reconciliation.edits import SWEEP_FIELDS
from autopublisher.domain.reconciliation.found import (
    activation_spec,
    creative_spec,
    found_spec,
    is_ahead,
    is_same_plan,
    key_of,
    lacks_activation,
)
from autopublisher.domain.runs.plan import total_of
from autopublisher.domain.runs.run import Run
from autopublisher.flows.writes.bookkeeping import Bookkeeping
from autopublisher.flows.writes.lookups import NO_RIGHT
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.client import MetaClients
from autopublisher.ports.repositories import Fence

_TREE = (ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD)
_BESIDE = (ObjectKind.RULE, ObjectKind.STUDY)
"""Kinds that hold no money and are looked for only where the database is known to be older."""


@dataclass(frozen=True)
class _Sight:
    """One object of no row: its key in a plan, and all that Meta shows of it."""

    key: str
    shown: ObjectState


class FoundObjects:
    """Takes what was found into a run's journal; ``stretch`` is how far Meta may stretch a daily budget, in per cent."""

    def __init__(self, clients: MetaClients, clock: Clock, books: Bookkeeping, *, stretch: int) -> None:
        self._clients = clients
        self._clock = clock
        self._books = books
        self._stretch = stretch

    def listing(self, run: Run) -> list[ObjectState]:
        """Return the campaigns, ad sets and ads that Meta lists under the run's mark."""
        mark = run_mark(run.id)
        return [
            found
            for kind in _TREE
            for found in self._clients.for_account(run.act_id).find(
                kind, mark, (*READ_FIELDS[kind], "created_time")
            )
        ]

    def archived(self, run: Run, rows: Sequence[Operation]) -> list[ObjectState]:
        """Return what is archived in places of the plan for which the journal has never sent a create: it may have spent."""
        mark = run_mark(run.id)
        return [
            found
            for kind in _TREE
            for found in self._clients.for_account(run.act_id).archived(kind, mark, READ_FIELDS[kind])
            if is_ahead(rows, [found], run.id)
        ]

    def take_in(
        self, run: Run, listing: Sequence[ObjectState], plan: Sequence[OperationSpec], fence: Fence
    ) -> None:
        """Journal the objects of a listing that no row knows; ``plan`` is what the run would make now, where it has one.

        An object whose place no plan has, or that belongs to a run which has ended, is journaled as one to be switched
        off, like a duplicate.
        """
        planned = {spec.key: spec for spec in plan}
        caps = {one.id: one.spend_cap for one in listing if one.kind is ObjectKind.CAMPAIGN}
        # An arm's ad says which creative is its variant's, by which the final one's is told.
        unknown = sorted(self._unknown(run, listing), key=_with_arms_first)
        for listed in unknown:
            rows = self._rows(run)
            key = None if run.is_final else key_of(listed.name, listed.kind, run.id)
            if key is None:
                self._books.unplaced(run, fence, listed)
            elif _is_made(rows, key):
                maker = next(row for row in rows if row.key == key)
                self._books.duplicate(run, maker, fence, listed)
            else:
                self._found(run, _Sight(key, self._whole(run, listed)), planned.get(key), caps, fence)
        if unknown and not run.is_final:
            self._beside(run, fence)

    def take_in_activations(self, run: Run, listing: Sequence[ObjectState], fence: Fence) -> None:
        """Journal that objects are on which the journal has never switched on."""
        on = {one.id for one in listing if one.is_active}
        for row in self._rows(run):
            made = row.spec.action is Action.CREATE and row.state is OperationState.CONFIRMED
            if made and row.meta_id in on and not is_duplicate(row):
                rows = self._rows(run)
                if lacks_activation(row, rows):
                    answered = False
                    self._books.found(run, activation_spec(row, rows), row.meta_id, fence, sent=answered)

    def _unknown(self, run: Run, listing: Sequence[ObjectState]) -> list[ObjectState]:
        """Return what no row has made and no write still under way may yet turn out to have made."""
        rows = self._rows(run)
        known = {row.meta_id for row in rows}
        settling = {row.spec.token for row in rows if not row.is_settled and row.sent_at is not None}
        return [
            one
            for one in listing
            if one.id not in known and not any(token and token in one.name for token in settling)
        ]

    def _found(
        self,
        run: Run,
        sight: _Sight,
        planned: OperationSpec | None,
        caps: Mapping[MetaId, int | None],
        fence: Fence,
    ) -> None:
        self._creative(run, sight, fence)
        rows, shown = self._rows(run), sight.shown
        is_archived = shown.is_gone or shown.effective_status in GONE
        same = planned is not None and not is_archived and is_same_plan(planned, shown, rows)
        spec = (
            planned
            if planned is not None and same
            else found_spec(sight.key, shown, rows, self._reserve(run, shown, caps))
        )
        made = self._books.found(run, spec, shown.id, fence, shown, sent=same)
        if shown.is_active and not is_archived:
            self._books.found(run, activation_spec(made, self._rows(run)), shown.id, fence, sent=same)

    def _creative(self, run: Run, sight: _Sight, fence: Fence) -> None:
        """Journal the creative of an arm's ad, by its id, where the journal has none for it."""
        creative = sight.shown.creative_id
        if creative is None or key_from(sight.key).purpose is not Purpose.TEST:
            return
        rows, spec = self._rows(run), creative_spec(run.id, sight.key)
        if not any(row.meta_id == creative or (row.key == spec.key and row.sent_at) for row in rows):
            self._books.found(run, spec, creative, fence, sent=False)

    def _reserve(self, run: Run, shown: ObjectState, caps: Mapping[MetaId, int | None]) -> int:
        """Return what an object can cost in its whole life, in minor units, what it has spent already included.

        A campaign's spending limit counts that too; a daily budget is counted from the ad set's start.
        """
        if shown.kind not in MONEY_KINDS:
            return 0
        now = self._clock.now()
        start = shown.starts_at
        # Nothing of a run is older than the run.
        since = run.created_at if start is None else min(start.astimezone(now.tzinfo), now)
        worst = worst_case(shown, 0, total_of(run).minor, since, self._stretch)
        cap = caps.get(shown.campaign_id or MetaId("")) or 0
        if cap <= 0:
            return worst
        # A daily budget may have been higher before, a lifetime budget never below what was spent.
        return min(worst, cap) if shown.lifetime_budget else cap

    def _beside(self, run: Run, fence: Fence) -> None:
        """Journal rules and studies of the run, so that none is made twice; what we may not list is left out."""
        for kind in _BESIDE:
            try:
                listed = self._clients.for_account(run.act_id).find(
                    kind, run_mark(run.id), ("id", "name", "status")
                )
            except NO_RIGHT:
                continue
            for one in listed:
                rows, key = self._rows(run), key_of(one.name, kind, run.id)
                known = any(one.id == row.meta_id or row.key == key for row in rows)
                if key is not None and not known:
                    self._books.found(run, found_spec(key, one, rows, 0), one.id, fence, one, sent=True)

    def _whole(self, run: Run, listed: ObjectState) -> ObjectState:
        """Return all that is compared of an object; what was listed where Meta does not show more now."""
        try:
            return self._clients.for_account(run.act_id).read(
                listed.kind, listed.id, SWEEP_FIELDS[listed.kind]
            )
        except MetaError:
            return listed

    def _rows(self, run: Run) -> Sequence[Operation]:
        return self._books.views.of(run).rows


def _with_arms_first(found: ObjectState) -> tuple[int, bool]:
    return _TREE.index(found.kind), "-final." in found.name


def _is_made(rows: Sequence[Operation], key: str) -> bool:
    """Tell whether a create of this key is settled: whatever else bears its token is a second object."""
    return any(row.key == key and row.is_settled for row in rows)
