"""Run facts: what is stored of many runs at once, in as many statements as of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.journal.records import MetaObject, Snapshot
from autopublisher.domain.runs.run import Run
from autopublisher.ports.repositories import UnitOfWork


@dataclass(frozen=True)
class RunFacts:
    """A run's journal by sequence, its objects as last read by key, and the last figures of each variant."""

    rows: Sequence[Operation]
    models: Mapping[str, MetaObject]
    latest: Sequence[Snapshot]


def facts_of(unit: UnitOfWork, runs: Sequence[Run]) -> Mapping[RunId, RunFacts]:
    """Return the facts of each run."""
    ids = [run.id for run in runs]
    journals, objects = unit.journal.of_runs(ids), unit.records.objects_of(ids)
    latest = unit.observations.latest_snapshots(ids)
    return {
        run_id: RunFacts(
            journals.get(run_id, ()),
            {model.key: model for model in objects.get(run_id, ())},
            latest.get(run_id, ()),
        )
        for run_id in ids
    }
