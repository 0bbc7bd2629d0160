"""What final campaigns have spent after their runs have completed: one read for each account, kept as snapshots."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from autopublisher.domain.errors import MetaError
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.insights import figures_of
from autopublisher.domain.operations import ObjectKind
from autopublisher.domain.plan import final_key
from autopublisher.domain.records import Snapshot
from autopublisher.domain.run import Run
from autopublisher.ports.meta_ads import MetaAds
from autopublisher.ports.repositories import OpenUnitOfWork

FINAL_ARM = ""
"""The letter under which a final campaign's figures are kept: it is no arm of the test."""


class FinalFigures:
    """Refreshes the figures of final campaigns."""

    def __init__(self, open_unit: OpenUnitOfWork, meta: MetaAds) -> None:
        self._open_unit = open_unit
        self._meta = meta

    def refresh(self, act_id: ActId, runs: Sequence[Run], now: datetime) -> list[str]:
        """Keep what Meta reports of the runs' final campaigns where it has changed; returns what could not be read."""
        finals = self._finals(runs)
        if not finals:
            return []
        since = min(run.created_at for run in finals.values())
        try:
            rows = self._meta.ad_sets(act_id, sorted(finals), since, now)
            found = [
                self._snapshot(finals[MetaId(str(row["adset_id"]))], row, now)
                for row in rows
                if row["adset_id"] in finals
            ]
        except MetaError as error:
            return [f"the final campaigns' figures could not be read: {error.message}"]
        with self._open_unit() as unit:
            for one in found:
                before = [
                    each for each in unit.observations.snapshots(one.run_id) if each.variant == FINAL_ARM
                ]
                if not before or before[-1].figures != one.figures:
                    unit.observations.add_snapshots([one])
            unit.commit()
        return []

    def _finals(self, runs: Sequence[Run]) -> dict[MetaId, Run]:
        found: dict[MetaId, Run] = {}
        with self._open_unit() as unit:
            for run in runs:
                row = unit.journal.get(run.id, final_key(ObjectKind.AD_SET))
                if row is not None and row.meta_id is not None:
                    found[row.meta_id] = run
        return found

    @staticmethod
    def _snapshot(run: Run, row: Mapping[str, Any], now: datetime) -> Snapshot:
        event = run.request.ad.conversion_event or "PURCHASE"
        return Snapshot(run.id, FINAL_ARM, now, figures_of(row, run.currency, event))
