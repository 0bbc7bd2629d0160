"""Recovery of found objects: journals what Meta holds of a run and its journal has no write for.

What is provably the same plan counts at once as sent by us; all else stays unanswered, and the run is held for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autopublisher.domain.accounts.stops import OFF
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
from autopublisher.domain.money.duplicates import is_duplicate, worst_case
from autopublisher.domain.reconciliation.edits import SWEEP_FIELDS
from autopublisher.domain.reconciliation.found import (
    activation_spec,
    creative_id_of,
    creative_spec,
    found_spec,
    is_same_plan,
    key_of,
    lacks_activation,
)
from autopublisher.domain.runs.plan import total_of
from autopublisher.domain.runs.run import Run
from autopublisher.flows.writes.bookkeeping import Bookkeeping
from autopublisher.flows.writes.lookups import NO_RIGHT
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.client import MetaAds
from autopublisher.ports.repositories import Fence

Listing = Sequence[tuple[ObjectKind, Mapping[str, Any]]]
"""Objects as the account lists them, campaigns first."""

_BESIDE = (ObjectKind.RULE, ObjectKind.STUDY)
"""Kinds that hold no money and are looked for only where the database is known to be older."""


@dataclass(frozen=True)
class _Sight:
    """One object of no row: its kind, its key in a plan, and all that Meta shows of it."""

    kind: ObjectKind
    key: str
    meta_id: MetaId
    shown: Mapping[str, Any]


class FoundObjects:
    """Takes what was found into a run's journal; ``stretch`` is how far Meta may stretch a daily budget, in per cent."""

    def __init__(self, meta: MetaAds, clock: Clock, books: Bookkeeping, *, stretch: int) -> None:
        self._meta = meta
        self._clock = clock
        self._books = books
        self._stretch = stretch

    def take_in(self, run: Run, listing: Listing, plan: Sequence[OperationSpec], fence: Fence) -> None:
        """Journal the objects of a listing that no row knows; ``plan`` is what the run would make now, where it has one.

        An object whose place no plan has, or that belongs to a run which has ended, is journaled as one to be switched
        off, like a duplicate.
        """
        planned = {spec.key: spec for spec in plan}
        caps = {str(one["id"]): one.get("spend_cap") for kind, one in listing if kind is ObjectKind.CAMPAIGN}
        # An arm's ad says which creative is its variant's, by which the final one's is told.
        unknown = sorted(self._unknown(run, listing), key=_with_arms_first)
        for kind, listed in unknown:
            rows, meta_id = self._rows(run), MetaId(str(listed["id"]))
            key = None if run.is_final else key_of(str(listed.get("name")), kind, run.id)
            if key is None:
                self._books.unplaced(run, kind, meta_id, fence, listed)
            elif _is_made(rows, key):
                maker = next(row for row in rows if row.key == key)
                self._books.duplicate(run, maker, meta_id, fence, listed)
            else:
                sight = _Sight(kind, key, meta_id, self._whole(kind, meta_id, listed))
                self._found(run, sight, planned.get(key), caps, fence)
        if unknown and not run.is_final:
            self._beside(run, fence)

    def take_in_activations(self, run: Run, listing: Listing, fence: Fence) -> None:
        """Journal that objects are on which the journal has never switched on."""
        on = {str(one["id"]) for _, one in listing if one.get("status") == "ACTIVE"}
        for row in self._rows(run):
            made = row.spec.action is Action.CREATE and row.state is OperationState.CONFIRMED
            if made and row.meta_id in on and not is_duplicate(row):
                rows = self._rows(run)
                if lacks_activation(row, rows):
                    answered = False
                    self._books.found(run, activation_spec(row, rows), row.meta_id, fence, {}, sent=answered)

    def _unknown(self, run: Run, listing: Listing) -> Listing:
        """Return what no row has made and no write still under way may yet turn out to have made."""
        rows = self._rows(run)
        known = {row.meta_id for row in rows}
        settling = {row.spec.token for row in rows if not row.is_settled and row.sent_at is not None}
        return [
            (kind, one)
            for kind, one in listing
            if str(one["id"]) not in known
            and not any(token and token in str(one.get("name")) for token in settling)
        ]

    def _found(
        self,
        run: Run,
        sight: _Sight,
        planned: OperationSpec | None,
        caps: Mapping[str, Any],
        fence: Fence,
    ) -> None:
        self._creative(run, sight, fence)
        rows, shown = self._rows(run), sight.shown
        same = planned is not None and is_same_plan(planned, shown, rows)
        spec = (
            planned
            if planned is not None and same
            else found_spec(sight.key, sight.kind, shown, rows, self._reserve(run, sight, caps))
        )
        made = self._books.found(run, spec, sight.meta_id, fence, shown, sent=same)
        if shown.get("status") == "ACTIVE" and shown.get("status") not in OFF:
            self._books.found(
                run, activation_spec(made, self._rows(run)), sight.meta_id, fence, {}, sent=same
            )

    def _creative(self, run: Run, sight: _Sight, fence: Fence) -> None:
        """Journal the creative of an arm's ad, by its id, where the journal has none for it."""
        creative = creative_id_of(sight.shown)
        if creative is None or key_from(sight.key).purpose is not Purpose.TEST:
            return
        rows, spec = self._rows(run), creative_spec(run.id, sight.key)
        if not any(row.meta_id == creative or (row.key == spec.key and row.sent_at) for row in rows):
            self._books.found(run, spec, MetaId(creative), fence, {}, sent=False)

    def _reserve(self, run: Run, sight: _Sight, caps: Mapping[str, Any]) -> int:
        """Return what an object can cost in its whole life, in minor units, what it has spent already included.

        A campaign's spending limit counts that too; a daily budget is counted from the ad set's start.
        """
        shown, whole = sight.shown, total_of(run).minor
        if sight.kind not in {ObjectKind.CAMPAIGN, ObjectKind.AD_SET}:
            return 0
        since = _start_of(shown, run.created_at, self._clock.now())
        worst = worst_case(sight.kind, shown, 0, whole, since, self._stretch)
        cap = _amount(caps.get(str(shown.get("campaign_id"))))
        if cap == 0:
            return worst
        # A daily budget may have been higher before, a lifetime budget never below what was spent.
        return min(worst, cap) if _amount(shown.get("lifetime_budget")) else cap

    def _beside(self, run: Run, fence: Fence) -> None:
        """Journal rules and studies of the run, so that none is made twice; what we may not list is left out."""
        for kind in _BESIDE:
            try:
                listed = self._meta.find(run.act_id, kind, run_mark(run.id), ("id", "name", "status"))
            except NO_RIGHT:
                continue
            for one in listed:
                rows, key = self._rows(run), key_of(str(one.get("name")), kind, run.id)
                known = any(str(one["id"]) == row.meta_id or row.key == key for row in rows)
                if key is not None and not known:
                    spec = found_spec(key, kind, one, rows, 0)
                    self._books.found(run, spec, MetaId(str(one["id"])), fence, one, sent=True)

    def _whole(self, kind: ObjectKind, meta_id: MetaId, listed: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return all that is compared of an object; what was listed where Meta does not show more now."""
        try:
            return self._meta.read(kind, meta_id, SWEEP_FIELDS[kind])
        except MetaError:
            return listed

    def _rows(self, run: Run) -> Sequence[Operation]:
        return self._books.views.of(run).rows


def _with_arms_first(found: tuple[ObjectKind, Mapping[str, Any]]) -> tuple[int, bool]:
    kind, row = found
    kinds = (ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD)
    return kinds.index(kind), "-final." in str(row.get("name"))


def _start_of(shown: Mapping[str, Any], made: datetime, now: datetime) -> datetime:
    """Return since when an object can have spent; nothing of a run is older than the run, which ``made`` dates."""
    try:
        return min(datetime.fromisoformat(str(shown.get("start_time"))).astimezone(now.tzinfo), now)
    except ValueError:
        return made


def _amount(value: Any) -> int:
    try:
        return max(0, int(str(value or 0)))
    except ValueError:
        return 0


def _is_made(rows: Sequence[Operation], key: str) -> bool:
    """Tell whether a create of this key is settled: whatever else bears its token is a second object."""
    return any(row.key == key and row.is_settled for row in rows)
