"""What a test's past costs: answers, looks and judging of runs that are polled every hour for weeks."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice

from benchmarks.control_plane.rounds import Collecting
from benchmarks.databases import Database
from benchmarks.measuring import Line, Setting, repeated, sampled
from benchmarks.seeding import StoredRun, account_of, add_account, polls_of, store_all, stored, with_history

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.domain.journal.records import Decision
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.requests.exposure import Exposures
from autopublisher.flows.requests.reports import Reports
from autopublisher.flows.runs.judging import Judged, Known
from autopublisher.flows.runs.looks import Looks
from autopublisher.flows.writes.money_gate import MoneyGate

ARMS = (2, 10)
LONGEST = 90
"""Days for which the tests are planned that are looked at in their midst."""


def history(setting: Setting) -> Iterator[Line]:
    """A run after so many days of hourly polls: what it shows, collecting, a look at one more poll, and judging it anew."""
    for kind in setting.kinds:
        for arms in ARMS:
            for days in setting.sizes((1, 7), (1, 7, 60)):
                known = with_history(stored(RunStatus.AB_TESTING, arms), days, LONGEST).copy(0)
                database = setting.databases.filled(kind, f"{days} days of {arms} arms", _filled_with(known))
                for case, work in _works(database, known, days):
                    yield sampled(f"{case}, {arms} arms", work, database, setting.repeats, days)


def living(setting: Setting) -> Iterator[Line]:
    """Looks at a test of so many days from its first poll to its last, those that judge all of it among them: the mean."""
    for kind in setting.kinds:
        for arms in ARMS:
            for days in setting.sizes((2, 7), (7, 60)):
                known = with_history(stored(RunStatus.AB_TESTING, arms), 0, days).copy(0)
                database = setting.databases.filled(
                    kind, f"life of {days} days, {arms} arms", _filled_with(known)
                )
                looks, polls = Looking(database, known, 0), 24 * days - 1
                yield repeated(f"look, {arms} arms", looks, database, 1, days, times=polls)


def _filled_with(known: StoredRun) -> Callable[[Database], None]:
    def fill(database: Database) -> None:
        with database.open_unit() as unit:
            add_account(unit, account_of(0, known.run.created_at))
            store_all(unit, [known])
            unit.commit()

    return fill


def _works(database: Database, known: StoredRun, days: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield what is measured, in turn: figures that are collected would not fit those that are looked at."""
    clock = ManualClock((known.run.trial.starts_at or known.run.created_at) + timedelta(days=days, minutes=1))
    reports = Reports(database.open_unit, clock)
    yield "status", lambda: reports.view(known.run.id)
    yield "exposure", Exposures(database.open_unit, clock, MoneyGate()).of
    looking = Looking(database, known, days)
    yield "look", looking
    yield "judging anew", looking.anew
    yield "collect", Collecting(database, 1)


class Looking:
    """Stores a test's next poll and looks at it, as its ticks do."""

    def __init__(self, database: Database, known: StoredRun, days: int) -> None:
        self._open_unit = database.open_unit
        self._run, self._variants = known.run, known.variants
        self._polls = islice(polls_of(known, LONGEST), 24 * days, None)
        self._looks = Looks(database.open_unit)
        self._decision: Decision | None = None

    def __call__(self) -> Judged:
        with self._open_unit() as unit:
            unit.observations.add_snapshots(next(self._polls))
            unit.commit()
        return self._look(self._looks)

    def anew(self) -> Judged:
        """Look as a process does that has just begun."""
        return self._look(Looks(self._open_unit))

    def _look(self, looks: Looks) -> Judged:
        since = looks.known_until(self._run)
        with self._open_unit().reading() as unit:
            snapshots = unit.observations.snapshots(self._run.id, since)
        known = Known(self._variants, self._decision, (), snapshots)
        found = looks.judged(self._run, known, snapshots[-1].at, since=since)
        self._decision = found.decision or self._decision
        return found
