"""Stored reservations in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from autopublisher.adapters.memory.records import MemoryObservations
from autopublisher.adapters.memory.tables import Tables
from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.money.limits import Period
from autopublisher.domain.money.spans import Span
from autopublisher.domain.runs.reservations import Calendars
from autopublisher.domain.runs.run import Run
from autopublisher.ports.reservations import Count, CountedRun, OpenRun, RunGroup


class MemoryReservations:
    """Implements ``ports.reservations.ReservationRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def uncounted(
        self, group: RunGroup, stretch: int, after: RunId | None = None, limit: int = 500
    ) -> Sequence[Run]:
        """Return by id the runs without a count by their account's time zone and ``stretch``; only ids above ``after``."""
        found = [
            run
            for run in self._tables.runs.values()
            if _is_in(run, group) and run.id > (after or "") and not self._is_counted(run, stretch)
        ]
        return sorted(found, key=lambda run: run.id)[:limit]

    def claim(self, run_ids: Sequence[RunId]) -> Sequence[Run]:
        """Return these runs by id: nobody else has a transaction open."""
        return [self._tables.runs[run_id] for run_id in sorted(run_ids) if run_id in self._tables.runs]

    def put(self, counted: Sequence[CountedRun]) -> None:
        """Store the counts of runs that this transaction has claimed."""
        self._tables.counted |= {one.run.id: one.count for one in counted}

    def counts(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Count]:
        """Return by run the counts of those that have one."""
        return {run_id: count for run_id, count in self._tables.counted.items() if run_id in run_ids}

    def open_runs(
        self, act_id: ActId, alive_since: datetime, without: Sequence[RunId] = ()
    ) -> Sequence[OpenRun]:
        """Return by id what was last counted of an account's runs, with what Meta showed of them."""
        group = RunGroup(act_id, None, alive_since, frozenset(without))
        counted = (self._tables.runs[run_id] for run_id in sorted(self._tables.counted))
        return [self._open(run) for run in counted if _is_in(run, group)]

    def _open(self, run: Run) -> OpenRun:
        latest = MemoryObservations(self._tables).latest_snapshots([run.id]).get(run.id, ())
        return OpenRun(
            run.id,
            run.status,
            run.created_at,
            self._tables.counted[run.id].commitments,
            {one.key: one for one in self._tables.objects.values() if one.run_id == run.id},
            {one.variant: one.figures.spend for one in latest},
            max((one.at for one in latest), default=None),
        )

    def spans(self, group: RunGroup, first: date, last: date) -> Sequence[Span]:
        """Return what a group's runs reserve from ``first`` to ``last``, spans of the same days added up into one."""
        most: Counter[tuple[Period, date, date]] = Counter()
        for run_id, count in self._tables.counted.items():
            if _is_in(self._tables.runs[run_id], group):
                for span in count.spans:
                    if span.last >= first and span.first <= last:
                        most[span.period, span.first, span.last] += span.most
        return [Span(*place, worst) for place, worst in most.items()]

    def _is_counted(self, run: Run, stretch: int) -> bool:
        zone = self._tables.accounts[run.account_id].timezone
        return (
            run.id in self._tables.counted
            and self._tables.counted[run.id].rule == Calendars(zone, stretch).rule
        )


def _is_in(run: Run, group: RunGroup) -> bool:
    ended = run.ending.at
    return (
        group.act_id in {None, run.act_id}
        and group.currency in {None, run.currency}
        and (ended is None or ended >= group.alive_since)
        and run.id not in group.without
    )
