"""Split test of a run: Meta divides people at random between the arms, where the account belongs to a business.

A test without a study is a test all the same. So nothing here keeps a run from starting, being judged, stopping or ending
for longer than a study is worth: what Meta does not make becomes a warning, and the verdict says that people were not
divided.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from autopublisher.domain.errors import MetaError, MetaThrottledError
from autopublisher.domain.journal.keys import Purpose, change_key
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
    changes_of,
)
from autopublisher.domain.journal.records import Event
from autopublisher.domain.messages import Message, said_of
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.longest_test import longest_time, planned_time
from autopublisher.domain.runs.run import Run
from autopublisher.domain.runs.run_messages import RunMessage, RunWarning
from autopublisher.domain.runs.split_test import (
    MARGIN,
    MOST_STUDIES,
    SPARE,
    came_late,
    creates_of,
    last_end,
    seconds,
    start_of,
    studies,
    study_of,
    study_spec,
)
from autopublisher.flows.outcomes.deferred import Deferred, OperationRefused
from autopublisher.flows.outcomes.steps import event
from autopublisher.flows.writes.best_effort import BestEffortWrites
from autopublisher.flows.writes.objects import ObjectControl
from autopublisher.ports.clock import Clock

_log = structlog.get_logger(__name__)
_AGAIN = timedelta(seconds=30)

SHOWS_WITHIN = timedelta(minutes=3)
"""After so long Meta shows a study with all its members."""


class SplitTest:
    """The study of a run's test; ``wanted`` is whether the installation wants any."""

    def __init__(
        self, writes: BestEffortWrites, control: ObjectControl, clock: Clock, *, wanted: bool = False
    ) -> None:
        self._writes = writes
        self._control = control
        self._clock = clock
        self._wanted = wanted

    # --- before the test ------------------------------------------------------------------------------

    def arrange(
        self, run: Run, variants: Sequence[Variant], *, started: bool
    ) -> tuple[Run, tuple[Event, ...]]:
        """Make the study, have Meta show it, and return the run with ``study.is_randomised`` decided.

        With an event the decision has to be saved before anything is switched on: an arm that has ``started`` is divided
        from nobody any more. Raises Deferred while the study is still open, for as long as patience lasts.
        """
        if not self._wanted or run.study.business_id is None or started:
            return replace(run, study=replace(run.study, is_randomised=False)), ()
        why = self._made(run, variants) or self._unlike(run)
        if why is not None:
            return self._without(run, why)
        said = RunMessage.DIVIDED()
        return replace(run, study=replace(run.study, is_randomised=True)), (
            event(run, self._clock.now(), "divided", said),
        )

    def await_start(self, run: Run) -> None:
        """Raise Deferred until the study of a divided test has begun, where the arms would deliver before it."""
        row = study_of(self._control.rows(run)) if run.study.is_randomised else None
        if row is None or run.trial.arms_start_at is None:
            return
        starts = start_of(row)
        if starts > run.trial.arms_start_at and self._clock.now() < starts:
            raise Deferred(starts)

    def outlasting(self, run: Run, ends: datetime) -> tuple[Run, tuple[Event, ...]]:
        """Return the run as it was if its study lasts until the test that is to end then ends at the latest.

        Else it is one that is not divided.
        """
        rows = self._control.rows(run)
        row = study_of(rows) if run.study.is_randomised else None
        latest = ends + longest_time(run) - planned_time(run)
        if row is None or last_end(rows, row) >= seconds(latest):
            return run, ()
        return self._without(run, RunMessage.STUDY_TOO_SHORT())

    # --- while it runs --------------------------------------------------------------------------------

    def looked_at(self, run: Run) -> tuple[Run, list[Message]]:
        """Return the run, with when its study was seen as asked, and how somebody else has changed the study.

        What cannot be read now is asked for at the next poll; in the end only what was seen counts.
        """
        row = study_of(self._control.rows(run)) if run.study.is_randomised else None
        if row is None:
            return run, []
        try:
            unlike = self._control.differences(run, [row])
        except MetaError as error:
            _log.warning("study_not_read", run_id=run.id, meta_id=row.meta_id, reason=error.message)
            return run, []
        return (
            (run, unlike)
            if unlike
            else (replace(run, study=replace(run.study, seen_at=self._clock.now())), [])
        )

    # --- after it -------------------------------------------------------------------------------------

    def close(self, run: Run, soon: datetime) -> Run:
        """See whether the study was there to the end, and end it; what Meta does not answer is tried again next time."""
        if not run.was_divided_throughout:
            run, _ = self.looked_at(run)
        for row in creates_of(self._control.rows(run)):
            try:
                self._closed(run, row, soon)
            except (Deferred, OperationRefused, MetaError) as error:
                _log.warning("study_not_closed", run_id=run.id, key=row.key, reason=str(error))
        return run

    def concluded(self, run: Run) -> tuple[Run, tuple[Event, ...]]:
        """Return the run before its last verdict, told if its study cannot be shown to have lasted to the end."""
        if not run.study.is_randomised:
            return run, ()
        run, unlike = self.looked_at(run)
        if run.was_divided_throughout:
            return run, ()
        why = RunMessage.NOTES(notes=tuple(unlike)) if unlike else RunMessage.STUDY_UNSEEN()
        said = RunWarning.STUDY_LOST(why=why)
        warned = replace(run, warnings=(*run.warnings, said))
        return warned, (event(run, self._clock.now(), "study_lost", said),)

    def cancel(self, run: Run) -> tuple[Event, ...]:
        """Cancel what still divides people, for a run that ends otherwise than completed; returns what had to be left.

        Raises Deferred while that is still open, for as long as patience lasts from the moment the run turned to its end.
        """
        left = [why for row in creates_of(self._control.rows(run)) if (why := self._cancelled(run, row))]
        message = RunMessage.STUDY_LEFT(why=tuple(left))
        return (event(run, self._clock.now(), "study_left", message),) if left else ()

    def _closed(self, run: Run, row: Operation, soon: datetime) -> None:
        rows = self._control.rows(run)
        if not row.is_settled:
            self._writes.settle(run, row, self._clock.now())
        if row.state is not OperationState.CONFIRMED or last_end(rows, row) <= seconds(soon):
            return
        if not any(each.is_settled for each in changes_of(rows, row.key, Purpose.CLOSE)):
            asked = self._control.last_requested(run, Purpose.CLOSE, [row]).get("end_time")
            self._control.update_if_needed(run, row, {"end_time": asked or seconds(soon)}, Purpose.CLOSE)

    def _cancelled(self, run: Run, row: Operation) -> Message | None:
        """Settle and cancel one study; returns why it was left."""
        since = run.ending.turned_at or row.intended_at
        why = None if row.is_settled else self._writes.settle(run, row, since)
        if why is not None:
            return why
        rows = self._control.rows(run)
        row = next(each for each in rows if each.key == row.key)
        if row.state is not OperationState.CONFIRMED or last_end(rows, row) <= seconds(self._clock.now()):
            return None
        spec = OperationSpec(
            change_key(Purpose.DELETE, row.key, 1), Action.DELETE, ObjectKind.STUDY, {}, target=row.key
        )
        return self._writes.attempt(run, spec, since)

    # --- steps ----------------------------------------------------------------------------------------

    def _made(self, run: Run, variants: Sequence[Variant]) -> Message | None:
        """Ask for the study, and again where only its start came too late; returns why there is none, or None."""
        asked = studies(self._control.rows(run))
        is_fresh = not asked or _is_to_be_asked_again(asked)
        spec = self._fresh(run, variants, len(asked) + 1) if is_fresh else asked[-1].spec
        why = self._writes.attempt(run, spec, asked[0].intended_at if asked else None)
        if why is not None and _is_to_be_asked_again(studies(self._control.rows(run))):
            return self._made(run, variants)
        return why

    def _fresh(self, run: Run, variants: Sequence[Variant], number: int) -> OperationSpec:
        now = self._clock.now()
        starts = max(run.trial.arms_start_at or now, now + MARGIN)
        planned = max(run.trial.arms_end_at or starts, starts + planned_time(run))
        further = longest_time(run) - planned_time(run)
        return study_spec(run, variants, number, starts, planned + further + SPARE)

    def _unlike(self, run: Run) -> Message | None:
        """Return how the study differs at Meta from what was asked; None where it does not.

        What was made a moment ago may not be shown whole yet.
        """
        rows = self._control.rows(run)
        row = study_of(rows)
        if row is None:
            return RunMessage.NO_STUDY()
        try:
            unlike = self._control.differences(run, [row])
        except MetaError as error:
            return self._not_read(error, studies(rows)[0].intended_at)
        shows_from = (row.settled_at or row.intended_at) + SHOWS_WITHIN
        if unlike and self._clock.now() < shows_from:
            raise Deferred(min(self._clock.now() + _AGAIN, shows_from))
        return RunMessage.NOTES(notes=tuple(unlike)) if unlike else None

    def _not_read(self, error: MetaError, since: datetime) -> Message:
        told = error.retry_at if isinstance(error, MetaThrottledError) else None
        wait = Deferred(told or self._clock.now() + _AGAIN, said_of(error))
        wait.__cause__ = error
        return RunMessage.STUDY_UNREAD(why=self._writes.waited(wait, since))

    def _without(self, run: Run, why: Message) -> tuple[Run, tuple[Event, ...]]:
        said = RunWarning.WITHOUT_STUDY(why=why)
        warned = replace(run, study=replace(run.study, is_randomised=False), warnings=(*run.warnings, said))
        return warned, (event(run, self._clock.now(), "without_study", said),)


def _is_to_be_asked_again(asked: Sequence[Operation]) -> bool:
    """Tell whether the last study was refused for what another one would not have: a start that had passed on the way."""
    return len(asked) < MOST_STUDIES and asked[-1].state is OperationState.REJECTED and came_late(asked[-1])
