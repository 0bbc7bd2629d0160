"""Run facts: what the money of many runs is told from, read by one statement."""

from collections.abc import Mapping, Sequence

from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import Run
from autopublisher.ports.dossiers import RunFacts
from autopublisher.ports.repositories import UnitOfWork


def facts_of(unit: UnitOfWork, runs: Sequence[Run]) -> Mapping[RunId, RunFacts]:
    """Return of each run what its money is told from."""
    return unit.dossiers.money_facts([run.id for run in runs])
