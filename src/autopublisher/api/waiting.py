"""``Prefer: wait=N`` (RFC 7240): hold an answer until the run rests, without holding a transaction or every thread."""

import re
import threading
import time
from collections.abc import Callable
from typing import Final

from autopublisher.domain.runs.run import Control, Run, RunStatus

LONGEST_WAIT: Final = 60
"""Seconds a caller may ask for; a larger wish is cut to this."""

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?(?=$|[,;\s])", re.IGNORECASE)


def asked_wait(prefer: str | None) -> int | None:
    """Return the seconds asked for by a ``Prefer`` header, at most LONGEST_WAIT; None where none are."""
    found = None if prefer is None else _WAIT.search(prefer)
    return None if found is None else min(int(found.group(1)), LONGEST_WAIT)


def rests(run: Run) -> bool:
    """Tell whether nothing will happen to the run before a person acts."""
    unanswered = run.release.approval is None and run.control is Control.NONE
    held = run.next_tick_at is None  # by a stop, which a person has to lift
    return run.is_final or held or run.is_refused or (run.status is RunStatus.WAITING_APPROVAL and unanswered)


class Patience:
    """Waits for a run in real time. ``places`` callers at most wait at once; the next ones get their answer at once."""

    def __init__(
        self,
        places: int = 16,
        interval: float = 0.25,
        pause: Callable[[float], None] = time.sleep,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._interval = interval
        self._pause = pause
        self._stopwatch = stopwatch

    def wait(self, read: Callable[[], Run], seconds: int) -> bool:
        """Poll ``read`` until the run rests or ``seconds`` have passed; False where no place was free to wait in."""
        if not self._places.acquire(blocking=False):
            return False
        try:
            self._poll(read, self._stopwatch() + seconds)
        finally:
            self._places.release()
        return True

    def _poll(self, read: Callable[[], Run], until: float) -> None:
        while not rests(read()):
            left = until - self._stopwatch()
            if left <= 0:
                return
            self._pause(min(self._interval, left))
