"""Health of every part of the system; one that cannot be asked is reported, and the others still are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.errors import AutoPublisherError, MetaError, UnavailableError
from autopublisher.domain.messages import Message, said_of
from autopublisher.domain.reconciliation.findings import AccountLook, look_of
from autopublisher.domain.runs.run import RunStatus
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.token import MetaToken
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter
from autopublisher.ports.work import Worker, WorkHealth

GRACE: Final = timedelta(minutes=5)
"""How late a tick may be before its run counts as stuck."""


@dataclass(frozen=True)
class RunCounts:
    """How many runs there are by status, and how many should have moved by now."""

    by_status: Mapping[RunStatus, int] = field(default_factory=dict)
    overdue: int = 0
    oldest_overdue_seconds: float | None = None


@dataclass(frozen=True)
class Health:
    """How everything is.

    ``database`` and ``meta`` say what is wrong with each, if anything; ``work`` is None in a process without a worker.
    """

    mode: str
    enabled: bool
    now: datetime | None
    database: Message | None
    meta: Message | None
    work: WorkHealth | None
    work_error: Message | None
    runs: RunCounts
    stops: tuple[Stop, ...] = ()
    looks: tuple[AccountLook, ...] = ()

    @property
    def is_ok(self) -> bool:
        """Whether nothing is wrong."""
        working = self.work_error is None and (self.work is None or self.work.running)
        return (
            self.now is not None
            and self.database is None
            and self.meta is None
            and working
            and not self.runs.overdue
        )

    @property
    def runs_by_status(self) -> Mapping[RunStatus, int]:
        """How many runs stand at each status."""
        return self.runs.by_status

    @property
    def overdue_runs(self) -> int:
        """How many runs should have moved by now and have not."""
        return self.runs.overdue

    @property
    def oldest_overdue_seconds(self) -> float | None:
        """How late the latest of them is, in seconds of the product's clock."""
        return self.runs.oldest_overdue_seconds


class Monitor:
    """Asks every part how it is."""

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        clock: Clock,
        worker: Worker | None,
        token: MetaToken,
        *,
        mode: str,
        enabled: bool,
    ) -> None:
        self._open_unit = open_unit
        self._clock = clock
        self._worker = worker
        self._token = token
        self._mode = mode
        self._enabled = enabled

    def health(self) -> Health:
        """Return how everything is; a part that fails is part of the answer."""
        now = self._now()
        database, counts = self._database(now)
        work, work_error = self._work()
        return Health(
            self._mode,
            self._enabled,
            now,
            database,
            self._reach_meta(),
            work,
            work_error,
            counts,
            self._stops(),
            self._looks(),
        )

    def _now(self) -> datetime | None:
        try:
            return self._clock.now()
        except UnavailableError:
            return None

    def _database(self, now: datetime | None) -> tuple[Message | None, RunCounts]:
        try:
            with self._open_unit().reading() as unit:
                counts = _count(unit.runs.count, unit.runs.pulse().next_due, now)
        except UnavailableError as error:
            return said_of(error), RunCounts()
        return self._writable(), counts

    def _writable(self) -> Message | None:
        """Say whether the database takes writes: on a full disk it is still read."""
        try:
            with self._open_unit() as unit:
                unit.prove_writable()
                unit.commit()
        except UnavailableError as error:
            return said_of(error)
        return None

    def _stops(self) -> tuple[Stop, ...]:
        """Return the stops that hold; where the database does not answer, its own line says so."""
        try:
            with self._open_unit().reading() as unit:
                return tuple(unit.stops.holding())
        except UnavailableError:
            return ()

    def _looks(self) -> tuple[AccountLook, ...]:
        """Return the last look at each account; where the database does not answer, its own line says so."""
        try:
            with self._open_unit().reading() as unit:
                return tuple(look_of(watch) for watch in unit.watches.all())
        except UnavailableError:
            return ()

    def _work(self) -> tuple[WorkHealth | None, Message | None]:
        if self._worker is None:
            return None, None
        try:
            return self._worker.health(), None
        except AutoPublisherError as error:
            return None, said_of(error)

    def _reach_meta(self) -> Message | None:
        try:
            self._token.permissions()
        except (MetaError, UnavailableError) as error:
            return said_of(error)
        return None


def _count(count: Callable[[RunFilter], int], next_due: datetime | None, now: datetime | None) -> RunCounts:
    by_status = {status: count(RunFilter(statuses=frozenset({status}))) for status in RunStatus}
    if now is None or next_due is None or now - next_due <= GRACE:
        return RunCounts(by_status)
    return RunCounts(by_status, count(RunFilter(due_by=now - GRACE)), (now - next_due).total_seconds())
