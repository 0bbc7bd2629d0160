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
from autopublisher.domain.faults import Fault, Thing
from autopublisher.domain.ids import AccountId, ActId, RunId
from autopublisher.domain.messages import Message
from autopublisher.domain.past_tests import AccountMemory
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


class Way(StrEnum):
    """How a run is published: a variant by a campaign of its own with a scaled budget, or by its arm going on where it is.

    `keep_all` names no variant: all arms that can go on where they are, with equal parts of what is left.
    """

    SCALED = "scaled"
    IN_PLACE = "in_place"
    KEEP_ALL = "keep_all"


@dataclass(frozen=True)
class Approval:
    """A person's release of one variant, bound to the plan they saw; ``override``: against what the verdict says.

    ``variant`` is None where all are kept.
    """

    variant: str | None
    by: str
    at: datetime
    digest: str
    comment: str = ""
    override: bool = False


@dataclass(frozen=True)
class Study:
    """The study at Meta that divides people at random between the arms of the test.

    ``business_id`` is the business it belongs to. ``is_randomised`` is None until it is decided whether there is one;
    ``seen_at`` is when Meta last showed it as asked.
    """

    business_id: str | None = None
    is_randomised: bool | None = None
    seen_at: datetime | None = None


@dataclass(frozen=True)
class Trial:
    """The test of the variants: when it runs, what has touched it, and where its money goes. Moments are aware UTC.

    ``arms_start_at`` and ``arms_end_at`` are what the arms are built with, ``starts_at`` and ``ends_at`` when the test
    itself begins and ends; its figures are read every ``poll_minutes``, as fixed at its beginning. ``edited_at`` is when
    somebody else was first seen to have changed it, ``interrupted_at`` when it last went on after a stop, ``stopped_at``
    when its arms were switched off, ``settles_at`` when its last conversions are in. ``eliminated`` are the variants proven
    worse. ``allocated_at`` is when its money was last divided anew, ``moving`` each arm's budget while that is carried out,
    in minor units. ``memory`` is what earlier tests of the account said when the run was admitted; None without any.
    ``further_days`` is by how many whole days the test may go on past its plan, fixed and set aside when it was admitted.
    """

    arms_start_at: datetime | None = None
    arms_end_at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    poll_minutes: int | None = None
    edited_at: datetime | None = None
    interrupted_at: datetime | None = None
    stopped_at: datetime | None = None
    settles_at: datetime | None = None
    eliminated: tuple[str, ...] = ()
    allocated_at: datetime | None = None
    moving: Mapping[str, int] | None = None
    memory: AccountMemory | None = None
    further_days: int = 0


@dataclass(frozen=True)
class Ending:
    """The end of a run: ``at`` once it has come, ``why`` where it was not the planned one, or will not be.

    ``turned_to`` is the final status a run is on its way to by switching off what it has on, ``turned_at`` when a
    cancellation or a failure has sent it there. Moments are aware UTC.
    """

    at: datetime | None = None
    turned_to: RunStatus | None = None
    turned_at: datetime | None = None
    why: Message | None = None


@dataclass(frozen=True)
class Release:
    """What is published: the variant, by whose word, and with which money.

    ``winner`` is the variant that the test has chosen or a person has approved, ``is_proven`` whether the evidence proves
    it, ``leader`` the one ahead when the test was judged, ``way`` how it is published. A person may approve until
    ``expires_at``. ``final_budget`` is the final campaign's budget as a record, amounts in minor units.
    """

    winner: str | None = None
    leader: str | None = None
    is_proven: bool = False
    approval: Approval | None = None
    expires_at: datetime | None = None
    final_budget: Mapping[str, Any] | None = None
    way: Way = Way.SCALED


@dataclass(frozen=True)
class Run:
    """One run: what was asked, where it stands, and what its phases have to remember. Moments are aware UTC.

    ``restoration`` is the latest restoring of its database since which it has been compared with Meta.
    ``adopts`` names (``found_digest``) what a person has told it to take over at Meta. ``failed_ticks`` is how many of its
    ticks have failed in a row, ``unread_ticks`` how many of them for an answer of Meta that could not be used.
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
    ending: Ending = Ending()
    failed_ticks: int = 0
    unread_ticks: int = 0
    attention: Message | None = None
    objective: str = ""
    plan_digest: str = ""
    warnings: tuple[Message, ...] = ()
    study: Study = Study()
    trial: Trial = Trial()
    release: Release = Release()
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
        if self.control is not Control.CANCEL or self.is_final or self.ending.why is None:
            return self.ending.why
        return as_asked(self.ending.why)

    @property
    def is_ending(self) -> bool:
        """Whether it is on its way to an end at which nothing of it is on, or has come to one."""
        return self.status in FINAL or self.ending.turned_to in {_R.CANCELLED, _R.FAILED}

    @property
    def is_refused(self) -> bool:
        """Whether the run waits for a person because Meta does not deliver its final ad."""
        is_publishing = self.status is _R.PUBLISHING_FINAL and self.ending.turned_to is None
        return is_publishing and self.control is Control.NONE and REFUSED_AT in (self.report or {})

    @property
    def was_divided_throughout(self) -> bool:
        """Whether people were divided at random until the test stopped, as Meta showed after that."""
        seen, stopped = self.study.seen_at, self.trial.stopped_at
        return bool(self.study.is_randomised) and seen is not None and stopped is not None and seen >= stopped

    @property
    def divides_people(self) -> bool | None:
        """Whether people are, or were, divided at random between the arms, as far as can be claimed; None if undecided."""
        if not self.study.is_randomised or self.trial.edited_at is not None:
            return None if self.study.is_randomised is None else False
        under_way = self.status in {_R.CREATING_CAMPAIGNS, _R.AB_TESTING, _R.ANALYZING_RESULTS}
        return self.was_divided_throughout or under_way

    def taken_over(self, now: datetime) -> "Run":
        """Return the run publishing a final campaign that Meta holds already, by a person's word from any status."""
        if self.is_final:
            raise TransitionError(Fault.RUN_HAS_ENDED(id=self.id))
        ending = replace(self.ending, turned_to=None)
        return replace(self, status=_R.PUBLISHING_FINAL, updated_at=now, next_tick_at=now, ending=ending)

    def untroubled(self) -> "Run":
        """Return the run with no failed tick behind it."""
        return replace(self, failed_ticks=0, unread_ticks=0)

    def moved(self, status: RunStatus, now: datetime) -> "Run":
        """Return the run in ``status``, due at once or ended; raises TransitionError for a move the table does not have."""
        if status not in TRANSITIONS[self.status]:
            raise TransitionError(
                Fault.NO_SUCH_MOVE(what=Thing.RUN(), id=self.id, was=self.status.value, to=status.value)
            )
        if status in FINAL:
            ending = replace(self.ending, at=now)
            return replace(self, status=status, updated_at=now, next_tick_at=None, ending=ending)
        return replace(self, status=status, updated_at=now, next_tick_at=now)
