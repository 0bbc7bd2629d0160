"""``python -m benchmarks.kill_switch``: how long the kill switch takes to answer while strangers try to sign in.

Compares, within one run and in turns, the slowest of a hundred answers of ``POST /meta/autopilot/stop`` under 200 log-ins
at a time with the same beside a process that only burns as many processor threads as one hash takes. The promise is a ratio
of at most three.
"""

import hashlib
import http.client
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from autopublisher.bootstrap.people import opened_people
from autopublisher.domain.access import Role
from autopublisher.settings import Settings

LOG_INS = 200
HASH_LANES = 4
"""Threads of one Argon2 hash with its recommended parameters."""

ROUNDS = 4
STOPS_A_ROUND = 50
MOST_RATIO = 3.0
PASSWORD = "correct horse battery staple"  # noqa: S105 - of an installation that lives for a minute
START_SECONDS = 60
WARM = 100
"""Turns after which the work beside is well under way."""

Work = Callable[[int, Any], None]
"""Takes the server's port and a counter of its turns."""


def main() -> None:
    with tempfile.TemporaryDirectory() as home, serving(Path(home)) as (port, token):
        answers: dict[str, list[float]] = {"idle": [], "beside a burner": [], "under log-ins": []}
        meanwhile = dict.fromkeys(answers, 0)
        done = multiprocessing.get_context("spawn").RawValue(
            "q", 0
        )  # a lock would stay held when its holder is killed
        busy: dict[str, Work] = {
            "idle": rest,
            "beside a burner": burn,
            "under log-ins": log_in,
        }
        for _ in range(ROUNDS):
            for name, work in busy.items():
                with beside(work, port, done):
                    begun = done.value
                    answers[name] += stops(port, token)
                    meanwhile[name] += done.value - begun
    report(answers, meanwhile)


@contextmanager
def serving(home: Path) -> Iterator[tuple[int, str]]:
    """Run an installation of its own; yield its port and an operator's token."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"AUTO_PUBLISHER_HOME": str(home), "AUTO_PUBLISHER_PORT": str(port), "STUB_CLOCK": "manual"}
    named = {
        key: value for key, value in os.environ.items() if not key.startswith(("AUTO_", "META_", "DATABASE"))
    }
    command = [sys.executable, "-m", "autopublisher", "serve"]
    process = subprocess.Popen(command, env=named | own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        wait_for(port)
        with opened_people(Settings.load(auto_publisher_home=home)) as people:
            people.add_user("operator", PASSWORD, Role.OPERATOR)
            token = people.issue_token(people.user("operator"), "benchmark", None)
        yield port, token
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            asked(port, "GET", "/meta/autopilot/health", {}, None)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server did not start")


def asked(port: int, method: str, path: str, headers: dict[str, str], body: bytes | None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def stops(port: int, token: str) -> list[float]:
    """Return the seconds each stop took to be answered."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = json.dumps({"all": True, "reason": "benchmark"}).encode()
    taken = []
    for _ in range(STOPS_A_ROUND):
        begun = time.monotonic()
        status = asked(port, "POST", "/meta/autopilot/stop", headers, body)
        taken.append(time.monotonic() - begun)
        assert status == HTTPStatus.ACCEPTED, status
    return taken


@contextmanager
def beside(work: Work, port: int, done: Any) -> Iterator[None]:
    """Have a process of its own do something meanwhile."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=(port, done))
    process.start()
    before = done.value
    deadline = time.monotonic() + START_SECONDS
    while work is not rest and done.value - before < WARM and time.monotonic() < deadline:
        time.sleep(0.1)
    try:
        yield
    finally:
        process.kill()
        process.join()


def rest(_port: int, _done: Any) -> None:
    time.sleep(3600)


def burn(_port: int, done: Any) -> None:
    """Keep as many threads busy as a hash does; the digest is computed without the interpreter's lock."""

    def turn() -> None:
        while True:
            hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 20_000)
            done.value += 1

    in_threads(turn, HASH_LANES)


def log_in(port: int, done: Any) -> None:
    """Have many strangers try passwords, each again as soon as they have their answer."""
    body = json.dumps({"username": "operator", "password": "guess"}).encode()

    def turn() -> None:
        while True:
            asked(port, "POST", "/auth/token", {"Content-Type": "application/json"}, body)
            done.value += 1

    in_threads(turn, LOG_INS)


def in_threads(turn: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=turn) for _ in range(count)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def report(answers: dict[str, list[float]], meanwhile: dict[str, int]) -> None:
    slowest = {name: statistics.quantiles(taken, n=100)[98] for name, taken in answers.items()}
    for name, taken in answers.items():
        middle = statistics.median(taken)
        print(
            f"stop {name}: median {middle * 1000:.0f} ms, p99 {slowest[name] * 1000:.0f} ms ({len(taken)} stops)"
        )
    print(f"{meanwhile['under log-ins']} log-ins were answered meanwhile")
    ratio = slowest["under log-ins"] / slowest["beside a burner"]
    print(f"p99 under {LOG_INS} log-ins is {ratio:.2f} times that beside {HASH_LANES} burning threads")
    raise SystemExit(0 if ratio <= MOST_RATIO else 1)


if __name__ == "__main__":
    main()
