"""Runs page by page, for whoever needs all that match."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.runs.run import Run
from autopublisher.ports.repositories import RunFilter, UnitOfWork

_JOURNALS = 100
"""Journals that are held in memory at once."""


def every_run(unit: UnitOfWork, wanted: RunFilter) -> Iterator[Run]:
    """Yield all runs that match, however many they are."""
    for page in pages_of_runs(unit, wanted):
        yield from page


def pages_of_runs(unit: UnitOfWork, wanted: RunFilter) -> Iterator[Sequence[Run]]:
    """Yield all runs that match in pages of the filter's limit."""
    while True:
        page = unit.runs.find(wanted)
        yield page
        if len(page) < wanted.limit:
            return
        wanted = replace(wanted, before=page[-1].id)


def with_journals(unit: UnitOfWork, runs: Iterable[Run]) -> Iterator[tuple[Run, Sequence[Operation]]]:
    """Yield each run with its journal, those of many runs read in one statement."""
    left = iter(runs)
    while page := list(islice(left, _JOURNALS)):
        journals = unit.journal.of_runs([run.id for run in page])
        yield from ((run, journals.get(run.id, ())) for run in page)
