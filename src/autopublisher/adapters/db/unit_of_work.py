"""One transaction over all repositories; the only place that commits."""

from collections.abc import Callable
from hashlib import blake2b
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from autopublisher.adapters.db.accounts import SqlAccounts, SqlCreatives
from autopublisher.adapters.db.campaigns import SqlCampaigns
from autopublisher.adapters.db.claims import SqlClaims
from autopublisher.adapters.db.dossiers import SqlDossiers
from autopublisher.adapters.db.engine import reading
from autopublisher.adapters.db.installations import SqlInstallations
from autopublisher.adapters.db.journal import SqlJournal
from autopublisher.adapters.db.listing_lags import SqlListingLags
from autopublisher.adapters.db.pacings import SqlPacings
from autopublisher.adapters.db.past_tests import SqlFinishedTests
from autopublisher.adapters.db.people import SqlPeople, SqlTokens
from autopublisher.adapters.db.records import SqlDecisions, SqlObservations, SqlRunRecords
from autopublisher.adapters.db.reservations import SqlReservations
from autopublisher.adapters.db.runs import SqlRuns
from autopublisher.adapters.db.session import Session, reachable, unwritable_reason
from autopublisher.adapters.db.sign_ins import SqlSignInFailures
from autopublisher.adapters.db.stops import SqlStops, SqlWatches
from autopublisher.adapters.noted_stops import Pending, StopsWithNoted
from autopublisher.domain.errors import UnavailableError, UnwritableError
from autopublisher.domain.faults import Fault
from autopublisher.domain.messages import refusal
from autopublisher.ports.dossiers import DossierRepository
from autopublisher.ports.past_tests import FinishedTestRepository
from autopublisher.ports.repositories import (
    AccountRepository,
    CampaignRepository,
    ClaimRepository,
    CreativeRepository,
    DecisionRepository,
    InstallationRepository,
    JournalRepository,
    ListingLagRepository,
    ObservationRepository,
    PacingRepository,
    PeopleRepository,
    RunRecordRepository,
    RunRepository,
    StopRepository,
    TokenRepository,
    WatchRepository,
)
from autopublisher.ports.reservations import ReservationRepository
from autopublisher.ports.sign_ins import SignInFailureRepository


class SqlUnitOfWork:
    """Implements ``ports.repositories.UnitOfWork``; ``connection`` is open while the block runs.

    Whatever else has to be written in the same transaction goes through ``connection``. ``noted`` returns the stops that
    stand in emergency notes: they hold before any row says so.
    """

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
    connection: Connection

    def __init__(self, engine: Engine, noted: Pending = tuple) -> None:
        self._engine = engine
        self._noted = noted
        self._only_reads = False
        self._after_commit: list[Callable[[], None]] = []

    def reading(self) -> Self:
        """Return this unit as one that only reads: on SQLite it waits for nobody's write, and nobody waits for it."""
        self._only_reads = True
        return self

    def __enter__(self) -> Self:
        """Begin; UnavailableError where the database does not answer or, on SQLite, stays locked."""
        with reachable():
            self.connection = self._engine.connect()
        try:
            with reachable():
                if self._only_reads:
                    self.connection = reading(self.connection)
                self.connection.begin()
        except UnavailableError:
            self.connection.close()
            raise
        self._open_repositories(Session(self.connection))
        return self

    def _open_repositories(self, session: Session) -> None:
        self._session = session
        self.runs = SqlRuns(session)
        self.journal = SqlJournal(session)
        self.reservations = SqlReservations(session)
        self.accounts = SqlAccounts(session)
        self.creatives = SqlCreatives(session)
        self.records = SqlRunRecords(session)
        self.decisions = SqlDecisions(session)
        self.observations = SqlObservations(session)
        self.people = SqlPeople(session)
        self.tokens = SqlTokens(session)
        self.stops = stops = StopsWithNoted(SqlStops(session), self._noted)
        self.watches = SqlWatches(session)
        self.campaigns = SqlCampaigns(session)
        self.pacings = SqlPacings(session)
        self.listing_lags = SqlListingLags(session)
        self.installations = SqlInstallations(session)
        self.claims = SqlClaims(session)
        self.dossiers = SqlDossiers(session, stops)
        self.sign_ins = SqlSignInFailures(session)
        self.finished_tests = SqlFinishedTests(session)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the connection back, which undoes what was not committed."""
        self._after_commit.clear()
        self.connection.close()

    def prove_writable(self) -> None:
        """Write something that changes nothing, so that a commit tells whether the database takes writes at all."""
        if self._session.is_postgres:
            read_only = self._session.scalar(text("SHOW transaction_read_only"))
            if read_only == "on":
                raise UnwritableError(reason=Fault.READ_ONLY())
            return
        version = self._session.scalar(text("PRAGMA user_version"))
        with reachable():
            self.connection.exec_driver_sql(f"PRAGMA user_version = {int(version)}")

    def commit(self) -> None:
        """Make everything so far durable; after an UnavailableError it may be or not, after UnwritableError it is not."""
        if self._only_reads:
            raise TypeError("a unit of work that only reads has nothing to commit")
        try:
            self.connection.commit()
        except DBAPIError as error:
            unwritable = unwritable_reason(error)
            if unwritable is not None:
                raise UnwritableError(reason=unwritable) from error
            if not isinstance(error, OperationalError | InterfaceError):
                raise
            raise refusal(UnavailableError, Fault.COMMIT_UNCONFIRMED()) from error
        while self._after_commit:
            self._after_commit.pop(0)()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Have ``action`` done when, and only if, this unit of work commits."""
        self._after_commit.append(action)

    def lock(self, name: str) -> None:
        """Hold a named lock until the transaction ends; on SQLite the transaction is that lock."""
        if self._session.is_postgres:
            self._session.row(select(func.pg_advisory_xact_lock(lock_number(name))))


def lock_number(name: str) -> int:
    """Return the signed 64-bit number under which PostgreSQL knows a named lock."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
