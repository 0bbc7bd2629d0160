"""The operation journal, the same on every database."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.errors import ConflictError, StaleOperationError, StaleRunError
from autopublisher.domain.ids import ActId, MetaId, RunId
from autopublisher.domain.journal.operations import Operation, OperationState
from autopublisher.domain.journal.owners import AccountOwner, RunOwner
from autopublisher.domain.runs.run import Run
from autopublisher.ports.repositories import Fence, OpenUnitOfWork

SENT, UNKNOWN, CONFIRMED = OperationState.SENT, OperationState.UNKNOWN, OperationState.CONFIRMED


@pytest.fixture
def fence(stored: Run) -> Fence:
    return Fence(stored.id, stored.version)


@pytest.fixture
def intended(open_unit: OpenUnitOfWork, fence: Fence, operation: Operation) -> Operation:
    with open_unit() as unit:
        unit.journal.intend(operation, fence)
        unit.commit()
    return operation


def keyed(operation: Operation, key: str, sequence: int) -> Operation:
    return replace(operation, spec=replace(operation.spec, key=key), sequence=sequence)


def test_an_intended_row_is_read_back_whole(
    open_unit: OpenUnitOfWork, stored: Run, intended: Operation
) -> None:
    with open_unit() as unit:
        assert unit.journal.get(RunOwner(stored.id), intended.key) == intended


def test_a_row_nobody_intended_is_none(open_unit: OpenUnitOfWork, stored: Run) -> None:
    with open_unit() as unit:
        assert unit.journal.get(RunOwner(stored.id), "test/b/adset") is None


def test_a_key_is_intended_once(open_unit: OpenUnitOfWork, fence: Fence, intended: Operation) -> None:
    with open_unit() as unit, pytest.raises(StaleOperationError, match="no longer absent"):
        unit.journal.intend(replace(intended, sequence=2), fence)


def test_two_keys_cannot_have_one_sequence(
    open_unit: OpenUnitOfWork, fence: Fence, intended: Operation
) -> None:
    with open_unit() as unit, pytest.raises(StaleOperationError, match="no longer next"):
        unit.journal.intend(keyed(intended, "test/b/adset", 1), fence)


def test_nothing_is_intended_once_the_run_has_moved_on(
    open_unit: OpenUnitOfWork, stored: Run, fence: Fence, operation: Operation
) -> None:
    with open_unit() as unit:
        unit.runs.save(replace(stored, version=2), was=1)
        unit.commit()
    with open_unit() as unit, pytest.raises(StaleRunError):
        unit.journal.intend(operation, fence)


def test_nothing_is_intended_for_an_unknown_run(open_unit: OpenUnitOfWork, operation: Operation) -> None:
    with open_unit() as unit, pytest.raises(StaleRunError):
        unit.journal.intend(replace(operation, owner=RunOwner(RunId("nobody"))), Fence(RunId("nobody"), 1))


def test_a_row_is_overwritten_by_the_step_after_it(
    open_unit: OpenUnitOfWork, fence: Fence, intended: Operation
) -> None:
    sent = intended.to(SENT, attempts=1, sent_at=intended.intended_at)
    done = sent.to(CONFIRMED, meta_id=MetaId("120"), settled_at=intended.intended_at)
    with open_unit() as unit:
        unit.journal.advance(sent, intended, fence)
        unit.journal.advance(done, sent, fence)
        unit.commit()
    with open_unit() as unit:
        assert unit.journal.get(RunOwner(fence.run_id), intended.key) == done


def test_nothing_advances_once_the_run_has_moved_on(
    open_unit: OpenUnitOfWork, stored: Run, fence: Fence, intended: Operation
) -> None:
    with open_unit() as unit:
        unit.runs.save(replace(stored, version=2), was=1)
        unit.commit()
    with open_unit() as unit, pytest.raises(StaleRunError):
        unit.journal.advance(intended.to(SENT), intended, fence)


@pytest.mark.parametrize("change", [{"state": UNKNOWN}, {"attempts": 1}, {"lookups": 1}])
def test_a_row_that_another_has_advanced_is_left_alone(
    open_unit: OpenUnitOfWork, fence: Fence, intended: Operation, change: dict[str, object]
) -> None:
    outdated = replace(intended, **change)  # type: ignore[arg-type]  # one field of several types
    with open_unit() as unit, pytest.raises(StaleOperationError):
        unit.journal.advance(replace(outdated, state=SENT), outdated, fence)


def test_a_worker_that_has_not_seen_a_bigger_reserve_cannot_write_the_old_one_back(
    open_unit: OpenUnitOfWork, fence: Fence, intended: Operation
) -> None:
    bigger = replace(intended, spec=replace(intended.spec, reserves=intended.spec.reserves + 1))
    with open_unit() as unit:
        unit.journal.advance(bigger, intended, fence)
        with pytest.raises(StaleOperationError):
            unit.journal.advance(replace(intended, spent=300), intended, fence)
        assert unit.journal.get(RunOwner(fence.run_id), intended.key) == bigger


@pytest.mark.parametrize(("was", "now"), [(None, 300), (300, None), (300, 400)])
def test_a_worker_that_has_not_seen_what_was_spent_changes_nothing(
    open_unit: OpenUnitOfWork, fence: Fence, intended: Operation, was: int | None, now: int | None
) -> None:
    seen, changed = replace(intended, spent=was), replace(intended, spent=now)
    with open_unit() as unit:
        if was is not None:
            unit.journal.advance(seen, intended, fence)
        unit.journal.advance(changed, seen, fence)
        with pytest.raises(StaleOperationError):
            unit.journal.advance(replace(seen, spent=200), seen, fence)
        assert unit.journal.get(RunOwner(fence.run_id), intended.key) == changed


def test_a_row_that_was_never_intended_cannot_advance(
    open_unit: OpenUnitOfWork, fence: Fence, operation: Operation
) -> None:
    with open_unit() as unit, pytest.raises(StaleOperationError):
        unit.journal.advance(operation.to(SENT), operation, fence)


def test_of_many_who_advance_a_row_one_wins(
    open_unit: OpenUnitOfWork, fence: Fence, intended: Operation
) -> None:
    start = threading.Barrier(8)

    def send(_: int) -> bool:
        start.wait(timeout=60)
        with open_unit() as unit:
            try:
                unit.journal.advance(intended.to(SENT, attempts=1), intended, fence)
            except StaleOperationError:
                return False
            unit.commit()
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(send, range(8))) == 1


def test_of_many_who_intend_the_next_row_one_wins(
    open_unit: OpenUnitOfWork, fence: Fence, operation: Operation
) -> None:
    start = threading.Barrier(8)

    def intend(number: int) -> bool:
        start.wait(timeout=60)
        with open_unit() as unit:
            try:
                unit.journal.intend(keyed(operation, f"key/{number}", 1), fence)
            except StaleOperationError:
                return False
            unit.commit()
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(intend, range(8))) == 1


def test_a_tick_whose_twin_saves_first_is_stale_and_not_stuck(
    open_unit: OpenUnitOfWork, stored: Run, fence: Fence, operation: Operation
) -> None:
    start = threading.Barrier(2)

    def tick(number: int) -> bool:
        start.wait(timeout=60)
        with open_unit() as unit:
            try:
                unit.journal.intend(keyed(operation, f"key/{number}", number), fence)
                unit.runs.save(replace(stored, version=2), was=1)
            except StaleRunError:
                return False
            unit.commit()
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(tick, range(2))) == 1


def test_a_runs_rows_come_by_sequence(open_unit: OpenUnitOfWork, fence: Fence, intended: Operation) -> None:
    with open_unit() as unit:
        unit.journal.intend(keyed(intended, "z", 3), fence)
        unit.journal.intend(keyed(intended, "y", 2), fence)
        assert [row.sequence for row in unit.journal.of_run(fence.run_id)] == [1, 2, 3]


@pytest.fixture
def of_account(stored: Run, operation: Operation) -> Operation:
    return replace(operation, owner=AccountOwner(stored.act_id), meta_id=MetaId("120"))


def test_an_account_has_rows_of_its_own_under_keys_of_its_own(
    open_unit: OpenUnitOfWork, stored: Run, intended: Operation, of_account: Operation
) -> None:
    sent = of_account.to(SENT, attempts=1, sent_at=of_account.intended_at)
    with open_unit() as unit:
        unit.journal.intend(of_account, None)
        unit.journal.advance(sent, of_account, None)
        unit.commit()
    with open_unit() as unit:
        assert unit.journal.of_account(stored.act_id) == [sent]
        assert unit.journal.get(of_account.owner, of_account.key) == sent
        assert unit.journal.of_run(stored.id) == [intended]
        assert unit.journal.of_runs([stored.id]) == {stored.id: [intended]}


def test_of_two_workers_at_an_accounts_row_the_second_is_refused(
    open_unit: OpenUnitOfWork, of_account: Operation
) -> None:
    with open_unit() as unit:
        unit.journal.intend(of_account, None)
        for again in (of_account, keyed(of_account, "another", 1)):
            with pytest.raises(StaleOperationError):
                unit.journal.intend(again, None)
        unit.journal.advance(of_account.to(SENT), of_account, None)
        with pytest.raises(StaleOperationError):
            unit.journal.advance(of_account.to(SENT), of_account, None)


def test_an_unknown_account_owns_nothing(open_unit: OpenUnitOfWork, operation: Operation) -> None:
    with open_unit() as unit, pytest.raises(ConflictError):
        unit.journal.intend(replace(operation, owner=AccountOwner(ActId("act_0"))), None)


@pytest.mark.parametrize("fence", [None, Fence(RunId("another"), 1)])
def test_a_runs_row_is_written_under_no_other_fence(
    open_unit: OpenUnitOfWork, stored: Run, operation: Operation, fence: Fence | None
) -> None:
    with open_unit() as unit, pytest.raises(TypeError, match="run-1"):
        unit.journal.intend(operation, fence)


@pytest.mark.parametrize("owners", ["NULL, NULL", "'run-1', 'act_1'"])
def test_the_database_takes_no_row_with_two_owners_or_none(
    sqlite_engine: Engine, account: Account, run: Run, operation: Operation, owners: str
) -> None:
    with SqlUnitOfWork(sqlite_engine) as unit:
        unit.accounts.add(account)
        unit.runs.add(run)
        unit.journal.intend(operation, Fence(run.id, run.version))
        unit.commit()
    run_id, act_id = owners.split(", ")
    changed = f"UPDATE operations SET run_id = {run_id}, act_id = {act_id}"  # noqa: S608 - no input
    with sqlite_engine.begin() as connection, pytest.raises(IntegrityError, match="one_owner"):
        connection.exec_driver_sql(changed)
