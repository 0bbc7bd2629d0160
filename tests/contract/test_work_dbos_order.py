"""Who goes first on the durable queue: an account's look before its runs, however many of them wait."""

import threading
import time

import pytest

from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.adapters.work_dbos import DbosTickQueue, DbosWorker, prepare
from autopublisher.domain.ids import ActId, RunId
from autopublisher.ports.work import Tick

pytestmark = pytest.mark.slow  # starts workers

PATIENCE = 60.0
ACT = ActId("act_1")
LOOK = Tick(None, 1, ACT)


def test_a_look_goes_before_the_runs_that_were_there_first(database_url: str) -> None:
    ran: list[Tick] = []
    looked = threading.Event()

    def handle(tick: Tick) -> None:
        ran.append(tick)
        if tick == LOOK:
            looked.set()

    prepare(database_url)
    engine = open_engine(database_url)
    queue = DbosTickQueue(engine)
    with SqlUnitOfWork(engine) as unit:
        for number in range(10):
            queue.enqueue(unit, Tick(RunId(f"run-{number}"), 1, ACT))
        unit.commit()
    time.sleep(1.1)  # what is equally urgent goes by age, which SQLite knows by the second
    with SqlUnitOfWork(engine) as unit:
        queue.enqueue(unit, LOOK)
        unit.commit()
    worker = DbosWorker(database_url, lambda: None, polling_seconds=0.1)
    try:
        worker.start(handle)
        assert looked.wait(PATIENCE)
    finally:
        worker.stop(drain_seconds=PATIENCE)
        engine.dispose()
    assert ran[0] == LOOK
