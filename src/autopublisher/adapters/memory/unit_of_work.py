"""Transactions in memory: a copy of the tables that replaces them on commit, one unit of work at a time."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from autopublisher.adapters.memory.campaigns import MemoryCampaigns
from autopublisher.adapters.memory.claims import MemoryClaims
from autopublisher.adapters.memory.dossiers import MemoryDossiers
from autopublisher.adapters.memory.installations import MemoryInstallations
from autopublisher.adapters.memory.listing_lags import MemoryListingLags
from autopublisher.adapters.memory.pacings import MemoryPacings
from autopublisher.adapters.memory.past_tests import MemoryFinishedTests
from autopublisher.adapters.memory.records import (
    MemoryAccounts,
    MemoryCreatives,
    MemoryDecisions,
    MemoryObservations,
    MemoryPeople,
    MemoryRunRecords,
    MemoryTokens,
)
from autopublisher.adapters.memory.reservations import MemoryReservations
from autopublisher.adapters.memory.runs import MemoryJournal, MemoryRuns
from autopublisher.adapters.memory.sign_ins import MemorySignInFailures
from autopublisher.adapters.memory.stops import MemoryStops, MemoryWatches
from autopublisher.adapters.memory.tables import Tables
from autopublisher.adapters.noted_stops import Pending, StopsWithNoted
from autopublisher.domain.errors import UnavailableError
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


class MemoryDatabase:
    """What has been committed, and the lock that a unit of work holds; ``unit_of_work`` is the port's factory."""

    def __init__(self, busy_seconds: float = 30.0) -> None:
        self.tables = Tables()
        self.noted: Pending = tuple
        self._busy_seconds = busy_seconds
        self._lock = threading.Lock()
        self._holder: int | None = None

    def unit_of_work(self) -> "MemoryUnitOfWork":
        """Return a new unit of work, not yet entered."""
        return MemoryUnitOfWork(self)

    def acquire(self) -> None:
        """Wait for the lock; UnavailableError at once if this thread holds it, else after ``busy_seconds``."""
        if self._holder == threading.get_ident():
            raise UnavailableError(reason="this thread has a unit of work open already")
        if not self._lock.acquire(timeout=self._busy_seconds):
            raise UnavailableError(reason="another unit of work stays open")
        self._holder = threading.get_ident()

    def release(self) -> None:
        """Let the next unit of work begin."""
        self._holder = None
        self._lock.release()


class MemoryUnitOfWork:
    """Implements ``ports.repositories.UnitOfWork``."""

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

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database
        self._after_commit: list[Callable[[], None]] = []

    def reading(self) -> Self:
        """Return this unit: in memory a reader costs nobody anything."""
        return self

    def __enter__(self) -> Self:
        """Begin once every other unit of work has ended."""
        self._database.acquire()
        self._after_commit.clear()
        self._work_on(self._database.tables.copy())
        return self

    def _work_on(self, tables: Tables) -> None:
        self._tables = tables
        self.runs = MemoryRuns(tables)
        self.journal = MemoryJournal(tables)
        self.reservations = MemoryReservations(tables)
        self.accounts = MemoryAccounts(tables)
        self.creatives = MemoryCreatives(tables)
        self.records = MemoryRunRecords(tables)
        self.decisions = MemoryDecisions(tables)
        self.observations = MemoryObservations(tables)
        self.people = MemoryPeople(tables)
        self.tokens = MemoryTokens(tables)
        self.stops = StopsWithNoted(MemoryStops(tables), self._database.noted)
        self.watches = MemoryWatches(tables)
        self.campaigns = MemoryCampaigns(tables)
        self.pacings = MemoryPacings(tables)
        self.listing_lags = MemoryListingLags(tables)
        self.installations = MemoryInstallations(tables)
        self.claims = MemoryClaims(tables)
        self.dossiers = MemoryDossiers(self)
        self.sign_ins = MemorySignInFailures(tables)
        self.finished_tests = MemoryFinishedTests(tables)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; what was not committed was only ever seen here."""
        self._after_commit.clear()
        self._database.release()

    def commit(self) -> None:
        """Make everything so far what others see, then do what was waiting for that."""
        self._database.tables = self._tables.copy()
        waiting, self._after_commit = self._after_commit, []
        for action in waiting:
            action()

    def prove_writable(self) -> None:
        """Do nothing: memory takes every write."""

    def lock(self, name: str) -> None:
        """Do nothing: a unit of work has the whole database to itself."""

    def after_commit(self, action: Callable[[], None]) -> None:
        """Have ``action`` done when, and only if, this unit of work commits."""
        self._after_commit.append(action)
