"""The account's memory as people ask for it: what its finished tests say, and counting them anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.evidence import Criterion
from autopublisher.domain.evidence.memory import memory_of
from autopublisher.domain.ids import AccountId, RunId
from autopublisher.domain.past_tests import AccountMemory, FinishedTest, Omission
from autopublisher.domain.runs.finished_test import Remains
from autopublisher.domain.runs.run import Run
from autopublisher.flows.run_pages import every_run
from autopublisher.flows.runs.finished_test import keep_remains, recounted
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter


@dataclass(frozen=True)
class Remembered:
    """What an account remembers for one criterion, and the tests it rests on, the oldest first."""

    account: Account
    memory: AccountMemory
    tests: Sequence[FinishedTest]


@dataclass(frozen=True)
class Recounted:
    """How many finished tests tell of a criterion, and why others do not, by run."""

    counted: int
    omitted: Mapping[RunId, Omission]


class AccountMemories:
    """Answers what accounts remember of their finished tests."""

    def __init__(self, open_unit: OpenUnitOfWork) -> None:
        self._open_unit = open_unit

    def of(self, account_id: AccountId, criterion: Criterion) -> Remembered:
        """Return what an account remembers for a criterion; raises AccountNotFoundError."""
        with self._open_unit().reading() as unit:
            account = unit.accounts.get(account_id)
            tests = unit.finished_tests.of_account(account.act_id, (criterion.value,))
        return Remembered(account, memory_of(criterion, [test.measured for test in tests]), tests)

    def recount(self, account_id: AccountId, criterion: Criterion) -> Recounted:
        """Count all finished tests of an account anew from their snapshots, and say how many tell of a criterion.

        Those that finished before there was a memory are counted with the rest. Raises AccountNotFoundError.
        """
        with self._open_unit().reading() as unit:
            wanted = RunFilter(act_id=unit.accounts.get(account_id).act_id, was_admitted=True)
            runs = list(every_run(unit, wanted))
        found = {run.id: remains for run in runs if (remains := self._recounted(run)) is not None}
        omitted = {
            run_id: remains.omitted[criterion.value]
            for run_id, remains in found.items()
            if criterion.value in remains.omitted
        }
        return Recounted(len(found) - len(omitted), omitted)

    def _recounted(self, run: Run) -> Remains | None:
        remains = recounted(self._open_unit, run)
        if remains is not None:
            with self._open_unit() as unit:
                keep_remains(unit, run.id, remains)
                unit.commit()
        return remains
