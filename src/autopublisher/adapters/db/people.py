"""Users and their tokens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Text, bindparam, or_, select, update

from autopublisher.adapters.db.embedded import Conditions, WideQuery
from autopublisher.adapters.db.session import Row, Session
from autopublisher.adapters.db.tables import tokens, users
from autopublisher.domain.errors import ConflictError, NotFoundError
from autopublisher.domain.faults import Fault, Thing
from autopublisher.domain.messages import Message
from autopublisher.domain.people import AccessToken, User

_HASH: Final = bindparam("hash", type_=Text)


def _held(_postgres: bool) -> Conditions:  # noqa: FBT001 - as a wide query is built
    holder = select(tokens.c.user_id).where(tokens.c.hash == _HASH).scalar_subquery()
    return {users: users.c.id == holder, tokens: tokens.c.hash == _HASH}


_HELD: Final = WideQuery(_held)


def _user(row: Row) -> User:
    return User(**{**row, "addresses": tuple(row["addresses"])})


def _taken(user: User) -> Message:
    return Fault.USER_EXISTS(name=user.name)


class SqlPeople:
    """Implements ``ports.repositories.PeopleRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, user: User) -> None:
        """Insert a user; ConflictError where the name is taken."""
        if not self._session.insert(users, vars(user)):
            raise ConflictError(_taken(user))

    def by_name(self, name: str) -> User | None:
        """Return the user with this name, or None."""
        row = self._session.row(select(users).where(users.c.name == name))
        return None if row is None else _user(row)

    def by_token(self, token_hash: str) -> tuple[User, AccessToken] | None:
        """Return the user who holds the token with this hash, and the token; None where there is no such token."""
        found = _HELD.ask(self._session, hash=token_hash)
        token, user = found.only(tokens, lambda row: AccessToken(**row)), found.only(users, _user)
        return None if token is None or user is None else (user, token)

    def save(self, user: User) -> None:
        """Overwrite a user; raises NotFoundError, and ConflictError where the name is taken."""
        change = update(users).where(users.c.id == user.id).values(**vars(user))
        if self._session.change(change, _taken(user)) == 0:
            raise NotFoundError(what=Thing.USER(), id=user.id)

    def all(self) -> Sequence[User]:
        """Return every user by name."""
        return [_user(row) for row in self._session.rows(select(users).order_by(users.c.name))]


class SqlTokens:
    """Implements ``ports.repositories.TokenRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, token: AccessToken) -> None:
        """Insert or overwrite a token by its hash."""
        self._session.put(tokens, vars(token), ("hash",))

    def get(self, token_hash: str) -> AccessToken | None:
        """Return the token with this hash, or None."""
        row = self._session.row(select(tokens).where(tokens.c.hash == token_hash))
        return None if row is None else AccessToken(**row)


def end_tokens(session: Session, at: datetime) -> int:
    """End every token and session that is not over; return how many that were."""
    live = or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > at)
    ended = session.change(update(tokens).where(tokens.c.revoked_at.is_(None), live).values(revoked_at=at))
    session.change(update(tokens).where(tokens.c.revoked_at.is_(None)).values(revoked_at=at))
    return ended
