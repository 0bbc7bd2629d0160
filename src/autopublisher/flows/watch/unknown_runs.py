"""Account check of unknown runs: objects that are on and whose run this database does not have are reported."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from autopublisher.domain.ids import ActId
from autopublisher.domain.journal.naming import run_mark
from autopublisher.domain.journal.records import Event
from autopublisher.domain.reconciliation.unknown import UnknownObject, unknown_in, unknown_objects
from autopublisher.domain.reconciliation.watch_messages import WatchMessage
from autopublisher.domain.runs.run import Run
from autopublisher.flows.outcomes.steps import SYSTEM
from autopublisher.flows.watch.account_snapshot import AccountSnapshot
from autopublisher.ports.repositories import OpenUnitOfWork

FOUND = "watch:unknown_run:found"


class UnknownRuns:
    """Tells of them; pauses nothing, for another installation may own them."""

    def __init__(self, open_unit: OpenUnitOfWork, *, stretch: int) -> None:
        self._open_unit = open_unit
        self._stretch = stretch

    def listed(
        self,
        act_id: ActId,
        runs: Sequence[Run],
        snapshot: AccountSnapshot,
        before: Mapping[str, Any] | None,
        now: datetime,
    ) -> Sequence[UnknownObject]:
        """Return what is on and of no run here; what could not be listed stays as it was at the look before."""
        earlier = unknown_in(before or {})
        marks = [run_mark(run.id) for run in runs]
        foreign = [one for one in snapshot.everything() if not any(mark in one.name for mark in marks)]
        found = unknown_objects(foreign, earlier, now, self._stretch)
        kept = [one for one in earlier if not snapshot.covers(one.kind)]
        known = {one.meta_id for one in earlier}
        self._alarm(act_id, [one for one in found if one.meta_id not in known], now)
        return (*found, *kept)

    def _alarm(self, act_id: ActId, news: Sequence[UnknownObject], now: datetime) -> None:
        if not news:
            return
        with self._open_unit() as unit:
            unit.observations.add_events(
                [
                    Event(
                        now,
                        FOUND,
                        SYSTEM,
                        WatchMessage.UNKNOWN_RUN(what=one.said),
                        None,
                        {"act_id": act_id, **one.to_record()},
                    )
                    for one in news
                ]
            )
            unit.commit()
