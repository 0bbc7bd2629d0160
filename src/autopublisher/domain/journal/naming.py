"""Naming tokens: marks in the names of objects, by which the result of an unanswered create is found again."""

import re

from autopublisher.domain.ids import RunId

NAME_LIMIT = 400
"""Longest name Meta takes for a campaign or ad set, in characters."""

MARK = "[ap-"
"""What the name of every object of ours contains, whichever run made it."""

_RUN_MARK = re.compile(r"\[ap-[0-9a-f]{16}-")
_TOKEN = re.compile(r"\[ap-[0-9a-f]{16}-[a-z0-9.]+\]")


def naming_token(run_id: RunId, place: str) -> str:
    """Return the token of one object of a run; ``place`` is its role in the plan, such as ``a.adset``."""
    return f"[ap-{run_id.replace('-', '')[:16]}-{place.lower()}]"


def run_mark(run_id: RunId) -> str:
    """Return the part of the token that all objects of a run share."""
    return f"[ap-{run_id.replace('-', '')[:16]}-"


def run_marks_in(name: str) -> list[str]:
    """Return everything in a name that has the form of a run's mark: people may write the like of one themselves."""
    return _RUN_MARK.findall(name)


def id_prefix_of(mark: str) -> str:
    """Return how the id of the run begins whose objects bear this mark; ids are UUIDs as text."""
    digits = mark.removeprefix(MARK)
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}"


def tokenised(title: str, token: str) -> str:
    """Return ``title`` followed by the token, shortening the title so that the token always survives."""
    room = NAME_LIMIT - len(token) - 1
    return f"{title[:room].rstrip()} {token}"


def token_in(name: str) -> str | None:
    """Return the token found in a name, or None."""
    found = _TOKEN.search(name)
    return None if found is None else found.group(0)
