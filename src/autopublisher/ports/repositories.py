"""The database as the flows need it: repositories inside one unit of work, which alone commits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Protocol, Self

from autopublisher.domain.accounts.accounts import Account, Creative
from autopublisher.domain.accounts.claims import Claim
from autopublisher.domain.accounts.installation import Installation
from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.campaigns.campaign import Campaign
from autopublisher.domain.ids import AccountId, ActId, CreativeId, MetaId, RunId, StopId
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.journal.owners import Owner, RunOwner
from autopublisher.domain.journal.records import Decision, Event, MetaObject, Snapshot
from autopublisher.domain.meta.pacing import Pacing
from autopublisher.domain.people import AccessToken, User
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.ports.dossiers import DossierRepository
from autopublisher.ports.past_tests import FinishedTestRepository
from autopublisher.ports.reservations import ReservationRepository
from autopublisher.ports.sign_ins import SignInFailureRepository


@dataclass(frozen=True)
class RunFilter:
    """Which runs to look for; a None leaves that matter open. Order: oldest ``created_at`` first, then id.

    With ``due_by`` the longest due come first, and there are no pages. ``alive_since`` keeps the runs that have not ended,
    or ended at that moment or later; ``was_admitted`` those that were ever let in; ``is_unsettled`` those with a row that is
    (``domain.runs.settlement``); ``marks`` those whose objects at Meta bear one of these marks in their names.
    """

    ids: frozenset[RunId] | None = None
    statuses: frozenset[RunStatus] | None = None
    act_id: ActId | None = None
    due_by: datetime | None = None
    alive_since: datetime | None = None
    was_admitted: bool = False
    is_unsettled: bool = False
    idempotency_key: str | None = None
    marks: frozenset[str] | None = None
    before: RunId | None = None
    newest_first: bool = False
    limit: int = 100


@dataclass(frozen=True)
class Fence:
    """Fence of a write: a run at the version that its tick has loaded."""

    run_id: RunId
    version: int


def fence_of(owner: RunOwner, fence: Fence | None) -> Fence:
    """Return the fence of a run's row; TypeError where it is not that run's, which no caller may give."""
    if fence is None or fence.run_id != owner.run_id:
        raise TypeError(f"a row of run {owner.run_id} is written under that run's fence, not {fence}")
    return fence


@dataclass(frozen=True)
class Pulse:
    """How all runs stand: the earliest ``next_tick_at``, and a number that grows with each save.

    ``next_due`` is None where nothing waits for time.
    """

    next_due: datetime | None
    changes: int


class RunRepository(Protocol):
    """The run table."""

    def add(self, run: Run) -> None:
        """Insert a new run."""
        ...

    def get(self, run_id: RunId) -> Run:
        """Return a run; raises RunNotFoundError."""
        ...

    def save(self, run: Run, was: int) -> None:
        """Overwrite the run if its stored version still is ``was`` (``run.version`` is the new one); StaleRunError else."""
        ...

    def find(self, wanted: RunFilter) -> Sequence[Run]:
        """Return matching runs in order, ``limit`` at most; ``before`` pages: only runs after that one in the order."""
        ...

    def count(self, wanted: RunFilter) -> int:
        """Return how many runs match, ignoring ``limit`` and ``before``."""
        ...

    def pulse(self) -> Pulse:
        """Return when the next run is due, and whether any has changed."""
        ...


class JournalRepository(Protocol):
    """The operation journal. Every change is a compare-and-swap, a run's rows being fenced by its version.

    The fence of an account's row is None: an account has no version to hold.
    """

    def intend(self, operation: Operation, fence: Fence | None) -> None:
        """Insert an INTENDED row; StaleRunError if the fence has fallen, StaleOperationError if the owner has the key."""
        ...

    def advance(self, operation: Operation, was: Operation, fence: Fence | None) -> None:
        """Overwrite the row if its state, attempts, look-ups and money still are ``was``'s.

        StaleOperationError or StaleRunError else. Money is ``reserves`` and ``spent``: a stale worker writes neither back.
        """
        ...

    def get(self, owner: Owner, key: str) -> Operation | None:
        """Return one row, or None."""
        ...

    def of_account(self, act_id: ActId) -> Sequence[Operation]:
        """Return by sequence the rows that belong to an account and to no run."""
        ...

    def of_run(self, run_id: RunId) -> Sequence[Operation]:
        """Return a run's rows by sequence."""
        ...

    def of_runs(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Sequence[Operation]]:
        """Return the rows of many runs by run, each by sequence; a run without rows is left out."""
        ...


class AccountRepository(Protocol):
    """Ad accounts we may act on."""

    def add(self, account: Account) -> None:
        """Insert an account; ConflictError where the act id is taken."""
        ...

    def get(self, account_id: AccountId) -> Account:
        """Return an account, by our id or by Meta's ``act_`` id; raises AccountNotFoundError."""
        ...

    def by_act_id(self, act_id: ActId) -> Account | None:
        """Return the account with Meta's id, or None."""
        ...

    def save(self, account: Account) -> None:
        """Overwrite an account."""
        ...

    def all(self) -> Sequence[Account]:
        """Return every account by name."""
        ...


class CreativeRepository(Protocol):
    """Images that runs can test."""

    def add(self, creative: Creative) -> None:
        """Insert a creative."""
        ...

    def get_many(self, creative_ids: Sequence[CreativeId]) -> Sequence[Creative]:
        """Return the creatives in the order asked; raises CreativesNotFoundError naming all that are missing."""
        ...

    def of_account(self, account_id: AccountId) -> Sequence[Creative]:
        """Return an account's creatives, oldest first."""
        ...


@dataclass(frozen=True)
class ObservedArm:
    """Ad set of a test arm whose figures are wanted: since when, and which of the pixel's events counts for it."""

    run_id: RunId
    letter: str
    ad_set_id: MetaId
    since: datetime
    conversion_event: str | None


class RunRecordRepository(Protocol):
    """Records of a run beside its row: variants and Meta models."""

    def add_variants(self, variants: Sequence[Variant]) -> None:
        """Insert a run's variants."""
        ...

    def variants(self, run_id: RunId) -> Sequence[Variant]:
        """Return a run's variants by letter."""
        ...

    def put_objects(self, models: Sequence[MetaObject], *, newest: bool = False) -> None:
        """Insert Meta models, or overwrite those of the same run and key that were not read later; baselines stay.

        ``newest`` has these count as read last, whatever their moments say.
        """
        ...

    def objects(self, run_id: RunId) -> Sequence[MetaObject]:
        """Return a run's Meta models by key."""
        ...

    def objects_of(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Sequence[MetaObject]]:
        """Return the Meta models of many runs by run, each by key; a run without models is left out."""
        ...

    def observed_arms(
        self, act_id: ActId, statuses: frozenset[RunStatus], run_id: RunId
    ) -> Sequence[ObservedArm]:
        """Return by run and letter the test arms of an account's runs at these statuses, and those of ``run_id``."""
        ...


class DecisionRepository(Protocol):
    """Decisions of runs: verdicts as they were reached, append-only, numbered from 1 without gaps."""

    def add(self, decision: Decision) -> None:
        """Append a decision."""
        ...

    def of_run(self, run_id: RunId) -> Sequence[Decision]:
        """Return a run's decisions by sequence."""
        ...

    def latest(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Decision]:
        """Return the last decision of each of many runs that has one."""
        ...


class ObservationRepository(Protocol):
    """Insight snapshots and audit events, append-only."""

    def add_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """Append snapshots; one that is there already (run, variant, moment) is left as it is."""
        ...

    def snapshots(self, run_id: RunId, since: datetime | None = None) -> Sequence[Snapshot]:
        """Return a run's snapshots by moment, then variant: all, or those of a moment and after it."""
        ...

    def latest_snapshots(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Sequence[Snapshot]]:
        """Return the last snapshot of each variant of many runs by run, by variant; a run without any is left out."""
        ...

    def with_figures(self, run_ids: Sequence[RunId]) -> frozenset[tuple[RunId, str]]:
        """Return which variants of many runs have ever had a figure that is not nothing."""
        ...

    def add_events(self, events: Sequence[Event]) -> None:
        """Append audit events."""
        ...

    def events(self, run_id: RunId) -> Sequence[Event]:
        """Return a run's events in the order they were written."""
        ...


class PeopleRepository(Protocol):
    """Users."""

    def add(self, user: User) -> None:
        """Insert a user; ConflictError where the name is taken."""
        ...

    def by_name(self, name: str) -> User | None:
        """Return the user with this name, or None."""
        ...

    def by_token(self, token_hash: str) -> tuple[User, AccessToken] | None:
        """Return the user who holds the token with this hash, and the token; None where there is no such token."""
        ...

    def save(self, user: User) -> None:
        """Overwrite a user."""
        ...

    def all(self) -> Sequence[User]:
        """Return every user by name."""
        ...


class TokenRepository(Protocol):
    """Tokens of sessions and of the API."""

    def put(self, token: AccessToken) -> None:
        """Insert or overwrite a token by its hash."""
        ...

    def get(self, token_hash: str) -> AccessToken | None:
        """Return the token with this hash, or None."""
        ...


class StopRepository(Protocol):
    """Stops: presses of the kill switch."""

    def add(self, stop: Stop) -> None:
        """Insert a stop."""
        ...

    def get(self, stop_id: StopId) -> Stop:
        """Return a stop; raises StopNotFoundError."""
        ...

    def save(self, stop: Stop) -> None:
        """Overwrite a stop; raises StopNotFoundError."""
        ...

    def holding(self, act_id: ActId | None = None) -> Sequence[Stop]:
        """Return the stops that hold, oldest first: all of them, or those that concern one account."""
        ...

    def concerning(self, act_id: ActId) -> Sequence[Stop]:
        """Return the stops that concern an account, those of every account included, oldest first."""
        ...

    def latest(self, limit: int = 50) -> Sequence[Stop]:
        """Return stops, those that hold first, then by ``at``, newest first."""
        ...


class WatchRepository(Protocol):
    """Account watches, one row per ad account."""

    def add(self, watch: Watch) -> None:
        """Insert an account's watch; nothing happens where it has one."""
        ...

    def get(self, act_id: ActId) -> Watch | None:
        """Return an account's watch, or None."""
        ...

    def save(self, watch: Watch, was: int) -> None:
        """Overwrite the watch if its stored version still is ``was``; StaleWatchError else."""
        ...

    def all(self) -> Sequence[Watch]:
        """Return every watch by account."""
        ...

    def due(self, moment: datetime) -> Sequence[Watch]:
        """Return the watches to be looked at by then, the longest due first."""
        ...


class CampaignRepository(Protocol):
    """The final campaign of each run that has come to publishing."""

    def add(self, campaign: Campaign) -> None:
        """Insert a campaign; nothing happens where its run has one."""
        ...

    def save(self, campaign: Campaign, was: int) -> None:
        """Overwrite the campaign if its stored version still is ``was``; StaleCampaignError else."""
        ...

    def of_runs(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Campaign]:
        """Return the campaigns of these runs; a run without one is missing."""
        ...

    def unsettled(self, act_id: ActId, since: datetime) -> Sequence[Campaign]:
        """Return an account's campaigns that have not settled and whose schedule ends at ``since`` or later, by id."""
        ...


@dataclass(frozen=True)
class KeptPacing:
    """How fast an ad account's calls may go, as a tick of it left it at ``kept_at``."""

    pacing: Pacing
    kept_at: datetime


class PacingRepository(Protocol):
    """Pacing state of each ad account, shared between processes."""

    def get(self, act_id: ActId) -> KeptPacing | None:
        """Return what was kept last, or None."""
        ...

    def put(self, act_id: ActId, kept: KeptPacing) -> None:
        """Insert or overwrite; of a family that asks nothing of anybody not even the usage is kept."""
        ...


class ListingLagRepository(Protocol):
    """Longest delays with which Meta has listed new objects here."""

    def longest(self) -> timedelta:
        """Return the longest lag seen; nothing where none was."""
        ...

    def note(self, lag: timedelta, at: datetime) -> None:
        """Keep a lag that was seen, unless a longer one is kept."""
        ...


class InstallationRepository(Protocol):
    """The row with the installation's identity."""

    def present(self) -> Installation | None:
        """Return the installation, None before it was added."""
        ...

    def add(self, present: Installation) -> None:
        """Insert the installation; nothing happens where there is one."""
        ...

    def save(self, present: Installation) -> None:
        """Overwrite the installation."""
        ...


class ClaimRepository(Protocol):
    """Claims of the installation on ad accounts."""

    def of(self, act_id: ActId) -> Claim | None:
        """Return the claim on an account, None where it was never claimed."""
        ...

    def put(self, claim: Claim) -> None:
        """Insert or overwrite."""
        ...


class UnitOfWork(Protocol):
    """One transaction. Leaving the block without ``commit`` undoes everything."""

    runs: RunRepository
    journal: JournalRepository
    reservations: ReservationRepository
    accounts: AccountRepository
    creatives: CreativeRepository
    records: RunRecordRepository
    decisions: DecisionRepository
    observations: ObservationRepository
    people: PeopleRepository
    tokens: TokenRepository
    stops: StopRepository
    watches: WatchRepository
    campaigns: CampaignRepository
    pacings: PacingRepository
    listing_lags: ListingLagRepository
    installations: InstallationRepository
    claims: ClaimRepository
    dossiers: DossierRepository
    sign_ins: SignInFailureRepository
    finished_tests: FinishedTestRepository

    def reading(self) -> Self:
        """Return this unit as one that only reads: on SQLite it waits for nobody's write, and nobody waits for it.

        On PostgreSQL each statement of it sees what was committed before that statement, as in every unit there.
        """
        ...

    def __enter__(self) -> Self:
        """Begin; on SQLite a unit that may write takes the write lock, so what it reads cannot change before its commit."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, rolling back what was not committed."""
        ...

    def commit(self) -> None:
        """Make everything so far durable."""
        ...

    def after_commit(self, action: Callable[[], None]) -> None:
        """Have ``action`` done when, and only if, this unit of work commits."""
        ...

    def prove_writable(self) -> None:
        """Write what changes nothing, so that the commit shows whether writes are taken; UnwritableError if not."""
        ...

    def lock(self, name: str) -> None:
        """Hold a named lock until the transaction ends, so that one transaction at a time passes here."""
        ...


class OpenUnitOfWork(Protocol):
    """A factory of units of work."""

    def __call__(self) -> UnitOfWork:
        """Return a new unit of work, not yet entered."""
        ...
