"""People, their passwords and their tokens.

Tokens are opaque; only a keyed hash of one is kept, so neither the database nor a copy of it opens anything. The clock given
here must be the real one: a simulated test of a week must not end a session.
"""

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Final
from uuid import uuid4

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from autopublisher.domain.access import Role
from autopublisher.domain.errors import (
    InvalidRequestError,
    NotAuthenticatedError,
    NotFoundError,
    Problem,
    UnavailableError,
)
from autopublisher.domain.ids import UserId
from autopublisher.domain.records import AccessToken, Event, TokenKind, User
from autopublisher.flows.deadline import within
from autopublisher.flows.recent_callers import RecentCallers
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork, UnitOfWork

SESSION_LIFETIME: Final = timedelta(hours=12)
SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 1024
LONGEST_NAME: Final = 64
FREE_ATTEMPTS: Final = 5
"""Wrong passwords a name may have in a row before it has to wait."""

LONGEST_PAUSE: Final = timedelta(minutes=5)
REMEMBERED_NAMES: Final = 10_000
"""Names whose failures are kept; guessing at random names must not fill the memory."""

_HASHES_AT_ONCE = 2

STOP_SECONDS: Final = 3.0
"""How long the database may take to say who wants to stop."""


class WrongPasswordError(NotAuthenticatedError):
    """The name or the password is wrong."""

    remedy = "Check both. An administrator can set a new password with 'autopublisher user password'."


class TooManyAttemptsError(NotAuthenticatedError):
    """Too many wrong passwords for this name; try again in {seconds} s."""

    remedy = "Wait, then try again."

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(seconds=seconds)


@dataclass(frozen=True)
class _Failures:
    count: int
    closed_until: datetime


class AttemptThrottle:
    """Slows guessing: from the fifth wrong password in a row on, a name waits, twice as long each time.

    It is kept in memory for each process, so several processes together allow as many times the attempts, and a restart
    forgets; Argon2 makes each attempt dear all the same.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[str, _Failures] = {}
        self._lock = threading.Lock()

    def admit(self, name: str) -> None:
        """Raise TooManyAttemptsError while the name has to wait."""
        with self._lock:
            failures = self._failures.get(name)
        if failures is None:
            return
        left = (failures.closed_until - self._clock.now()).total_seconds()
        if left > 0:
            raise TooManyAttemptsError(ceil(left))

    def failed(self, name: str) -> None:
        """Note a wrong password."""
        now = self._clock.now()
        with self._lock:
            before = self._failures.pop(name, None)
            count = 1 if before is None else before.count + 1
            extra = count - FREE_ATTEMPTS
            pause = timedelta(0) if extra < 0 else min(LONGEST_PAUSE, timedelta(seconds=2 ** min(extra, 20)))
            self._failures[name] = _Failures(count, now + pause)
            if len(self._failures) > REMEMBERED_NAMES:
                del self._failures[next(iter(self._failures))]

    def succeeded(self, name: str) -> None:
        """Forget the name's wrong passwords."""
        with self._lock:
            self._failures.pop(name, None)


class PeopleDesk:
    """Signs people in, tells who holds a token, and keeps the register of users."""

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        clock: Clock,
        secret_key: bytes,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._open_unit = open_unit
        self._clock = clock
        self._secret_key = secret_key
        self._hasher = PasswordHasher() if hasher is None else hasher
        self._hashing = threading.BoundedSemaphore(_HASHES_AT_ONCE)
        self._throttle = AttemptThrottle(clock)
        self._recent = RecentCallers()
        # Verified against when the name is unknown, so that an unknown name takes as long as a wrong password.
        self._nobody = self._hasher.hash(secrets.token_urlsafe(32))

    def sign_in(self, name: str, password: str) -> tuple[str, AccessToken]:
        """Return a new session token and its record; raises WrongPasswordError or TooManyAttemptsError."""
        self._throttle.admit(name)
        user = self._known(name)
        known = self._matches(self._nobody if user is None else user.password_hash, password)
        if user is None or not known or not user.active:
            self._throttle.failed(name)
            raise WrongPasswordError
        self._throttle.succeeded(name)
        return self._issue(user, TokenKind.SESSION, "sign-in", SESSION_LIFETIME)

    def identify(self, token: str) -> User:
        """Return who holds a token; NotAuthenticatedError where it is unknown or over, or its user inactive."""
        with self._open_unit() as unit:
            found = unit.tokens.get(self._hash(token))
            user = None if found is None else unit.people.get(found.user_id)
        if found is None or user is None or not user.active or not self._is_live(found):
            self._recent.forget(self._hash(token))
            raise NotAuthenticatedError
        self._recent.saw(found.hash, user, self._clock.now(), found.expires_at)
        return user

    def identify_to_stop(self, token: str) -> User:
        """Return who holds a token, as ``identify`` does, for the kill switch alone.

        Where the database does not answer soon, whoever showed the token lately in this process is believed.
        """
        try:
            return within(STOP_SECONDS, lambda: self.identify(token))
        except UnavailableError:
            known = self._recent.recall(self._hash(token), self._clock.now())
            if known is None:
                raise
            return known

    def add_user(self, name: str, password: str, role: Role, actor: str = "system") -> User:
        """Register a user; raises InvalidRequestError for an unfit name or password, ConflictError for a taken name."""
        _check_name(name)
        _check_password(password)
        now = self._clock.now()
        user = User(UserId(str(uuid4())), name, role, self._protect(password), now)
        with self._open_unit() as unit:
            unit.people.add(user)
            self._record(unit, "person:user:added", actor, f"User {name} was added as {role.value}.")
            unit.commit()
        return user

    def set_password(self, name: str, password: str, actor: str = "system") -> None:
        """Replace a user's password; raises NotFoundError. Tokens given out before stay valid until they expire."""
        _check_password(password)
        protected = self._protect(password)
        with self._open_unit() as unit:
            user = _named(unit, name)
            unit.people.save(replace(user, password_hash=protected))
            self._record(unit, "person:password:set", actor, f"User {name} has a new password.")
            unit.commit()
        self._throttle.succeeded(name)

    def user(self, name: str) -> User:
        """Return the user of this name; raises NotFoundError."""
        with self._open_unit() as unit:
            return _named(unit, name)

    def issue_token(self, user: User, label: str, lifetime: timedelta | None, actor: str = "system") -> str:
        """Return a new API token for a user, valid for ``lifetime``, or until revoked where that is None."""
        token, _ = self._issue(user, TokenKind.API, label, lifetime, actor)
        return token

    def revoke(self, token: str) -> None:
        """End a token's life; one that is unknown or over is left as it is."""
        with self._open_unit() as unit:
            found = unit.tokens.get(self._hash(token))
            if found is not None and found.revoked_at is None:
                unit.tokens.put(replace(found, revoked_at=self._clock.now()))
                unit.commit()

    def _known(self, name: str) -> User | None:
        """Return the user, without asking the database for a name that it could not even hold."""
        if not name.isprintable():
            return None
        with self._open_unit() as unit:
            return unit.people.by_name(name)

    def _issue(
        self, user: User, kind: TokenKind, label: str, lifetime: timedelta | None, actor: str | None = None
    ) -> tuple[str, AccessToken]:
        token = f"ap_{secrets.token_urlsafe(32)}"
        now = self._clock.now()
        expires_at = None if lifetime is None else now + lifetime
        record = AccessToken(self._hash(token), user.id, kind, label, now, expires_at)
        with self._open_unit() as unit:
            unit.tokens.put(record)
            self._record(
                unit, "person:token:issued", actor or user.name, f"{user.name}: {kind.value} token ({label})."
            )
            unit.commit()
        return token, record

    def _hash(self, token: str) -> str:
        return hmac.new(self._secret_key, token.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def _is_live(self, token: AccessToken) -> bool:
        expired = token.expires_at is not None and token.expires_at <= self._clock.now()
        return token.revoked_at is None and not expired

    def _matches(self, protected: str, password: str) -> bool:
        with self._hashing:
            try:
                return self._hasher.verify(protected, password.encode("utf-8", "surrogatepass"))
            except (VerifyMismatchError, InvalidHashError):
                return False

    def _protect(self, password: str) -> str:
        with self._hashing:
            return self._hasher.hash(password.encode("utf-8", "surrogatepass"))

    def _record(self, unit: UnitOfWork, tag: str, actor: str, message: str) -> None:
        unit.observations.add_events([Event(self._clock.now(), tag, actor, message)])


def _named(unit: UnitOfWork, name: str) -> User:
    user = unit.people.by_name(name)
    if user is None:
        raise NotFoundError(what="User", id=name)
    return user


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        problem = Problem(
            "username",
            f"A name has 1 to {LONGEST_NAME} printable characters, without blanks around it.",
            "Choose another name.",
        )
        raise InvalidRequestError([problem])


def _check_password(password: str) -> None:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        problem = Problem(
            "password",
            f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.",
            "Choose a longer one; a sentence is good.",
        )
        raise InvalidRequestError([problem])
