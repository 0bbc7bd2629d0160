"""What the benchmarks of the control plane share: samples of processor time and counts, and lines made of them."""

import math
import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from benchmarks.databases import Database, Databases

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Scale(IntEnum):
    """How much is measured: enough to try it, what the tables show, or the largest sizes as well."""

    QUICK = 0
    USUAL = 1
    FULL = 2


@dataclass(frozen=True)
class Setting:
    """What a measure is run with."""

    scale: Scale
    databases: Databases
    kinds: tuple[str, ...]

    def sizes(self, *of_scale: Sequence[int]) -> Sequence[int]:
        """Return the sizes of this scale, of those given for each scale; the last ones serve what is larger."""
        return of_scale[min(self.scale, len(of_scale) - 1)]

    @property
    def repeats(self) -> int:
        """How often each case is measured."""
        return (3, 7, 7)[self.scale]


@dataclass(frozen=True)
class Line:
    """One line of a table: what was measured in ``unit`` for a case, of ``size`` where that grows, and what was counted."""

    case: str
    unit: str
    values: tuple[float, ...]
    size: float | None = None
    counts: Mapping[str, float] = field(default_factory=dict)

    @property
    def median(self) -> float:
        return statistics.median(self.values)


Measure = Callable[[Setting], Iterable[Line]]
"""A measure; its docstring is what the table is headed with."""


def ratio(case: str, one: Line, other: Line) -> Line:
    """Return how many times the other's median the one's is."""
    return Line(case, "times", (one.median / other.median,))


def growth_of(lines: Sequence[Line]) -> Mapping[str, float]:
    """Return by case and unit the exponent with which the medians grow with the size: the slope of their logarithms."""
    series: dict[str, list[tuple[float, float]]] = {}
    for line in lines:
        if line.size and line.median > 0:
            point = (math.log(line.size), math.log(line.median))
            series.setdefault(f"{line.case}, {line.unit}", []).append(point)
    fits = {name: points for name, points in series.items() if len({at for at, _ in points}) > 1}
    return {
        name: statistics.linear_regression([at for at, _ in points], [value for _, value in points]).slope
        for name, points in fits.items()
    }


# --- processor time -----------------------------------------------------------------------------------


def seconds_of(pid: int) -> float:
    """Return the processor time of a process, of threads that have ended too, to a hundredth of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def resident_megabytes(pid: int) -> float:
    """Return how much memory a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1])
    return pages * 4096 / 1e6


def sampled(
    case: str, work: Callable[[], object], database: Database, repeats: int, size: float | None = None
) -> Line:
    """Return processor milliseconds of ``work``, the database server's among them, and its statements and transactions.

    It is done once beforehand, so that connections are open and statements compiled.
    """
    return repeated(case, work, database, repeats, size, times=1)


def repeated(
    case: str,
    work: Callable[[], object],
    database: Database,
    repeats: int,
    size: float | None = None,
    *,
    times: int,
    within: bool = False,
) -> Line:
    """Return the same of work that is too short to be measured once: each sample is the mean of so many ``times``.

    ``within`` says that the work does it so often itself.
    """
    work()
    spent, taken = [], []
    for _ in range(repeats):
        database.counts.clear()
        began, clock = time.process_time() + database.server_seconds(), time.perf_counter()
        for _ in range(1 if within else times):
            work()
        taken.append((time.perf_counter() - clock) * 1000 / times)
        spent.append((time.process_time() + database.server_seconds() - began) * 1000 / times)
    counts = {name: database.counts[name] / times for name in ("statements", "transactions", "commits")}
    told = {**counts, "wall ms": statistics.median(taken)}
    return Line(f"{case}, {database.kind}", "CPU ms", tuple(spent), size, told)
