"""People, their passwords and their tokens.

Tokens are opaque; only a keyed hash of one is kept, so neither the database nor a copy of it opens anything. The clock given
here must be the real one: a simulated test of a week must not end a session.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import uuid4

from autopublisher.domain.access import Role
from autopublisher.domain.errors import (
    InvalidRequestError,
    NotAuthenticatedError,
    NotFoundError,
    Problem,
    UnavailableError,
)
from autopublisher.domain.faults import Thing
from autopublisher.domain.ids import UserId
from autopublisher.domain.journal.records import Event
from autopublisher.domain.messages import Message, remedied
from autopublisher.domain.names import fault_of_name
from autopublisher.domain.people import AccessToken, PersonMessage, TokenKind, User
from autopublisher.flows.requests.deadline import within
from autopublisher.flows.requests.recent_callers import RecentCallers
from autopublisher.flows.requests.refusals import Refusal
from autopublisher.flows.requests.sign_in_throttle import FailureLog, SignInThrottle, network_of
from autopublisher.ports.clock import Clock
from autopublisher.ports.passwords import Passwords
from autopublisher.ports.repositories import OpenUnitOfWork, UnitOfWork
from autopublisher.ports.tokens import Tokens

SESSION_LIFETIME: Final = timedelta(hours=12)
SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 1024
LONGEST_NAME: Final = 64
FAMILIAR_ADDRESSES: Final = 20
"""Addresses kept of each person: from these, what strangers do to the name holds nobody up."""

LOCAL: Final = "local"
"""The address of whoever asks without a network between."""

STOP_SECONDS: Final = 3.0
"""How long the database may take to say who wants to stop."""


class WrongPasswordError(NotAuthenticatedError):
    """The name or the password is wrong."""

    remedy = "Check both. An administrator can set a new password with 'autopublisher user password'."


class People:
    """Signs people in, tells who holds a token, and keeps the register of users."""

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        clock: Clock,
        tokens: Tokens,
        passwords: Passwords,
    ) -> None:
        self._open_unit = open_unit
        self._clock = clock
        self._tokens = tokens
        self._passwords = passwords
        self._throttle = SignInThrottle(open_unit, clock)
        self._failures = FailureLog()
        self._recent = RecentCallers()
        # Verified against when the name is unknown, so that an unknown name takes as long as a wrong password.
        self._nobody = passwords.protect(tokens.fresh())

    def sign_in(self, name: str, password: str, address: str = LOCAL) -> tuple[str, AccessToken]:
        """Return a new session token and its record.

        Raises WrongPasswordError, TooManyAttemptsError, and PasswordsBusyError where too many sign in at once.
        """
        with self._throttle.attempt(name, address) as attempt:
            user = self._known(name)
            attempt.admit(familiar=user is not None and attempt.network in user.addresses)
            known = self._passwords.matches(self._nobody if user is None else user.password_hash, password)
            right = user is not None and known and user.active
            attempt.ended(right=right)
        if user is None or not right:
            self._write_down_failure(name, address)
            raise WrongPasswordError
        return self._issue(user, TokenKind.SESSION, "sign-in", SESSION_LIFETIME, address=network_of(address))

    def identify(self, token: str) -> User:
        """Return who holds a token; NotAuthenticatedError where it is unknown or over, or its user inactive."""
        digest = self._tokens.digest(token)
        with self._open_unit().reading() as unit:
            found = unit.people.by_token(digest)
        if found is None or not found[0].active or not self._is_live(found[1]):
            self._recent.forget(digest)
            raise NotAuthenticatedError
        user, held = found
        self._recent.saw(digest, user, self._clock.now(), held.expires_at)
        return user

    def identify_to_stop(self, token: str) -> User:
        """Return who holds a token, as ``identify`` does, for the kill switch alone.

        Where the database does not answer soon, whoever showed the token lately in this process is believed.
        """
        try:
            return within(STOP_SECONDS, lambda: self.identify(token))
        except UnavailableError:
            known = self._recent.recall(self._tokens.digest(token), self._clock.now())
            if known is None:
                raise
            return known

    def add_user(self, name: str, password: str, role: Role, actor: str = "system") -> User:
        """Register a user; raises InvalidRequestError for an unfit name or password, ConflictError for a taken name."""
        _check_name(name)
        _check_password(password)
        now = self._clock.now()
        user = User(UserId(str(uuid4())), name, role, self._passwords.protect(password), now)
        with self._open_unit() as unit:
            unit.people.add(user)
            self._record(
                unit, "person:user:added", actor, PersonMessage.USER_ADDED(name=name, role=role.value)
            )
            unit.commit()
        return user

    def set_password(self, name: str, password: str, actor: str = "system") -> None:
        """Replace a user's password; raises NotFoundError. Tokens given out before stay valid until they expire."""
        _check_password(password)
        protected = self._passwords.protect(password)
        with self._open_unit() as unit:
            unit.lock(f"person:{name}")
            user = _named(unit, name)
            unit.people.save(replace(user, password_hash=protected))
            self._record(unit, "person:password:set", actor, PersonMessage.PASSWORD_SET(name=name))
            unit.commit()
        self._throttle.forget(name)

    def user(self, name: str) -> User:
        """Return the user of this name; raises NotFoundError."""
        with self._open_unit().reading() as unit:
            return _named(unit, name)

    def issue_token(self, user: User, label: str, lifetime: timedelta | None, actor: str = "system") -> str:
        """Return a new API token for a user, valid for ``lifetime``, or until revoked where that is None.

        Raises InvalidRequestError for a label that cannot be read.
        """
        fault = fault_of_name(label)
        if fault is not None:
            raise InvalidRequestError([Problem("label", *remedied(Refusal.UNREADABLE_LABEL(fault=fault)))])
        token, _ = self._issue(user, TokenKind.API, label, lifetime, actor=actor)
        return token

    def revoke(self, token: str) -> None:
        """End a token's life; one that is unknown or over is left as it is."""
        with self._open_unit() as unit:
            found = unit.tokens.get(self._tokens.digest(token))
            if found is not None and found.revoked_at is None:
                unit.tokens.put(replace(found, revoked_at=self._clock.now()))
                unit.commit()

    def _known(self, name: str) -> User | None:
        """Return the user, without asking the database for a name that it could not even hold."""
        if not name.isprintable():
            return None
        with self._open_unit().reading() as unit:
            return unit.people.by_name(name)

    def _issue(
        self,
        user: User,
        kind: TokenKind,
        label: str,
        lifetime: timedelta | None,
        *,
        actor: str | None = None,
        address: str | None = None,
    ) -> tuple[str, AccessToken]:
        token = self._tokens.fresh()
        now = self._clock.now()
        expires_at = None if lifetime is None else now + lifetime
        record = AccessToken(self._tokens.digest(token), user.id, kind, label, now, expires_at)
        with self._open_unit() as unit:
            if address is not None:
                _remember(unit, user, address)
            unit.tokens.put(record)
            self._record(
                unit,
                "person:token:issued",
                actor or user.name,
                PersonMessage.TOKEN_ISSUED(name=user.name, kind=kind.value, label=label),
            )
            unit.commit()
        return token, record

    def _is_live(self, token: AccessToken) -> bool:
        expired = token.expires_at is not None and token.expires_at <= self._clock.now()
        return token.revoked_at is None and not expired

    def _write_down_failure(self, name: str, address: str) -> None:
        event = self._failures.event(name, address, self._clock.now())
        if event is None:
            return
        with self._open_unit() as unit:
            unit.observations.add_events([event])
            unit.commit()

    def _record(self, unit: UnitOfWork, tag: str, actor: str, message: Message) -> None:
        unit.observations.add_events([Event(self._clock.now(), tag, actor, message)])


def _named(unit: UnitOfWork, name: str) -> User:
    user = unit.people.by_name(name)
    if user is None:
        raise NotFoundError(what=Thing.USER(), id=name)
    return user


def _remember(unit: UnitOfWork, user: User, address: str) -> None:
    """Keep the address a person signed in from, the newest first."""
    if address in user.addresses:
        return
    unit.lock(f"person:{user.name}")
    now = _named(unit, user.name)  # read again: a new password may have been set meanwhile
    unit.people.save(replace(now, addresses=(address, *now.addresses)[:FAMILIAR_ADDRESSES]))


def _check_name(name: str) -> None:
    fault = fault_of_name(name)
    if fault is not None and name:
        raise InvalidRequestError([Problem("username", *remedied(Refusal.UNREADABLE_NAME(fault=fault)))])
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        problem = Problem("username", *remedied(Refusal.USER_NAME_LENGTH(most=LONGEST_NAME)))
        raise InvalidRequestError([problem])


def _check_password(password: str) -> None:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        problem = Problem(
            "password", *remedied(Refusal.PASSWORD_LENGTH(least=SHORTEST_PASSWORD, most=LONGEST_PASSWORD))
        )
        raise InvalidRequestError([problem])
