"""Clients that ask a server again and again, each on a connection of its own, in a process beside it."""

import http.client
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from http import HTTPStatus

TIMEOUT_SECONDS = 120.0


class Clients:
    """So many clients of one or more servers, each asking for the same until it is told to stop."""

    def __init__(self, ports: Sequence[int], path: str, headers: Mapping[str, str], count: int) -> None:
        self.taken: list[float] = []
        self._path = path
        self._headers = dict(headers)
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(ports[number % len(ports)],)) for number in range(count)
        ]

    def ask_for(self, seconds: float) -> list[float]:
        """Ask for so long; return the milliseconds that each answer took."""
        self.start()
        time.sleep(seconds)
        self.stop()
        return self.taken

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, port: int) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)) as connection:
            while not self._stopping.is_set():
                began = time.perf_counter()
                connection.request("GET", self._path, headers=self._headers)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == HTTPStatus.OK, answer.status
                self.taken.append((time.perf_counter() - began) * 1000)


def percentile(values: Sequence[float], share: int) -> float:
    """Return the value below which so many per cent lie."""
    return values[0] if len(values) == 1 else statistics.quantiles(values, n=100)[share - 1]


def cost_of(busy: Callable[[], float], clients: Clients, seconds: float) -> tuple[float, list[float]]:
    """Have the clients ask; return processor milliseconds an answer, by ``busy``'s seconds, and how long each took."""
    before = busy()
    taken = clients.ask_for(seconds)
    return (busy() - before) * 1000 / len(taken), taken
