"""CREATING_CAMPAIGNS: builds every arm PAUSED, reads it all back, and only then switches it on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
    named_in,
)
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.plan import test_plan
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.domain.runs.split_test import studies
from autopublisher.flows.outcomes.deferred import Deferred
from autopublisher.flows.outcomes.failing import RunFailed
from autopublisher.flows.outcomes.steps import Step, event
from autopublisher.flows.runs.split_test import SplitTest
from autopublisher.flows.writes.objects import ObjectControl
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork

WRITES_PER_TICK = 12
"""A tick does at most so many writes, so that it stays short and others of the account get their turn."""

_LATE = timedelta(minutes=5)
"""A test that begins so much later than planned is not worth moving."""


class Building:
    """Creates the test."""

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        control: ObjectControl,
        clock: Clock,
        split_test: SplitTest,
    ) -> None:
        self._open_unit = open_unit
        self._control = control
        self._clock = clock
        self._split_test = split_test

    def __call__(self, run: Run) -> Step:
        """Return the run in AB_TESTING once every object exists as asked and is switched on."""
        postponed = self._postponed(run)
        if postponed is not None:
            return postponed
        self.build(run, self.plan(run))
        rows = self._control.created(run, Purpose.TEST)
        self._align(run, rows)
        self.verify(run, rows)
        if run.study.is_randomised is None:
            started = any(self._control.was_started(run, row) for row in rows)
            run, noted = self._split_test.arrange(run, self._variants(run), started=started)
            if noted:  # what was decided is saved before anything is switched on
                return Step(replace(run, next_tick_at=self._clock.now(), attention=None), noted)
        self._split_test.await_start(run)
        self._control.activate(run, rows)
        now = self._clock.now()
        moved = replace(run, attention=None).moved(RunStatus.AB_TESTING, now)
        said = RunMessage.TEST_STARTED(number=len(rows))
        return Step(moved, (event(run, now, "test_started", said),))

    def build(self, run: Run, specs: Sequence[OperationSpec]) -> None:
        """Perform what is still missing of a plan, together what may be; raises Deferred after WRITES_PER_TICK writes."""
        left = WRITES_PER_TICK
        while missing := self._missing(run, specs):
            if not left:
                raise Deferred(self._clock.now())
            begun = {row.key for row in self._control.rows(run)}
            some = [spec for spec in missing if spec.key in begun][:left]
            if some:
                self._finish(run, some)
            else:
                some = _ready(missing)[:left]
                self._control.perform_all(run, some)
            left -= len(some)

    def _missing(self, run: Run, specs: Sequence[OperationSpec]) -> list[OperationSpec]:
        done = {row.key for row in self._control.rows(run) if row.state is OperationState.CONFIRMED}
        return [spec for spec in specs if spec.key not in done]

    def _finish(self, run: Run, specs: Sequence[OperationSpec]) -> None:
        """Finish writes that were begun; those whose outcome only time can tell are looked up side by side."""
        waits: list[datetime] = []
        for spec in specs:
            try:
                self._control.perform(run, spec)
            except Deferred as wait:
                if type(wait) is not Deferred or wait.__cause__ is not None or wait.until is None:
                    raise
                waits.append(wait.until)
        if waits:
            raise Deferred(min(waits))

    def verify(self, run: Run, rows: Sequence[Operation]) -> None:
        """Read every object back; raises RunFailed where Meta holds something else than was asked for."""
        started = any(self._control.was_started(run, row) for row in rows)
        if started:
            return
        unlike = self._control.differences(run, rows, new=True)
        if unlike:
            raise RunFailed(RunMessage.OTHERWISE_AT_META(what=tuple(unlike)))

    def plan(self, run: Run) -> tuple[OperationSpec, ...]:
        """Return the writes that build the test; raises RunFailed where the run was given no schedule."""
        variants = self._variants(run)
        with self._open_unit().reading() as unit:
            creatives = unit.creatives.get_many([variant.creative_id for variant in variants])
        if run.trial.arms_start_at is None or run.trial.arms_end_at is None:
            raise RunFailed(RunMessage.NO_SCHEDULE())
        images = {creative.id: creative.storage_key for creative in creatives}
        return test_plan(run, variants, images, run.trial.arms_start_at, run.trial.arms_end_at)

    def _variants(self, run: Run) -> Sequence[Variant]:
        return self._control.views.of(run).variants

    def _postponed(self, run: Run) -> Step | None:
        """Move the test on where building it takes so long that it would lose time, or could not begin any more."""
        now = self._clock.now()
        planned = run.trial.arms_start_at or now
        if now <= planned + _may_be_late(run, planned) or self._is_started(run) or self._is_dividing(run):
            return None
        starts = now.replace(microsecond=0) + _LATE
        ends = starts + timedelta(hours=run.request.ab_test_config.test_duration_hours)
        trial = replace(run.trial, arms_start_at=starts, arms_end_at=ends)
        later = replace(run, trial=trial, next_tick_at=now)
        return Step(
            later, (event(run, now, "postponed", RunMessage.POSTPONED(starts=starts)),), progresses=False
        )

    def _align(self, run: Run, rows: Sequence[Operation]) -> None:
        """Give arms that were built before a postponement the same end as the others, and let all of them begin together.

        A start that has passed stays: Meta does not let it change, and nothing delivers before it is switched on.
        """
        if self._is_started(run) or run.trial.arms_start_at is None or run.trial.arms_end_at is None:
            return
        ends = run.trial.arms_end_at.replace(microsecond=0).isoformat()
        arms = [row for row in rows if row.spec.kind is ObjectKind.AD_SET]
        if all(row.spec.params["end_time"] == ends for row in arms):
            return
        self._control.update_all(run, arms, {"end_time": ends}, Purpose.RESCHEDULE)
        if self._clock.now() < run.trial.arms_start_at:
            raise Deferred(run.trial.arms_start_at)

    def _is_dividing(self, run: Run) -> bool:
        """Tell whether all is built but the study, so that the test is moved once, when that is decided."""
        return run.study.is_randomised is None and bool(studies(self._control.rows(run)))

    def _is_started(self, run: Run) -> bool:
        return any(self._control.was_started(run, row) for row in self._control.created(run, Purpose.TEST))


def _ready(missing: Sequence[OperationSpec]) -> list[OperationSpec]:
    """Return uploads as long as there are any, one by one; then what needs nothing that is still missing."""
    uploads = [spec for spec in missing if spec.action is Action.UPLOAD][:1]
    keys = {spec.key for spec in missing}
    return uploads or [spec for spec in missing if named_in(spec.params).isdisjoint(keys)]


def _may_be_late(run: Run, planned: datetime) -> timedelta:
    """Return how late a test may begin before it is moved: the more, the longer building has taken so far.

    Moving gives every arm another end, which takes time as well where Meta's limits are narrow; a fixed time would be over
    before all arms have got theirs, again and again. The test's own clock starts once all ads are live, so nothing is lost.
    """
    taken = planned - (run.admitted_at or planned)
    longest = timedelta(hours=run.request.ab_test_config.test_duration_hours) / 2
    return max(_LATE, min(taken, longest))
