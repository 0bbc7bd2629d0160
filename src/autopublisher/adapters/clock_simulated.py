"""Simulated clock of stub mode: the simulator's time, read and moved over HTTP."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx2

from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.faults import Fault

TIMEOUT_SECONDS = 5.0
"""Real seconds to wait for the simulator, which is on the same machine."""


@dataclass(frozen=True)
class _Reading:
    """What the simulator said: the present, and simulated seconds per real one (None while time stands still)."""

    now: datetime
    speed: float | None


class _OfThread(threading.local):
    """What a thread has been told since its tick began, as long as time stands still."""

    in_tick: bool = False
    told: _Reading | None = None


class SimulatedClock:
    """A clock that either runs faster than life or moves only when told to; to be closed in the end."""

    def __init__(self, base_url: str, token: str = "", timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # The environment's proxies have no business with a simulator on loopback.
        self._http = httpx2.Client(timeout=timeout_seconds, trust_env=False, headers=headers)
        self._address = f"{base_url.rstrip('/')}/_sim/clock"
        self._thread = _OfThread()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @contextmanager
    def one_tick(self) -> Iterator[None]:
        """Ask the simulator once in the block where time only moves when it is told to: that waits for ticks to end."""
        self._thread.in_tick, self._thread.told = True, None
        try:
            yield
        finally:
            self._thread.in_tick = False

    def now(self) -> datetime:
        """Return the present as aware UTC; raises UnavailableError where the simulator does not answer."""
        known = self._thread.told if self._thread.in_tick else None
        if known is None:
            known = self._thread.told = self._ask("GET")
        if known.speed is not None:
            self._thread.told = None
        return known.now

    def real_seconds_until(self, moment: datetime) -> float | None:
        """Return real seconds until ``moment`` (0 if past); None where time only moves when it is told to."""
        reading = self._ask("GET")
        if reading.speed is None:
            return None
        return max(0.0, (moment - reading.now).total_seconds() / reading.speed)

    def advance_to(self, moment: datetime) -> datetime:
        """Move to ``moment`` unless it is past, and return the present after the move."""
        self._thread.told = None
        return self._ask("POST", {"advance_to": moment.astimezone(UTC).isoformat()}).now

    def _ask(self, method: str, order: Mapping[str, str] | None = None) -> _Reading:
        try:
            response = self._http.request(method, self._address, json=order)
            response.raise_for_status()
            return _reading(response.json())
        except httpx2.HTTPError as error:
            raise UnavailableError(reason=Fault.SIMULATOR_CLOCK(why=type(error).__name__)) from error
        except (ValueError, KeyError, TypeError) as error:
            raise UnavailableError(reason=Fault.SIMULATOR_WITHOUT_TIME()) from error


def _reading(body: Any) -> _Reading:
    now = datetime.fromisoformat(body["now"])
    if now.tzinfo is None:
        raise ValueError("a time without zone")
    speed = float(body["speed"]) if body["mode"] == "speed" else None
    if speed is not None and speed <= 0:
        raise ValueError("time that does not run")
    return _Reading(now.astimezone(UTC), speed)
