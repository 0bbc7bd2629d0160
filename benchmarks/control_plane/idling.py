"""What a server costs that has nothing to do: jumping time while every run waits for a person."""

import json
import time
from collections.abc import Iterator

from benchmarks.installations import PatientInstallation, seeded
from benchmarks.measuring import Line, Setting, seconds_of

from autopublisher.domain.runs.run import RunStatus
from support.installation import Installation

SETTLE_SECONDS = 10.0


def idle(setting: Setting) -> Iterator[Line]:
    """Share of a core of ``serve`` in stub mode with a clock that jumps, while all its runs wait; SQLite."""
    for size in setting.sizes((100,), (100, 1_000)):
        home = setting.databases.folder / f"idle {size}"
        installation = PatientInstallation(home)
        seeded(setting, home, installation, url=None, runs=size, status=RunStatus.WAITING_APPROVAL)
        installation.start()
        try:
            yield _line(setting, installation, size)
        finally:
            installation.end()


def _line(setting: Setting, installation: Installation, size: int) -> Line:
    simulator = int(json.loads((installation.home / "simulator.json").read_text("utf-8"))["pid"])
    pids = (installation.pid, simulator)
    time.sleep(SETTLE_SECONDS)
    shares = []
    for _ in range(setting.sizes((1,), (3,))[0]):
        began, before = time.perf_counter(), sum(map(seconds_of, pids))
        time.sleep(setting.sizes((5,), (10,))[0])
        shares.append(100 * (sum(map(seconds_of, pids)) - before) / (time.perf_counter() - began))
    return Line("serve and its simulator", "% of a core", tuple(shares), size)
