"""Dossiers, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from autopublisher.domain.ids import RunId
from autopublisher.ports.dossiers import SHOWN_KINDS, Dossier, RunFacts, concerns_money
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
            facts=RunFacts(
                unit.journal.of_run(run_id),
                {model.key: model for model in unit.records.objects(run_id)},
                unit.observations.latest_snapshots([run_id]).get(run_id, []),
            ),
            decision=unit.decisions.latest([run_id]).get(run_id),
            events=unit.observations.events(run_id),
            stops=unit.stops.holding(run.act_id),
        )

    def money_facts(self, run_ids: Sequence[RunId]) -> Mapping[RunId, RunFacts]:
        """Return of each of many runs the facts that its money is told from."""
        return {run_id: self._money_facts(run_id) for run_id in run_ids}

    def _money_facts(self, run_id: RunId) -> RunFacts:
        unit = self._unit
        count = unit.reservations.counts([run_id]).get(run_id)
        rows = unit.journal.of_run(run_id) if count is None else ()
        shown = [one for one in unit.records.objects(run_id) if one.kind in SHOWN_KINDS]
        return RunFacts(
            list(filter(concerns_money, rows)),
            {model.key: replace(model, baseline=None) for model in shown},
            unit.observations.latest_snapshots([run_id]).get(run_id, []),
            None if count is None else count.commitments,
        )
