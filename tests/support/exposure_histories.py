"""Exposure held against the journals row by row, after histories of anything, with objects as Meta might show them."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.domain.ids import AccountId, ActId, MetaId, RunId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.journal.records import Figures, MetaObject, Snapshot
from autopublisher.domain.runs.reservations import Calendars
from autopublisher.domain.runs.run import Run
from autopublisher.flows.requests.exposure import AccountExposure, Exposures
from autopublisher.flows.requests.run_money import RunExposure
from autopublisher.flows.writes.money_gate import MoneyGate
from autopublisher.ports.repositories import OpenUnitOfWork, UnitOfWork
from support.exposure_oracle import Known, exposure_by_rows
from support.reservation_histories import START, History

ACT_ID = ActId("act_1")


def shown_by_meta(history: History) -> None:
    """Store objects as Meta might show them, and figures of the arms, for some of what the journals have."""
    rng = history.rng
    with history.open_unit() as unit:
        for run in map(unit.runs.get, history.runs):
            for row in unit.journal.of_run(run.id):
                if row.spec.target is None and rng.random() < 0.7:
                    unit.records.put_objects([_object(run, row.key, row.spec.kind, rng)])
            for arm in ("A", "B", ""):
                if rng.random() < 0.6:
                    at = START + timedelta(hours=rng.randint(0, 99))
                    figures = Figures(spend=rng.choice((0, 1, 1233, 4000)))
                    unit.observations.add_snapshots([Snapshot(run.id, arm, at, figures)])
        unit.commit()


def _object(run: Run, key: str, kind: ObjectKind, rng: Random) -> MetaObject:
    status = rng.choice(("ACTIVE", "ACTIVE", "ACTIVE", "PAUSED", "DELETED"))
    meta_id, ends = (
        MetaId(f"{run.id}{key}"),
        rng.choice((None, START + timedelta(hours=rng.randint(-9, 900)))),
    )
    budget, names = rng.choice((None, 0, 700, 900, 2000, 6000)), (key, status, status, START, START)
    return MetaObject(meta_id, run.id, run.act_id, kind, key, None, meta_id, None, *names, budget, ends)


def by_rows(unit: UnitOfWork, runs: list[RunId], now: datetime) -> dict[RunId, tuple[object, ...]]:
    """Return by run what the account's open runs have committed, spent and could still spend, from their journals."""
    found: dict[RunId, tuple[object, ...]] = {}
    how = Calendars(unit.accounts.get(AccountId("account-1")).timezone)
    for run in map(unit.runs.get, runs):
        latest = unit.observations.latest_snapshots([run.id]).get(run.id, ())
        spent = {one.variant: one.figures.spend for one in latest}
        models = {one.key: one for one in unit.records.objects(run.id)}
        of_run = exposure_by_rows(run, unit.journal.of_run(run.id), Known(spent, models, now, how))
        is_alive = run.ending.at is None or run.ending.at >= now - timedelta(days=400)
        if run.act_id == ACT_ID and is_alive and of_run[3] is not None:
            found[run.id] = of_run
    return found


def exposures_of(open_unit: OpenUnitOfWork, now: datetime) -> Exposures:
    return Exposures(open_unit, ManualClock(now), MoneyGate())


def figures(found: AccountExposure) -> dict[RunId, tuple[object, ...]]:
    return {
        run.run_id: (
            run.committed.minor,
            run.spent.minor,
            run.could_still_spend.minor,
            run.until,
            [(one.key, one.spent.minor, one.could_still_spend.minor, one.until) for one in run.objects],
        )
        for run in found.runs
    }


def check_exposure(open_unit: OpenUnitOfWork, runs: list[RunId], now: datetime) -> None:
    """Hold the account's exposure, whole and page by page, against the journals."""
    exposures = exposures_of(open_unit, now)
    (whole,) = exposures.of(AccountId("account-1"))
    with open_unit().reading() as unit:
        expected = by_rows(unit, runs, now)
    assert figures(whole) == expected
    sums = [sum(int(str(one[place])) for one in expected.values()) for place in range(3)]
    assert [whole.committed.minor, whole.spent.minor, whole.could_still_spend.minor] == sums
    assert whole.until == max(
        (one[3] for one in expected.values() if isinstance(one[3], datetime)), default=None
    )
    assert whole.as_of == min((run.as_of for run in whole.runs if run.as_of is not None), default=None)
    pages: list[RunExposure] = []
    before: RunId | None = None
    while True:
        (page,) = exposures.of(None if before else AccountId("account-1"), before, limit=2)
        pages += page.runs
        assert replace(page, runs=(), next=None) == replace(whole, runs=(), next=None)
        if page.next is None:
            break
        before = page.next
    assert tuple(pages) == whole.runs
