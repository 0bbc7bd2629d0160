"""What a status and the exposure read of a run does not grow with its polls: SQLite counts the steps it takes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.records import Figures, Snapshot
from autopublisher.domain.runs.run import Run

ARMS, FEW, MANY = "ABC", 24, 24 * 60
Read = Callable[[SqlUnitOfWork, Run], object]


def status(unit: SqlUnitOfWork, run: Run) -> object:
    return unit.dossiers.of(run.id).facts.latest


def exposure(unit: SqlUnitOfWork, run: Run) -> object:
    return unit.reservations.open_runs(run.act_id, run.created_at - timedelta(days=1), [])


def news(unit: SqlUnitOfWork, run: Run) -> object:
    last = unit.observations.latest_snapshots([run.id])[run.id][-1]
    return unit.observations.snapshots(run.id, last.at)


def store(engine: Engine, run: Run, polls: int) -> None:
    with SqlUnitOfWork(engine) as unit:
        unit.runs.add(run)
        for poll in range(polls):
            at = run.created_at + timedelta(hours=poll)
            # One arm ends early, so that its last figure is far from the end.
            arms = ARMS if poll < FEW else ARMS[1:]
            unit.observations.add_snapshots([Snapshot(run.id, arm, at, Figures(poll)) for arm in arms])
        unit.commit()


def steps(engine: Engine, read: Read, run: Run) -> int:
    """Return how many steps of SQLite's machine the statements of the reading take."""
    taken = 0

    def step() -> None:
        nonlocal taken
        taken += 1

    def begin(_: Connection, cursor: Any, *__: object) -> None:
        cursor.connection.set_progress_handler(step, 1)

    def end(_: Connection, cursor: Any, *__: object) -> None:
        cursor.connection.set_progress_handler(None, 0)

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    with SqlUnitOfWork(engine).reading() as unit:
        read(unit, run)
    event.remove(engine, "before_cursor_execute", begin)
    event.remove(engine, "after_cursor_execute", end)
    return taken


@pytest.mark.parametrize("read", [status, exposure, news])
def test_sixty_days_of_polls_take_no_more_steps_than_one_day(
    sqlite_engine: Engine, account: Account, run: Run, read: Read
) -> None:
    with SqlUnitOfWork(sqlite_engine) as unit:
        unit.accounts.add(account)
        unit.commit()
    store(sqlite_engine, run, FEW)
    few = steps(sqlite_engine, read, run)
    with SqlUnitOfWork(sqlite_engine) as unit:
        for poll in range(FEW, MANY):
            at = run.created_at + timedelta(hours=poll)
            unit.observations.add_snapshots([Snapshot(run.id, arm, at, Figures(poll)) for arm in ARMS[1:]])
        unit.commit()
    assert steps(sqlite_engine, read, run) <= 1.1 * few


def test_the_last_figure_of_each_arm_is_found_wherever_it_ended(
    sqlite_engine: Engine, account: Account, run: Run
) -> None:
    with SqlUnitOfWork(sqlite_engine) as unit:
        unit.accounts.add(account)
        unit.commit()
    store(sqlite_engine, run, FEW + 10)
    store(sqlite_engine, replace(run, id=RunId("another"), idempotency_key=None), FEW)
    with SqlUnitOfWork(sqlite_engine).reading() as unit:
        found = {one.variant: one.figures.spend for one in unit.dossiers.of(run.id).facts.latest}
    assert found == {"A": FEW - 1, "B": FEW + 9, "C": FEW + 9}
