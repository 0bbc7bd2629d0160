"""Sweeper: overdue runs and account watches are enqueued again."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.errors import StaleRunError, StaleWatchError
from autopublisher.domain.runs.run import Run
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.outcomes.steps import event
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter
from autopublisher.ports.work import Tick, TickQueue

_log = structlog.get_logger(__name__)
_Lift = Callable[[datetime], None]


class Sweeper:
    """Enqueues overdue ticks again, and lifts a run or watch whose tick has died to a new version.

    ``sweeps_before_lifting`` counts sweeps for which the same tick stays overdue; a tick in good health never lasts that
    long, and lifting one that still runs is safe because its writes are fenced by the version.
    """

    def __init__(
        self, open_unit: OpenUnitOfWork, ticks: TickQueue, clock: Clock, sweeps_before_lifting: int
    ) -> None:
        self._open_unit = open_unit
        self._ticks = ticks
        self._clock = clock
        self._sweeps_before_lifting = sweeps_before_lifting
        self._seen: dict[str, int] = {}

    def sweep(self) -> int:
        """Enqueue every overdue tick; returns how many were overdue."""
        now = self._clock.now()
        overdue = self._overdue(now)
        self._seen = {key: self._seen.get(key, 0) + 1 for key in overdue}
        for key, count in self._seen.items():
            if count >= self._sweeps_before_lifting:
                overdue[key](now)
        return len(overdue)

    def _overdue(self, now: datetime) -> Mapping[str, _Lift]:
        """Enqueue what is due; return, by workflow id, how each is lifted should its tick turn out to be dead."""
        found: dict[Tick, _Lift] = {}
        with self._open_unit().reading() as unit:
            for run in unit.runs.find(RunFilter(due_by=now, limit=1000)):
                found[Tick(run.id, run.version, run.act_id)] = partial(self._lift_run, run)
            for watch in unit.watches.due(now):
                found[Tick(None, watch.version, watch.act_id)] = partial(self._lift_watch, watch)
        if not found:
            return {}
        with self._open_unit() as unit:
            for tick in found:
                self._ticks.enqueue(unit, tick)
            unit.commit()
        return {tick.workflow_id: lift for tick, lift in found.items()}

    def _lift_run(self, run: Run, now: datetime) -> None:
        why = RunMessage.TICK_DIED()
        lifted = replace(run, version=run.version + 1, updated_at=now, attention=why)
        try:
            with self._open_unit() as unit:
                unit.runs.save(lifted, was=run.version)
                unit.observations.add_events([event(run, now, "lifted", RunMessage.LIFTED())])
                self._ticks.enqueue(unit, Tick(run.id, lifted.version, run.act_id))
                unit.commit()
        except StaleRunError as stale:
            _log.info("stop_lift_skipped", run_id=run.id, reason=str(stale))

    def _lift_watch(self, watch: Watch, now: datetime) -> None:
        lifted = replace(watch, version=watch.version + 1, next_look_at=now)
        try:
            with self._open_unit() as unit:
                unit.watches.save(lifted, was=watch.version)
                self._ticks.enqueue(unit, Tick(None, lifted.version, watch.act_id))
                unit.commit()
        except StaleWatchError as stale:
            _log.info("stop_lift_skipped", act_id=watch.act_id, reason=str(stale))
