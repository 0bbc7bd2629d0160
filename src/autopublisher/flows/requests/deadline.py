"""Deadline for a call that may hang: a database on a frozen machine answers neither yes nor no."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.faults import Fault

_T = TypeVar("_T")


def within(seconds: float, act: Callable[[], _T]) -> _T:
    """Return what ``act`` returns, or raise what it raises; UnavailableError after ``seconds``.

    What is late goes on by itself: whoever calls this must bear that it is done after all.
    """
    outcome: SimpleQueue[tuple[_T | None, BaseException | None]] = SimpleQueue()

    def attempt() -> None:
        try:
            outcome.put((act(), None))
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
            outcome.put((None, error))

    Thread(target=attempt, name="autopublisher-attempt", daemon=True).start()
    try:
        result, error = outcome.get(timeout=seconds)
    except Empty:
        raise UnavailableError(reason=Fault.DATABASE_SILENT_FOR(seconds=round(seconds))) from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value] # None only where act returns it
