"""Has Meta divide people at random between the arms of a test, where the account belongs to a business.

A test without a study is a test all the same: whatever keeps Meta from making one becomes a warning, and the verdict says
that people were not divided.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from autopublisher.domain.errors import MetaAuthorisationError, MetaError, MetaNotFoundError
from autopublisher.domain.operations import ObjectKind, Operation, OperationSpec, OperationState
from autopublisher.domain.readback import unix_seconds
from autopublisher.domain.records import Event
from autopublisher.domain.run import Run
from autopublisher.domain.split_test import (
    MARGIN,
    MOST_STUDIES,
    SPARE,
    came_late,
    seconds,
    studies,
    study_of,
    study_spec,
)
from autopublisher.domain.variants import Variant
from autopublisher.flows.spare_writes import PATIENCE, SpareWrites
from autopublisher.flows.statuses import GONE, Statuses
from autopublisher.flows.steps import event
from autopublisher.ports.clock import Clock


class SplitTest:
    """The study of a run's test; ``wanted`` is whether the installation wants any."""

    def __init__(
        self, writes: SpareWrites, statuses: Statuses, clock: Clock, *, wanted: bool = False
    ) -> None:
        self._writes = writes
        self._statuses = statuses
        self._clock = clock
        self._wanted = wanted

    def arrange(self, run: Run, variants: Sequence[Variant]) -> tuple[Run, tuple[Event, ...]]:
        """Make the study, once, before anything is switched on, and have Meta show it.

        Returns the run, ``randomised`` if the study is there, else with a warning and an event. Raises NotYet while that is
        still open.
        """
        if not self._wanted or run.business_id is None:
            return run, ()
        why = self._made(run, variants) or self._unlike(run)
        if why is not None:
            return self._without(run, why)
        said = "Meta's split test divides people at random between the variants"
        return replace(run, randomised=True), (event(run, self._clock.now(), "divided", said),)

    def last_until(self, run: Run, ends: datetime, verb: str) -> tuple[Run, tuple[Event, ...]]:
        """Have the study end when the test does; where Meta does not move its end, the run goes on without it."""
        row = self._study(run)
        if row is None:
            return run, ()
        why = self._writes.tried(
            run,
            lambda: self._statuses.ensure(run, row, {"end_time": seconds(ends)}, verb),
            f"{verb}/{row.key}/",
        )
        return (run, ()) if why is None or not run.randomised else self._without(run, why)

    def changed(self, run: Run) -> list[str]:
        """Return how somebody else has changed the study of a randomised test."""
        row = self._study(run) if run.randomised else None
        return [] if row is None else self._statuses.unlike(run, [row])

    def cancel(self, run: Run) -> None:
        """Cancel what still divides people, for a run that is not completed. Raises NotYet while that is still open."""
        for row in self._statuses.created(run):
            if row.spec.kind is ObjectKind.STUDY and self._goes_on(run, row):
                self._writes.tried(run, partial(self._statuses.delete, run, row), f"delete/{row.key}/")

    def _made(self, run: Run, variants: Sequence[Variant]) -> str | None:
        """Ask for the study, and again where only its start came too late; returns why there is none, or None."""
        asked = studies(self._statuses.rows(run))
        is_fresh = not asked or _is_to_be_asked_again(asked)
        why = self._writes.attempt(
            run, self._fresh(run, variants, len(asked) + 1) if is_fresh else asked[-1].spec
        )
        if why is not None and _is_to_be_asked_again(studies(self._statuses.rows(run))):
            return self._made(run, variants)
        return why

    def _fresh(self, run: Run, variants: Sequence[Variant], number: int) -> OperationSpec:
        now = self._clock.now()
        starts = max(run.build_starts_at or now, now + MARGIN)
        return study_spec(run, variants, number, starts, max(run.build_ends_at or starts, starts) + SPARE)

    def _unlike(self, run: Run) -> str | None:
        """Return how the study differs at Meta from what was asked; None where it does not."""
        row = self._study(run)
        if row is None:
            return "there is none"
        try:
            return "; ".join(self._statuses.unlike(run, [row])) or None
        except MetaError as error:
            if row.settled_at is None or self._clock.now() < row.settled_at + PATIENCE:
                raise
            return f"it could not be read back: {error.message}"

    def _without(self, run: Run, why: str) -> tuple[Run, tuple[Event, ...]]:
        said = f"Meta's split test was not to be had ({why}); people are not divided at random between the variants."
        warned = replace(run, randomised=False, warnings=(*run.warnings, said))
        return warned, (event(run, self._clock.now(), "without_study", said),)

    def _study(self, run: Run) -> Operation | None:
        return study_of(self._statuses.rows(run))

    def _goes_on(self, run: Run, row: Operation) -> bool:
        """Tell whether a study still divides people; one that we may not see any more is left to its end."""
        try:
            read = self._statuses.read(run, row)
        except (MetaNotFoundError, MetaAuthorisationError):
            return False
        ends = read.get("end_time")
        is_over = bool(ends) and unix_seconds(ends) <= seconds(self._clock.now())
        return read.get("status") not in GONE and not is_over


def _is_to_be_asked_again(asked: Sequence[Operation]) -> bool:
    """Tell whether the last study was refused for what another one would not have: a start that had passed on the way."""
    return len(asked) < MOST_STUDIES and asked[-1].state is OperationState.REJECTED and came_late(asked[-1])
