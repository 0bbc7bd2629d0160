"""Histories of anything that changes what runs reserve, in any order, and the money gate's question counted afresh."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.ids import AccountId, ActId, RunId
from autopublisher.domain.journal.operations import (
    TRANSITIONS,
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.money.exposure import Calendar, calendar_of, together
from autopublisher.domain.money.spans import spans_of
from autopublisher.domain.runs.commitments import commitments_of
from autopublisher.domain.runs.reservations import PROMISING, Calendars, reservations_of
from autopublisher.domain.runs.run import FINAL, Run, RunStatus, Trial
from autopublisher.flows.writes.counted_reservations import count_missing
from autopublisher.ports.repositories import Fence, OpenUnitOfWork, UnitOfWork
from autopublisher.ports.reservations import Count, RunGroup

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
DAYS = (date(2026, 11, 1), date(2027, 1, 31))
SINCE = START - timedelta(days=20)
STRETCH = 175
_CREATES = (
    ("test/a/campaign", ObjectKind.CAMPAIGN),
    ("test/a/adset", ObjectKind.AD_SET),
    ("test/a/ad", ObjectKind.AD),
    ("test/b/adset", ObjectKind.AD_SET),
    ("final/adset", ObjectKind.AD_SET),
    ("duplicate/test/a/adset/7", ObjectKind.AD_SET),
    ("duplicate/test/a/campaign/8", ObjectKind.CAMPAIGN),
)
_STATUSES = (*sorted(PROMISING), RunStatus.AB_TESTING, RunStatus.COMPLETED)
_ZONES = ("Europe/Madrid", "America/Lima")


@dataclass
class History:
    """Two accounts with their runs, to which anything happens that ``rng`` chooses."""

    open_unit: OpenUnitOfWork
    rng: Random
    account: Account
    template: Run
    runs: list[RunId] = field(default_factory=list)

    def begin(self) -> None:
        """Store the accounts, one of them without a run that counts."""
        with self.open_unit() as unit:
            for number in (1, 2):
                unit.accounts.add(
                    replace(self.account, id=AccountId(f"account-{number}"), act_id=ActId(f"act_{number}"))
                )
            unit.commit()

    def play(self, steps: int) -> None:
        """Let so many things happen, and ask after each what the runs reserve."""
        for _ in range(steps):
            actions = (self._add, self._intend, self._intend, self._advance, self._advance, self._save)
            with self.open_unit() as unit:
                self.rng.choice((*actions, self._rezone, self._count, self._count))(unit)
                unit.commit()
            with self.open_unit().reading() as unit:
                self.check(unit)

    def check(self, unit: UnitOfWork) -> None:
        """Compare every stored count with its journal."""
        for run_id, count in unit.reservations.counts(self.runs).items():
            run = unit.runs.get(run_id)
            how = Calendars(unit.accounts.get(run.account_id).timezone, STRETCH)
            rows = unit.journal.of_run(run_id)
            counted = Count(how.rule, spans_of(reservations_of(run, rows, how)), commitments_of(run, rows))
            assert count.rule != how.rule or count == counted, run_id

    def afresh(self, unit: UnitOfWork, group: RunGroup) -> Calendar:
        """Return what a group's runs reserve within ``DAYS``, each counted from its journal."""
        total = Calendar({}, {})
        for run in map(unit.runs.get, self.runs):
            ended, zone = run.ending.at, unit.accounts.get(run.account_id).timezone
            is_in = run.currency == group.currency and group.act_id in {None, run.act_id}
            if is_in and run.id not in group.without and (ended is None or ended >= SINCE):
                rows = unit.journal.of_run(run.id)
                total = together(total, calendar_of(reservations_of(run, rows, Calendars(zone, STRETCH))))
        return Calendar(
            {day: most for day, most in total.days.items() if most and DAYS[0] <= day <= DAYS[1]},
            {month: most for month, most in total.months.items() if most and DAYS[0] <= month <= DAYS[1]},
        )

    # --- what happens -----------------------------------------------------------------------------

    def _add(self, unit: UnitOfWork) -> None:
        if len(self.runs) < 5:
            number, owner = len(self.runs) + 1, self.rng.choice((1, 1, 2))
            run = replace(
                self.template,
                id=RunId(f"run-{number}"),
                account_id=AccountId(f"account-{owner}"),
                act_id=ActId(f"act_{owner}"),
                currency=self.rng.choice(("EUR", "EUR", "USD")),
            )
            unit.runs.add(run)
            self.runs.append(run.id)

    def _intend(self, unit: UnitOfWork) -> None:
        if self.runs:
            run = unit.runs.get(self.rng.choice(self.runs))
            rows = unit.journal.of_run(run.id)
            spec = self._spec(rows)
            if spec.key not in {row.key for row in rows}:
                row = Operation(
                    RunOwner(run.id), len(rows) + 1, spec, OperationState.INTENDED, self._moment()
                )
                unit.journal.intend(row, Fence(run.id, run.version))

    def _advance(self, unit: UnitOfWork) -> None:
        run, row = self._row(unit)
        if run is None or row is None:
            return
        state = self.rng.choice((*sorted(TRANSITIONS[row.state]), row.state))
        moved = replace(
            row,
            state=state,
            spec=replace(row.spec, reserves=self.rng.choice((row.spec.reserves, row.spec.reserves, 0, 4321))),
            sent_at=row.sent_at or self.rng.choice((None, START)),
            settled_at=self.rng.choice((row.settled_at, self._moment())),
            look_again_at=self.rng.choice((row.look_again_at, None, self._moment())),
            spent=self.rng.choice((row.spent, row.spent, None, 0, 1234)),
        )
        unit.journal.advance(moved, row, Fence(run.id, run.version))

    def _save(self, unit: UnitOfWork) -> None:
        if self.runs:
            run = unit.runs.get(self.rng.choice(self.runs))
            status = self.rng.choice((run.status, run.status, *_STATUSES))
            ended = self.rng.choice((None, START, SINCE - timedelta(days=1))) if status in FINAL else None
            turned = self.rng.choice((None, None, RunStatus.CANCELLED))
            starts = self.rng.choice((None, self._moment()))
            budget = {
                "total": 9000,
                "daily": 700,
                "starts_at": START.isoformat(),
                "ends_at": self._moment().isoformat(),
            }
            saved = replace(
                run,
                status=status,
                version=run.version + 1,
                ending=replace(run.ending, at=ended, turned_to=turned),
                trial=Trial(starts, starts and starts + timedelta(days=self.rng.randint(1, 9))),
                release=replace(run.release, final_budget=self.rng.choice((None, budget))),
            )
            unit.runs.save(saved, was=run.version)

    def _rezone(self, unit: UnitOfWork) -> None:
        account = unit.accounts.get(AccountId("account-1"))
        unit.accounts.save(replace(account, timezone=self.rng.choice(_ZONES)))

    def _count(self, unit: UnitOfWork) -> None:
        for currency in ("EUR", "USD"):
            list(count_missing(unit, RunGroup(None, currency, SINCE), STRETCH, store=True))

    # --- with what --------------------------------------------------------------------------------

    def _row(self, unit: UnitOfWork) -> tuple[Run | None, Operation | None]:
        if not self.runs:
            return None, None
        run = unit.runs.get(self.rng.choice(self.runs))
        rows = unit.journal.of_run(run.id)
        return run, self.rng.choice(rows) if rows else None

    def _spec(self, rows: Sequence[Operation]) -> OperationSpec:
        key, kind = self.rng.choice(_CREATES)
        if rows and self.rng.random() < 0.6:
            params = self.rng.choice(({"status": "ACTIVE"}, {"status": "PAUSED"}, self._money()))
            action = self.rng.choice((Action.UPDATE, Action.UPDATE, Action.UPDATE, Action.DELETE))
            kind = self.rng.choice((kind, kind, ObjectKind.AD))
            return OperationSpec(f"extend/{key}/{len(rows) + 1}", action, kind, params, target=key)
        params = {**self._money(), "campaign_id": {"$id": "test/a/campaign"}}
        arm, reserves = key.split("/")[-2].upper(), self.rng.choice((0, 5000, 7000))
        return OperationSpec(
            key, Action.CREATE, kind, params, variant=arm if arm in {"A", "B"} else None, reserves=reserves
        )

    def _money(self) -> dict[str, Any]:
        whole: dict[str, Any] = {
            "start_time": self._moment().isoformat(),
            "end_time": self._moment().isoformat(),
            "daily_budget": 900,
            "lifetime_budget": self.rng.choice((3000, 6000)),
        }
        return {name: value for name, value in whole.items() if self.rng.random() < 0.6}

    def _moment(self) -> datetime:
        return START + timedelta(hours=self.rng.randint(-200, 900))
