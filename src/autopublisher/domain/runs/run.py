"""A run and its status table.

Theory of operation. A run is a row; a tick runs the phase of its status and moves the row along this table, one version
at a time. Waiting is a ``next_tick_at`` in the row, never a sleeping thread. ``control`` carries a person's wish (cancel
or adopt) until the next tick honours it, because only a tick may talk to Meta. The last three statuses are final.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from autopublisher.domain.errors import TransitionError
from autopublisher.domain.ids import AccountId, ActId, RunId
from autopublisher.domain.messages import Message
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.run_messages import as_asked


class RunStatus(StrEnum):
    """The brief's eleven states; the value is how JSON writes them."""

    PENDING = "pending"
    CREATING_CAMPAIGNS = "creating_campaigns"
    AB_TESTING = "ab_testing"
    ANALYZING_RESULTS = "analyzing_results"
    SELECTING_WINNER = "selecting_winner"
    WAITING_APPROVAL = "waiting_approval"
    SCALING_BUDGET = "scaling_budget"
    PUBLISHING_FINAL = "publishing_final"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Control(StrEnum):
    """What a person has asked of the run and no tick has carried out yet."""

    NONE = "none"
    CANCEL = "cancel"
    ADOPT = "adopt"


_R = RunStatus

TRANSITIONS: Mapping[RunStatus, frozenset[RunStatus]] = {
    _R.PENDING: frozenset({_R.CREATING_CAMPAIGNS, _R.FAILED, _R.CANCELLED}),
    _R.CREATING_CAMPAIGNS: frozenset({_R.AB_TESTING, _R.FAILED, _R.CANCELLED}),
    _R.AB_TESTING: frozenset({_R.ANALYZING_RESULTS, _R.FAILED, _R.CANCELLED}),
    _R.ANALYZING_RESULTS: frozenset({_R.SELECTING_WINNER, _R.FAILED, _R.CANCELLED}),
    _R.SELECTING_WINNER: frozenset(
        {_R.WAITING_APPROVAL, _R.SCALING_BUDGET, _R.COMPLETED, _R.FAILED, _R.CANCELLED}
    ),
    _R.WAITING_APPROVAL: frozenset({_R.SCALING_BUDGET, _R.FAILED, _R.CANCELLED}),
    _R.SCALING_BUDGET: frozenset({_R.PUBLISHING_FINAL, _R.COMPLETED, _R.FAILED, _R.CANCELLED}),
    _R.PUBLISHING_FINAL: frozenset({_R.COMPLETED, _R.FAILED, _R.CANCELLED}),
    _R.COMPLETED: frozenset(),
    _R.FAILED: frozenset(),
    _R.CANCELLED: frozenset(),
}

FINAL = frozenset({_R.COMPLETED, _R.FAILED, _R.CANCELLED})
"""Statuses no run leaves."""

ADMITTED = frozenset(RunStatus) - FINAL - {_R.PENDING}
"""Statuses that count towards AUTO_PUBLISHER_MAX_CONCURRENT_RUNS."""


REFUSED_AT = "refused_at"
"""The entry of a run's report that says since when Meta has refused its final ad."""


@dataclass(frozen=True)
class Approval:
    """A person's release of one variant, bound to the plan they saw; ``override``: against what the verdict says."""

    variant: str
    by: str
    at: datetime
    digest: str
    comment: str = ""
    override: bool = False


@dataclass(frozen=True)
class Run:
    """One run: what was asked, where it stands, and what its phases have to remember. Moments are aware UTC.

    ``restoration`` is the latest restoring of its database since which it has been compared with Meta.
    ``adopts`` names (``found_digest``) what a person has told it to take over at Meta.
    ``randomised`` is None until it is decided whether a study divides people between the arms; ``study_seen_at`` is when
    Meta last showed it as asked. ``poll_minutes`` is how often the test is read, as fixed when it began. ``ending_at`` is
    when the run turned to an end other than its planned one.
    """

    id: RunId
    account_id: AccountId
    act_id: ActId
    currency: str
    request: RunRequest
    status: RunStatus
    version: int
    created_at: datetime
    created_by: str
    updated_at: datetime
    next_tick_at: datetime | None
    idempotency_key: str | None = None
    request_digest: str = ""
    control: Control = Control.NONE
    control_by: str | None = None
    restoration: str | None = None
    adopts: str | None = None
    admitted_at: datetime | None = None
    ended_at: datetime | None = None
    ends_as: RunStatus | None = None
    ending_at: datetime | None = None
    failure: Message | None = None
    failed_ticks: int = 0
    attention: Message | None = None
    objective: str = ""
    plan_digest: str = ""
    warnings: tuple[Message, ...] = ()
    business_id: str | None = None
    randomised: bool | None = None
    study_seen_at: datetime | None = None
    build_starts_at: datetime | None = None
    build_ends_at: datetime | None = None
    test_starts_at: datetime | None = None
    test_ends_at: datetime | None = None
    poll_minutes: int | None = None
    edited_at: datetime | None = None
    interrupted_at: datetime | None = None
    stopped_at: datetime | None = None
    settles_at: datetime | None = None
    eliminated: tuple[str, ...] = ()
    allocated_at: datetime | None = None
    moving: Mapping[str, int] | None = None
    winner: str | None = None
    leader: str | None = None
    proven: bool = False
    approval: Approval | None = None
    approval_expires_at: datetime | None = None
    final_budget: Mapping[str, Any] | None = None
    report: Mapping[str, Any] | None = None

    @property
    def is_final(self) -> bool:
        """Whether the run has ended."""
        return self.status in FINAL

    @property
    def begins_at(self) -> datetime | None:
        """The moment a scheduled run waits for; None once it has been admitted, and for one without."""
        return self.request.scheduled_for if self.status is RunStatus.PENDING else None

    @property
    def reason(self) -> Message | None:
        """Why the run has ended, or is going to; a cancellation is only asked for until all of it has been read back."""
        if self.control is not Control.CANCEL or self.is_final or self.failure is None:
            return self.failure
        return as_asked(self.failure)

    @property
    def is_ending(self) -> bool:
        """Whether it is on its way to an end at which nothing of it is on, or has come to one."""
        return self.status in FINAL or self.ends_as in {_R.CANCELLED, _R.FAILED}

    @property
    def is_refused(self) -> bool:
        """Whether the run waits for a person because Meta does not deliver its final ad."""
        is_publishing = self.status is _R.PUBLISHING_FINAL and self.ends_as is None
        return is_publishing and self.control is Control.NONE and REFUSED_AT in (self.report or {})

    @property
    def was_divided_throughout(self) -> bool:
        """Whether people were divided at random until the test stopped, as Meta showed after that."""
        seen, stopped = self.study_seen_at, self.stopped_at
        return bool(self.randomised) and seen is not None and stopped is not None and seen >= stopped

    @property
    def divides_people(self) -> bool | None:
        """Whether people are, or were, divided at random between the arms, as far as can be claimed; None if undecided."""
        if not self.randomised or self.edited_at is not None:
            return None if self.randomised is None else False
        under_way = self.status in {_R.CREATING_CAMPAIGNS, _R.AB_TESTING, _R.ANALYZING_RESULTS}
        return self.was_divided_throughout or under_way

    def taken_over(self, now: datetime, **changes: Any) -> "Run":
        """Return the run publishing a final campaign that Meta holds already, by a person's word from any status."""
        if self.is_final:
            raise TransitionError(f"run {self.id} has ended and takes nothing over")
        return replace(
            self, status=_R.PUBLISHING_FINAL, updated_at=now, next_tick_at=now, ends_as=None, **changes
        )

    def moved(self, status: RunStatus, now: datetime, **changes: Any) -> "Run":
        """Return the run in ``status``; raises TransitionError for a move the table does not have."""
        if status not in TRANSITIONS[self.status]:
            raise TransitionError(f"run {self.id} cannot go from {self.status} to {status}")
        ended = {"ended_at": now, "next_tick_at": None} if status in FINAL else {"next_tick_at": now}
        return replace(self, status=status, updated_at=now, **{**ended, **changes})
