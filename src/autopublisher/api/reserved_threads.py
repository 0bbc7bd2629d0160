"""Threads of their own for what must answer while all others are busy: the kill switch, health and exposure.

Everything else runs in the framework's common threads, which anybody who can connect may keep busy; a route here, and all
it depends on, never waits for one of those.
"""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Final, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class ReservedThreads:
    """A few threads for one purpose, in each event loop; called with a function, returns it as a coroutine run there."""

    def __init__(self, purpose: str, places: int = 8) -> None:
        self._places = places
        self._limiter: RunVar[CapacityLimiter] = RunVar(f"autopublisher_threads_{purpose}")

    def __call__(self, work: Callable[_P, _T]) -> Callable[_P, Coroutine[Any, Any, _T]]:
        """Return ``work`` as a coroutine; to the framework it looks the same."""

        @functools.wraps(work)
        async def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            return await to_thread.run_sync(
                functools.partial(work, *args, **kwargs), limiter=self._own_limiter()
            )

        return run

    def _own_limiter(self) -> CapacityLimiter:
        limiter = self._limiter.get(None)
        if limiter is None:
            limiter = CapacityLimiter(self._places)
            self._limiter.set(limiter)
        return limiter


in_stop_thread: Final = ReservedThreads("stop")
"""For the kill switch."""

in_watch_thread: Final = ReservedThreads("watch")
"""For what shows the danger, apart from the switch: where the database hangs, whoever only looks must not hold it up."""
