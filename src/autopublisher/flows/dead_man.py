"""Installs the dead-man rule with the final campaign; where the account takes no rules, the run goes on with a warning."""

from dataclasses import replace
from datetime import timedelta

from autopublisher.domain.dead_man import RULE_KEY, rule_spec
from autopublisher.domain.errors import MetaError
from autopublisher.domain.operations import Operation, OperationState
from autopublisher.domain.optimizer import FinalBudget
from autopublisher.domain.records import Event
from autopublisher.domain.run import Run
from autopublisher.flows.executor import Executor
from autopublisher.flows.steps import event
from autopublisher.flows.waiting import NotYet, OperationRefused, Stopped
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork

PATIENCE = timedelta(minutes=15)
"""How long a final campaign waits for its rule; the spend cap stands without it."""


class DeadManRule:
    """The rule that pauses a final campaign without us; its removal is the wind-down's, like every object's."""

    def __init__(
        self, open_unit: OpenUnitOfWork, executor: Executor, clock: Clock, *, wanted: bool = False
    ) -> None:
        self._open_unit = open_unit
        self._executor = executor
        self._clock = clock
        self._wanted = wanted

    def install(self, run: Run, budget: FinalBudget) -> tuple[Run, tuple[Event, ...]]:
        """Create the rule, once; return the run, with a warning and an event where it could not be had.

        Raises NotYet while that is still open, for PATIENCE at most.
        """
        if not self._wanted:
            return run, ()
        try:
            self._executor.perform(run, rule_spec(run, budget))
        except OperationRefused as refused:
            return self._without(run, refused.operation.error or "refused")
        except Stopped:
            raise
        except NotYet as wait:
            row = self._row(run)
            if row is None or self._clock.now() < row.intended_at + PATIENCE:
                raise
            if not self._was_found(run, row):
                return self._without(run, wait.attention or "no answer")
        return run, ()

    def _row(self, run: Run) -> Operation | None:
        with self._open_unit() as unit:
            return unit.journal.get(run.id, RULE_KEY)

    def _was_found(self, run: Run, row: Operation) -> bool:
        """Give the write up, unless Meta shows that it happened; a row nobody can vouch for stays open, and says so."""
        try:
            return self._executor.settle(run, row).state is OperationState.CONFIRMED
        except (NotYet, MetaError):
            return False

    def _without(self, run: Run, why: str) -> tuple[Run, tuple[Event, ...]]:
        said = f"Meta's own rule could not be installed ({why}); the campaign's spend limit at Meta stands."
        warned = replace(run, warnings=(*run.warnings, said))
        return warned, (event(run, self._clock.now(), "without_rule", said),)
