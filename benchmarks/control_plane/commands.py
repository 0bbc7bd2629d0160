"""Commands of the product as processes: the processor time of each, that of the simulator it starts and ends included."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.databases import SQLITE
from benchmarks.measuring import Line, Setting
from benchmarks.seeding import filled_with, run_id_of

from autopublisher.domain.runs.run import RunStatus
from support.installation import PASSWORD, Installation

RUNS = 20
LINES: Sequence[tuple[str, ...]] = (("--help",), ("status", run_id_of(1)), ("exposure",), ("doctor",))


def commands(setting: Setting) -> Iterator[Line]:
    """CPU seconds of a command from its start to its end, on an SQLite database with twenty runs."""
    home = setting.databases.folder / "commands"
    installation = installed(setting, home)
    for arguments in LINES:
        spent = [seconds_of(installation, arguments) for _ in range(setting.sizes((2,), (5,))[0])]
        yield Line(arguments[0], "CPU s", tuple(spent))


def installed(setting: Setting, home: Path) -> Installation:
    """Return an installation in stub mode whose database has runs that are being tested."""
    home.mkdir()
    installation = Installation(home, STUB_CLOCK="manual")
    installation.command("user", "add", "admin", "--role", "admin", "--password-stdin", text=PASSWORD)
    database = setting.databases.opened(SQLITE, f"sqlite:///{home / 'autopublisher.db'}")
    filled_with({RunStatus.AB_TESTING: RUNS})(database)
    database.engine.dispose()
    return installation


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
