"""Account checks: what an account's watch goes through at each tick, each with a record of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from autopublisher.domain.ids import ActId
from autopublisher.domain.messages import Message


@dataclass(frozen=True)
class Outcome:
    """What came of one check: its ``record`` as JSON types, and whether it is ``complete`` or wants another look soon.

    ``unanswered`` says why Meta told it nothing, where that is so.
    """

    record: Mapping[str, Any]
    complete: bool = True
    unanswered: Message | None = None


class AccountCheck(Protocol):
    """One thing to see to. It may be repeated after a crash, so what it does at Meta is idempotent."""

    @property
    def name(self) -> str:
        """Under which name its record is kept in the watch's report."""
        ...

    def __call__(self, act_id: ActId, before: Mapping[str, Any] | None, now: datetime) -> Outcome | None:
        """Do what is to be done now; ``before`` is the record of the look before. None where there is nothing to say."""
        ...
