"""The stopwatch on the wall: it counts on whatever happens to the process."""

import os
import signal
import subprocess
import sys
import time

import pytest

from autopublisher.adapters.clock_system import seconds_since_boot

PROGRAM = """
from autopublisher.adapters.clock_system import seconds_since_boot
print(seconds_since_boot(), flush=True)
input()
print(seconds_since_boot(), flush=True)
"""


def test_the_time_for_which_a_process_was_stopped_counts() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        before = float(process.stdout.readline())
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(0.3)
        os.kill(process.pid, signal.SIGCONT)
        after = float(process.communicate("\n", timeout=30)[0])
    assert after - before >= 0.3


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="the system has no clock that counts sleep")
def test_it_is_the_clock_that_counts_while_the_machine_sleeps() -> None:
    assert abs(seconds_since_boot() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 1
