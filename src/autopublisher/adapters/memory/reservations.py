"""Stored reservations in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from autopublisher.adapters.memory.tables import Tables
from autopublisher.domain.ids import RunId
from autopublisher.domain.money.limits import Period
from autopublisher.domain.money.spans import Span
from autopublisher.domain.runs.reservations import Calendars
from autopublisher.domain.runs.run import Run
from autopublisher.ports.reservations import CountedRun, RunGroup


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
        self._tables.counted |= {one.run.id: (one.rule, one.spans) for one in counted}

    def counts(self, run_ids: Sequence[RunId]) -> Mapping[RunId, tuple[str, tuple[Span, ...]]]:
        """Return by run the rule and, in order, the spans of those that have a count."""
        return {
            run_id: (rule, tuple(sorted(spans)))
            for run_id, (rule, spans) in self._tables.counted.items()
            if run_id in run_ids
        }

    def spans(self, group: RunGroup, first: date, last: date) -> Sequence[Span]:
        """Return what a group's runs reserve from ``first`` to ``last``, spans of the same days added up into one."""
        most: Counter[tuple[Period, date, date]] = Counter()
        for run_id, (_, spans) in self._tables.counted.items():
            if _is_in(self._tables.runs[run_id], group):
                for span in spans:
                    if span.last >= first and span.first <= last:
                        most[span.period, span.first, span.last] += span.most
        return [Span(*place, worst) for place, worst in most.items()]

    def _is_counted(self, run: Run, stretch: int) -> bool:
        zone = self._tables.accounts[run.account_id].timezone
        return self._tables.counted.get(run.id, ("",))[0] == Calendars(zone, stretch).rule


def _is_in(run: Run, group: RunGroup) -> bool:
    ended = run.ending.at
    return (
        group.act_id in {None, run.act_id}
        and run.currency == group.currency
        and (ended is None or ended >= group.alive_since)
        and run.id not in group.without
    )
