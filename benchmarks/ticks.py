"""What a tick costs: processor time, transactions and calls to Meta of building a test and of polling it.

``PYTHONPATH=tests python -m benchmarks.ticks`` plays the brief's own request over the real client and a simulator in the
same process, with the database in memory and as an SQLite file, and prints medians with their spread as Markdown. Processor
time counts client, simulator and product together; to compare two releases run both on one machine.
"""

import logging
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Self

import structlog
from sqlalchemy import Engine

from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.migrate import upgrade
from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import Run
from autopublisher.ports.repositories import UnitOfWork
from autopublisher.ports.work import Tick
from support.counting import CountedMachine, Counts
from support.simulated import brief_request

WORLDS = 5
POLLS = 12

Measured = list[tuple[float, Counts]]


class NoTicks:
    """A queue for a machine that is ticked by hand."""

    def enqueue(self, unit: UnitOfWork, tick: Tick, delay_seconds: float = 0.0) -> None:
        """Forget the tick."""
        del unit, tick, delay_seconds


class SqlMachine(CountedMachine):
    """A counted machine over an empty database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        super().__init__()

    def start(self) -> None:
        self.queue = NoTicks()  # type: ignore[assignment]
        super().start()

    def open_unit(self) -> SqlUnitOfWork:  # type: ignore[override]
        return CountedSqlUnit(self)

    def run(self, run_id: RunId) -> Run:
        with SqlUnitOfWork(self.engine) as unit:
            return unit.runs.get(run_id)


class CountedSqlUnit(SqlUnitOfWork):
    """A unit of work that counts itself."""

    def __init__(self, machine: SqlMachine) -> None:
        super().__init__(machine.engine)
        self.counts = machine.counts

    def __enter__(self) -> Self:
        self.counts.units += 1
        return super().__enter__()

    def commit(self) -> None:
        self.counts.commits += 1
        super().commit()


def main() -> None:
    """Measure, and print the table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print(f"Python {platform.python_version()}, {platform.machine()}, {WORLDS} worlds of {POLLS} polls\n")
    print("| tick | CPU ms, median (least to most) | transactions | commits | calls to Meta |")
    print("|---|---|---|---|---|")
    for name in ("memory", "SQLite"):
        built: Measured = []
        polled: Measured = []
        for _ in range(WORLDS):
            with tempfile.TemporaryDirectory() as folder:
                play(CountedMachine() if name == "memory" else sqlite_machine(Path(folder)), built, polled)
        print(line(f"building two arms, {name}", built))
        print(line(f"a poll, {name}", polled))


def sqlite_machine(folder: Path) -> SqlMachine:
    engine = open_engine(f"sqlite:///{folder / 'ticks.db'}")
    upgrade(engine)
    return SqlMachine(engine)


def play(machine: CountedMachine, built: Measured, polled: Measured) -> None:
    """Build one test and poll it, adding what was measured."""
    machine.claim()
    run_id = machine.intake.submit(brief_request(), "benchmark").id
    machine.tick(run_id)
    built.append(measured(machine, run_id))
    while machine.run(run_id).trial.starts_at is None:
        machine.tick(run_id)
    polled += [measured(machine, run_id) for _ in range(POLLS)]


def measured(machine: CountedMachine, run_id: RunId) -> tuple[float, Counts]:
    with machine.counted() as counts:
        began = time.process_time()
        machine.tick(run_id)
        spent = time.process_time() - began
    return spent * 1000, Counts(counts.units, counts.commits, counts.calls.copy())


def line(name: str, found: Measured) -> str:
    spent = [one for one, _ in found]
    counts = [(one.units, one.commits, one.calls.total()) for _, one in found]
    figures = " | ".join(f"{statistics.median(values):g}" for values in zip(*counts, strict=True))
    return f"| {name} | {statistics.median(spent):.1f} ({min(spent):.1f} to {max(spent):.1f}) | {figures} |"


if __name__ == "__main__":
    main()
