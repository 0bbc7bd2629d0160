"""Workers in processes of their own, killed without warning: what they had begun is run again, by someone alive."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Condition

import pytest

from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.adapters.work_dbos import DbosTickQueue, DbosWorker, prepare
from autopublisher.domain.ids import ActId, RunId
from autopublisher.ports.work import Tick

pytestmark = pytest.mark.slow

PATIENCE = 60.0

# Says "ready", then the id of the tick it begins; never ends it, and has room for no other.
WORKER = """
import sys, threading
from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.adapters.work_dbos import DbosWorker

def never_end(tick):
    print("said", tick.workflow_id, flush=True)
    threading.Event().wait()

DbosWorker(sys.argv[1], lambda: None, polling_seconds=0.1, concurrency=1).start(never_end)
print("said ready", flush=True)
threading.Event().wait()
"""


class Log:
    """Notes what ran here and lets the test wait for it."""

    def __init__(self) -> None:
        self.ran: list[Tick] = []
        self._changed = Condition()

    def __call__(self, tick: Tick) -> None:
        with self._changed:
            self.ran.append(tick)
            self._changed.notify_all()

    def wait_for(self, *ticks: Tick) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: set(ticks) <= set(self.ran), PATIENCE), self.ran


def tick(name: str, act_id: str) -> Tick:
    return Tick(RunId(name), 1, ActId(act_id))


def enqueue(url: str, *ticks: Tick) -> None:
    engine = open_engine(url)
    queue = DbosTickQueue(engine)
    with SqlUnitOfWork(engine) as unit:
        for each in ticks:
            queue.enqueue(unit, each)
        unit.commit()
    engine.dispose()


@contextmanager
def worker_process(url: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A worker that is ready; killed at the end if it still lives."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", WORKER, url],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert next_line(process) == "ready"
            yield process
        finally:
            process.kill()


@contextmanager
def worker_here(url: str, log: Log) -> Iterator[None]:
    # As many at once as in the other process: this setting belongs to the queue, and the last start decides.
    worker = DbosWorker(url, lambda: None, polling_seconds=0.1, concurrency=1)
    worker.start(log)
    try:
        yield
    finally:
        worker.stop(drain_seconds=0)


def next_line(process: "subprocess.Popen[str]") -> str:
    """What the worker says next, its log left out; empty once it has ended."""
    assert process.stdout is not None
    said = (line.removeprefix("said ").strip() for line in process.stdout if line.startswith("said "))
    return next(said, "")


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait(PATIENCE)


def test_a_tick_whose_process_was_killed_runs_after_the_restart(database_url: str, tmp_path: Path) -> None:
    prepare(database_url)
    begun = tick("a", "act_1")
    with worker_process(database_url, tmp_path) as process:
        enqueue(database_url, begun)
        assert next_line(process) == begun.workflow_id
        kill(process)
    log = Log()
    with worker_here(database_url, log):
        log.wait_for(begun)
    assert log.ran == [begun]


def test_what_waited_behind_a_killed_tick_runs_too(database_url: str, tmp_path: Path) -> None:
    prepare(database_url)
    begun, behind = tick("a", "act_1"), tick("b", "act_1")
    with worker_process(database_url, tmp_path) as process:
        enqueue(database_url, begun)
        assert next_line(process) == begun.workflow_id
        enqueue(database_url, behind)
        kill(process)
    log = Log()
    with worker_here(database_url, log):
        log.wait_for(begun, behind)


@pytest.mark.postgres
def test_a_living_worker_takes_over_from_a_killed_one(postgres_url: str, tmp_path: Path) -> None:
    prepare(postgres_url)
    begun, other = tick("a", "act_1"), tick("b", "act_2")
    log = Log()
    with worker_process(postgres_url, tmp_path) as process:
        enqueue(postgres_url, begun)
        assert next_line(process) == begun.workflow_id
        with worker_here(postgres_url, log):
            enqueue(postgres_url, other)
            log.wait_for(other)
            assert log.ran == [other]
            kill(process)
            log.wait_for(begun)


def test_a_worker_writes_only_to_its_database(database_url: str, tmp_path: Path) -> None:
    prepare(database_url)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with worker_process(database_url, folder) as process:
        kill(process)
    assert list(folder.iterdir()) == []
