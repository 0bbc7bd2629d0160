"""CREATING_CAMPAIGNS: builds every arm PAUSED, reads it all back, and only then switches it on."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from autopublisher.domain.operations import ObjectKind, Operation, OperationSpec, OperationState
from autopublisher.domain.plan import test_key, test_plan
from autopublisher.domain.run import Run, RunStatus
from autopublisher.flows.executor import Executor
from autopublisher.flows.failing import RunFailed
from autopublisher.flows.statuses import Statuses
from autopublisher.flows.steps import Step, event
from autopublisher.flows.waiting import NotYet
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork

WRITES_PER_TICK = 12
"""A tick does at most so many writes, so that it stays short and others of the account get their turn."""

_LATE = timedelta(minutes=5)


class Building:
    """Creates the test."""

    def __init__(
        self, open_unit: OpenUnitOfWork, executor: Executor, statuses: Statuses, clock: Clock
    ) -> None:
        self._open_unit = open_unit
        self._executor = executor
        self._statuses = statuses
        self._clock = clock

    def __call__(self, run: Run) -> Step:
        """Return the run in AB_TESTING once every object exists as asked and is switched on."""
        self.build(run, self._plan(run))
        rows = self._statuses.created(run, "test/")
        self.verify(run, rows)
        self._reschedule(run, rows)
        self._statuses.activate(run, rows)
        now = self._clock.now()
        moved = run.moved(RunStatus.AB_TESTING, now, attention=None)
        return Step(
            moved, (event(run, now, "test_started", f"{len(rows)} objects built, verified and active"),)
        )

    def build(self, run: Run, specs: Sequence[OperationSpec]) -> None:
        """Perform what is still missing of a plan; raises NotYet after WRITES_PER_TICK writes."""
        done = {row.key for row in self._statuses.rows(run) if row.state is OperationState.CONFIRMED}
        missing = [spec for spec in specs if spec.key not in done]
        for number, spec in enumerate(missing):
            if number == WRITES_PER_TICK:
                raise NotYet(self._clock.now())
            self._executor.perform(run, spec)

    def verify(self, run: Run, rows: Sequence[Operation]) -> None:
        """Read every object back; raises RunFailed where Meta holds something else than was asked for."""
        started = any(self._statuses.was_started(run, row) for row in rows)
        if started:
            return
        unlike = self._statuses.unlike(run, rows)
        if unlike:
            raise RunFailed("Meta holds something else than was asked for: " + "; ".join(unlike))

    def _plan(self, run: Run) -> tuple[OperationSpec, ...]:
        with self._open_unit() as unit:
            variants = unit.records.variants(run.id)
            creatives = unit.creatives.get_many([variant.creative_id for variant in variants])
        if run.build_starts_at is None or run.build_ends_at is None:
            raise RunFailed("the run was admitted without a schedule")
        images = {creative.id: creative.storage_key for creative in creatives}
        return test_plan(run, variants, images, run.build_starts_at, run.build_ends_at)

    def _reschedule(self, run: Run, rows: Sequence[Operation]) -> None:
        """Move the test on where building it took so long that the arms would lose time, all arms alike.

        A start that has passed stays: Meta does not let it change, and nothing delivers before it is switched on.
        """
        now = self._clock.now()
        planned = run.build_starts_at or now
        if now <= planned + _LATE or any(self._statuses.was_started(run, row) for row in rows):
            return
        hours = run.request.ab_test_config.test_duration_hours
        starts = now.replace(microsecond=0) + _LATE
        asked = self._statuses.wish(run, "reschedule/").get("end_time")
        if asked is not None and now < datetime.fromisoformat(asked) - timedelta(hours=hours):
            starts = datetime.fromisoformat(asked) - timedelta(hours=hours)
        params = {"end_time": (starts + timedelta(hours=hours)).isoformat()}
        arms = {test_key(row.spec.variant or "", ObjectKind.AD_SET) for row in rows}
        for row in rows:
            if row.key in arms:
                self._statuses.ensure(run, row, params, "reschedule")
