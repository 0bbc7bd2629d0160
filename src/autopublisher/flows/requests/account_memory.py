"""The account's memory as people ask for it: what its finished tests say, and counting them anew."""

from collections.abc import Sequence
from dataclasses import dataclass

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.evidence import Criterion
from autopublisher.domain.evidence.memory import memory_of
from autopublisher.domain.ids import AccountId
from autopublisher.domain.past_tests import AccountMemory, FinishedTest
from autopublisher.flows.run_pages import every_run
from autopublisher.flows.runs.finished_test import keep_remains, recounted
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter


@dataclass(frozen=True)
class Remembered:
    """What an account remembers for one criterion, and the tests it rests on, the oldest first."""

    account: Account
    memory: AccountMemory
    tests: Sequence[FinishedTest]


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

    def recount(self, account_id: AccountId) -> int:
        """Count all finished tests of an account anew from their snapshots; return how many there are.

        Those that finished before there was a memory are counted with the rest. Raises AccountNotFoundError.
        """
        with self._open_unit().reading() as unit:
            wanted = RunFilter(act_id=unit.accounts.get(account_id).act_id, was_admitted=True)
            runs = list(every_run(unit, wanted))
        found = 0
        for run in runs:
            remains = recounted(self._open_unit, run)
            if remains is not None:
                with self._open_unit() as unit:
                    keep_remains(unit, run.id, remains)
                    unit.commit()
                found += 1
        return found
