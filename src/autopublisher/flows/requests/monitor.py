"""Health of every part of the system; one that cannot be asked is reported, and the others still are.

Meta is not asked: each account's watch asks it all the time, and what is said of it is what the last looks found.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.accounts.watches import MetaAnswer, Watch, meta_answer
from autopublisher.domain.errors import AutoPublisherError, UnavailableError
from autopublisher.domain.messages import Code, Message, said_of
from autopublisher.domain.reconciliation.findings import AccountLook, look_of
from autopublisher.domain.runs.run import RunStatus
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter, UnitOfWork
from autopublisher.ports.work import Worker, WorkHealth

GRACE: Final = timedelta(minutes=5)
"""How late a tick may be before its run counts as stuck."""


class HealthMessage(Code):
    """What health says where there is nothing to show."""

    META_NOT_ASKED = "health.meta_not_asked"


@dataclass(frozen=True)
class RunCounts:
    """How many runs there are by status, and how many should have moved by now."""

    by_status: Mapping[RunStatus, int] = field(default_factory=dict)
    overdue: int = 0
    oldest_overdue_seconds: float | None = None


@dataclass(frozen=True)
class Health:
    """How everything is.

    ``database`` says what is wrong with it, if anything; ``meta`` what the last looks found, None before the first;
    ``work`` is None in a process without a worker.
    """

    mode: str
    enabled: bool
    now: datetime | None
    database: Message | None
    meta: MetaAnswer | None
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
            and (self.meta is None or self.meta.problem is None)
            and working
            and not self.runs.overdue
        )

    @property
    def meta_said(self) -> Message | None:
        """What there is to say of Meta; None where it answered."""
        return HealthMessage.META_NOT_ASKED() if self.meta is None else self.meta.problem

    @property
    def meta_at(self) -> datetime | None:
        """When that was found."""
        return None if self.meta is None else self.meta.at

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
        *,
        mode: str,
        enabled: bool,
    ) -> None:
        self._open_unit = open_unit
        self._clock = clock
        self._worker = worker
        self._mode = mode
        self._enabled = enabled

    def health(self) -> Health:
        """Return how everything is; a part that fails is part of the answer."""
        now = self._now()
        database, seen = self._database(now)
        work, work_error = self._work()
        return Health(
            self._mode,
            self._enabled,
            now,
            database,
            _answered(seen.watches),
            work,
            work_error,
            seen.runs,
            seen.stops,
            tuple(look_of(watch) for watch in seen.watches),
        )

    def _now(self) -> datetime | None:
        try:
            return self._clock.now()
        except UnavailableError:
            return None

    def _database(self, now: datetime | None) -> tuple[Message | None, "_Seen"]:
        try:
            with self._open_unit().reading() as unit:
                seen = _seen(unit, now)
        except UnavailableError as error:
            return said_of(error), _Seen()
        return self._writable(), seen

    def _writable(self) -> Message | None:
        """Say whether the database takes writes: on a full disk it is still read."""
        try:
            with self._open_unit() as unit:
                unit.prove_writable()
                unit.commit()
        except UnavailableError as error:
            return said_of(error)
        return None

    def _work(self) -> tuple[WorkHealth | None, Message | None]:
        if self._worker is None:
            return None, None
        try:
            return self._worker.health(), None
        except AutoPublisherError as error:
            return None, said_of(error)


@dataclass(frozen=True)
class _Seen:
    """What the database says; nothing where it does not answer, of which its own line tells."""

    runs: RunCounts = field(default_factory=RunCounts)
    stops: tuple[Stop, ...] = ()
    watches: tuple[Watch, ...] = ()


def _seen(unit: UnitOfWork, now: datetime | None) -> _Seen:
    counts = _count(unit.runs.count, unit.runs.pulse().next_due, now)
    return _Seen(counts, tuple(unit.stops.holding()), tuple(unit.watches.all()))


def _answered(watches: Sequence[Watch]) -> MetaAnswer | None:
    """Return what the last looks say of Meta: the newest failure, or else that all were answered, as of the oldest."""
    answers = sorted(filter(None, map(meta_answer, watches)), key=lambda answer: answer.at)
    failed = [answer for answer in answers if answer.problem is not None]
    return failed[-1] if failed else next(iter(answers), None)


def _count(count: Callable[[RunFilter], int], next_due: datetime | None, now: datetime | None) -> RunCounts:
    by_status = {status: count(RunFilter(statuses=frozenset({status}))) for status in RunStatus}
    if now is None or next_due is None or now - next_due <= GRACE:
        return RunCounts(by_status)
    return RunCounts(by_status, count(RunFilter(due_by=now - GRACE)), (now - next_due).total_seconds())
