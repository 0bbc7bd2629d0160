"""A worker that ends: alive to the others until its last tick is over, and as good as new when it starts again."""

import threading
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.adapters.work_dbos import DbosTickQueue, DbosWorker, prepare
from autopublisher.domain.ids import ActId, RunId
from autopublisher.ports.work import Tick

PATIENCE = 60.0
SIGN_OF_LIFE = """
SELECT max(state_change) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'autopublisher-worker'
"""
BEGUN_BY_ANOTHER = "UPDATE dbos.workflow_status SET status = 'PENDING', executor_id = 'east'"
TICK = Tick(RunId("run-1"), 1, ActId("act_1"))

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture
def engine(postgres_url: str) -> Iterator[sa.Engine]:
    """A database on which one tick waits."""
    prepare(postgres_url)
    engine = open_engine(postgres_url)
    with SqlUnitOfWork(engine) as unit:
        DbosTickQueue(engine).enqueue(unit, TICK)
        unit.commit()
    yield engine
    engine.dispose()


def signs_of_life(engine: sa.Engine, wanted: int, within_seconds: float) -> int:
    """Count the signs of life of the only worker until there are enough."""
    seen: set[object] = set()
    deadline = time.monotonic() + within_seconds
    while len(seen) < wanted and time.monotonic() < deadline:
        with engine.connect() as connection:
            seen.add(connection.scalar(sa.text(SIGN_OF_LIFE)))
        time.sleep(0.1)
    return len(seen)


def test_a_worker_gives_signs_of_life_until_its_last_tick_is_over(
    engine: sa.Engine, postgres_url: str
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def hold(tick: Tick) -> None:
        assert tick == TICK
        begun.set()
        may_end.wait(PATIENCE)

    worker = DbosWorker(postgres_url, lambda: None, polling_seconds=0.1)
    worker.start(hold)
    stopping = threading.Thread(target=worker.stop, args=(PATIENCE,))
    try:
        assert begun.wait(PATIENCE)
        stopping.start()
        assert signs_of_life(engine, wanted=4, within_seconds=20.0) == 4
    finally:
        may_end.set()
        stopping.join(PATIENCE)


def test_a_worker_that_starts_again_takes_over_from_the_dead(engine: sa.Engine, postgres_url: str) -> None:
    ran = threading.Semaphore(0)

    def take_note(tick: Tick) -> None:
        assert tick == TICK
        ran.release()

    worker = DbosWorker(postgres_url, lambda: None, polling_seconds=0.1)
    worker.start(take_note)
    assert ran.acquire(timeout=PATIENCE)
    worker.stop(drain_seconds=PATIENCE)
    with engine.begin() as connection:
        connection.execute(sa.text(BEGUN_BY_ANOTHER))
    worker.start(take_note)
    try:
        assert ran.acquire(timeout=PATIENCE)
    finally:
        worker.stop(drain_seconds=PATIENCE)
