"""What the database in memory holds, and the rules a real one would enforce on it."""

from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Self

from autopublisher.domain.accounts.accounts import Account, Creative
from autopublisher.domain.accounts.claims import Claim
from autopublisher.domain.accounts.installation import Installation
from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.campaigns.campaign import Campaign
from autopublisher.domain.errors import ConflictError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import AccountId, ActId, CreativeId, RunId, StopId, UserId
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.journal.owners import Owner
from autopublisher.domain.journal.records import Decision, Event, MetaObject, Snapshot
from autopublisher.domain.messages import Message
from autopublisher.domain.past_tests import FinishedTest
from autopublisher.domain.people import AccessToken, SignInFailures, User
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.run import Run
from autopublisher.ports.repositories import KeptPacing
from autopublisher.ports.reservations import Count


@dataclass
class Tables:
    """One state of the whole database; the values are frozen, so copying the tables is enough."""

    runs: dict[RunId, Run] = field(default_factory=dict)
    operations: dict[tuple[Owner, str], Operation] = field(default_factory=dict)
    counted: dict[RunId, Count] = field(default_factory=dict)
    accounts: dict[AccountId, Account] = field(default_factory=dict)
    creatives: dict[CreativeId, Creative] = field(default_factory=dict)
    variants: dict[tuple[RunId, str], Variant] = field(default_factory=dict)
    objects: dict[tuple[RunId, str], MetaObject] = field(default_factory=dict)
    decisions: dict[tuple[RunId, int], Decision] = field(default_factory=dict)
    snapshots: dict[tuple[RunId, datetime, str], Snapshot] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    users: dict[UserId, User] = field(default_factory=dict)
    tokens: dict[str, AccessToken] = field(default_factory=dict)
    sign_in_failures: dict[str, SignInFailures] = field(default_factory=dict)
    stops: dict[StopId, Stop] = field(default_factory=dict)
    watches: dict[ActId, Watch] = field(default_factory=dict)
    campaigns: dict[RunId, Campaign] = field(default_factory=dict)
    claims: dict[ActId, Claim] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)
    pacings: dict[ActId, KeptPacing] = field(default_factory=dict)
    finished_tests: dict[tuple[RunId, str], FinishedTest] = field(default_factory=dict)
    listing_lags: list[tuple[timedelta, datetime]] = field(default_factory=list)

    def copy(self) -> Self:
        """Return a state that can change on its own."""
        return replace(self, **{one.name: getattr(self, one.name).copy() for one in fields(self)})

    def need_run(self, run_id: RunId | None) -> None:
        """Refuse what refers to a run that is not stored."""
        need(run_id is None or run_id in self.runs, Fault.NOT_STORED())

    def need_act_id(self, act_id: ActId | None) -> None:
        """Refuse what refers to an ad account that is not stored."""
        known = {account.act_id for account in self.accounts.values()}
        need(act_id is None or act_id in known, Fault.NOT_STORED())

    def need_account(self, account_id: AccountId) -> None:
        """Refuse what refers to an account that is not stored."""
        need(account_id in self.accounts, Fault.NOT_STORED())


def need(condition: bool, otherwise: Message) -> None:  # noqa: FBT001 (reads as an assertion)
    """Raise ConflictError unless a rule of the database holds."""
    if not condition:
        raise ConflictError(otherwise)
