"""Figures that come after a run has ended: what it spends and sells goes on being read until the last of it has settled.

Theory of operation. A completed run has no tick any more, and its final campaign spends for days; of a cancelled test the
last hour shows later. So the account's watch reads what belongs to runs that have ended: one query for a hundred ad sets, no
more often than Meta refreshes its figures, whether or not a stop holds. An ad set's money is over when its schedule is, or
when a run that ended otherwise has switched it off. When late conversions have had their time since then, its figures are
read for the last time, and what it has spent replaces its reserve in the journal: never less than Meta has shown before, and
a figure that cannot be right only if Meta still says so a day later.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import (
    MetaError,
    MetaNotFoundError,
    StaleCampaignError,
    StaleOperationError,
    StaleRunError,
)
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.journal.records import Figures, Snapshot
from autopublisher.domain.messages import said_of
from autopublisher.domain.meta.insights import InsightsRow, figures_of
from autopublisher.domain.money.ledger import reserve_of
from autopublisher.domain.reconciliation.watch_messages import WatchMessage
from autopublisher.domain.runs.final_campaign import (
    FINAL_ARM,
    LATE_FIGURES,
    continuation,
    final_arm,
    is_final_arm,
)
from autopublisher.domain.runs.notes import CURRENCY, note_of
from autopublisher.domain.runs.run import FINAL, Run, RunStatus
from autopublisher.domain.runs.settlement import is_unsettled, settled_spend, spent_at_most
from autopublisher.flows.run_pages import every_run, with_journals
from autopublisher.flows.runs.closing import settles_at
from autopublisher.flows.runs.collector import REFRESH
from autopublisher.flows.runs.finished_test import keep_remains, recounted
from autopublisher.flows.runs.settlement import DOUBT_LASTS, doubts, seen_before
from autopublisher.flows.watch.account_check import Outcome
from autopublisher.flows.writes.money_gate import LONGEST
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import Fence, OpenUnitOfWork, RunFilter, UnitOfWork

_LOOKED_AT = FINAL | {RunStatus.PUBLISHING_FINAL}


@dataclass(frozen=True)
class _Place:
    """An ad set whose money is not settled, and when it will be; ``base`` is what it had in its test, where it goes on."""

    run: Run
    row: Operation
    settles_at: datetime
    base: Figures | None = None

    @property
    def letter(self) -> str:
        """The variant under which its figures are kept."""
        goes_on = self.base is not None
        return final_arm(self.run, self.row.spec.variant) if goes_on else self.row.spec.variant or FINAL_ARM

    @property
    def spent_before(self) -> int:
        """What it had spent when its own figures began, in minor units."""
        return 0 if self.base is None else self.base.spend


class LateFigures:
    """The check that keeps the figures of ended runs up."""

    name = LATE_FIGURES

    def __init__(self, open_unit: OpenUnitOfWork, clients: ReadingClients) -> None:
        self._open_unit = open_unit
        self._clients = clients

    def __call__(self, act_id: ActId, before: Mapping[str, Any] | None, now: datetime) -> Outcome | None:
        """Read what is due, and settle what is over; None where there never was anything."""
        if before is not None and now - datetime.fromisoformat(before["at"]) < REFRESH:
            return Outcome(before)
        ended = self._runs(act_id, now)
        done = {run.id for run in ended} & set(() if before is None else before["done"])
        runs = [run for run in ended if run.id not in done]
        wanted = self._places([run for run in runs if not _is_in_other_currency(run)])
        if not runs and before is None:
            return None
        try:
            read = self._read(act_id, wanted, now)
        except MetaError as error:
            problem = WatchMessage.FIGURES_UNREAD(why=said_of(error)).to_record()
            return Outcome({**(before or _NOTHING), "at": now.isoformat(), "unread": problem})
        waiting = {place.run.id for place, figures in read if not self._is_over(place, figures, now)}
        waiting |= {run.id for run in runs if _is_in_other_currency(run)}
        over = {run.id for run in runs if run.is_final and run.id not in waiting}
        reads = {place.run.id: now.isoformat() for place in wanted if place.run.id not in over}
        return Outcome({"at": now.isoformat(), "read": reads, "done": sorted(done | over)})

    def _runs(self, act_id: ActId, now: datetime) -> Sequence[Run]:
        with self._open_unit().reading() as unit:
            alive = RunFilter(statuses=_LOOKED_AT, act_id=act_id, alive_since=now - LONGEST)
            wanted = replace(alive, is_unsettled=True)
            return list(every_run(unit, wanted))

    def _places(self, runs: Sequence[Run]) -> list[_Place]:
        """Return the runs' ad sets whose spend may still grow or be restated."""
        if not runs:
            return []
        with self._open_unit().reading() as unit:
            return [
                _Place(run, row, settles_at(run, row, rows), _base_of(unit, run, row, rows))
                for run, rows in with_journals(unit, runs)
                for row in rows
                if is_unsettled(row)
            ]

    def _read(
        self, act_id: ActId, places: Sequence[_Place], now: datetime
    ) -> list[tuple[_Place, Figures | None]]:
        """Return each place's figures as of now; None of one for which Meta has none."""
        if not places:
            return []
        since = min(place.run.created_at for place in places)
        ids = sorted({place.row.meta_id or MetaId("") for place in places})
        rows = {row.object_id: row for row in self._clients.for_account(act_id).ad_sets(ids, since, now)}
        return [
            (place, self._figures(place, rows.get(place.row.meta_id or MetaId("")), now)) for place in places
        ]

    def _figures(self, place: _Place, row: InsightsRow | None, now: datetime) -> Figures | None:
        """Read a row; the account's figures leave out what somebody has deleted, which is asked for by its id in the end."""
        if row is None and place.settles_at <= now:
            try:
                row = self._clients.for_account(place.run.act_id).insights_of(
                    place.row.meta_id or MetaId(""), place.run.created_at, now
                )
            except MetaNotFoundError:
                row = None
        event = place.run.request.ad.conversion_event or "PURCHASE"
        read = None if row is None else figures_of(row, place.run.currency, event)
        return read if read is None or place.base is None else read.since(place.base)

    def _is_over(self, place: _Place, figures: Figures | None, now: datetime) -> bool:
        """Keep what has changed, and of what has settled all; tell whether nothing more of the ad set is to be read.

        Figures that Meta once had do not vanish: an answer without them has a gap, and is asked for again for a day.
        """
        has_settled = place.settles_at <= now
        read_now = Snapshot(place.run.id, place.letter, now, figures or Figures())
        with self._open_unit() as unit:
            earlier = [
                snapshot
                for snapshot in unit.observations.snapshots(place.run.id)
                if snapshot.variant == place.letter
            ]
            had_some = any(one.figures != Figures() for one in earlier)
            if figures is not None and (has_settled or not earlier or earlier[-1].figures != figures):
                unit.observations.add_snapshots([read_now])
            if is_final_arm(place.letter) and not (figures is None and had_some):
                _note_spend(unit, place.run, read_now)
            unit.commit()
        if figures is None:
            return has_settled and (not had_some or now >= place.settles_at + DOUBT_LASTS)
        return has_settled and place.run.is_final and self._settle(place, [*earlier, read_now], now)

    def _settle(self, place: _Place, known: Sequence[Snapshot], now: datetime) -> bool:
        """Let the journal count what was spent instead of what could have been; tell whether it does.

        What came late belongs to what the account remembers of a test as well.
        """
        restated = None if is_final_arm(place.letter) else recounted(self._open_unit, place.run)
        try:
            with self._open_unit() as unit:
                rows = unit.journal.of_run(place.run.id)
                cap = reserve_of(place.row, rows)
                spent = _spent(place, known, cap - place.spent_before, now)
                if spent is None:
                    return False
                most = spent_at_most(spent + place.spent_before, cap)
                unit.journal.advance(
                    replace(place.row, spent=most), place.row, Fence(place.run.id, place.run.version)
                )
                if restated is not None:
                    keep_remains(unit, place.run.id, restated)
                unit.commit()
        except (StaleRunError, StaleOperationError):
            return False  # somebody else is at it; what is kept is as true
        return True


def _base_of(unit: UnitOfWork, run: Run, row: Operation, rows: Sequence[Operation]) -> Figures | None:
    """Return the figures of the test of an arm that goes on as the final campaign; None of anything else."""
    if continuation(run, rows, row.key) is None:
        return None
    kept = [one.figures for one in unit.observations.snapshots(run.id) if one.variant == row.spec.variant]
    return kept[-1] if kept else Figures()


def _note_spend(unit: UnitOfWork, run: Run, read: Snapshot) -> None:
    """Have the run's campaign say what Meta says now; one that a tick of the run has just moved on says it later."""
    campaign = unit.campaigns.of_runs([run.id]).get(run.id)
    if campaign is None:
        return
    kept = {
        one.variant: one.figures.spend
        for one in unit.observations.latest_snapshots([run.id]).get(run.id, ())
        if is_final_arm(one.variant)
    }
    spent = sum((kept | {read.variant: read.figures.spend}).values())
    noted = campaign.with_spend(Money(spent, run.currency), read.at)
    with suppress(StaleCampaignError):
        unit.campaigns.save(noted, was=campaign.version)


_NOTHING: Mapping[str, Any] = {"read": {}, "done": []}


def _spent(place: _Place, known: Sequence[Snapshot], cap: int, now: datetime) -> int | None:
    """Return what an ad set has spent, in minor units; None while its settled figures cannot be right."""
    letter, final = place.letter, [one for one in known if one.at >= place.settles_at]
    spent, caps = settled_spend([one.figures.spend for one in final], cap), {place.letter: cap}
    seen = seen_before(known, caps)
    if now < final[0].at + DOUBT_LASTS and doubts(place.run, {letter: spent}, caps, seen):
        return None
    return max(spent, seen.get(letter, 0))


def _is_in_other_currency(run: Run) -> bool:
    """Tell whether the account's figures are amounts of another currency than the run's now, so that none is read."""
    return note_of(run, CURRENCY) is not None
