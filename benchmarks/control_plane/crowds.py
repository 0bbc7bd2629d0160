"""Databases in which one account has many runs under way: tested, waiting for approval, and completed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from benchmarks.databases import Database
from benchmarks.measuring import Setting
from benchmarks.seeding import filled_with, moment_of, stored

from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.watch.count_check import CountCheck
from autopublisher.flows.writes.money_gate import MoneyGate
from support.simulated import ACT


def sizes(setting: Setting) -> Sequence[int]:
    """Return how many runs the account has."""
    return setting.sizes((10, 100), (100, 1_000), (100, 1_000, 10_000))


def crowd(
    setting: Setting, kind: str, size: int, status: RunStatus = RunStatus.AB_TESTING, *, bare: bool = False
) -> Database:
    """Return a database of so many runs of one status; ``bare``: of the runs' own rows alone."""
    name = f"{size} {status}{' bare' if bare else ''}"
    return setting.databases.filled(kind, name, filled_with({status: size}, bare=bare))


def mixed(setting: Setting, kind: str, size: int) -> Database:
    """Return a database of so many runs, a third of them tested, a third waiting for approval, a third completed."""

    def fill(database: Database) -> None:
        filled_with(thirds(size))(database)
        looked_at(database)

    return setting.databases.filled(kind, f"{size} mixed", fill)


def thirds(size: int) -> Mapping[RunStatus, int]:
    """Return how many runs of each status make up a mixed crowd."""
    third = size // 3
    rest = size - 2 * third
    return {RunStatus.AB_TESTING: rest, RunStatus.WAITING_APPROVAL: third, RunStatus.COMPLETED: third}


def present() -> datetime:
    """Return the moment at which the runs that are tested are looked at."""
    return moment_of(stored(RunStatus.AB_TESTING))


def looked_at(database: Database) -> None:
    """Have the account's watch count what its runs have committed, as looks of a few hours would."""
    check, record, now = CountCheck(database.open_unit, MoneyGate()), None, present()
    while record is None or record["after"] is not None:
        record = check(ACT, record, now).record
        now += timedelta(hours=1)
    database.settle()
