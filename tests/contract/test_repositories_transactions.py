"""A unit of work is one transaction: all of it or nothing, and nobody sees half of it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.errors import ConflictError
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.runs.run import Run
from autopublisher.ports.repositories import Fence, OpenUnitOfWork, RunFilter

EVERY = RunFilter()


def test_without_a_commit_everything_is_undone(open_unit: OpenUnitOfWork, account: Account) -> None:
    with open_unit() as unit:
        unit.accounts.add(account)
    with open_unit() as unit:
        assert unit.accounts.all() == []


def test_an_error_undoes_everything_since_the_commit(
    open_unit: OpenUnitOfWork, account: Account, run: Run
) -> None:
    def interrupted() -> None:
        with open_unit() as unit:
            unit.accounts.add(account)
            unit.commit()
            unit.runs.add(run)
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    with open_unit() as unit:
        assert (list(unit.accounts.all()), list(unit.runs.find(EVERY))) == ([account], [])


def test_a_unit_sees_what_it_has_written_itself(open_unit: OpenUnitOfWork, account: Account) -> None:
    with open_unit() as unit:
        unit.accounts.add(account)
        assert unit.accounts.get(account.id) == account


def test_nobody_sees_what_was_never_committed(open_unit: OpenUnitOfWork, account: Account) -> None:
    def look() -> list[Account]:
        with open_unit() as unit:
            return list(unit.accounts.all())

    with ThreadPoolExecutor(1) as pool:
        with open_unit() as unit:
            unit.accounts.add(account)
            seen = pool.submit(look)
        assert seen.result(timeout=60) == []


def test_after_a_refused_insert_the_transaction_goes_on(
    open_unit: OpenUnitOfWork, stored: Run, account: Account
) -> None:
    with open_unit() as unit:
        with pytest.raises(ConflictError):
            unit.runs.add(stored)
        unit.accounts.save(replace(account, name="Boots"))
        unit.commit()
    with open_unit() as unit:
        assert unit.accounts.get(account.id).name == "Boots"


def test_a_named_lock_lets_one_transaction_pass_at_a_time(open_unit: OpenUnitOfWork, stored: Run) -> None:
    limit, start = 3, threading.Barrier(8)

    def admit(number: int) -> None:
        start.wait(timeout=60)
        with open_unit() as unit:
            unit.lock("admission")
            if unit.runs.count(EVERY) < limit:
                unit.runs.add(replace(stored, id=RunId(f"run-{number}")))
                unit.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(admit, range(10, 18)))
    with open_unit() as unit:
        assert unit.runs.count(EVERY) == limit


def test_a_run_cannot_move_on_between_the_fence_and_the_commit(
    open_unit: OpenUnitOfWork, stored: Run, operation: Operation
) -> None:
    order: list[str] = []

    def move_on() -> None:
        with open_unit() as unit:
            unit.runs.save(replace(stored, version=2), was=1)
            order.append("moved on")
            unit.commit()

    with ThreadPoolExecutor(1) as pool:
        with open_unit() as unit:
            unit.journal.intend(operation, Fence(stored.id, 1))
            moving = pool.submit(move_on)
            threading.Event().wait(0.2)
            order.append("wrote")
            unit.commit()
        moving.result(timeout=60)
    assert order == ["wrote", "moved on"]
