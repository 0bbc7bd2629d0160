"""Sign-in throttle: slows the guessing of passwords, and bounds which failures become events.

Three gates stand one behind the other. The first two count wrong passwords and attempts under way: by name and address
together, and by address. The third counts a name's wrong passwords from anywhere and closes only to addresses that never
signed it in, so that a stranger who guesses locks nobody out. Counts are kept in memory for each process, so several
processes together allow as many times the attempts, and a restart forgets; hashing makes each attempt dear all the same.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Final

from autopublisher.domain.errors import NotAuthenticatedError
from autopublisher.domain.journal.records import Event
from autopublisher.domain.people import PersonMessage
from autopublisher.ports.clock import Clock
from autopublisher.ports.passwords import PasswordsBusyError

FREE_ATTEMPTS: Final = 5
"""Wrong passwords a name may have in a row from one address before it has to wait."""

FREE_FROM_ADDRESS: Final = 20
"""The same for an address, whatever the names; an office shares one."""

FREE_FROM_STRANGERS: Final = 20
"""The same for a name, from all addresses that never signed it in."""

MOST_FROM_ADDRESS: Final = 4
"""Attempts under way from one address."""

MOST_FROM_STRANGERS: Final = 6
"""Attempts under way of those who are not known at their address: fewer than there are places to hash in."""

LONGEST_PAUSE: Final = timedelta(minutes=5)
FORGOTTEN_AFTER: Final = timedelta(hours=1)
REMEMBERED: Final = 10_000
"""Names and addresses whose failures are kept; guessing at random names must not fill the memory."""

LONGEST_SHOWN: Final = 64
WRITTEN_AN_HOUR: Final = 60
"""Failed sign-ins that become events in one hour at most, so that strangers cannot fill the database."""


class TooManyAttemptsError(NotAuthenticatedError):
    """Too many attempts to sign in; try again in {seconds} s."""

    remedy = "Wait, then try again."

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(seconds=seconds)


def network_of(address: str) -> str:
    """Return what counts as one address: an IPv4 address, the /64 of an IPv6 one, or else the text itself."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:LONGEST_SHOWN]
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))
    return str(found)


@dataclass
class _Tally:
    """The wrong passwords and the attempts under way of one key."""

    failures: int = 0
    under_way: int = 0
    closed_until: datetime | None = None
    failed_at: datetime | None = None


class Gate:
    """Lets a key's attempts begin: ``free`` wrong ones at once, then one at a time with a pause that doubles."""

    def __init__(self, free: int, at_once: int | None = None) -> None:
        self._free = free
        self._at_once = free if at_once is None else at_once
        self._tallies: dict[str, _Tally] = {}

    def enter(self, key: str, now: datetime) -> None:
        """Begin an attempt; raises TooManyAttemptsError while the key has to wait."""
        tally = self._fresh(key, now)
        if tally.closed_until is not None and now < tally.closed_until:
            raise TooManyAttemptsError(ceil((tally.closed_until - now).total_seconds()))
        free = tally.failures + tally.under_way < self._free or tally.under_way == 0
        if not free or tally.under_way >= self._at_once:
            raise TooManyAttemptsError(1)
        tally.under_way += 1

    def leave(self, key: str) -> None:
        """End an attempt."""
        tally = self._tallies.get(key)
        if tally is not None and tally.under_way > 0:
            tally.under_way -= 1

    def failed(self, key: str, now: datetime) -> None:
        """Note a wrong password."""
        tally = self._tallies.setdefault(key, _Tally())
        tally.failures += 1
        tally.failed_at = now
        extra = tally.failures - self._free
        if extra >= 0:
            tally.closed_until = now + min(LONGEST_PAUSE, timedelta(seconds=2 ** min(extra, 20)))

    def forget(self, key: str) -> None:
        """Forget the key's wrong passwords."""
        tally = self._tallies.get(key)
        if tally is not None:
            tally.failures, tally.closed_until = 0, None

    def _fresh(self, key: str, now: datetime) -> _Tally:
        """Return the key's tally, the most recently used last; one without a failure for long begins anew."""
        tally = self._tallies.pop(key, None) or _Tally()
        if tally.failed_at is not None and now - tally.failed_at > FORGOTTEN_AFTER:
            tally.failures, tally.closed_until, tally.failed_at = 0, None, None
        self._tallies[key] = tally
        if len(self._tallies) > REMEMBERED:
            del self._tallies[next(iter(self._tallies))]
        return tally


class SignInThrottle:
    """Admits attempts to sign in, and learns how they ended."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pairs = Gate(FREE_ATTEMPTS)
        self._addresses = Gate(FREE_FROM_ADDRESS, MOST_FROM_ADDRESS)
        self._names = Gate(FREE_FROM_STRANGERS)
        self._strangers = 0
        self._lock = threading.Lock()

    @contextmanager
    def attempt(self, name: str, address: str) -> Iterator["Attempt"]:
        """Hold an attempt under way; raises TooManyAttemptsError before anything dear is done."""
        attempt = Attempt(self, name[: LONGEST_SHOWN + 1], network_of(address))
        self._begin(attempt)
        try:
            yield attempt
        finally:
            self._end(attempt)

    def forget(self, name: str) -> None:
        """Forget the wrong passwords of a name that has a new one."""
        with self._lock:
            self._names.forget(name)

    def _begin(self, attempt: "Attempt") -> None:
        with self._lock:
            self._pairs.enter(attempt.pair, self._clock.now())
            try:
                self._addresses.enter(attempt.network, self._clock.now())
            except TooManyAttemptsError:
                self._pairs.leave(attempt.pair)
                raise

    def admit_stranger(self, attempt: "Attempt") -> None:
        """Let somebody go on whose address never signed the name in; raises TooManyAttemptsError, PasswordsBusyError."""
        with self._lock:
            if self._strangers >= MOST_FROM_STRANGERS:
                raise PasswordsBusyError
            self._names.enter(attempt.name, self._clock.now())
            self._strangers += 1
            attempt.strange = True

    def note(self, attempt: "Attempt", *, right: bool) -> None:
        """Count what an attempt came to."""
        now = self._clock.now()
        with self._lock:
            if right:
                self._pairs.forget(attempt.pair)
                return
            self._pairs.failed(attempt.pair, now)
            self._addresses.failed(attempt.network, now)
            if attempt.strange:
                self._names.failed(attempt.name, now)

    def _end(self, attempt: "Attempt") -> None:
        with self._lock:
            self._pairs.leave(attempt.pair)
            self._addresses.leave(attempt.network)
            if attempt.strange:
                self._names.leave(attempt.name)
                self._strangers -= 1


class Attempt:
    """One attempt under way."""

    def __init__(self, throttle: SignInThrottle, name: str, network: str) -> None:
        self._throttle = throttle
        self.name = name
        self.network = network
        self.strange = False

    @property
    def pair(self) -> str:
        """Name and address as one key."""
        return f"{self.network} {self.name}"

    def admit(self, *, familiar: bool) -> None:
        """Go on to the hash; only strangers are held up by what others did to the name."""
        if not familiar:
            self._throttle.admit_stranger(self)

    def ended(self, *, right: bool) -> None:
        """Say whether the password was right."""
        self._throttle.note(self, right=right)


class FailureLog:
    """Chooses the failed sign-ins that become events: each name and address once an hour, and a bounded number in all."""

    def __init__(self) -> None:
        self._hour: datetime | None = None
        self._written: set[tuple[str, str]] = set()
        self._left_out = 0
        self._lock = threading.Lock()

    def event(self, name: str, address: str, now: datetime) -> Event | None:
        """Return the event of a failed sign-in, with how many were left out before it; None where it is left out."""
        shown, place = _shown(name), _shown(address)
        with self._lock:
            self._begin_hour(now)
            if (shown, place) in self._written or len(self._written) >= WRITTEN_AN_HOUR:
                self._left_out += 1
                return None
            self._written.add((shown, place))
            left_out, self._left_out = self._left_out, 0
        message = PersonMessage.SIGN_IN_FAILED(name=shown, place=place)
        if left_out:
            message = PersonMessage.SIGN_INS_FAILED(name=shown, place=place, left_out=left_out)
        data = {"name": shown, "address": place, "left_out": left_out}
        return Event(now, "person:sign-in:failed", shown, message, data=data)

    def _begin_hour(self, now: datetime) -> None:
        if self._hour is None or now - self._hour >= timedelta(hours=1):
            self._hour = now
            self._written.clear()


def _shown(text: str) -> str:
    """Return text from a stranger as any database and terminal can keep it."""
    cut = text[:LONGEST_SHOWN]
    return "".join(letter if letter.isprintable() else "?" for letter in cut) or "?"
