"""Counts of what runs reserve: read where they are stored, made from the journals where they are not.

A count that is missing is stored where the caller is about to commit; a run that another transaction is changing is counted
for this once, as its journal was last committed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.money.exposure import Calendar
from autopublisher.domain.money.spans import calendar_within, spans_of
from autopublisher.domain.runs.commitments import commitments_of
from autopublisher.domain.runs.reservations import Calendars, reservations_of
from autopublisher.domain.runs.run import Run
from autopublisher.ports.repositories import UnitOfWork
from autopublisher.ports.reservations import Count, CountedRun, RunGroup

_PAGE = 500


def reserved(
    unit: UnitOfWork, group: RunGroup, stretch: int, days: tuple[date, date], *, store: bool
) -> Calendar:
    """Return what a group's runs can spend at worst on the days from the first to the last of ``days``, and their months.

    ``store`` keeps what had to be counted, for the caller to commit.
    """
    apart = list(count_missing(unit, group, stretch, store=store))
    others = replace(group, without=group.without | {one.run.id for one in apart})
    known = unit.reservations.spans(others, *days)
    return calendar_within([*known, *(span for one in apart for span in one.count.spans)], *days)


def count_missing(unit: UnitOfWork, group: RunGroup, stretch: int, *, store: bool) -> Iterator[CountedRun]:
    """Count the runs without a count, store those that can be where that is wanted, and yield the others."""
    for page in uncounted_pages(unit, group, stretch):
        held = claimed(unit, page) if store else {}
        counted = count(unit, [held.get(run.id, run) for run in page], stretch)
        if held:
            unit.reservations.put([one for one in counted if one.run.id in held])
        yield from (one for one in counted if one.run.id not in held)


def uncounted_pages(unit: UnitOfWork, group: RunGroup, stretch: int) -> Iterator[Sequence[Run]]:
    """Yield the runs without a count, page by page."""
    page = unit.reservations.uncounted(group, stretch, None, _PAGE)
    while page:
        yield page
        page = unit.reservations.uncounted(group, stretch, page[-1].id, _PAGE)


def claimed(unit: UnitOfWork, runs: Sequence[Run]) -> Mapping[RunId, Run]:
    """Return as they are now those of these runs that no other transaction is changing, and none will until this ends."""
    return {run.id: run for run in unit.reservations.claim([run.id for run in runs])}


def count(unit: UnitOfWork, runs: Sequence[Run], stretch: int) -> list[CountedRun]:
    """Count what runs reserve from their journals; raises GateRefusedError where an account's time zone is unknown here."""
    journals = unit.journal.of_runs([run.id for run in runs])
    zones = {run.account_id: unit.accounts.get(run.account_id).timezone for run in _one_of_each(runs)}
    return [_counted(run, journals, Calendars(zones[run.account_id], stretch)) for run in runs]


def _one_of_each(runs: Sequence[Run]) -> Sequence[Run]:
    return list({run.account_id: run for run in runs}.values())


def _counted(run: Run, journals: Mapping[RunId, Sequence[Operation]], how: Calendars) -> CountedRun:
    rows = journals.get(run.id, ())
    return CountedRun(
        run, Count(how.rule, spans_of(reservations_of(run, rows, how)), commitments_of(run, rows))
    )
