"""Workers that let runs in, or spend an account's money, at the same moment: what one has taken, the others find gone."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.meta_ads import MemoryMetaAds
from autopublisher.adapters.memory.storage import MemoryStorage
from autopublisher.domain.accounts.accounts import (
    Account,
    AdAccountFacts,
    AdDefaults,
    Creative,
    MinimumBudgets,
)
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import LimitRefusedError
from autopublisher.domain.ids import AccountId, ActId, MetaId, RunId
from autopublisher.domain.journal.operations import Action, ObjectKind, Operation, OperationSpec
from autopublisher.domain.money.limits import InstallationLimits
from autopublisher.domain.runs.run import ADMITTED, Run, RunStatus
from autopublisher.flows.outcomes.steps import Step
from autopublisher.flows.runs.admission import Admission
from autopublisher.flows.runs.holding import Holding, KnownRuns
from autopublisher.flows.runs.orchestrator import Orchestrator
from autopublisher.flows.tick_pacing import TickPacing
from autopublisher.flows.writes.executor import Executor
from autopublisher.flows.writes.money_gate import MoneyGate, SpendRules
from autopublisher.flows.writes.objects import ObjectControl
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter, UnitOfWork
from autopublisher.ports.work import Tick
from support.simulated import ACCOUNT, ACT, brief_request
from support.wording import english

WORKERS = 4
DEFAULTS = AdDefaults(
    page_id="1001",
    pixel_id="2001",
    conversion_event="PURCHASE",
    link_url="https://shop.example.com/offer",
    dsa_beneficiary="Shop",
    dsa_payor="Shop",
)


class NoTicks:
    """A queue that takes note of nothing: the ticks here are made by hand."""

    def enqueue(self, unit: UnitOfWork, tick: Tick, delay_seconds: float = 0.0) -> None:
        """Forget the tick."""


class SlowGate(MoneyGate):
    """A gate whose answer is acted upon late."""

    def admit(self, unit: UnitOfWork, run: Run, rows: Sequence[Operation], operation: Operation) -> None:
        super().admit(unit, run, rows, operation)
        threading.Event().wait(0.2)


class MetaOfAnyAccount(MemoryMetaAds):
    """Meta in memory that makes objects for whichever account asks."""

    def create(self, act_id: ActId, kind: ObjectKind, params: Mapping[str, Any]) -> MetaId:
        assert act_id
        return super().create(self.facts.act_id, kind, params)


class Workers:
    """Several workers over one database; all of them have made up their minds before any of them saves."""

    def __init__(self, open_unit: OpenUnitOfWork, run: Run, places: int) -> None:
        self.open_unit = open_unit
        self.clock = ManualClock(run.created_at)
        one = Money(100, "EUR")
        ceiling = Money(10_000, "EUR")  # a hundred times this is the most that one run may cost
        facts = AdAccountFacts(ACT, "Demo", 1, "EUR", "Europe/Madrid", ceiling, "Shop", "Shop")
        self.meta = MetaOfAnyAccount(self.clock, facts, MinimumBudgets(one, one, one, one))
        self._admission = Admission(open_unit, self.meta, self.clock, places)
        self._all_decided = threading.Barrier(WORKERS)

    def let_in(self, runs: list[Run]) -> None:
        """Tick every run once, at the same moment."""
        executor = Executor(self.open_unit, self.meta, MemoryStorage(), self.clock)
        control = ObjectControl(self.open_unit, executor, self.meta, self.clock)
        holding = Holding(self.open_unit, control, self.meta, self.clock, {}, KnownRuns())
        phases = {RunStatus.PENDING: self._decided}
        pacing = TickPacing(self.open_unit, self.meta, self.clock)
        machine = Orchestrator(
            self.open_unit,
            NoTicks(),
            self.clock,
            phases,
            self._decided,
            holding,
            views=control.views,
            pacing=pacing,
        )
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(machine.advance, [Tick(run.id, run.version, run.act_id) for run in runs]))

    def _decided(self, run: Run) -> Step:
        step = self._admission(run)
        self._all_decided.wait(timeout=60)
        return step

    def spend(self, runs: list[Run], rules: SpendRules | None = None) -> list[bool]:
        """Have every run reserve 50 EUR of today at the same moment; tell which of them could."""
        executor = Executor(self.open_unit, self.meta, MemoryStorage(), self.clock, gate=SlowGate(rules))
        start = threading.Barrier(len(runs))

        def spent(run: Run) -> bool:
            start.wait(timeout=60)
            try:
                executor.perform(run, self._spender())
            except LimitRefusedError:
                return False
            return True

        with ThreadPoolExecutor(len(runs)) as pool:
            return list(pool.map(spent, runs))

    def _spender(self) -> OperationSpec:
        now = self.clock.now()
        params = {
            "name": "One",
            "start_time": now.isoformat(),
            "end_time": (now + timedelta(hours=1)).isoformat(),
        }
        return OperationSpec("final/one", Action.CREATE, ObjectKind.CAMPAIGN, params, reserves=5000)


@pytest.fixture
def runs(open_unit: OpenUnitOfWork, account: Account, run: Run) -> list[Run]:
    """As many runs as workers; an earlier failed tick of each keeps it from standing in the others' way."""
    owner = replace(account, id=ACCOUNT, act_id=ACT, defaults=DEFAULTS)
    request = brief_request()
    made = [
        replace(
            run,
            id=RunId(f"0000000{number}-0000-4000-8000-000000000000"),
            account_id=ACCOUNT,
            act_id=ACT,
            request=request,
            failed_ticks=1,
        )
        for number in range(WORKERS)
    ]
    with open_unit() as unit:
        unit.accounts.add(owner)
        for number, creative in enumerate(request.creative_ids):
            key = f"creatives/{number}"
            unit.creatives.add(
                Creative(creative, ACCOUNT, f"Creative {number}", key, f"{number:064x}", run.created_at)
            )
        for one in made:
            unit.runs.add(one)
        unit.commit()
    return made


def limited(open_unit: OpenUnitOfWork, daily: int) -> None:
    with open_unit() as unit:
        unit.accounts.save(replace(unit.accounts.get(ACCOUNT), daily_limit=daily))
        unit.commit()


def admitted(open_unit: OpenUnitOfWork) -> int:
    with open_unit() as unit:
        return unit.runs.count(RunFilter(statuses=ADMITTED))


def stored(open_unit: OpenUnitOfWork) -> list[Run]:
    with open_unit() as unit:
        return list(unit.runs.find(RunFilter()))


@pytest.mark.parametrize("places", [1, 3])
def test_no_more_runs_are_let_in_than_there_are_places(
    open_unit: OpenUnitOfWork, runs: list[Run], places: int
) -> None:
    Workers(open_unit, runs[0], places).let_in(runs)
    assert admitted(open_unit) == places


def test_those_who_found_the_places_taken_wait(open_unit: OpenUnitOfWork, runs: list[Run]) -> None:
    Workers(open_unit, runs[0], places=1).let_in(runs)
    waiting = [english(run.attention) for run in stored(open_unit) if run.status is RunStatus.PENDING]
    assert waiting == ["waiting for another run to end"] * (WORKERS - 1)


def test_no_more_runs_are_let_in_than_the_day_has_money_for(
    open_unit: OpenUnitOfWork, runs: list[Run]
) -> None:
    limited(open_unit, daily=25_000)
    Workers(open_unit, runs[0], places=WORKERS).let_in(runs)
    assert admitted(open_unit) == 2


def test_who_found_the_days_money_gone_is_refused_at_the_next_look(
    open_unit: OpenUnitOfWork, runs: list[Run]
) -> None:
    limited(open_unit, daily=10_000)
    workers = Workers(open_unit, runs[0], places=WORKERS)
    workers.let_in(runs)
    late = [run for run in stored(open_unit) if run.status is RunStatus.PENDING]
    with ThreadPoolExecutor(1) as pool:
        steps = [pool.submit(workers._admission, run).result(timeout=60) for run in late]
    assert {step.run.status for step in steps} == {RunStatus.FAILED}


def test_no_more_money_is_reserved_at_once_than_the_day_holds(
    open_unit: OpenUnitOfWork, runs: list[Run]
) -> None:
    limited(open_unit, daily=14_999)
    passed = Workers(open_unit, runs[0], places=1).spend(runs)
    assert sum(passed) == 2


def test_two_accounts_cannot_both_take_the_last_of_the_installations_day(
    open_unit: OpenUnitOfWork, runs: list[Run]
) -> None:
    first, second = runs[0], of_another_account(open_unit, runs[0])
    rules = SpendRules(InstallationLimits(daily={"EUR": 9_999}))
    passed = Workers(open_unit, first, places=1).spend([first, second], rules)
    assert sum(passed) == 1


def of_another_account(open_unit: OpenUnitOfWork, run: Run) -> Run:
    """Store a run like this one of an account that shares nothing with it but the installation and the currency."""
    with open_unit() as unit:
        account = replace(
            unit.accounts.get(ACCOUNT),
            id=AccountId("00000000-0000-4000-8000-000000000002"),
            act_id=ActId("act_987654321"),
        )
        other = replace(
            run,
            id=RunId("00000009-0000-4000-8000-000000000000"),
            account_id=account.id,
            act_id=account.act_id,
        )
        unit.accounts.add(account)
        unit.runs.add(other)
        unit.commit()
    return other
