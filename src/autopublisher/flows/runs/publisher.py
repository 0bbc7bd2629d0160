"""PUBLISHING_FINAL: builds the final campaign around the winner, sees that every test arm is off, reads it all back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import ObjectKind, Operation, OperationSpec, OperationState
from autopublisher.domain.messages import Message
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.money.ledger import commitment_of
from autopublisher.domain.runs.final_campaign import continuation, part_of, published, published_letters
from autopublisher.domain.runs.plan import final_key, final_plan, publishes
from autopublisher.domain.runs.run import Run, RunStatus, Way
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.outcomes.deferred import Deferred, OperationRefused
from autopublisher.flows.outcomes.failing import RunFailed
from autopublisher.flows.outcomes.steps import Step, event
from autopublisher.flows.runs.account_facts import AccountFacts
from autopublisher.flows.runs.building import Building
from autopublisher.flows.runs.closing import closing_report
from autopublisher.flows.runs.final_review import FinalReview
from autopublisher.flows.runs.optimizer import budget_from_record, budget_to_record
from autopublisher.flows.runs.spend_guard_rule import SpendGuardRule
from autopublisher.flows.writes.objects import TREE, ObjectControl
from autopublisher.ports.clock import Clock

_AGAIN = timedelta(seconds=30)

_A_DAY = timedelta(days=1)

_WORTH_MOVING = timedelta(hours=1)
"""A span that shrinks by less than this stays as it was approved."""


class Publication:
    """PUBLISHING_FINAL."""

    def __init__(
        self,
        building: Building,
        control: ObjectControl,
        clock: Clock,
        guard_rule: SpendGuardRule,
        *,
        review: FinalReview,
        account: AccountFacts,
    ) -> None:
        self._account = account
        self._review = review
        self._building = building
        self._control = control
        self._clock = clock
        self._guard_rule = guard_rule

    def __call__(self, run: Run) -> Step:
        """Return the run COMPLETED, once the final ad is through review, its campaign active and every test arm paused."""
        waiting = self._review.waiting(run)
        if waiting is not None:
            return waiting
        listed = self._control.account_for_orphans(run, self.plan(run))  # before anything is built
        postponed = self._postponed(run)
        if postponed is not None:
            return postponed
        self._account.current(run)
        self._building.build(run, self.plan(run))
        rows, set_aside = self._parts(run)
        arms = [*self._arms(run, listed), *set_aside]
        self._control.pause(run, arms)
        self._go_on(run)
        self._building.verify(run, rows)
        run, noted = self._guard_rule.install(run, budget_from_record(dict(run.release.final_budget or {})))
        self._extend(run)
        self._control.activate(run, rows)
        self._read_back(run, rows, arms)
        waiting = self._review.waiting(run)
        if waiting is not None:
            return replace(waiting, events=(*noted, *waiting.events))
        now = self._clock.now()
        completed = event(run, now, "completed", _done(run))
        report = closing_report(self._control.rows(run), self._control.models(run))
        ended = replace(run, attention=None, report=report).moved(RunStatus.COMPLETED, now)
        return Step(ended, (*noted, completed))

    def plan(self, run: Run) -> tuple[OperationSpec, ...]:
        """Return the writes that build the final campaign; raises RunFailed without a winner or a budget."""
        variants = {variant.letter: variant for variant in self._control.views.of(run).variants}
        letters, record = published_letters(run), run.release.final_budget
        if not letters or not variants.keys() >= {*letters} or record is None:
            raise RunFailed(RunMessage.NO_WINNER_OR_BUDGET())
        if run.release.way is not Way.SCALED:
            return ()  # all of it is there
        budget = budget_from_record(dict(record))
        return final_plan(run, variants[letters[0]], budget, self._control.created(run, Purpose.FINAL))

    def _parts(self, run: Run) -> tuple[list[Operation], list[Operation]]:
        """Return the final campaign's objects, and apart from them the ads of variants that are not published any more."""
        made, letters = published(run, self._control.created(run)), published_letters(run)
        ads = [
            row
            for row in made
            if row.spec.kind is ObjectKind.AD and not any(publishes(row, letter) for letter in letters)
        ]
        return [row for row in made if row not in ads], ads

    def _go_on(self, run: Run) -> None:
        """Give each arm that goes on its part of what is left and the time to spend it.

        Once, whatever it was asked before; all of them before any is switched on.
        """
        if run.release.way is Way.SCALED:
            return
        budget = budget_from_record(dict(run.release.final_budget or {}))
        arms = {row.spec.variant: row for row in self._parts(run)[0] if row.spec.kind is ObjectKind.AD_SET}
        ends = max(budget.ends_at, (self._clock.now() + _A_DAY).replace(microsecond=0))
        for letter in published_letters(run):
            part = part_of(run, letter)
            wanted = {"lifetime_budget": part["total"] + part["before"], "end_time": ends.isoformat()}
            self._go_on_with(run, arms[letter], wanted, part["before"])

    def _go_on_with(self, run: Run, arm: Operation, wanted: Mapping[str, Any], before: int) -> None:
        went_on = continuation(run, self._control.rows(run), arm.key)
        if went_on is not None and went_on.state is OperationState.CONFIRMED:
            return
        asked = wanted if went_on is None else went_on.spec.params
        try:
            self._control.update(run, arm, dict(asked), Purpose.CONTINUE)
        except OperationRefused:
            self._count_again(run, arm.key, before)
            raise

    def _count_again(self, run: Run, key: str, before: int) -> None:
        """Count an arm that may not go on as before, where it has spent more than had been set aside for it."""
        rows = self._control.rows(run)
        arm = next(row for row in rows if row.key == key)
        if commitment_of(arm, rows) < before:
            self._control.recount(run, [(arm, replace(arm, spent=before))])

    def _postponed(self, run: Run) -> Step | None:
        """Move the budget's whole span on where publishing was held up before its ad set was asked for."""
        budget = budget_from_record(dict(run.release.final_budget or {}))
        now = self._clock.now()
        late = now - budget.starts_at
        rows = self._control.rows(run)
        asked_for = any(row.key == final_key(ObjectKind.AD_SET) for row in rows)
        if late < _WORTH_MOVING or asked_for or run.release.way is not Way.SCALED:
            return None  # an arm's end is bound by Meta's minimum for each day of its schedule
        moved = replace(
            budget,
            starts_at=now.replace(microsecond=0),
            ends_at=(budget.ends_at + late).replace(microsecond=0),
        )
        release = replace(run.release, final_budget=budget_to_record(moved))
        later = replace(run, release=release, next_tick_at=now)
        said = RunMessage.FINAL_HELD_UP(ends=moved.ends_at)
        return Step(later, (event(run, now, "postponed", said),), progresses=False)

    def _extend(self, run: Run) -> None:
        """Give back the time that building took, where it took so long that the budget's span would shrink."""
        budget = budget_from_record(dict(run.release.final_budget or {}))
        late = self._clock.now() - budget.starts_at
        made = self._control.created(run, Purpose.FINAL)
        started = any(self._control.was_started(run, row) for row in made)
        if late < _WORTH_MOVING or started or run.release.way is not Way.SCALED:
            return
        ends = (budget.ends_at + late).replace(microsecond=0)
        asked = self._control.last_requested(run, Purpose.EXTEND, made).get("end_time")
        if asked is not None and ends - datetime.fromisoformat(asked) < _WORTH_MOVING:
            ends = datetime.fromisoformat(asked)
        for row in (one for one in made if one.spec.kind is ObjectKind.AD_SET):
            self._control.update_if_needed(run, row, {"end_time": ends.isoformat()}, Purpose.EXTEND)

    def _arms(self, run: Run, listed: Mapping[str, ObjectState]) -> list[Operation]:
        """Return what must not deliver beside the final campaign: arms and their copies, but for what is gone."""
        made = [
            *self._control.created(run, Purpose.TEST),
            *self._control.created(run, Purpose.DUPLICATE),
        ]
        goes_on = {row.key for row in published(run, made)}
        tree = [row for row in made if row.spec.kind in TREE and row.key not in goes_on]
        return [row for row in tree if row.key in listed or not self._control.shown_now(run, row).is_gone]

    def _read_back(self, run: Run, final: Sequence[Operation], arms: Sequence[Operation]) -> None:
        """Trust nothing but what Meta shows now; what does not stand as it should is put right at the next tick.

        Raises RunFailed for what never can be: somebody has deleted or archived it.
        """
        published = {row.key for row in final if row.spec.kind in TREE}
        shown = self._control.read_all(run, [*(row for row in final if row.key in published), *arms])
        gone = tuple(key for key, state in shown.items() if state.is_gone and key in published)
        if gone:
            raise RunFailed(RunMessage.FINAL_GONE(gone=gone))
        wrong = tuple(
            RunMessage.OBJECT_IS(key=key, status=str(state.status))
            for key, state in shown.items()
            if not (state.is_active if key in published else state.is_off)
        )
        if wrong:
            again = self._clock.now() + _AGAIN
            raise Deferred(again, RunMessage.NOT_SHOWN_PUBLISHED(wrong=wrong))


def _done(run: Run) -> Message:
    letters = published_letters(run)
    if run.release.way is Way.KEEP_ALL:
        return RunMessage.COMPLETED_KEEP_ALL(letters=letters)
    said = RunMessage.COMPLETED if run.release.way is Way.SCALED else RunMessage.COMPLETED_IN_PLACE
    return said(letter=letters[0])
