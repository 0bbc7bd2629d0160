"""Commands of the product as processes: the processor time of each, that of the simulator it starts and ends included."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

from benchmarks.installations import PatientInstallation, seeded
from benchmarks.measuring import Line, Setting
from benchmarks.seeding import run_id_of

from autopublisher.domain.runs.run import RunStatus
from support.installation import Installation

RUNS = 20
LINES: Sequence[tuple[str, ...]] = (("--help",), ("status", run_id_of(1)), ("exposure",), ("doctor",))


def commands(setting: Setting) -> Iterator[Line]:
    """CPU seconds of a command from its start to its end, on an SQLite database with twenty runs."""
    home = setting.databases.folder / "commands"
    installation = PatientInstallation(home, STUB_CLOCK="manual")
    seeded(setting, home, installation, url=None, runs=RUNS, status=RunStatus.AB_TESTING)
    for arguments in LINES:
        spent = [seconds_of(installation, arguments) for _ in range(setting.sizes((2,), (5,))[0])]
        yield Line(arguments[0], "CPU s", tuple(spent))


def seconds_of(installation: Installation, arguments: Sequence[str]) -> float:
    """Run a command; return its processor seconds and those of the processes it has waited for."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "autopublisher", *arguments],
        env=installation.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0  # it has been waited for
    return usage.ru_utime + usage.ru_stime
