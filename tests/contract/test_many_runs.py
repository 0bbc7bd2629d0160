"""What lists read of many runs: the same as of each by itself, in as many statements as of one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from sqlalchemy import Engine, event

from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.meta_ads import MemoryMetaAds
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.domain.accounts.accounts import Account, AdAccountFacts, MinimumBudgets
from autopublisher.domain.amounts import Money
from autopublisher.domain.ids import ActId, MetaId, RunId
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.journal.records import Decision, Event, Figures, MetaObject, Snapshot
from autopublisher.domain.messages import legacy
from autopublisher.domain.runs.commitments import commitments_of
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.requests.reports import Reports
from autopublisher.flows.requests.run_facts import opened
from autopublisher.flows.runs.collector import Collector
from autopublisher.flows.writes.money_gate import MoneyGate
from autopublisher.ports.repositories import Fence, ObservedArm, OpenUnitOfWork, RunFilter
from autopublisher.ports.reservations import RunGroup
from support.reservation_histories import History

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


def test_the_arms_of_an_account_are_those_of_its_runs_under_test(
    open_unit: OpenUnitOfWork, stored: Run
) -> None:
    event = stored.request.ad.conversion_event
    with open_unit() as unit:
        for number, status in enumerate((RunStatus.AB_TESTING, RunStatus.COMPLETED), 2):
            other = replace(stored, id=IDS[number - 1], status=status, admitted_at=stored.created_at + HOUR)
            unit.runs.add(replace(other, idempotency_key=None))
        for number, run_id in enumerate(IDS):
            for part in ("test/a/adset", "test/b/adset", "test/a/campaign", "final/adset"):
                unit.records.put_objects([placed(stored, run_id, part, f"{number}{part}")])
        unit.commit()
    with open_unit().reading() as unit:
        arms = unit.records.observed_arms(stored.act_id, frozenset({RunStatus.AB_TESTING}), stored.id)
        assert [unit.records.observed_arms(ActId("act_9"), frozenset(), RunId("run-9"))] == [[]]
    begun = {IDS[0]: stored.admitted_at or stored.created_at, IDS[1]: stored.created_at + HOUR}
    assert arms == [
        ObservedArm(run_id, letter, MetaId(f"{number}test/{letter.lower()}/adset"), begun[run_id], event)
        for number, run_id in enumerate(IDS[:2])
        for letter in "AB"
    ]


def placed(stored: Run, run_id: RunId, key: str, meta_id: str) -> MetaObject:
    """Return the model of one object of a run."""
    _, place, kind = f"/{key}".rsplit("/", 2) if key.startswith("final") else key.split("/")
    letter = None if key.startswith("final") else place.upper()
    return MetaObject(
        id=f"{run_id}{key}",
        run_id=run_id,
        act_id=stored.act_id,
        kind=ObjectKind(kind),
        key=key,
        variant=letter,
        meta_id=MetaId(meta_id),
        parent_meta_id=None,
        name=key,
        status="ACTIVE",
        effective_status="ACTIVE",
        created_at=stored.created_at,
        read_at=stored.created_at,
    )


def test_variants_with_figures_are_those_that_ever_had_one(
    open_unit: OpenUnitOfWork, stored: Run, operation: Operation
) -> None:
    keep_three(open_unit, stored, operation)
    with open_unit() as unit:
        none_again = Snapshot(IDS[1], "A", stored.created_at + 9 * HOUR, Figures())
        unit.observations.add_snapshots([none_again, Snapshot(IDS[2], "A", stored.created_at, Figures())])
        assert unit.observations.with_figures(IDS) == {(run_id, name) for run_id in IDS[:2] for name in "AB"}


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
        reports.lines(limit=1)
        reports.releases(runs[:1])
    with counted(sqlite_engine) as all_of_them:
        assert len(reports.lines().lines) == 3
        reports.releases(runs)
    # The runs, their campaigns, what their money is told from, accounts and watches; and the decisions.
    assert len(all_of_them) == len(one) == 6


def test_collecting_takes_as_many_statements_for_many_runs_of_an_account_as_for_one(
    sqlite_engine: Engine, account: Any, run: Run, now: datetime
) -> None:
    open_unit = partial(SqlUnitOfWork, sqlite_engine)
    facts = AdAccountFacts(run.act_id, "Shop", 1, run.currency, "Europe/Madrid", Money(100, run.currency))
    meta = MemoryMetaAds(ManualClock(now), facts, MinimumBudgets(*[Money(1, run.currency)] * 4))
    tested, counts = replace(run, status=RunStatus.AB_TESTING, idempotency_key=None), []
    for number, run_id in enumerate(IDS):
        with open_unit() as unit:
            if not number:
                unit.accounts.add(account)
            unit.runs.add(replace(tested, id=run_id))
            for key in ("test/a/adset", "test/b/adset"):
                unit.records.put_objects([placed(tested, run_id, key, f"{number}{key}")])
            unit.commit()
        with counted(sqlite_engine) as statements:
            Collector(open_unit, meta, ManualClock(now + number * HOUR)).collect(replace(tested, id=IDS[0]))
        counts.append(len(statements))
    assert counts == [counts[0]] * 3
    assert counts[0] <= 9
    with open_unit().reading() as unit:
        assert [len(unit.observations.snapshots(run_id)) for run_id in IDS] == [6, 4, 2]


def test_what_is_due_is_found_by_the_index_of_its_moment(
    sqlite_engine: Engine, account: Any, run: Run, now: datetime
) -> None:
    with SqlUnitOfWork(sqlite_engine).reading() as unit, counted(sqlite_engine) as statements:
        unit.runs.find(RunFilter(due_by=now, limit=1000))
    assert "SEARCH runs USING INDEX ix_runs_next_tick_at" in _plan(sqlite_engine, *statements)


def test_readings_of_many_objects_are_saved_in_one_statement_for_each_kind(
    sqlite_engine: Engine, run: Run, account: Account
) -> None:
    keys = [f"test/{letter}/{kind}" for letter in "abcde" for kind in ("campaign", "adset", "ad")]
    with SqlUnitOfWork(sqlite_engine) as unit:
        unit.accounts.add(account)
        unit.runs.add(run)
        with counted(sqlite_engine) as statements:
            unit.records.put_objects([placed(run, run.id, key, key) for key in keys])
    assert len(statements) == 3


def test_runs_without_a_count_are_found_by_the_index_of_counts(sqlite_engine: Engine, now: datetime) -> None:
    with SqlUnitOfWork(sqlite_engine).reading() as unit, counted(sqlite_engine) as statements:
        unit.reservations.uncounted(RunGroup(None, "EUR", now), 175)
    plan = _plan(sqlite_engine, *statements)
    assert plan.count("SEARCH runs USING INDEX ix_runs_counted_by") == 3
    assert "SCAN runs" not in plan


def _plan(engine: Engine, query: str) -> str:
    with engine.connect() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", ("?",) * query.count("?"))
        return str(found.all())


def test_a_write_is_admitted_under_a_limit_in_as_many_statements_beside_fifty_runs_as_beside_five(
    sqlite_engine: Engine, account: Account, run: Run, operation: Operation
) -> None:
    open_unit = partial(SqlUnitOfWork, sqlite_engine)
    with open_unit() as unit:
        unit.accounts.add(replace(account, daily_limit=10**9))
        unit.runs.add(run)
        unit.commit()
    asked = [
        _admitted(open_unit, sqlite_engine, run, operation, others) for others in (range(5), range(5, 50))
    ]
    # The account, twice, who has no count, and the sum; the first time also the runs that have none, and their counts.
    assert [counts for _, counts in asked] == [4, 4]
    assert asked[0][0] == asked[1][0] <= 13


def _admitted(
    open_unit: OpenUnitOfWork, engine: Engine, run: Run, operation: Operation, others: range
) -> tuple[int, int]:
    """Store more runs that reserve something; return the statements of admitting a write beside them, first and again."""
    with open_unit() as unit:
        for number in others:
            other = replace(run, id=RunId(f"other-{number}"), idempotency_key=None)
            unit.runs.add(other)
            row = replace(operation, owner=RunOwner(other.id))
            unit.journal.intend(row, Fence(other.id, other.version))
        unit.commit()
    statements = []
    for _ in range(2):
        with open_unit() as unit, counted(engine) as counts:
            MoneyGate().admit(unit, run, (), operation)
            unit.commit()
        statements.append(len(counts))
    return statements[0], statements[1]


def test_a_run_is_viewed_by_one_statement_which_takes_broken_text_as_well(
    sqlite_engine: Engine, account: Any, run: Run, now: datetime
) -> None:
    open_unit = partial(SqlUnitOfWork, sqlite_engine)
    event = Event(now, "runs:run:told", "system", legacy("half a pair: \ud83d"), run.id)
    with open_unit() as unit:
        unit.accounts.add(account)
        unit.runs.add(run)
        unit.observations.add_events([replace(event, data={"half": "\ud83d"})])
        unit.commit()
    with counted(sqlite_engine) as statements:
        view = Reports(open_unit).view(run.id)
    assert [one.data["half"] for one in view.events] == ["\ud83d"]
    assert len(statements) == 1


def test_a_runs_money_is_the_same_told_from_the_rows_that_concern_it(account: Account, run: Run) -> None:
    left_out = sum(_left_out_of_money(account, run, Random(seed)) for seed in range(8))  # noqa: S311 - the same each time
    assert left_out


def _left_out_of_money(account: Account, run: Run, rng: Random) -> int:
    """Compare money told from whole journals with the lists' way over one history; return the rows these leave out."""
    history = History(MemoryDatabase().unit_of_work, rng, account, run)
    history.begin()
    history.play(40)
    left_out = 0
    with history.open_unit() as unit:
        for run_id, facts in unit.dossiers.money_facts(history.runs).items():
            played, rows = unit.runs.get(run_id), unit.journal.of_run(run_id)
            left_out += len(rows) - len(facts.rows)
            assert opened(played, facts).commitments == commitments_of(played, rows)
    return left_out
