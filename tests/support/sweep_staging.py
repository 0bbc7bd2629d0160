"""Scenes with somebody else at work in Ads Manager: a stage whose account is looked at, and the hands that change things."""

from datetime import timedelta
from typing import Any

from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.journal.records import Event
from autopublisher.domain.reconciliation.findings import RECONCILIATION, Finding, findings_of
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from support.stop_staging import ACT, StopStage

AN_AGE = timedelta(minutes=20)
"""After so long every read shows what was written."""


class SweepStage(StopStage):
    """A stage with a watch from the beginning; ``touch`` changes an object as a person at Meta would."""

    def __init__(self, request: RunRequest | None = None, pace: EngineConfig | None = None) -> None:
        super().__init__(request, pace)
        with self.database.unit_of_work() as unit:
            unit.watches.add(Watch(ACT, 1, self.clock.now()))
            unit.commit()

    def touch(self, key: str, **changes: Any) -> None:
        self.meta.objects[MetaId(self.row(key).meta_id or "")].fields.update(changes)

    def at(self, key: str) -> dict[str, Any]:
        return self.meta.objects[MetaId(self.row(key).meta_id or "")].fields

    def at_look(self) -> Watch:
        """Look now, whatever the moment of the next look."""
        with self.database.unit_of_work() as unit:
            due = unit.watches.get(ACT)
            assert due is not None
            unit.watches.save(due.nudged(self.clock.now()), was=due.version)
            unit.commit()
        return self.look()

    @property
    def record(self) -> dict[str, Any]:
        return dict(self.stored_watch().report.get(RECONCILIATION, {}))

    @property
    def findings(self) -> tuple[Finding, ...]:
        return findings_of(self.record)

    @property
    def found(self) -> set[tuple[str, str, str]]:
        """Return what is open: key, field and what Meta shows."""
        return {(one.key, one.edit.field, one.edit.shown) for one in self.findings}

    def said(self) -> list[Event]:
        return self.events("edited")

    def orphan(self, name: str, status: str = "ACTIVE") -> MetaId:
        """Have somebody make a campaign whose name bears our mark."""
        return self.meta.create(ACT, ObjectKind.CAMPAIGN, {"name": name, "status": status})


def staged(status: RunStatus) -> SweepStage:
    """Return a stage whose run has come as far as ``status``, at a moment when no read is late any more."""
    stage = SweepStage()
    stage.go(status)
    if status is RunStatus.AB_TESTING:
        for _ in range(3):
            stage.step()
    stage.clock.advance_to(stage.clock.now() + AN_AGE)
    return stage
