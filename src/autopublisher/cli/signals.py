"""Ctrl-C, SIGTERM, SIGHUP and SIGQUIT: each ends a command in order, closing what it opened."""

import gc
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from autopublisher.cli.language import worded
from autopublisher.cli.output import tell

_MET = 128  # shells report a signal as 128 plus its number
_SEEN_WITHIN_SECONDS = 0.5


ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""What service managers, closed terminals and impatient people send."""


def end_in_order_on_signals() -> None:
    """Turn them into an orderly exit of the main thread, as Ctrl-C is one already; what nohup has silenced stays so."""
    if threading.current_thread() is threading.main_thread():
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _leave)


def serve_until_signal(announce: Callable[[], None]) -> None:
    """Say that everything is up, then sleep; Ctrl-C and SIGTERM end it alike, from the first word on."""
    try:
        spare_what_is_loaded()
        announce()
        while True:
            # Never one endless wait: the system may hand a signal to any thread, and does where the process is just
            # waking from a stop (service managers send SIGTERM and SIGCONT together). Python acts on it only when the
            # main thread moves again.
            time.sleep(_SEEN_WITHIN_SECONDS)
    except (KeyboardInterrupt, SystemExit):
        tell(worded("stopping"))


def spare_what_is_loaded() -> None:
    """Leave the modules and all else that is there by now out of later garbage collections: it stays to the end.

    A collection that goes through all of it stops every thread for more than a tenth of a second.
    """
    gc.collect()
    gc.freeze()


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)  # a second one must not cut the clean-up short
    raise SystemExit(_MET + number)
