"""Sign-in throttle: slows the guessing of passwords, and bounds which failures become events.

Three gates stand one behind the other. The first two count wrong passwords and attempts under way: by name and address
together, and by address. The third counts a name's wrong passwords from anywhere and closes only to addresses that never
signed it in, so that a stranger who guesses locks nobody out. Wrong passwords are counted in the database, so that several
processes together allow no more of them than one, and a restart forgets none; attempts under way are each process's own.
"""

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Final

from autopublisher.domain.errors import NotAuthenticatedError
from autopublisher.domain.journal.records import Event
from autopublisher.domain.people import PersonMessage, SignInFailures
from autopublisher.ports.clock import Clock
from autopublisher.ports.passwords import PasswordsBusyError
from autopublisher.ports.repositories import OpenUnitOfWork

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
"""Names and addresses whose failures are kept; guessing at random names must not fill the database."""

LONGEST_SHOWN: Final = 64
WRITTEN_AN_HOUR: Final = 60
"""Failed sign-ins that become events in one hour at most, so that strangers cannot fill the database."""


Known = Mapping[str, SignInFailures]
"""The failures that are kept, by key."""


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


class Gate:
    """Lets a key's attempts begin: ``free`` wrong ones at once, then one at a time with a pause that doubles."""

    def __init__(self, kind: str, free: int, at_once: int | None = None) -> None:
        self._kind = kind
        self._free = free
        self._at_once = free if at_once is None else at_once
        self._under_way: Counter[str] = Counter()

    def key(self, text: str) -> str:
        """Return the key of a name or an address, which may be any text, as it is kept."""
        return hashlib.sha256(f"{self._kind} {text}".encode("utf-8", "replace")).hexdigest()

    def enter(self, text: str, known: Known, now: datetime) -> None:
        """Begin an attempt; raises TooManyAttemptsError while the key has to wait."""
        kept, under_way = self._fresh(text, known, now), self._under_way[text]
        if kept is not None and kept.closed_until is not None and now < kept.closed_until:
            raise TooManyAttemptsError(ceil((kept.closed_until - now).total_seconds()))
        failures = 0 if kept is None else kept.failures
        if (failures + under_way >= self._free and under_way) or under_way >= self._at_once:
            raise TooManyAttemptsError(1)
        self._under_way[text] += 1

    def leave(self, text: str) -> None:
        """End an attempt."""
        self._under_way[text] -= 1
        if self._under_way[text] <= 0:
            del self._under_way[text]

    def failed(self, text: str, known: Known, now: datetime) -> SignInFailures:
        """Return what is kept once one more password was wrong."""
        kept = self._fresh(text, known, now)
        failures = 1 if kept is None else kept.failures + 1
        extra = failures - self._free
        pause = None if extra < 0 else min(LONGEST_PAUSE, timedelta(seconds=2 ** min(extra, 20)))
        return SignInFailures(self.key(text), failures, now, None if pause is None else now + pause)

    def _fresh(self, text: str, known: Known, now: datetime) -> SignInFailures | None:
        """Return the key's failures; None without one for long."""
        kept = known.get(self.key(text))
        return None if kept is None or now - kept.failed_at > FORGOTTEN_AFTER else kept


class SignInThrottle:
    """Admits attempts to sign in, and learns how they ended."""

    def __init__(self, open_unit: OpenUnitOfWork, clock: Clock) -> None:
        self._open_unit = open_unit
        self._clock = clock
        self._pairs = Gate("pair", FREE_ATTEMPTS)
        self._addresses = Gate("address", FREE_FROM_ADDRESS, MOST_FROM_ADDRESS)
        self._names = Gate("name", FREE_FROM_STRANGERS)
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
        self._forget([self._names.key(name)])

    def _begin(self, attempt: "Attempt") -> None:
        # Read under the lock by which attempts end: one that fails meanwhile is counted, or still under way.
        with self._lock:
            known = self._known(attempt)
            self._pairs.enter(attempt.pair, known, self._clock.now())
            try:
                self._addresses.enter(attempt.network, known, self._clock.now())
            except TooManyAttemptsError:
                self._pairs.leave(attempt.pair)
                raise

    def admit_stranger(self, attempt: "Attempt") -> None:
        """Let somebody go on whose address never signed the name in; raises TooManyAttemptsError, PasswordsBusyError."""
        with self._lock:
            if self._strangers >= MOST_FROM_STRANGERS:
                raise PasswordsBusyError
            self._names.enter(attempt.name, self._known(attempt), self._clock.now())
            self._strangers += 1
            attempt.strange = True

    def note(self, attempt: "Attempt", *, right: bool) -> None:
        """Count what an attempt came to."""
        if not right:
            self._count(attempt, self._clock.now())
        elif self._known(attempt):
            self._forget([self._pairs.key(attempt.pair)])

    def _count(self, attempt: "Attempt", now: datetime) -> None:
        gates = [(self._pairs, attempt.pair), (self._addresses, attempt.network)]
        if attempt.strange:
            gates.append((self._names, attempt.name))
        with self._open_unit() as unit:
            unit.lock("sign-ins")
            known = unit.sign_ins.of([gate.key(text) for gate, text in gates])
            unit.sign_ins.put([gate.failed(text, known, now) for gate, text in gates])
            unit.sign_ins.thin(now - FORGOTTEN_AFTER, REMEMBERED)
            unit.commit()

    def _known(self, attempt: "Attempt") -> Known:
        keys = (
            self._pairs.key(attempt.pair),
            self._addresses.key(attempt.network),
            self._names.key(attempt.name),
        )
        with self._open_unit().reading() as unit:
            return unit.sign_ins.of(keys)

    def _forget(self, keys: Sequence[str]) -> None:
        with self._open_unit() as unit:
            unit.sign_ins.forget(keys)
            unit.commit()

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
