"""Moves test money between arms, at most once a day: a plan is stored first, then carried out, cuts before rises.

The plan is a field of the run, so that a tick that is repeated does what is left of it and never makes another. Moving is
optional: whatever stands in its way, judging goes on and the money stays where it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from autopublisher.domain import evidence
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import GateRefusedError, MetaError
from autopublisher.domain.evidence.allocation import HOURS_BETWEEN_MOVES, may_move
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.records import Event
from autopublisher.domain.messages import Message
from autopublisher.domain.request.money_rules import smallest_daily, smallest_lifetime
from autopublisher.domain.runs.arm_reserves import amounts_of, arms_of
from autopublisher.domain.runs.plan import objective_of
from autopublisher.domain.runs.reallocation import (
    Purse,
    cuts,
    open_moves,
    planned_move,
    rises,
    was_refused,
)
from autopublisher.domain.runs.run import Run
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.outcomes.deferred import Deferred, OperationRefused, Stopped
from autopublisher.flows.outcomes.steps import event
from autopublisher.flows.writes.objects import ObjectControl
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import OpenUnitOfWork


@dataclass(frozen=True)
class Moved:
    """What became of the run's money; ``again`` is when to go on with a plan that is under way."""

    run: Run
    events: tuple[Event, ...] = ()
    again: datetime | None = None


class Reallocation:
    """Makes and carries out plans to move test money."""

    def __init__(
        self, open_unit: OpenUnitOfWork, control: ObjectControl, clients: ReadingClients, clock: Clock
    ) -> None:
        self._open_unit = open_unit
        self._control = control
        self._clients = clients
        self._clock = clock

    def may_plan(self, run: Run) -> bool:
        """Return whether a plan may be made now, which takes each variant's chance of being best at this moment."""
        test = run.request.ab_test_config
        asked = test.adaptive_allocation and run.trial.moving is None and run.trial.edited_at is None
        return asked and self._may_move(run, test.variants_count)

    def advance(self, run: Run, verdict: evidence.Verdict) -> Moved:
        """Go on with the run's plan, or make one where a day has passed; raises Stopped while a stop holds."""
        if not run.request.ab_test_config.adaptive_allocation:
            return Moved(run)
        try:
            if run.trial.moving is not None:
                return self._carried_out(run, run.trial.moving)
            return self._planned(run, verdict)
        except Stopped:
            raise
        except Deferred as later:
            return Moved(run, again=later.until)
        except MetaError:
            return Moved(run)  # the next poll tries again

    # --- the plan ---------------------------------------------------------------------------------

    def _planned(self, run: Run, verdict: evidence.Verdict) -> Moved:
        chances = _chances(run, verdict)
        if not self._is_due(run, verdict, len(chances)):
            return Moved(run)
        now, before = self._clock.now(), amounts_of(self._control.rows(run))
        plan = planned_move(before, self._purses(run), chances)
        if all(before[letter] == amount for letter, amount in plan.items()):
            return Moved(run)
        said = event(
            run,
            now,
            "reallocation_planned",
            RunMessage.REALLOCATION_PLANNED(moves=_told(run, before, plan)),
            plan,
        )
        return Moved(replace(run, trial=replace(run.trial, moving=plan, allocated_at=now)), (said,), now)

    def _is_due(self, run: Run, verdict: evidence.Verdict, variants: int) -> bool:
        if (
            run.trial.edited_at is not None
            or verdict.analyses_taken == 0
            or verdict.kind is evidence.Kind.UNHEALTHY
        ):
            return False
        return self._may_move(run, variants)

    def _may_move(self, run: Run, variants: int) -> bool:
        last = run.trial.allocated_at
        return may_move(variants, None if last is None else (self._clock.now() - last) / _HOUR)

    def _purses(self, run: Run) -> Mapping[str, Purse]:
        minimums = self._clients.for_account(run.act_id).minimum_budgets()
        daily = smallest_daily(minimums, objective_of(run.request).goal.frequency)
        least = smallest_lifetime(daily, run.request.ab_test_config.test_duration_hours).minor
        spent: dict[str, int] = {}
        with self._open_unit().reading() as unit:
            snapshots = unit.observations.snapshots(run.id)
        for snapshot in snapshots:
            spent[snapshot.variant] = max(spent.get(snapshot.variant, 0), snapshot.figures.spend)
        return {letter: Purse(amount, least) for letter, amount in spent.items()}

    # --- carrying it out --------------------------------------------------------------------------

    def _carried_out(self, run: Run, plan: Mapping[str, int]) -> Moved:
        """Take, see that it is taken, and only then give."""
        self._finish_open(run)
        if run.trial.edited_at is None and not self._is_stale(run):
            wanted = {letter: amount for letter, amount in plan.items() if letter not in run.trial.eliminated}
            self._order(run, cuts(wanted, self._control.rows(run)))
            self._order(run, rises(wanted, self._control.rows(run)))
        amounts = amounts_of(self._control.rows(run))
        told = tuple(
            RunMessage.ARM_BUDGET(letter=letter, budget=_money(run, amount))
            for letter, amount in sorted(amounts.items())
        )
        said = event(run, self._clock.now(), "reallocated", RunMessage.REALLOCATED(budgets=told), amounts)
        return Moved(replace(run, trial=replace(run.trial, moving=None)), (said,))

    def _finish_open(self, run: Run) -> None:
        for row in open_moves(self._control.rows(run)):
            _unless_refused(partial(self._control.perform, run, row.spec))

    def _order(self, run: Run, wanted: Mapping[str, int]) -> None:
        for letter, amount in wanted.items():
            rows = self._control.rows(run)
            if not was_refused(rows, letter, amount):
                arm = arms_of(rows)[letter]
                _unless_refused(
                    partial(self._control.update, run, arm, {"lifetime_budget": amount}, Purpose.REALLOCATE)
                )

    def _is_stale(self, run: Run) -> bool:
        made = run.trial.allocated_at or run.created_at
        return self._clock.now() - made >= timedelta(hours=HOURS_BETWEEN_MOVES)


_HOUR = timedelta(hours=1)


def _unless_refused(move: Callable[[], object]) -> None:
    """Move one arm's money; what Meta or the gate refuses stays where it is."""
    try:
        move()
    except (OperationRefused, GateRefusedError):
        return


def _chances(run: Run, verdict: evidence.Verdict) -> dict[str, float]:
    """Return each active variant's chance of being best; empty where one of them is not known."""
    active = [each for each in verdict.variants if each.active and each.name not in run.trial.eliminated]
    known = {each.name: each.p_best for each in active if each.p_best is not None}
    return known if len(known) == len(active) else {}


def _told(run: Run, before: Mapping[str, int], plan: Mapping[str, int]) -> tuple[Message, ...]:
    return tuple(
        RunMessage.ARM_MOVES(letter=letter, before=_money(run, before[letter]), after=_money(run, amount))
        for letter, amount in sorted(plan.items())
    )


def _money(run: Run, minor: int) -> Money:
    return Money(minor, run.currency)
