"""People who may sign in, and the tokens by which they are known."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from autopublisher.domain.access import Role
from autopublisher.domain.ids import UserId
from autopublisher.domain.messages import Code


class PersonMessage(Code):
    """What is said of people and their sign-ins."""

    USER_ADDED = "person.user_added"
    PASSWORD_SET = "person.password_set"  # noqa: S105 - a code
    TOKEN_ISSUED = "person.token_issued"  # noqa: S105 - a code
    SIGN_IN_FAILED = "person.sign_in_failed"
    SIGN_INS_FAILED = "person.sign_ins_failed"


@dataclass(frozen=True)
class User:
    """A person who may sign in; only the password's hash is kept, and the newest addresses they signed in from."""

    id: UserId
    name: str
    role: Role
    password_hash: str
    created_at: datetime
    active: bool = True
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class SignInFailures:
    """Wrong passwords in a row under one key of the sign-in throttle, which lets nobody in before ``closed_until``."""

    key: str
    failures: int
    failed_at: datetime
    closed_until: datetime | None = None


class TokenKind(StrEnum):
    """What a token is for."""

    API = "api"
    SESSION = "session"


@dataclass(frozen=True)
class AccessToken:
    """A bearer token; only a keyed hash of it is kept."""

    hash: str
    user_id: UserId
    kind: TokenKind
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None = None
