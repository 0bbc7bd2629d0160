"""Dossiers, in memory."""

from autopublisher.domain.ids import RunId
from autopublisher.ports.dossiers import Dossier
from autopublisher.ports.repositories import UnitOfWork


class MemoryDossiers:
    """Implements ``ports.dossiers.DossierRepository`` by what the other repositories of a unit of work have."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def of(self, run_id: RunId) -> Dossier:
        """Return a run's dossier; raises RunNotFoundError."""
        unit = self._unit
        run = unit.runs.get(run_id)
        return Dossier(
            run=run,
            account=unit.accounts.get(run.account_id),
            watch=unit.watches.get(run.act_id),
            campaign=unit.campaigns.of_runs([run_id]).get(run_id),
            variants=unit.records.variants(run_id),
            rows=unit.journal.of_run(run_id),
            objects=unit.records.objects(run_id),
            latest=unit.observations.latest_snapshots([run_id]).get(run_id, []),
            decision=unit.decisions.latest([run_id]).get(run_id),
            events=unit.observations.events(run_id),
            stops=unit.stops.holding(run.act_id),
        )
