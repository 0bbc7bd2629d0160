"""A worker of the benchmark: the product's work engine with a tick that does nothing but ask for the next one.

It is started as a process with the database's address in the environment, and ends with its standard input.
"""

import logging
import os
import sys
import threading
from dataclasses import replace

import structlog

from autopublisher.adapters.clock_system import SystemClock
from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.adapters.work_dbos import DbosTickQueue, DbosWorker
from autopublisher.bootstrap.product import LIVE_RHYTHM
from autopublisher.bootstrap.rounds import Round
from autopublisher.flows.watch.sweeper import Sweeper
from autopublisher.ports.work import Tick

URL_VARIABLE = "BENCHMARK_DATABASE"


class NextTick:
    """Moves a tick's run to its next version, and enqueues the tick of that, in one transaction."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self.due = threading.Event()
        self.queue = DbosTickQueue(self.engine, self.due)

    def open_unit(self) -> SqlUnitOfWork:
        return SqlUnitOfWork(self.engine)

    def __call__(self, tick: Tick) -> None:
        assert tick.run_id is not None
        with self.open_unit() as unit:
            run = unit.runs.get(tick.run_id)
            if run.version != tick.version:
                return
            unit.runs.save(replace(run, version=run.version + 1), was=run.version)
            self.queue.enqueue(unit, Tick(run.id, run.version + 1, run.act_id))
            unit.commit()


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    url, rhythm = os.environ[URL_VARIABLE], LIVE_RHYTHM
    handler = NextTick(url)
    sweeper = Sweeper(handler.open_unit, handler.queue, SystemClock(), rhythm.sweeps_before_lifting)
    work = DbosWorker(
        url,
        Round(sweeper.sweep),
        sweep_seconds=rhythm.sweep,
        polling_seconds=rhythm.queue,
        due=handler.due,
    )
    work.start(handler)
    print("ready", flush=True)
    sys.stdin.read()
    work.stop(drain_seconds=1.0)


if __name__ == "__main__":
    main()
