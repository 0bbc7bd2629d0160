"""What is done again and again: collecting figures, sweeping for overdue runs, and seeing whether time may jump."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from benchmarks.control_plane.crowds import crowd, present, sizes
from benchmarks.databases import Database
from benchmarks.measuring import Line, Setting, repeated, sampled
from benchmarks.seeding import run_id_of
from benchmarks.ticks import NoTicks

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.meta_ads import MemoryMetaAds
from autopublisher.bootstrap.rounds import JumpDriver, Round
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.insights import InsightsRow
from autopublisher.domain.runs.plan import test_key
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.runs.collector import Collector
from autopublisher.flows.watch.sweeper import Sweeper
from support.crashing_machine import CrashingMachine

ROUNDS = 20
"""Rounds in one sample: one alone is too short to be measured."""

FIGURES = {
    "spend": "49.00",
    "impressions": "90000",
    "inline_link_clicks": "900",
    "actions": [{"action_type": "omni_purchase", "value": "40"}],
    "action_values": [{"action_type": "omni_purchase", "value": "800.00"}],
}


def collect(setting: Setting) -> Iterator[Line]:
    """New figures for every tested run of an account, read for one of them; Meta answers at once."""
    for kind in setting.kinds:
        for size in sizes(setting):
            database = crowd(setting, kind, size)
            yield sampled("collect", Collecting(database, size), database, setting.repeats, size)


class Collecting:
    """Collects every hour for the first run of an account, as its ticks do."""

    def __init__(self, database: Database, runs: int) -> None:
        with database.open_unit().reading() as unit:
            self._run = unit.runs.get(run_id_of(0))
            models = unit.records.objects_of([run_id_of(number) for number in range(runs)])
            latest = unit.observations.snapshots(self._run.id)[-1].at
        self._since = latest
        keys = [test_key(letter, ObjectKind.AD_SET) for letter in "ABCDEFGHIJ"]
        arms = [one.meta_id for found in models.values() for one in found if one.key in keys]
        self._clock = ManualClock(max(present(), latest))
        self._collector = Collector(database.open_unit, _Answering(self._clock, arms), self._clock)

    def __call__(self) -> None:
        self._clock.advance_to(self._clock.now() + timedelta(hours=1))
        self._since = self._collector.collect(self._run, since=self._since).snapshots[-1].at


class _Answering(MemoryMetaAds):
    """Meta that has the same figures of every ad set."""

    def __init__(self, clock: ManualClock, ad_sets: Sequence[MetaId]) -> None:
        like = CrashingMachine().meta
        super().__init__(clock, like.facts, like.minimums)
        self._rows = [InsightsRow(meta_id, FIGURES) for meta_id in ad_sets]

    def ad_sets(
        self, act_id: ActId, ad_set_ids: Sequence[MetaId] | None, since: datetime, until: datetime
    ) -> Sequence[InsightsRow]:
        del act_id, ad_set_ids, since, until
        return self._rows


def sweep(setting: Setting) -> Iterator[Line]:
    """One sweep for overdue runs while all runs wait."""
    for kind in setting.kinds:
        for size in setting.sizes((1_000,), (100, 1_000, 10_000)):
            database = crowd(setting, kind, size, RunStatus.WAITING_APPROVAL, bare=True)
            sweeper = Sweeper(
                database.open_unit, NoTicks(), ManualClock(present()), sweeps_before_lifting=400
            )
            yield repeated("sweep", sweeper.sweep, database, setting.repeats, size, times=ROUNDS)


def jumping(setting: Setting) -> Iterator[Line]:
    """One round of a worker whose clock jumps, while all runs wait for a person: there are twenty a second."""
    for kind in setting.kinds:
        for size in setting.sizes((1_000,), (100, 1_000)):
            database = crowd(setting, kind, size, RunStatus.WAITING_APPROVAL, bare=True)
            clock = ManualClock(present())
            sweeper = Sweeper(database.open_unit, NoTicks(), clock, sweeps_before_lifting=400)
            go_round = Round(sweeper.sweep, None, JumpDriver(database.open_unit, clock))
            yield repeated("round", go_round, database, setting.repeats, size, times=ROUNDS)
