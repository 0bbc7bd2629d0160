"""Account memory as runs use it: what a test leaves when its run leaves it, and what is known when one starts.

The rows of a test are worked out before the transaction that saves the step, and written in it: once, however often the
tick is repeated. What an account's tests say is fixed with a run at its admission, so that a verdict can be computed again.
"""

from dataclasses import dataclass
from datetime import datetime

from autopublisher.domain.evidence import Criterion
from autopublisher.domain.evidence.memory import memory_of
from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.past_tests import AccountMemory
from autopublisher.domain.runs.finished_test import (
    SAID_OF,
    OmissionMessage,
    Remains,
    finished_at,
    has_left_its_test,
    leaves_its_test,
    remains_of,
)
from autopublisher.domain.runs.run import Run
from autopublisher.flows.outcomes.steps import event
from autopublisher.ports.repositories import OpenUnitOfWork, UnitOfWork


@dataclass(frozen=True)
class LeftTest:
    """What a run's step leaves of its test, to be kept in the transaction that saves the step."""

    run: Run
    remains: Remains
    at: datetime

    def keep(self, unit: UnitOfWork) -> None:
        """Write the rows; where there is none for the run's own criterion, its log says why."""
        keep_remains(unit, self.run.id, self.remains)
        why = self.remains.omitted.get(self.run.request.ab_test_config.winner_criteria.value)
        if why is not None:
            said = OmissionMessage.NOT_REMEMBERED(why=SAID_OF[why]())
            unit.observations.add_events([event(self.run, self.at, "not_remembered", said)])


def left_test(open_unit: OpenUnitOfWork, before: Run, after: Run) -> LeftTest | None:
    """Return what a step leaves of a run's test; None where it does not end one."""
    if not leaves_its_test(before, after):
        return None
    with open_unit().reading() as unit:
        return LeftTest(after, _remains(unit, after, after.updated_at), after.updated_at)


def recounted(open_unit: OpenUnitOfWork, run: Run) -> Remains | None:
    """Return what a run's finished test leaves by the snapshots of now; None where it had none that is over."""
    if not has_left_its_test(run):
        return None
    with open_unit().reading() as unit:
        return _remains(unit, run, finished_at(run))


def keep_remains(unit: UnitOfWork, run_id: RunId, remains: Remains) -> None:
    """Write what a test leaves in place of what was written before."""
    unit.finished_tests.put(remains.rows)
    if remains.omitted:
        unit.finished_tests.remove(run_id, tuple(remains.omitted))


def account_memory_of(open_unit: OpenUnitOfWork, act_id: ActId, criterion: Criterion) -> AccountMemory:
    """Return what an account's finished tests say of a criterion; without any, what is assumed."""
    with open_unit().reading() as unit:
        tests = unit.finished_tests.of_account(act_id, (criterion.value,))
    return memory_of(criterion, [test.measured for test in tests])


def _remains(unit: UnitOfWork, run: Run, at: datetime) -> Remains:
    return remains_of(run, unit.records.variants(run.id), unit.observations.snapshots(run.id), at)
