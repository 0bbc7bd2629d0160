"""What a test's past costs: answers, collecting and judging of a run of ten arms that is polled every hour for weeks."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from benchmarks.control_plane.rounds import Collecting
from benchmarks.databases import Database
from benchmarks.measuring import Line, Setting, sampled
from benchmarks.seeding import StoredRun, account_of, add_account, store_all, stored, with_history

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.domain import evidence
from autopublisher.domain.runs.evidence_inputs import design_of, history_of
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.requests.exposure import Exposures
from autopublisher.flows.requests.reports import Reports
from autopublisher.flows.writes.money_gate import MoneyGate

ARMS = 10


def history(setting: Setting) -> Iterator[Line]:
    """One run of ten arms after so many days of hourly polls: its status, exposure, collecting, and judging in a poll."""
    for kind in setting.kinds:
        for days in setting.sizes((1, 7), (1, 7, 60)):
            known = with_history(stored(RunStatus.AB_TESTING, ARMS), days).copy(0)
            database = setting.databases.filled(kind, f"history of {days} days", _filled_with(known))
            for case, work in _works(database, known, days).items():
                yield sampled(case, work, database, setting.repeats, days)


def _filled_with(known: StoredRun) -> Callable[[Database], None]:
    def fill(database: Database) -> None:
        with database.open_unit() as unit:
            add_account(unit, account_of(0, known.run.created_at))
            store_all(unit, [known])
            unit.commit()

    return fill


def _works(database: Database, known: StoredRun, days: int) -> Mapping[str, Callable[[], object]]:
    clock = ManualClock((known.run.trial.starts_at or known.run.created_at) + timedelta(days=days, minutes=1))
    reports = Reports(database.open_unit, clock)
    exposures = Exposures(database.open_unit, clock, MoneyGate())
    return {
        "status": lambda: reports.view(known.run.id),
        "exposure": exposures.of,
        "collect": Collecting(database, 1),
        "replay": lambda: _judged(database, known),
    }


def _judged(database: Database, known: StoredRun) -> evidence.Verdict:
    """Judge the run by what is stored of it, as each of its polls does."""
    with database.open_unit().reading() as unit:
        snapshots = unit.observations.snapshots(known.run.id)
    variants = known.variants
    return evidence.replay(design_of(known.run, variants), history_of(known.run, variants, snapshots))
