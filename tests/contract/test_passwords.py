"""Hashes of passwords, the same from Argon2 and in memory; Argon2 computes one at a time and refuses early."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest
from argon2 import PasswordHasher

from autopublisher.adapters.memory.passwords import MemoryPasswords
from autopublisher.adapters.passwords_argon2 import PLACES, Argon2Passwords
from autopublisher.ports.passwords import Passwords, PasswordsBusyError

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class HeldHasher(PasswordHasher):
    """Waits in each check until it is let go, and counts how many are under way."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.go = threading.Event()
        self.begun = threading.Semaphore(0)
        self.under_way = 0
        self.most_under_way = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - argon2 names it so
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.begun.release()
        self.go.wait()
        try:
            return super().verify(hash, password)
        finally:
            self.under_way -= 1


@pytest.fixture(params=["argon2", "memory"])
def passwords(request: pytest.FixtureRequest) -> Iterator[Passwords]:
    if request.param == "memory":
        yield MemoryPasswords()
        return
    with Argon2Passwords(QUICK) as found:
        yield found


@pytest.mark.parametrize("password", ["correct horse", "", "señal \U0001f600", "half \ud800", "nul \0"])
def test_a_password_matches_its_own_hash_alone(passwords: Passwords, password: str) -> None:
    protected = passwords.protect(password)
    assert passwords.matches(protected, password)
    assert not passwords.matches(protected, password + "x")


def test_the_same_password_has_another_hash_each_time(passwords: Passwords) -> None:
    assert passwords.protect("correct horse") != passwords.protect("correct horse")


@pytest.mark.parametrize("damaged", ["", "$", "no hash at all"])
def test_what_is_no_hash_matches_nothing(passwords: Passwords, damaged: str) -> None:
    assert not passwords.matches(damaged, "")


def test_a_hash_is_argon2s_with_its_recommended_memory() -> None:
    with Argon2Passwords() as passwords:
        assert passwords.protect("correct horse").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_one_hash_is_under_way_and_whoever_finds_no_place_is_refused_at_once() -> None:
    hasher = HeldHasher()
    protected = hasher.hash("correct horse")
    with Argon2Passwords(hasher) as passwords, ThreadPoolExecutor(PLACES) as callers:
        waiting = [callers.submit(passwords.matches, protected, "correct horse") for _ in range(PLACES)]
        hasher.begun.acquire()
        while passwords._places.acquire(blocking=False):  # until each caller has taken its place
            passwords._places.release()
        with pytest.raises(PasswordsBusyError):
            passwords.matches(protected, "correct horse")
        hasher.go.set()
        assert [one.result() for one in waiting] == [True] * PLACES
    assert hasher.most_under_way == 1
