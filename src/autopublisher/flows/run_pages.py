"""Runs page by page, for whoever needs all that match."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from autopublisher.domain.runs.run import Run
from autopublisher.ports.repositories import RunFilter, UnitOfWork


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
