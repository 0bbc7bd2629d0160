"""Run facts: what the money of many runs is told from, read by one statement."""

from collections.abc import Mapping, Sequence

from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.commitments import commitments_of
from autopublisher.domain.runs.run import Run
from autopublisher.ports.dossiers import RunFacts
from autopublisher.ports.repositories import UnitOfWork
from autopublisher.ports.reservations import OpenRun


def facts_of(unit: UnitOfWork, runs: Sequence[Run]) -> Mapping[RunId, RunFacts]:
    """Return of each run what its money is told from."""
    return unit.dossiers.money_facts([run.id for run in runs])


def opened(run: Run, facts: RunFacts) -> OpenRun:
    """Return what the exposure adds up of a run, as its journal has it now."""
    return OpenRun(
        run.id,
        run.status,
        run.created_at,
        commitments_of(run, facts.rows) if facts.commitments is None else facts.commitments,
        facts.models,
        {snapshot.variant: snapshot.figures.spend for snapshot in facts.latest},
        max((snapshot.at for snapshot in facts.latest), default=None),
    )
