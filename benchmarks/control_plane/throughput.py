"""Ticks a second through the work engine, with one worker and with two, and the share of a core they keep busy."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta

from benchmarks.control_plane.worker import URL_VARIABLE
from benchmarks.databases import POSTGRES, SQLITE, Database
from benchmarks.measuring import Line, Setting, seconds_of
from benchmarks.seeding import account_of, add_account, stored

from autopublisher.adapters.clock_system import SystemClock
from autopublisher.adapters.work_dbos import DbosTickQueue, prepare
from autopublisher.domain.runs.run import RunStatus
from autopublisher.ports.repositories import RunFilter
from autopublisher.ports.work import Tick

ACCOUNTS = 60
WARM_SECONDS = 3.0
CASES = (
    (POSTGRES, ACCOUNTS, 1),
    (POSTGRES, ACCOUNTS, 2),
    (POSTGRES, 1, 1),
    (SQLITE, ACCOUNTS, 1),
    (SQLITE, 1, 1),
)
"""Database, ad accounts with a run each, and workers; SQLite serves one."""


def ticks(setting: Setting) -> Iterator[Line]:
    """Ticks a second where each does nothing but ask for the next of its run, each run in an account of its own."""
    for kind, accounts, workers in CASES:
        if kind in setting.kinds:
            database = _with_runs(setting, kind, accounts)
            with ExitStack() as running:
                pids = [running.enter_context(_worker(database)) for _ in range(workers)]
                _enqueue_all(database)
                time.sleep(WARM_SECONDS)
                windows = [_window(database, pids, setting) for _ in range(setting.sizes((1,), (3,))[0])]
            yield from _lines(f"{kind}, {accounts} accounts, {workers} workers", windows)


def _with_runs(setting: Setting, kind: str, accounts: int) -> Database:
    """Return a database with one run in each of so many accounts, none of them due by its clock."""
    database = setting.databases.opened(kind, setting.databases.address(kind))
    prepare(database.url)
    now = SystemClock().now()
    with database.open_unit() as unit:
        for number in range(accounts):
            account = account_of(number, now)
            add_account(unit, account)
            one = stored(RunStatus.AB_TESTING).copy(number, account.id, account.act_id).run
            unit.runs.add(replace(one, next_tick_at=now + timedelta(days=365)))
        unit.commit()
    return database


def _enqueue_all(database: Database) -> None:
    queue = DbosTickQueue(database.engine)
    with database.open_unit() as unit:
        for run in unit.runs.find(RunFilter(limit=ACCOUNTS)):
            queue.enqueue(unit, Tick(run.id, run.version, run.act_id))
        unit.commit()


@contextmanager
def _worker(database: Database) -> Iterator[int]:
    """Run a worker's process; yield its id once it takes ticks."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.control_plane.worker"],
        env=os.environ | {URL_VARIABLE: database.url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
    finally:
        process.kill()  # nothing it does is kept
        process.wait()
        process.stdin.close()
        process.stdout.close()


Window = tuple[float, float, float, float]
"""Ticks a second; per cent of a core the workers and the server keep busy; transactions and CPU milliseconds a tick."""


def _window(database: Database, pids: Sequence[int], setting: Setting) -> Window:
    began, done, spent, served, made = _now(database, pids)
    time.sleep(setting.sizes((5,), (10,))[0])
    ended, done_then, spent_then, served_then, made_then = _now(database, pids)
    lasted, count = ended - began, done_then - done
    busy = spent_then - spent + served_then - served
    each = max(count, 1)
    return count / lasted, 100 * busy / lasted, (made_then - made) / each, 1000 * busy / each


def _now(database: Database, pids: Sequence[int]) -> tuple[float, int, float, float, int]:
    """Return the time, the ticks done, the processor time of workers and server, and the transactions of the server."""
    with database.open_unit().reading() as unit:
        done = unit.runs.pulse().changes
    spent = sum(seconds_of(pid) for pid in pids)
    return time.perf_counter(), done, spent, database.server_seconds(), database.transactions()


def _lines(case: str, windows: Sequence[Window]) -> Iterator[Line]:
    rates, shares, transactions, costs = zip(*windows, strict=True)
    yield Line(case, "ticks/s", rates)
    yield Line(case, "% of a core", shares)
    yield Line(case, "CPU ms/tick", costs)
    if any(transactions):
        yield Line(case, "transactions/tick", transactions)
