"""What lists read of many runs: the same as of each by itself, in as many statements as of one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Engine, event

from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.journal.records import Decision, Figures, Snapshot
from autopublisher.domain.runs.run import Run
from autopublisher.flows.requests.reports import Reports
from autopublisher.ports.repositories import Fence, OpenUnitOfWork

IDS = (RunId("run-1"), RunId("run-2"), RunId("run-3"))
HOUR = timedelta(hours=1)


def keep_three(open_unit: OpenUnitOfWork, stored: Run, operation: Operation) -> None:
    """Store two runs besides run-1; the first two have rows, figures of two variants and decisions."""
    with open_unit() as unit:
        for run_id in IDS[1:]:
            unit.runs.add(replace(stored, id=run_id, idempotency_key=None))
        for number, run_id in enumerate(IDS[:2]):
            for sequence, key in enumerate(("test/a/adset", "test/b/adset"), 1):
                spec = replace(operation.spec, key=key, token=f"{run_id}{key}")
                row = replace(operation, owner=RunOwner(run_id), sequence=sequence, spec=spec)
                unit.journal.intend(row, Fence(run_id, stored.version))
            for letter in "AB":
                for hour in range(3):
                    figures = Figures(spend=100 * number + 10 * hour + (letter == "B"))
                    unit.observations.add_snapshots(
                        [Snapshot(run_id, letter, stored.created_at + hour * HOUR, figures)]
                    )
            for sequence in (1, 2):
                unit.decisions.add(
                    Decision(run_id, stored.created_at, sequence, f"kind {sequence}", False, "{}", "", "")
                )
        unit.commit()


def test_many_runs_are_read_as_each_by_itself(
    open_unit: OpenUnitOfWork, stored: Run, operation: Operation
) -> None:
    keep_three(open_unit, stored, operation)
    with open_unit() as unit:
        assert unit.journal.of_runs(IDS) == {run_id: unit.journal.of_run(run_id) for run_id in IDS[:2]}
        latest = unit.observations.latest_snapshots(IDS)
        assert latest == {run_id: unit.observations.snapshots(run_id)[-2:] for run_id in IDS[:2]}
        decided = unit.decisions.latest(IDS)
        assert decided == {run_id: unit.decisions.of_run(run_id)[-1] for run_id in IDS[:2]}
        assert unit.records.objects_of(IDS) == {}
        assert unit.journal.of_runs(()) == {}


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """Collect the statements that are executed in the block."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def test_a_list_takes_as_many_statements_for_many_runs_as_for_one(
    sqlite_engine: Engine, account: Any, run: Run, operation: Operation
) -> None:
    open_unit = partial(SqlUnitOfWork, sqlite_engine)
    with open_unit() as unit:
        unit.accounts.add(account)
        unit.runs.add(run)
        unit.commit()
    keep_three(open_unit, run, operation)
    reports = Reports(open_unit)
    runs = reports.page()
    with counted(sqlite_engine) as one:
        reports.lines(runs[:1])
        reports.releases(runs[:1])
    with counted(sqlite_engine) as all_of_them:
        reports.lines(runs)
        reports.releases(runs)
    assert len(runs) == 3
    assert len(all_of_them) == len(one) <= 20
