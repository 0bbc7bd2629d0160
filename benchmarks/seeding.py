"""Fills databases with runs as they are after so many ticks: one is played over the simulator, the others are its copies.

They are written through the repositories, so that a release that keeps more of a run keeps it of these as well; but for
journals, whose rows go in at once.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from uuid import UUID

from benchmarks.databases import Database

from autopublisher.adapters.db.journal import operation_to_row
from autopublisher.adapters.db.tables import operations
from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.adapters.memory.tables import Tables
from autopublisher.domain.accounts.accounts import Account, AdDefaults, Creative
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.campaigns.campaign import Campaign
from autopublisher.domain.ids import AccountId, ActId, CampaignId, CreativeId, MetaId, RunId
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.journal.records import Decision, Event, Figures, MetaObject, Snapshot
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.ports.repositories import UnitOfWork
from support.counting import CountedMachine
from support.installation import DEFAULTS
from support.pictures import picture
from support.simulated import ACCOUNT, ACT, CREATIVES, brief_request

SEED = 20261130
POLLS = 4
"""Polls behind a run that is being tested."""

DAILY = 13
"""What an arm spends a day, in major units, when it is polled every hour."""

_APART = 10**9
"""How far the ids of one copy's objects are from the next one's: more than one run makes."""


@dataclass(frozen=True)
class StoredRun:
    """Everything that is stored of one run."""

    run: Run
    variants: Sequence[Variant]
    rows: Sequence[Operation]
    objects: Sequence[MetaObject]
    snapshots: Sequence[Snapshot]
    decisions: Sequence[Decision]
    events: Sequence[Event]
    campaign: Campaign | None

    @classmethod
    def of(cls, tables: Tables, run_id: RunId) -> "StoredRun":
        """Take a run out of a database in memory."""
        return cls(
            tables.runs[run_id],
            [one for one in tables.variants.values() if one.run_id == run_id],
            sorted((one for one in tables.operations.values() if one.owner == RunOwner(run_id)), key=_place),
            [one for one in tables.objects.values() if one.run_id == run_id],
            [one for one in tables.snapshots.values() if one.run_id == run_id],
            [one for one in tables.decisions.values() if one.run_id == run_id],
            [one for one in tables.events if one.run_id == run_id],
            tables.campaigns.get(run_id),
        )

    def copy(self, number: int, account: AccountId = ACCOUNT, act_id: ActId = ACT) -> "StoredRun":
        """Return the ``number``-th run that differs from this one in its ids, its account and when it was asked for."""
        run_id = run_id_of(number)
        created_at = self.run.created_at + timedelta(seconds=number)
        campaign = self.campaign
        return StoredRun(
            replace(self.run, id=run_id, account_id=account, act_id=act_id, created_at=created_at),
            [replace(one, run_id=run_id) for one in self.variants],
            [
                replace(one, owner=RunOwner(run_id), meta_id=_shifted(one.meta_id, number))
                for one in self.rows
            ],
            [_object_of(one, run_id, act_id, number) for one in self.objects],
            [replace(one, run_id=run_id) for one in self.snapshots],
            [replace(one, run_id=run_id) for one in self.decisions],
            [replace(one, run_id=run_id) for one in self.events],
            campaign
            and replace(
                campaign,
                id=CampaignId(f"{run_id}:final"),
                run_id=run_id,
                act_id=act_id,
                campaign_meta_id=_shifted(campaign.campaign_meta_id, number),
                ad_set_meta_id=_shifted(campaign.ad_set_meta_id, number),
                ad_meta_id=_shifted(campaign.ad_meta_id, number),
            ),
        )


def store_all(unit: SqlUnitOfWork, runs: Sequence[StoredRun]) -> None:
    """Write runs with all that is kept of them; their journals, which are most of it, in one statement."""
    for one in runs:
        unit.runs.add(one.run)
    unit.records.add_variants([variant for one in runs for variant in one.variants])
    journal = [operation_to_row(row) for one in runs for row in one.rows]
    unit.connection.execute(operations.insert(), journal)
    for one in runs:
        for model in one.objects:
            unit.records.put_objects([model])
        for decision in one.decisions:
            unit.decisions.add(decision)
        if one.campaign is not None:
            unit.campaigns.add(one.campaign)
    unit.observations.add_snapshots([snapshot for one in runs for snapshot in one.snapshots])
    unit.observations.add_events([event for one in runs for event in one.events])


def _place(row: Operation) -> int:
    return row.sequence


def _object_of(model: MetaObject, run_id: RunId, act_id: ActId, number: int) -> MetaObject:
    return replace(
        model,
        id=f"{run_id}:{model.key}",
        run_id=run_id,
        act_id=act_id,
        meta_id=_shifted(model.meta_id, number) or model.meta_id,
        parent_meta_id=_shifted(model.parent_meta_id, number),
    )


def _shifted(meta_id: MetaId | None, number: int) -> MetaId | None:
    """Return another object's id; the hash of a picture is the same for all who show it."""
    if meta_id is None or not meta_id.isdecimal():
        return meta_id
    return MetaId(str(int(meta_id) + _APART * (number + 1)))


def run_id_of(number: int) -> RunId:
    """Return the id of the ``number``-th run, which lies anywhere among the others', as real ones do."""
    bits = random.Random(SEED + number).getrandbits(128)  # noqa: S311 - the same ids each time
    return RunId(str(UUID(int=bits, version=4)))


# --- the runs that are copied -------------------------------------------------------------------------


def request_of(arms: int, hours: int = 24) -> RunRequest:
    """Return the brief's request with so many arms and hours."""
    brief = brief_request()
    test = replace(brief.ab_test_config, variants_count=arms, test_duration_hours=hours)
    return replace(
        brief,
        ab_test_config=test,
        budget_config=replace(brief.budget_config, total_budget=Decimal(250 * arms)),
        creative_ids=creatives(arms),
        headlines=tuple(f"Headline {number}" for number in range(arms)),
        primary_texts=tuple(f"Text {number}" for number in range(arms)),
    )


def creatives(count: int) -> tuple[CreativeId, ...]:
    """Return the ids of so many creatives, beginning with those that every machine has."""
    more = (CreativeId(f"00000000-0000-4000-8000-0000000001{n:02}") for n in range(count))
    return (*CREATIVES, *more)[:count]


def furnish(unit: UnitOfWork, write: Callable[[str, bytes], object], now: datetime, count: int) -> None:
    """Add the creatives that the account lacks for tests of so many arms."""
    for number, creative in enumerate(creatives(count)):
        if creative not in CREATIVES:
            key = f"creatives/{number}"
            write(key, picture(number))
            unit.creatives.add(Creative(creative, ACCOUNT, f"Creative {number}", key, f"{number:064x}", now))


def submitted(machine: CountedMachine, arms: int = 2, hours: int = 24) -> RunId:
    """Ask for a run on an account that may be written to."""
    with machine.open_unit() as unit:
        furnish(unit, machine.storage.write, machine.clock.now(), arms)
        unit.commit()
    machine.claim()
    return machine.intake.submit(request_of(arms, hours), "benchmark").id


@cache
def stored(status: RunStatus, arms: int = 2) -> StoredRun:
    """Return a run that has come as far as a status; one that is being tested has some polls behind it."""
    machine = CountedMachine()
    run_id = submitted(machine, arms)
    while machine.run(run_id).status is not status:
        run = machine.tick(run_id)
        if run.status is RunStatus.WAITING_APPROVAL is not status:
            machine.approvals.publish_winner(run_id, "manager", variant=run.release.leader)
    while status is RunStatus.AB_TESTING and not _has_polls(machine, run_id):
        machine.tick(run_id)
    return StoredRun.of(machine.database.tables, run_id)


def _has_polls(machine: CountedMachine, run_id: RunId) -> bool:
    run, tables = machine.run(run_id), machine.database.tables
    polls = {one.at for one in tables.snapshots.values() if one.run_id == run_id}
    return run.trial.starts_at is not None and len(polls) >= POLLS


def with_history(known: StoredRun, days: int, planned: int = 90) -> StoredRun:
    """Return a run that has been polled every hour for so many days, of those that its test is planned for."""
    start = known.run.trial.starts_at or known.run.created_at
    request = known.run.request
    budget = Decimal(DAILY * planned)
    test = replace(request.ab_test_config, test_duration_hours=24 * planned, test_budget_per_variant=budget)
    trial = replace(known.run.trial, ends_at=start + timedelta(days=planned), poll_minutes=60)
    run = replace(known.run, request=replace(request, ab_test_config=test), trial=trial)
    asked = replace(known, run=run)
    return replace(asked, snapshots=[one for poll in polls_of(asked, days) for one in poll])


def polls_of(known: StoredRun, days: int) -> Iterator[Sequence[Snapshot]]:
    """Yield a run's hourly polls: figures of arms that are alike, so that nothing is proven and the test goes on."""
    run, start = known.run, known.run.trial.starts_at or known.run.created_at
    chance = random.Random(SEED)  # noqa: S311 - the same figures each time
    total = {one.letter: Figures() for one in known.variants}
    for hour in range(1, 24 * days + 1):
        for letter, before in total.items():
            sales = sum(chance.randrange(10) == 0 for _ in range(10))
            total[letter] = _plus(before, spend=50 + chance.randrange(10), sales=sales, chance=chance)
        at = start + timedelta(hours=hour)
        yield [Snapshot(run.id, letter, at, figures) for letter, figures in total.items()]


def _plus(figures: Figures, spend: int, sales: int, chance: random.Random) -> Figures:
    clicks = sales + chance.randrange(5)
    return Figures(
        spend=figures.spend + spend,
        impressions=figures.impressions + 100 + chance.randrange(20),
        clicks=figures.clicks + clicks,
        conversions=figures.conversions + sales,
        revenue=figures.revenue + sum(chance.randrange(500, 3000) for _ in range(sales)),
        engagements=figures.engagements + clicks + chance.randrange(3),
    )


# --- whole databases ----------------------------------------------------------------------------------


def account_of(number: int, now: datetime) -> Account:
    """Return the ``number``-th ad account; the first is the simulator's own."""
    defaults = AdDefaults(**DEFAULTS)
    if number == 0:
        return Account(ACCOUNT, ACT, "Demo", "EUR", "Europe/Madrid", defaults, now)
    own = AccountId(f"00000000-0000-4000-8000-{1_000 + number:012}")
    return Account(
        own, ActId(f"act_{9_000_000 + number}"), f"Shop {number}", "EUR", "Europe/Madrid", defaults, now
    )


def add_account(unit: UnitOfWork, account: Account) -> None:
    """Add an account with its watch, which is not due, and the creatives of the brief's request."""
    unit.accounts.add(account)
    unit.watches.add(Watch(account.act_id, 1, account.created_at + timedelta(days=3650)))


def filled_with(
    shares: Mapping[RunStatus, int], arms: int = 2, *, bare: bool = False
) -> Callable[[Database], None]:
    """Return what fills a database with so many runs of each status, all in one account; ``bare``: without their records."""

    def fill(database: Database) -> None:
        now = stored(next(iter(shares)), arms).run.created_at
        with database.open_unit() as unit:
            add_account(unit, account_of(0, now))
            unit.commit()
        first = 0
        for status, count in shares.items():
            with database.open_unit() as unit:
                copies = [stored(status, arms).copy(number) for number in range(first, first + count)]
                if bare:
                    for one in copies:
                        unit.runs.add(one.run)
                else:
                    store_all(unit, copies)
                unit.commit()
            first += count

    return fill


def moment_of(*shown: StoredRun) -> datetime:
    """Return a moment shortly after the last that is known of these runs."""
    return max(one.run.updated_at for one in shown) + timedelta(minutes=1)
