"""Storage keys: which ones every store accepts, whether folder, bucket, database or memory."""

import re

from autopublisher.domain.errors import InvalidRequestError, Problem
from autopublisher.domain.faults import Fault
from autopublisher.domain.messages import remedied

_PART = re.compile(r"[A-Za-z0-9_=+@-][A-Za-z0-9._=+@-]*")
"""A name that means the same to every file system; no leading dot, so neither ``..`` nor hidden files."""

_LONGEST = 512


def checked_key(key: str) -> str:
    """Return the key if it is names joined by ``/``; InvalidRequestError for anything that could leave the store."""
    if len(key) <= _LONGEST and all(_PART.fullmatch(part) for part in key.split("/")):
        return key
    raise InvalidRequestError([Problem("storage_key", *remedied(Fault.STORAGE_KEY(key=repr(key[:80]))))])
