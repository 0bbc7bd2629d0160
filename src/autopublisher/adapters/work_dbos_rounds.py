"""Periodic actions beside the ticks, each on a thread that outlives its failures."""

import threading
from collections.abc import Callable

import structlog

from autopublisher.domain.errors import UnavailableError

AFTER_A_FAILURE_SECONDS = 1.0
"""Pause after a call that failed, so that a lasting fault does not fill the log."""

_log = structlog.get_logger(__name__)


class Rounds:
    """Calls an action at once and then with a pause between calls, until it is stopped.

    ``early`` ends a pause; after an action that returns False, having found nothing to do, it is ``idle_seconds`` long.
    ``interrupt`` has an action that waits return at once, for a stop.
    """

    def __init__(
        self,
        name: str,
        action: Callable[[], bool | None],
        pause_seconds: float,
        *,
        idle_seconds: float | None = None,
        early: threading.Event | None = None,
        interrupt: Callable[[], None] | None = None,
    ) -> None:
        self._name = name
        self._action = action
        self._pause_seconds = pause_seconds
        self._idle_seconds = pause_seconds if idle_seconds is None else idle_seconds
        self._stopping = threading.Event()
        self._early = early or self._stopping
        self._interrupt = interrupt
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Say whether the rounds still go on."""
        return self._thread.is_alive()

    def stop(self, patience_seconds: float) -> None:
        """Let the call under way end, for this long at most, and make no other."""
        self._stopping.set()
        self._early.set()
        if self._interrupt is not None:
            self._interrupt()
        self._thread.join(patience_seconds)
        if self._thread.is_alive():
            _log.warning("rounds_not_stopped", name=self._name, waited_seconds=patience_seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._early is not self._stopping:
                self._early.clear()  # before the action: what is set meanwhile calls for another
            did = None
            try:
                did = self._action()
            except UnavailableError as error:
                # What is down is known by its sentence; a stack for each round would fill the log of an outage.
                _log.warning("rounds_deferred", name=self._name, reason=error.message)
                self._stopping.wait(AFTER_A_FAILURE_SECONDS)
            except Exception:  # noqa: BLE001 - the edge of a thread
                # Nobody above could act, and the next round may well succeed.
                _log.exception("rounds_failed", name=self._name)
                self._stopping.wait(AFTER_A_FAILURE_SECONDS)
            self._early.wait(self._idle_seconds if did is False else self._pause_seconds)
