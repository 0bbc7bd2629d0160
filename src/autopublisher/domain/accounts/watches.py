"""Account watches: the rows by which ad accounts are checked again and again, apart from any run.

Theory of operation. As with a run, waiting is a moment in the row and a tick does one look. Each check of a look (the kill
switch, waking what it held, and others to come) leaves its record under its name in ``report``. ``tries`` counts looks in
a row that left something undone, and so decides when to look again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from autopublisher.domain.ids import ActId
from autopublisher.domain.messages import Message

FIRST_RETRY = timedelta(seconds=15)
LONGEST_RETRY = timedelta(minutes=10)

URGENT_TRIES = 40
"""For so many looks in a row, some hours, an undone check is worth moving stepped time on for."""


PROBLEM = "problem"
"""The entry of a check's record that says why it could not be done at all."""

META = "meta"
"""The name under which a watch keeps whether Meta answered its last look."""


@dataclass(frozen=True)
class MetaAnswer:
    """Whether Meta answered a look at an account, ``at`` its moment; ``problem`` says why not."""

    at: datetime
    problem: Message | None = None

    def to_record(self) -> dict[str, Any]:
        """Return it as JSON types."""
        problem = None if self.problem is None else self.problem.to_record()
        return {"at": self.at.isoformat(), "problem": problem}


@dataclass(frozen=True)
class Watch:
    """One account's watch. Moments are aware UTC; ``looked_at`` is None before the first look."""

    act_id: ActId
    version: int
    next_look_at: datetime
    looked_at: datetime | None = None
    tries: int = 0
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_urgent(self) -> bool:
        """Whether something is undone that a look may mend soon."""
        return 0 < self.tries <= URGENT_TRIES

    def nudged(self, now: datetime) -> "Watch":
        """Return the watch to be looked at now, under its next version."""
        return replace(self, version=self.version + 1, next_look_at=now, tries=0)

    def looked(self, now: datetime, report: Mapping[str, Any], every: timedelta, *, done: bool) -> "Watch":
        """Return the watch after a look: again after ``every``, sooner and then ever later where something is undone."""
        tries = 0 if done else self.tries + 1
        backoff = min(LONGEST_RETRY, FIRST_RETRY * (1 << min(tries - 1, 10))) if tries else every
        return replace(
            self,
            version=self.version + 1,
            looked_at=now,
            next_look_at=now + min(backoff, every),
            tries=tries,
            report=report,
        )


def meta_answer(watch: Watch) -> MetaAnswer | None:
    """Return whether Meta answered the account's last look; None before the first."""
    record = watch.report.get(META)
    if record is None:
        return None
    problem = None if record["problem"] is None else Message.from_record(record["problem"])
    return MetaAnswer(datetime.fromisoformat(record["at"]), problem)
