"""A command that serves ends on a signal, whichever of its threads the system hands it to."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow  # starts processes

TOLD_ON_ANOTHER_THREAD = """
import signal, threading
from autopublisher.cli.signals import end_in_order_on_signals, serve_until_signal

def tell_this_thread():
    signal.pthread_kill(threading.get_ident(), signal.{name})

for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):  # whatever started the tests may have silenced them
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
end_in_order_on_signals()
serve_until_signal(threading.Timer(0.2, tell_this_thread).start)
print("ended")
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"])
def test_a_signal_that_another_thread_gets_ends_it_too(name: str) -> None:
    program = TOLD_ON_ANOTHER_THREAD.format(name=name)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["ended"]
    assert "Stopping" in done.stderr


def test_what_is_loaded_when_a_command_serves_is_left_out_of_garbage_collections() -> None:
    program = (
        "import gc, os, signal\n"
        "from autopublisher.cli.signals import end_in_order_on_signals, serve_until_signal\n"
        "end_in_order_on_signals()\n"
        "def announce():\n"
        "    print(gc.get_freeze_count() > len(gc.get_objects()))\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "serve_until_signal(announce)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"]


def test_a_hang_up_that_nohup_has_silenced_stays_silent() -> None:
    program = (
        "import signal\n"
        "from autopublisher.cli.signals import end_in_order_on_signals\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "end_in_order_on_signals()\n"
        "signal.raise_signal(signal.SIGHUP)\n"
        "print('goes on')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["goes", "on"]
