"""Stored reservations: right or absent whatever happens, and added up as the journals would be."""

import json
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.runs.reservations import PROMISING, rule_of
from autopublisher.domain.runs.run import Ending, Run, RunStatus
from autopublisher.flows.writes.counted_reservations import count, count_missing, reserved
from autopublisher.ports.repositories import Fence, OpenUnitOfWork
from autopublisher.ports.reservations import RunGroup
from support.exposure_histories import check_exposure, shown_by_meta
from support.reservation_histories import DAYS, SINCE, START, STRETCH, History

GROUPS = [
    RunGroup(ActId("act_1"), "EUR", SINCE),
    RunGroup(None, "EUR", SINCE, frozenset({RunId("run-1")})),
    RunGroup(None, "USD", SINCE),
]


def played(open_unit: OpenUnitOfWork, rng: Random, account: Account, run: Run, steps: int) -> History:
    """Play and return a history, comparing every count on the way, and ask the gate's question with and without storing."""
    history = History(open_unit, rng, account, run)
    history.begin()
    for _ in range(2):
        history.play(steps)
        with open_unit() as unit:
            for group in GROUPS:
                for store in (False, True):
                    answer = reserved(unit, group, STRETCH, DAYS, store=store)
                    days = {day: most for day, most in answer.days.items() if most}
                    months = {month: most for month, most in answer.months.items() if most}
                    afresh = history.afresh(unit, group)
                    assert (days, months) == (afresh.days, afresh.months)
            unit.commit()
    return history


def test_runs_are_left_out_however_many_there_are(open_unit: OpenUnitOfWork) -> None:
    """SQLite takes 32,766 parameters and PostgreSQL 65,535: more runs than that can be without a count, after an upgrade."""
    many = [RunId(f"run-{number}") for number in range(66_000)]
    with open_unit().reading() as unit:
        group = RunGroup(None, "EUR", SINCE, frozenset(many))
        assert unit.reservations.spans(group, *DAYS) == []
        assert unit.reservations.uncounted(group, STRETCH) == []
        assert unit.observations.with_figures(many) == frozenset()


@given(seed=st.integers(0, 2**32))
@settings(
    max_examples=40,
    phases=[Phase.generate],  # of a seed there is nothing to shrink
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_count_is_what_the_journal_says_whatever_happens(account: Account, run: Run, seed: int) -> None:
    played(MemoryDatabase().unit_of_work, Random(seed), account, run, steps=25)  # noqa: S311 - no secret


@pytest.mark.slow
def test_every_kind_of_database_keeps_counts_alike(
    open_unit: OpenUnitOfWork, account: Account, run: Run
) -> None:
    history = played(open_unit, Random(1), account, run, steps=30)  # noqa: S311 - no secret
    shown_by_meta(history)
    check_exposure(open_unit, history.runs, START)


def test_a_count_of_one_version_is_the_same_in_every_release(account: Account, run: Run) -> None:
    """Where the digest has to change, ``_COUNTING`` rises, so that no release goes by another's counts."""
    digest = blake2b(digest_size=8)
    for seed in range(20):
        history = History(MemoryDatabase().unit_of_work, Random(seed), account, run)  # noqa: S311 - no secret
        history.begin()
        history.play(25)
        with history.open_unit() as unit:
            runs = [unit.runs.get(run_id) for run_id in history.runs]
            for one in count(unit, runs, STRETCH):
                spans = [
                    (span.period.value, f"{span.first}", f"{span.last}", span.most)
                    for span in one.count.spans
                ]
                digest.update(json.dumps([spans, one.count.commitments.to_record()]).encode())
    assert (rule_of(STRETCH), digest.hexdigest()) == ("175/5", "a6546c83cc3caabb")


# --- what takes a count out --------------------------------------------------------------------------


def row(run: Run) -> Operation:
    spec = OperationSpec("test/a/adset", Action.CREATE, ObjectKind.AD_SET, {"name": "A"})
    return Operation(RunOwner(run.id), 1, spec, OperationState.INTENDED, run.created_at)


def counted(open_unit: OpenUnitOfWork, run: Run) -> bool:
    with open_unit() as unit:
        return run.id in unit.reservations.counts([run.id])


def count_all(open_unit: OpenUnitOfWork) -> None:
    with open_unit() as unit:
        list(count_missing(unit, replace(GROUPS[1], without=frozenset()), STRETCH, store=True))
        unit.commit()


def test_a_row_takes_the_count_out_when_it_is_written_and_when_it_changes(
    open_unit: OpenUnitOfWork, stored: Run
) -> None:
    written, fence = row(stored), Fence(stored.id, stored.version)
    for advances in (False, True):
        count_all(open_unit)
        with open_unit() as unit:
            if advances:
                unit.journal.advance(replace(written, attempts=1), written, fence)
            else:
                unit.journal.intend(written, fence)
            unit.commit()
        assert not counted(open_unit, stored)


@pytest.mark.parametrize(
    ("status", "ending", "stays"),
    [
        (RunStatus.PENDING, Ending(), True),
        (RunStatus.CREATING_CAMPAIGNS, Ending(), False),
        (RunStatus.PENDING, Ending(at=SINCE), False),
    ],
)
def test_a_run_that_is_saved_keeps_its_count_only_where_it_surely_reserves_the_same(
    open_unit: OpenUnitOfWork, stored: Run, status: RunStatus, ending: Ending, *, stays: bool
) -> None:
    count_all(open_unit)
    saved = replace(stored, version=2, status=status, ending=ending)
    with open_unit() as unit:
        unit.runs.save(saved, was=1)
        unit.commit()
    assert counted(open_unit, stored) is stays


@pytest.mark.parametrize("status", sorted(PROMISING))
def test_a_run_keeps_no_count_while_it_can_be_promised_something(
    open_unit: OpenUnitOfWork, stored: Run, status: RunStatus
) -> None:
    for version in (2, 3):
        with open_unit() as unit:
            unit.runs.save(replace(stored, version=version, status=status), was=version - 1)
            unit.commit()
        assert not counted(open_unit, stored)
        count_all(open_unit)
        assert counted(open_unit, stored)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE operations SET spent = 1",
        "DELETE FROM operations",
        "UPDATE runs SET status = 'ab_testing'",
        "UPDATE runs SET version = 2, status = 'publishing_final'",
    ],
)
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_release_that_knows_no_counts_takes_them_out_as_well(
    request: pytest.FixtureRequest, account: Account, run: Run, kind: str, statement: str
) -> None:
    engine: Engine = request.getfixturevalue(f"{kind}_engine")
    open_unit = partial(SqlUnitOfWork, engine)
    with open_unit() as unit:
        unit.accounts.add(account)
        unit.runs.add(run)
        unit.journal.intend(row(run), Fence(run.id, run.version))
        unit.commit()
    count_all(open_unit)
    with engine.begin() as connection:
        connection.execute(text(statement))
    assert not counted(open_unit, run)


@pytest.mark.postgres
def test_a_run_that_another_transaction_is_changing_is_not_claimed(
    postgres_engine: Engine, account: Account, run: Run
) -> None:
    open_unit = partial(SqlUnitOfWork, postgres_engine)
    with open_unit() as unit:
        unit.accounts.add(account)
        unit.runs.add(run)
        unit.commit()
    with open_unit() as changing, open_unit() as asking:
        changing.runs.save(replace(run, version=2, status=RunStatus.CREATING_CAMPAIGNS), was=1)
        (apart,) = count_missing(asking, replace(GROUPS[1], without=frozenset()), STRETCH, store=True)
        asking.commit()
        changing.commit()
    assert apart.run == run
    assert not counted(open_unit, run)
