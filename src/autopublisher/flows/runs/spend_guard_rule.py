"""Installation of the spend guard with the final campaign; an account that takes no rules goes without, which is said."""

from dataclasses import replace

from autopublisher.domain.journal.records import Event
from autopublisher.domain.runs.optimizer import FinalBudget
from autopublisher.domain.runs.run import Run
from autopublisher.domain.runs.run_messages import RunWarning
from autopublisher.domain.runs.spend_guard_rule import rule_spec
from autopublisher.flows.outcomes.steps import event
from autopublisher.flows.writes.best_effort import BestEffortWrites
from autopublisher.ports.clock import Clock


class SpendGuardRule:
    """The rule that pauses a final campaign without us; teardown removes it, like every object."""

    def __init__(self, writes: BestEffortWrites, clock: Clock, *, wanted: bool = False) -> None:
        self._writes = writes
        self._clock = clock
        self._wanted = wanted

    def install(self, run: Run, budget: FinalBudget) -> tuple[Run, tuple[Event, ...]]:
        """Create the rule, once; return the run, with a warning and an event where it could not be had.

        Raises Deferred while that is still open; the spend cap stands without the rule, so not for long.
        """
        why = self._writes.attempt(run, rule_spec(run, budget)) if self._wanted else None
        if why is None:
            return run, ()
        said = RunWarning.WITHOUT_RULE(why=why)
        if said in run.warnings:
            return run, ()
        warned = replace(run, warnings=(*run.warnings, said))
        return warned, (event(run, self._clock.now(), "without_rule", said),)
