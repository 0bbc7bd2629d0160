"""Composes the phases of a run from the ports: the same handlers for the product, the tests and the benchmarks."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.outcomes.steps import Phase
from autopublisher.flows.runs.ab_flow import Conclusion, Testing
from autopublisher.flows.runs.account_facts import AccountFacts
from autopublisher.flows.runs.admission import Admission
from autopublisher.flows.runs.arm_spend import ArmSpend
from autopublisher.flows.runs.building import Building
from autopublisher.flows.runs.collector import Collector
from autopublisher.flows.runs.delivery_history import DeliveryHistory
from autopublisher.flows.runs.duplicates import Duplicates
from autopublisher.flows.runs.final_review import FinalReview
from autopublisher.flows.runs.holding import Holding, KnownRuns, no_plan
from autopublisher.flows.runs.looks import Looks
from autopublisher.flows.runs.optimizer import Scaling
from autopublisher.flows.runs.orchestrator import Orchestrator
from autopublisher.flows.runs.publisher import Publication
from autopublisher.flows.runs.reallocation import Reallocation
from autopublisher.flows.runs.selection import ApprovalWait, Selection
from autopublisher.flows.runs.spend_guard_rule import SpendGuardRule
from autopublisher.flows.runs.split_test import SplitTest
from autopublisher.flows.runs.teardown import Teardown
from autopublisher.flows.tick_pacing import TickPacing
from autopublisher.flows.watch.account_watch import AccountWatch
from autopublisher.flows.watch.billing import BillingCheck
from autopublisher.flows.watch.books import BooksCheck
from autopublisher.flows.watch.campaigns import CampaignsCheck
from autopublisher.flows.watch.claim_check import ClaimCheck
from autopublisher.flows.watch.count_check import CountCheck
from autopublisher.flows.watch.enforce_stops import StopEnforcement
from autopublisher.flows.watch.late_figures import LateFigures
from autopublisher.flows.watch.orphans import OrphanedObjects
from autopublisher.flows.watch.reconciliation import Reconciliation
from autopublisher.flows.watch.resume import ResumeAfterStop
from autopublisher.flows.writes.account_writes import AccountWrites
from autopublisher.flows.writes.best_effort import BestEffortWrites
from autopublisher.flows.writes.claims import AccountClaims
from autopublisher.flows.writes.executor import Executor
from autopublisher.flows.writes.money_gate import MoneyGate, SpendRules
from autopublisher.flows.writes.objects import ObjectControl
from autopublisher.flows.writes.orphan_pause import OrphanPause
from autopublisher.flows.writes.patience import Patience
from autopublisher.ports.clock import Clock, Stopwatch
from autopublisher.ports.meta.client import MetaClients
from autopublisher.ports.repositories import OpenUnitOfWork
from autopublisher.ports.storage import Storage
from autopublisher.ports.work import Tick, TickHandler, TickKind, TickQueue


@dataclass(frozen=True)
class EngineConfig:
    """How the engine spends time and money: runs at once, polling, looks at accounts, expiry, patience, spend rules.

    ``stopwatch`` times what is sent, in real seconds.
    """

    most_runs_at_once: int = 5
    poll: timedelta = timedelta(hours=1)
    look: timedelta = timedelta(minutes=15)
    approval_lasts: timedelta = timedelta(hours=72)
    patience: Patience = field(default_factory=Patience)
    spend: SpendRules = field(default_factory=SpendRules)
    native_rule: bool = False
    split_tests: bool = False
    stopwatch: Stopwatch = time.monotonic


def build_orchestrator(  # noqa: PLR0917 (one argument for each port, the same order everywhere)
    open_unit: OpenUnitOfWork,
    clients: MetaClients,
    storage: Storage,
    clock: Clock,
    ticks: TickQueue,
    config: EngineConfig,
    *,
    claims: AccountClaims | None = None,
) -> Orchestrator:
    """Return the tick handler with a phase for every status that is not final; without ``claims`` no account is claimed."""
    control = _control(open_unit, clients, storage, clock, config, claims)
    gate = control.gate
    collector = Collector(open_unit, clients, clock)
    account = AccountFacts(control.views, clients)
    best_effort = BestEffortWrites(control, clock)
    spend_guard_rule = SpendGuardRule(best_effort, clock, wanted=config.native_rule)
    split_test = SplitTest(best_effort, control, clock, wanted=config.split_tests)
    building = Building(open_unit, control, clock, split_test)
    review = FinalReview(control, clock, config.approval_lasts)
    publication = Publication(building, control, clock, spend_guard_rule, review=review, account=account)
    phases: dict[RunStatus, Phase] = {
        RunStatus.PENDING: Admission(open_unit, clients, clock, config.most_runs_at_once, gate=gate),
        RunStatus.CREATING_CAMPAIGNS: building,
        RunStatus.AB_TESTING: Testing(
            collector,
            control,
            clock,
            config.poll,
            looks=Looks(open_unit),
            reallocation=Reallocation(open_unit, control, clients, clock),
            split_test=split_test,
            account=account,
        ),
        RunStatus.ANALYZING_RESULTS: Conclusion(
            collector, control, clock, config.poll, split_test=split_test, account=account
        ),
        RunStatus.SELECTING_WINNER: Selection(control.views, clock, config.approval_lasts),
        RunStatus.WAITING_APPROVAL: ApprovalWait(clock),
        RunStatus.SCALING_BUDGET: Scaling(
            open_unit,
            clients,
            clock,
            gate,
            duplicates=Duplicates(control, clients, clock, stretch=gate.stretch),
            arms=ArmSpend(open_unit, control, clients, clock),
            account=account,
        ),
        RunStatus.PUBLISHING_FINAL: publication,
    }
    deliveries = DeliveryHistory(open_unit, control, clients, clock)
    teardown = Teardown(control, clock, split_test, deliveries)
    plans = {RunStatus.CREATING_CAMPAIGNS: building.plan, RunStatus.PUBLISHING_FINAL: publication.plan}
    holding = Holding(open_unit, control, clients, clock, plans, KnownRuns(), stretch=gate.stretch)
    return Orchestrator(
        open_unit,
        ticks,
        clock,
        phases,
        teardown,
        holding,
        views=control.views,
        pacing=TickPacing(open_unit, clients, clock),
    )


def build_watch(  # noqa: PLR0917 (one argument for each port, the same order everywhere)
    open_unit: OpenUnitOfWork,
    clients: MetaClients,
    storage: Storage,
    clock: Clock,
    ticks: TickQueue,
    config: EngineConfig,
    *,
    claims: AccountClaims | None = None,
    holding: Holding | None = None,
) -> AccountWatch:
    """Return the handler of the ticks of account watches; a further check is one more entry of its list.

    ``holding`` is that of the runs' own ticks, so that what one of them has compared or written the other knows.
    """
    control = (
        _control(open_unit, clients, storage, clock, config, claims) if holding is None else holding.control
    )
    gate = control.gate
    plan = no_plan if holding is None else holding.plan
    pause = OrphanPause(AccountWrites(open_unit, clients, clock, config.stopwatch), clients)
    orphans = OrphanedObjects(open_unit, control, clients, pause, plan)
    duplicates = Duplicates(control, clients, clock, stretch=gate.stretch)
    reconciliation = Reconciliation(open_unit, clients, clock, ticks, control, orphans, duplicates, holding)
    checks = (
        StopEnforcement(open_unit, control, orphans),
        ResumeAfterStop(open_unit, ticks, clock, control),
        reconciliation if claims is None else ClaimCheck(claims, reconciliation),
        # Before the figures, of which it may say that they are none.
        BooksCheck(open_unit, AccountFacts(control.views, clients)),
        LateFigures(open_unit, clients),
        # After what it goes by: how the account lists objects, and what they have spent.
        CampaignsCheck(open_unit, control),
        BillingCheck(open_unit, clients),
        CountCheck(open_unit, gate),
    )
    return AccountWatch(
        open_unit,
        ticks,
        clock,
        checks,
        config.look,
        views=control.views,
        pacing=TickPacing(open_unit, clients, clock),
    )


def _control(  # noqa: PLR0917 (one argument for each port, the same order everywhere)
    open_unit: OpenUnitOfWork,
    clients: MetaClients,
    storage: Storage,
    clock: Clock,
    config: EngineConfig,
    claims: AccountClaims | None,
) -> ObjectControl:
    """Return what writes: the executor behind its gate, and the control of objects over it."""
    gate = MoneyGate(config.spend)
    executor = Executor(
        open_unit,
        clients,
        storage,
        clock,
        config.patience,
        gate=gate,
        stopwatch=config.stopwatch,
        claims=claims,
    )
    return ObjectControl(open_unit, executor, clients, clock)


@dataclass(frozen=True)
class TickDispatcher:
    """Hands each tick to the handler of its kind."""

    orchestrator: Orchestrator
    watch: AccountWatch

    def __call__(self, tick: Tick) -> None:
        """Advance the tick's run, or look at its account."""
        handlers: Mapping[TickKind, TickHandler] = {
            TickKind.RUN: self.orchestrator.advance,
            TickKind.ACCOUNT: self.watch.look,
        }
        handlers[tick.kind](tick)


def build_dispatcher(  # noqa: PLR0917 (one argument for each port, the same order everywhere)
    open_unit: OpenUnitOfWork,
    clients: MetaClients,
    storage: Storage,
    clock: Clock,
    ticks: TickQueue,
    config: EngineConfig,
    *,
    claims: AccountClaims | None = None,
) -> TickDispatcher:
    """Return both handlers of one process."""
    parts = (open_unit, clients, storage, clock, ticks, config)
    orchestrator = build_orchestrator(*parts, claims=claims)
    return TickDispatcher(orchestrator, build_watch(*parts, claims=claims, holding=orchestrator.holding))
