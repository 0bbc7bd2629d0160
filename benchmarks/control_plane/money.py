"""Money over many runs of one account: its exposure, and the gate that lets a write through under a limit."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from benchmarks.control_plane.crowds import crowd, looked_at, present, sizes
from benchmarks.databases import Database
from benchmarks.measuring import Line, Setting, sampled
from benchmarks.seeding import run_id_of

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.domain.journal.operations import ObjectKind, OperationState
from autopublisher.domain.money.limits import InstallationLimits
from autopublisher.domain.runs.plan import test_key
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.requests.exposure import Exposures
from autopublisher.flows.writes.money_gate import MoneyGate, SpendRules

LIMIT = 10**12
PAGE = 20
"""Runs on a page of the API."""


def exposure(setting: Setting) -> Iterator[Line]:
    """Exposure of an account, as the API and the page ask for it, after a look; ``all``: as the command does."""
    for kind in setting.kinds:
        for size in sizes(setting):
            database = crowd(setting, kind, size)
            looked_at(database)
            exposures = Exposures(database.open_unit, ManualClock(present()), MoneyGate())
            page = partial(exposures.of, limit=PAGE)
            yield sampled("exposure", page, database, setting.repeats, size)
            yield sampled("exposure, all", exposures.of, database, setting.repeats, size)


def gate(setting: Setting) -> Iterator[Line]:
    """The money gate of one ad set's creation under a limit of the installation, with the lock held."""
    for kind in setting.kinds:
        for size in sizes(setting):
            database = crowd(setting, kind, size)
            yield sampled("gate", _Admission(database), database, setting.repeats, size)


class _Admission:
    """Lets the first ad set of a run through again and again, as the executor does: in a transaction that it commits."""

    def __init__(self, database: Database) -> None:
        self._open_unit = database.open_unit
        self._gate = MoneyGate(SpendRules(InstallationLimits({"EUR": LIMIT}, {"EUR": LIMIT})))
        with self._open_unit().reading() as unit:
            self._run = replace(unit.runs.get(run_id_of(0)), status=RunStatus.CREATING_CAMPAIGNS)
            journal = unit.journal.of_run(self._run.id)
        place = [row.key for row in journal].index(test_key("A", ObjectKind.AD_SET))
        self._rows, self._row = journal[:place], replace(journal[place], state=OperationState.INTENDED)
        with self._open_unit() as unit:
            self._gate.admit(unit, self._run, self._rows, self._row)
            unit.commit()

    def __call__(self) -> None:
        with self._open_unit() as unit:
            self._gate.admit(unit, self._run, self._rows, self._row)
            unit.commit()  # as the executor does; nothing is left to store, for the counts are there
