"""The run table, the same on every database."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from autopublisher.domain.errors import ConflictError, RunNotFoundError, StaleRunError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import AccountId, ActId, RunId
from autopublisher.domain.journal.naming import run_mark
from autopublisher.domain.journal.operations import Action, ObjectKind, Operation, OperationState
from autopublisher.domain.messages import legacy
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.domain.runs.run_messages import RunWarning
from autopublisher.domain.runs.settlement import is_unsettled
from autopublisher.ports.repositories import Fence, OpenUnitOfWork, RunFilter

HOUR = timedelta(hours=1)


@pytest.fixture
def three_runs(open_unit: OpenUnitOfWork, stored: Run) -> None:
    """run-1 of now, and run-2 and run-3 that were created together an hour later."""
    later = replace(stored, created_at=stored.created_at + HOUR)
    with open_unit() as unit:
        unit.runs.add(replace(later, id=RunId("run-3"), next_tick_at=stored.created_at + HOUR))
        unit.runs.add(replace(later, id=RunId("run-2"), next_tick_at=None, status=RunStatus.AB_TESTING))
        unit.commit()


def test_a_run_counts_as_alive_until_it_ends_and_at_that_moment(
    open_unit: OpenUnitOfWork, three_runs: None, now: datetime
) -> None:
    with open_unit() as unit:
        for name, hours in (("run-2", 1), ("run-3", 2)):
            run = unit.runs.get(RunId(name))
            ended = replace(
                run, status=RunStatus.FAILED, ending=replace(run.ending, at=now + hours * HOUR), version=2
            )
            unit.runs.save(ended, was=1)
        unit.commit()
    assert found(open_unit, alive_since=now + 2 * HOUR) == ["run-1", "run-3"]


@pytest.mark.parametrize(
    ("changed", "spec", "counts"),
    [
        ({}, {}, True),
        ({}, {"key": "final/adset"}, True),
        ({"spent": 0}, {}, False),
        ({"state": OperationState.UNKNOWN}, {}, False),
        ({}, {"key": "duplicate/test/a/adset/7"}, False),
        ({}, {"action": Action.UPDATE, "target": "test/b/adset"}, False),
        ({}, {"kind": ObjectKind.CAMPAIGN}, False),
    ],
)
def test_a_run_is_unsettled_by_a_row_whose_spend_is_not_final(  # noqa: PLR0917 (fixtures, and the row's parts)
    open_unit: OpenUnitOfWork,
    three_runs: None,
    operation: Operation,
    changed: dict[str, Any],
    spec: dict[str, Any],
    counts: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    settled: dict[str, Any] = {"spec": replace(operation.spec, **spec), "state": OperationState.CONFIRMED}
    row = replace(operation, **settled | changed)
    with open_unit() as unit:
        unit.journal.intend(row, Fence(RunId("run-1"), 1))
        unit.commit()
    assert is_unsettled(row) is counts
    assert found(open_unit, is_unsettled=True) == (["run-1"] if counts else [])


def found(open_unit: OpenUnitOfWork, **wanted: Any) -> list[str]:
    with open_unit() as unit:
        return [run.id for run in unit.runs.find(RunFilter(**wanted))]


def test_an_unknown_run_is_not_found(open_unit: OpenUnitOfWork) -> None:
    with open_unit() as unit, pytest.raises(RunNotFoundError, match="Run nobody was not found"):
        unit.runs.get(RunId("nobody"))


def test_a_second_run_with_the_same_id_is_refused(open_unit: OpenUnitOfWork, stored: Run) -> None:
    with open_unit() as unit, pytest.raises(ConflictError, match=Fault.RUN_EXISTS):
        unit.runs.add(stored)


def test_a_second_run_with_the_same_idempotency_key_is_refused(
    open_unit: OpenUnitOfWork, stored: Run
) -> None:
    with open_unit() as unit:
        unit.runs.add(replace(stored, id=RunId("run-2"), idempotency_key="once"))
        with pytest.raises(ConflictError, match=Fault.RUN_KEY_TAKEN):
            unit.runs.add(replace(stored, id=RunId("run-3"), idempotency_key="once"))


def test_of_two_transactions_with_one_idempotency_key_only_one_adds_its_run(
    open_unit: OpenUnitOfWork, stored: Run
) -> None:
    start = threading.Barrier(4)

    def add(number: int) -> bool:
        start.wait(timeout=60)
        with open_unit() as unit:
            try:
                unit.runs.add(replace(stored, id=RunId(f"run-{number}"), idempotency_key="once"))
            except ConflictError:
                return False
            unit.commit()
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(add, range(10, 14))) == 1


def test_runs_without_an_idempotency_key_do_not_clash(open_unit: OpenUnitOfWork, three_runs: None) -> None:
    assert len(found(open_unit)) == 3


def test_a_run_of_an_unknown_account_is_refused(open_unit: OpenUnitOfWork, run: Run) -> None:
    with open_unit() as unit, pytest.raises(ConflictError, match=Fault.NOT_STORED):
        unit.runs.add(replace(run, account_id=AccountId("nobody")))


def test_a_run_is_overwritten_by_whoever_knows_its_version(open_unit: OpenUnitOfWork, stored: Run) -> None:
    moved = replace(
        stored,
        version=2,
        status=RunStatus.CREATING_CAMPAIGNS,
        warnings=(RunWarning.WITHOUT_RULE(why=legacy("slow")),),
    )
    with open_unit() as unit:
        unit.runs.save(moved, was=1)
        unit.commit()
    with open_unit() as unit:
        assert unit.runs.get(stored.id) == moved


@pytest.mark.parametrize("was", [0, 2])
def test_a_run_at_another_version_is_not_overwritten(
    open_unit: OpenUnitOfWork, stored: Run, was: int
) -> None:
    with open_unit() as unit, pytest.raises(StaleRunError):
        unit.runs.save(replace(stored, version=was + 1), was=was)


def test_of_many_who_save_the_same_version_one_wins(open_unit: OpenUnitOfWork, stored: Run) -> None:
    start = threading.Barrier(8)

    def save(number: int) -> bool:
        start.wait(timeout=60)
        with open_unit() as unit:
            try:
                unit.runs.save(
                    replace(stored, version=2, release=replace(stored.release, leader=str(number))), was=1
                )
            except StaleRunError:
                return False
            unit.commit()
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(save, range(8))) == 1


def test_runs_come_oldest_first_and_then_by_id(open_unit: OpenUnitOfWork, three_runs: None) -> None:
    assert found(open_unit) == ["run-1", "run-2", "run-3"]


def test_runs_come_newest_first_on_request(open_unit: OpenUnitOfWork, three_runs: None) -> None:
    assert found(open_unit, newest_first=True) == ["run-3", "run-2", "run-1"]


@pytest.mark.parametrize("newest_first", [False, True])
def test_paging_meets_every_run_once(
    open_unit: OpenUnitOfWork, three_runs: None, *, newest_first: bool
) -> None:
    pages: list[str] = []
    while page := found(
        open_unit, newest_first=newest_first, limit=1, before=RunId(pages[-1]) if pages else None
    ):
        pages += page
    assert pages == found(open_unit, newest_first=newest_first)


def test_paging_from_an_unknown_run_is_an_error(open_unit: OpenUnitOfWork) -> None:
    with pytest.raises(RunNotFoundError):
        found(open_unit, before=RunId("nobody"))


def test_runs_are_found_by_status(open_unit: OpenUnitOfWork, three_runs: None) -> None:
    assert found(open_unit, statuses=frozenset({RunStatus.AB_TESTING})) == ["run-2"]


def test_no_status_at_all_finds_nothing(open_unit: OpenUnitOfWork, three_runs: None) -> None:
    assert found(open_unit, statuses=frozenset()) == []


def test_runs_are_found_by_the_marks_of_their_objects(open_unit: OpenUnitOfWork, stored: Run) -> None:
    ids = [RunId(f"{digit * 8}-{digit * 4}-4{digit * 3}-8000-00000000000{digit}") for digit in "123"]
    with open_unit() as unit:
        for run_id in ids:
            unit.runs.add(replace(stored, id=run_id, idempotency_key=None))
        unit.commit()
    marks = frozenset({run_mark(ids[0]), run_mark(ids[2]), "[ap-9999999999999999-"})
    assert found(open_unit, marks=marks) == [ids[0], ids[2]]
    assert found(open_unit, marks=frozenset()) == []


def test_runs_are_found_by_ad_account(open_unit: OpenUnitOfWork, three_runs: None) -> None:
    assert found(open_unit, act_id=ActId("act_2")) == []


def test_a_run_is_found_by_its_idempotency_key(open_unit: OpenUnitOfWork, stored: Run) -> None:
    with open_unit() as unit:
        unit.runs.add(replace(stored, id=RunId("run-2"), idempotency_key="once"))
        unit.commit()
    assert found(open_unit, idempotency_key="once") == ["run-2"]


@pytest.mark.parametrize(
    ("hours", "expected"), [(-0.5, []), (0, ["run-1"]), (0.5, ["run-1"]), (1, ["run-1", "run-3"])]
)
def test_runs_are_due_from_their_next_tick_on(
    open_unit: OpenUnitOfWork, three_runs: None, now: datetime, hours: float, expected: list[str]
) -> None:
    assert found(open_unit, due_by=now + hours * HOUR) == expected


def test_the_longest_due_come_first(open_unit: OpenUnitOfWork, stored: Run, now: datetime) -> None:
    with open_unit() as unit:
        late = replace(stored, id=RunId("run-0"), next_tick_at=now - HOUR, idempotency_key=None)
        unit.runs.add(replace(late, created_at=stored.created_at + HOUR))
        unit.commit()
    assert found(open_unit, due_by=now) == ["run-0", "run-1"]


def test_runs_are_found_by_their_ids(open_unit: OpenUnitOfWork, three_runs: None) -> None:
    assert found(open_unit, ids=frozenset({RunId("run-3"), RunId("run-9")})) == ["run-3"]
    assert found(open_unit, ids=frozenset()) == []


def test_a_run_that_has_ended_is_never_due(open_unit: OpenUnitOfWork, stored: Run, now: datetime) -> None:
    with open_unit() as unit:
        unit.runs.save(replace(stored, status=RunStatus.FAILED, version=2), was=1)
        unit.commit()
    assert found(open_unit, due_by=now) == []


def test_counting_knows_neither_page_nor_limit(open_unit: OpenUnitOfWork, three_runs: None) -> None:
    with open_unit() as unit:
        assert unit.runs.count(RunFilter(limit=1, before=RunId("run-2"))) == 3


def test_counting_keeps_to_the_filter(open_unit: OpenUnitOfWork, three_runs: None) -> None:
    with open_unit() as unit:
        assert unit.runs.count(RunFilter(statuses=frozenset({RunStatus.PENDING}))) == 2


def test_the_next_due_moment_is_the_earliest(
    open_unit: OpenUnitOfWork, three_runs: None, now: datetime
) -> None:
    with open_unit() as unit:
        assert unit.runs.pulse().next_due == now


def test_every_save_changes_the_pulse(open_unit: OpenUnitOfWork, three_runs: None) -> None:
    with open_unit() as unit:
        before = unit.runs.pulse().changes
        run = unit.runs.find(RunFilter())[0]
        unit.runs.save(replace(run, version=run.version + 1), was=run.version)
        assert unit.runs.pulse().changes == before + 1


def test_nothing_is_due_where_no_run_waits(open_unit: OpenUnitOfWork) -> None:
    with open_unit() as unit:
        assert unit.runs.pulse().next_due is None
