"""The simulator as a process of its own: started, found again, brought back, ended.

It runs in its own session, so that it outlives a product that was killed, as Meta would; the next start finds it by the
file in which it announced itself. Every product that uses it holds a shared lock, and the last one out ends it.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from secrets import token_urlsafe
from typing import IO, TypeVar
from urllib.parse import urlsplit

import structlog

from autopublisher.bootstrap.log_files import LARGEST_BYTES
from autopublisher.domain.errors import ConflictError, UnavailableError
from autopublisher.domain.faults import Fault
from autopublisher.domain.messages import remedied
from autopublisher.settings import Settings, StubClock

PASSED_ON = frozenset(
    {"HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "PYTHONHASHSEED", "PYTHONPATH", "TMPDIR", "TZ", "VIRTUAL_ENV"}
)
ANNOUNCEMENT = "simulator.json"
IDLE_EXIT_SECONDS = 900
START_SECONDS = 30.0
END_SECONDS = 10.0
HEALTH_SECONDS = 2.0

_T = TypeVar("_T")

TOKEN_VARIABLE = "SIMULATOR_TOKEN"  # noqa: S105 - the name, not a token
"""By which the simulator is told what its controls are to ask for."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SimulatorOptions:
    """Which simulator is wanted; ``speed`` None means that its clock moves only when told."""

    scenario: str
    seed: int
    speed: float | None


@dataclass(frozen=True)
class Announcement:
    """Where a simulator said it listens, and as which process."""

    url: str
    pid: int
    token: str = ""
    """What its controls ask for; empty for one that asks for nothing."""

    @property
    def port(self) -> int:
        """The port it listens on."""
        return urlsplit(self.url).port or 80

    def answers(self) -> bool:
        """Whether a simulator answers there now."""
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname or "", self.port, timeout=HEALTH_SECONDS)
        try:
            connection.request("GET", "/_sim/health")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


class SimulatorProcess:
    """One product's hold on the simulator of its data folder; safe to use from several threads."""

    def __init__(self, home: Path, options: SimulatorOptions) -> None:
        self._home = home
        self._options = options
        self._child: subprocess.Popen[bytes] | None = None
        self._users: IO[str] | None = None
        self._guard = threading.Lock()
        self._url: str | None = None
        self._token = ""

    @property
    def token(self) -> str:
        """What its controls ask for; one that is brought back asks for the same."""
        return self._token

    @property
    def url(self) -> str:
        """Its address; raises UnavailableError before ``start``."""
        if self._url is None:
            raise UnavailableError(reason=Fault.SIMULATOR_NOT_STARTED())
        return self._url

    def start(self) -> str:
        """Find the living simulator or start one, and return its address; raises UnavailableError."""
        self._home.mkdir(parents=True, exist_ok=True)
        with self._guard, self._alone():
            if self._users is None:
                self._users = (self._home / "simulator.users").open("a")
                fcntl.flock(self._users, fcntl.LOCK_SH)
            found = self._announced()
            if found is None or not found.answers():
                self._token = self._token or (found.token if found is not None else "") or token_urlsafe(24)
                found = self._launch(0 if found is None else found.port)
            self._url, self._token = found.url, found.token
        return self._url

    def ensure(self) -> None:
        """Bring the simulator back, on the same port and with its state, where it no longer answers."""
        if self._url is None:
            return
        found = self._announced()
        if found is None or not found.answers():
            _log.warning("simulator_process_lost", url=self._url)
            self.start()

    def stop(self) -> None:
        """Let go of the simulator, and end it unless another product still uses it; twice is harmless."""
        with self._guard, self._alone():
            users, self._users, self._url = self._users, None, None
            if users is None:
                return
            with users:
                if _takes_exclusively(users) and (found := self._announced()) is not None:
                    self._end(found)

    def discard(self) -> None:
        """End a simulator that an earlier product left behind; raises ConflictError where one is in use."""
        self._home.mkdir(parents=True, exist_ok=True)
        with self._guard, self._alone(), (self._home / "simulator.users").open("a") as users:
            if not _takes_exclusively(users):
                raise ConflictError(*remedied(Fault.HOME_IN_USE(home=str(self._home))))
            if (found := self._announced()) is not None:
                self._end(found)

    def _announced(self) -> Announcement | None:
        return _announcement(self._file)

    @property
    def _file(self) -> Path:
        return self._home / ANNOUNCEMENT

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._home / "simulator.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _launch(self, port: int) -> Announcement:
        self._file.unlink(missing_ok=True)
        if self._child is not None:
            self._child.poll()  # takes the exit of the one that died
        path = self._home / "simulator.log"
        if path.exists() and path.stat().st_size > LARGEST_BYTES:
            path.replace(path.with_name("simulator.log.1"))
        with path.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 - our own module, with our own settings
                self._command(port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=bare_environment(os.environ) | {TOKEN_VARIABLE: self._token},
            )
        child = self._child
        found = _wait_for(lambda: self._ready(child.pid), START_SECONDS, lambda: child.poll() is not None)
        if found is not None:
            return found
        if port and child.poll() is not None:
            return self._launch(0)  # somebody else has taken the port meanwhile
        self._abandon(child)
        raise UnavailableError(reason=Fault.SIMULATOR_DID_NOT_START(path=str(self._home / "simulator.log")))

    def _ready(self, pid: int) -> Announcement | None:
        found = self._announced()
        return found if found is not None and found.pid == pid and found.answers() else None

    def _command(self, port: int) -> list[str]:
        mode = ["--mode", "manual"]
        if self._options.speed is not None:
            mode = ["--mode", "speed", "--speed", str(self._options.speed)]
        return [
            *(sys.executable, "-m", "metasim"),
            *(
                "--scenario",
                self._options.scenario,
                "--seed",
                str(self._options.seed),
                *mode,
                "--port",
                str(port),
            ),
            *("--state", str(self._home / "simulator.db"), "--url-file", str(self._file)),
            *("--idle-exit", str(IDLE_EXIT_SECONDS)),
        ]

    def _abandon(self, child: subprocess.Popen[bytes]) -> None:
        child.kill()
        child.wait()

    def _end(self, found: Announcement) -> None:
        if found.answers():  # a process id alone may belong to somebody else by now
            with suppress(ProcessLookupError):
                os.kill(found.pid, signal.SIGTERM)
            _wait_for(lambda: None if found.answers() else True, END_SECONDS)
        if self._child is not None:
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(END_SECONDS)
        self._file.unlink(missing_ok=True)


def simulator_of(settings: Settings) -> SimulatorProcess:
    """Return a hold on the simulator that the settings describe, not yet started."""
    speed = settings.stub_speed if settings.stub_clock is StubClock.SPEED else None
    options = SimulatorOptions(settings.stub_scenario, settings.stub_seed, speed)
    return SimulatorProcess(settings.home, options)


def bare_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a simulator is told of the environment: where programs are, and no setting or secret of anybody's."""
    return {name: value for name, value in environment.items() if name in PASSED_ON or name.startswith("LC_")}


def announced(home: Path) -> Announcement:
    """Return the simulator that runs for a data folder; raises UnavailableError where none does."""
    found = _announcement(home / ANNOUNCEMENT)
    if found is None or not found.answers():
        raise UnavailableError(reason=Fault.SIMULATOR_NONE(home=str(home)))
    return found


def _announcement(file: Path) -> Announcement | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = json.loads(file.read_text("utf-8"))
        return Announcement(str(record["url"]).rstrip("/"), int(record["pid"]), str(record.get("token", "")))
    return None


def _takes_exclusively(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for(
    probe: Callable[[], _T | None], seconds: float, hopeless: Callable[[], bool] = lambda: False
) -> _T | None:
    deadline = time.monotonic() + seconds
    while (found := probe()) is None and time.monotonic() < deadline and not hopeless():
        time.sleep(0.05)
    return found
