"""The watch holds stored counts against the journals: what is missing is counted, what differs is told and mended."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.money.spans import Span
from autopublisher.domain.runs.commitments import Commitments
from autopublisher.domain.runs.reservations import Calendars
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.watch.account_check import Outcome
from autopublisher.flows.watch.count_check import AT_ONCE, EVERY, CountCheck
from autopublisher.flows.writes.money_gate import MoneyGate
from autopublisher.ports.repositories import Fence
from autopublisher.ports.reservations import Count, CountedRun
from unit.domain.samples import ACCOUNT, ACT, NOW, run_of

RULE = Calendars("Europe/Madrid").rule


@pytest.fixture
def database() -> MemoryDatabase:
    """An account with a limit, and a run that has set 50 EUR aside."""
    database = MemoryDatabase()
    run = run_of(status=RunStatus.AB_TESTING)
    spec = OperationSpec("test/a/adset", Action.CREATE, ObjectKind.AD_SET, {}, reserves=5000)
    with database.unit_of_work() as unit:
        unit.accounts.add(replace(ACCOUNT, daily_limit=10_000))
        unit.runs.add(run)
        unit.journal.intend(
            Operation(RunOwner(run.id), 1, spec, OperationState.INTENDED, NOW), Fence(run.id, run.version)
        )
        unit.commit()
    return database


def look(database: MemoryDatabase, before: Outcome | None = None, after: timedelta = EVERY) -> Outcome:
    check = CountCheck(database.unit_of_work, MoneyGate())
    return check(ACT, None if before is None else before.record, NOW + (after if before else timedelta()))


def counts(database: MemoryDatabase, run_id: RunId) -> Sequence[Span]:
    with database.unit_of_work() as unit:
        return unit.reservations.counts([run_id])[run_id].spans


def test_a_count_that_is_missing_is_made_and_nothing_is_told(database: MemoryDatabase) -> None:
    assert look(database).record["differing"] == []
    assert {span.most for span in counts(database, run_of().id)} == {5000}
    assert database.tables.events == []


def test_a_count_that_differs_is_told_and_mended(database: MemoryDatabase) -> None:
    look(database)
    right = counts(database, run_of().id)
    with database.unit_of_work() as unit:
        unit.reservations.put([CountedRun(run_of(), Count(RULE, (), Commitments(0, 0, ())))])
        unit.commit()
    assert look(database).record["differing"] == [run_of().id]
    assert [event.message.code for event in database.tables.events] == ["watch.miscounted"]
    assert counts(database, run_of().id) == right


def test_a_look_within_the_hour_makes_what_is_missing_and_compares_nothing(database: MemoryDatabase) -> None:
    first = look(database)
    right = counts(database, run_of().id)
    database.tables.counted.clear()
    assert look(database, first, EVERY / 2) == first
    assert counts(database, run_of().id) == right


def test_a_look_goes_on_where_the_last_one_ended(database: MemoryDatabase) -> None:
    others = [replace(run_of(), id=RunId(f"run-{number:03}")) for number in range(AT_ONCE)]
    with database.unit_of_work() as unit:
        for run in others:
            unit.runs.add(run)
        unit.commit()
    second = look(database, look(database))
    assert len(database.tables.counted) == AT_ONCE + 1
    assert second.record["after"] is None
