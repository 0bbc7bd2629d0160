"""SCALING_BUDGET: how much the winner may spend, from the ledger and Meta's minima as they are now."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from autopublisher.domain.accounts.account_limit import attention_of_publication
from autopublisher.domain.accounts.accounts import AdAccountFacts
from autopublisher.domain.amounts import Money
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.messages import Message
from autopublisher.domain.money.ledger import commitment_of, ledger_of
from autopublisher.domain.money.limits import Breach
from autopublisher.domain.reconciliation.able_arms import able_arms
from autopublisher.domain.request.rules import smallest_daily
from autopublisher.domain.runs.arm_reserves import arms_of
from autopublisher.domain.runs.optimizer import (
    Arm,
    ArmBudget,
    FinalBudget,
    NoBudget,
    Room,
    final_budget,
    fitted_budget,
    in_place_budget,
)
from autopublisher.domain.runs.plan import objective_of, total_of
from autopublisher.domain.runs.run import Run, RunStatus, Way
from autopublisher.domain.runs.run_messages import RunMessage, RunWarning
from autopublisher.flows.outcomes.deferred import Deferred
from autopublisher.flows.outcomes.failing import RunFailed
from autopublisher.flows.outcomes.steps import Step, event
from autopublisher.flows.runs.account_facts import AccountFacts
from autopublisher.flows.runs.arm_spend import ArmSpend
from autopublisher.flows.runs.closing import unpublished
from autopublisher.flows.runs.duplicates import Duplicates
from autopublisher.flows.writes.money_gate import LIMIT_WAIT, MoneyGate
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import OpenUnitOfWork, UnitOfWork


class Scaling:
    """SCALING_BUDGET."""

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        clients: ReadingClients,
        clock: Clock,
        gate: MoneyGate,
        *,
        duplicates: Duplicates,
        arms: ArmSpend,
        account: AccountFacts,
    ) -> None:
        self._account = account
        self._duplicates = duplicates
        self._arms = arms
        self._open_unit = open_unit
        self._clients = clients
        self._clock = clock
        self._gate = gate

    def __call__(self, run: Run) -> Step:
        """Return the run with its final budget, or ending where too little is left to publish anything.

        Raises Deferred until the test's arms and all duplicates are off and what they have spent is known.
        """
        began = self._clock.now()
        self._duplicates.settle(run)  # lists all that is the run's, arms as well
        self._arms.settle(run, since=began)
        now = self._clock.now()
        facts = self._account.current(run)
        if not facts.delivers:
            raise RunFailed(RunMessage.ACCOUNT_CANNOT_DELIVER(status=str(facts.status)))
        least = smallest_daily(
            self._clients.for_account(run.act_id).minimum_budgets(), objective_of(run.request).goal.frequency
        )
        with self._open_unit().reading() as unit:
            rows = unit.journal.of_run(run.id)
            spends = {one.variant: one.figures.spend for one in unit.observations.snapshots(run.id)}
            room = Room(ledger_of(total_of(run), rows).left, least, facts.minimum_spend_cap)
            goes_on = _going_on(run, rows, unit.records.objects(run.id))
            make = partial(_made, run=run, arms=_arms(run, rows, goes_on, spends), now=now)
            budget = fitted_budget(make, room, partial(self._breach, unit, run, now=now))
        if isinstance(budget, Breach):
            raise Deferred(now + LIMIT_WAIT, budget.said)
        if isinstance(budget, FinalBudget):
            _wait_for_account(facts, budget, now)
        if isinstance(budget, NoBudget):
            deleted = [one for one in run.warnings if one.code == RunWarning.DELETED_SPEND]
            why = RunMessage.NOTES(notes=(budget.reason, *deleted)) if deleted else budget.reason
            said = RunMessage.NOTHING_PUBLISHED(why=why)
            ending = replace(run.ending, turned_to=RunStatus.COMPLETED)
            ended = replace(run, ending=ending, next_tick_at=now, report=unpublished(said))
            return Step(ended, (event(run, now, "nothing_to_scale", said),))
        moved = _with(run, budget, now)
        scaled = event(run, now, "scaled", _scaled_text(budget), dict(moved.release.final_budget or {}))
        return Step(moved, (scaled,), claim=partial(self._claim, run=run, budget=budget, now=now))

    def _breach(
        self, unit: UnitOfWork, run: Run, budget: FinalBudget, now: datetime, *, held: bool = False
    ) -> Breach | None:
        return self._gate.breach(unit, run, _with(run, budget, now), now, held=held)

    def _claim(self, unit: UnitOfWork, run: Run, budget: FinalBudget, now: datetime) -> None:
        """Take the money in the transaction that saves the budget: from then on it counts as promised."""
        self._gate.hold(unit, run)
        if self._breach(unit, run, budget, now, held=True) is not None:
            raise Deferred(now)  # another run was faster; the next look finds what is left then


def _made(room: Room, *, run: Run, arms: Sequence[Arm], now: datetime) -> FinalBudget | NoBudget:
    """Fit a budget into a room for the way in which the run is published; ``arms`` are those that go on where they are."""
    if run.release.way is Way.SCALED:
        return final_budget(run.request, room, now)
    return in_place_budget(run.request, room, arms, now)


def _going_on(run: Run, rows: Sequence[Operation], models: Sequence[MetaObject]) -> Sequence[str]:
    """Return the variants that are to go on where they are: the one chosen, or all that can where all are kept."""
    if run.release.way is Way.KEEP_ALL:
        return able_arms(run, rows, models)
    return [] if run.release.winner is None else [run.release.winner]


def _arms(
    run: Run, rows: Sequence[Operation], letters: Sequence[str], spends: Mapping[str, int]
) -> list[Arm]:
    """Return what is known of these arms' money and time; ``spends`` are the last figures of their test."""
    made = arms_of(rows)
    return [
        Arm(
            letter,
            Money(commitment_of(made[letter], rows), run.currency),
            Money(spends.get(letter, 0), run.currency),
            datetime.fromisoformat(made[letter].spec.params["start_time"]),
        )
        for letter in letters
    ]


def _wait_for_account(facts: AdAccountFacts, budget: FinalBudget, now: datetime) -> None:
    """Raise Deferred where the account's own limit at Meta would stop the campaign before its budget is spent."""
    attention = attention_of_publication(facts, budget.total)
    if attention is not None:
        raise Deferred(now + LIMIT_WAIT, attention)


def _scaled_text(budget: FinalBudget) -> Message:
    if budget.daily is None:
        return RunMessage.SCALED_LIFETIME(total=budget.total, ends=budget.ends_at)
    return RunMessage.SCALED_DAILY(
        total=budget.total, daily=budget.daily, why=budget.why, ends=budget.ends_at
    )


def _with(run: Run, budget: FinalBudget, now: datetime) -> Run:
    release = replace(run.release, final_budget=budget_to_record(budget))
    return replace(run, release=release, attention=None).moved(RunStatus.PUBLISHING_FINAL, now)


def budget_to_record(budget: FinalBudget) -> dict[str, Any]:
    """Return the budget as JSON types, amounts in minor units."""
    return {
        "currency": budget.total.currency,
        "total": budget.total.minor,
        "daily": None if budget.daily is None else budget.daily.minor,
        "spend_cap": None if budget.spend_cap is None else budget.spend_cap.minor,
        "starts_at": budget.starts_at.isoformat(),
        "ends_at": budget.ends_at.isoformat(),
        "why": budget.why.to_record(),
        "arms": {
            arm.letter: {"total": arm.total.minor, "before": arm.before.minor, "tested": arm.tested.minor}
            for arm in budget.arms
        },
    }


def budget_from_record(record: dict[str, Any]) -> FinalBudget:
    """Rebuild what ``budget_to_record`` wrote."""
    currency = record["currency"]
    daily, cap = record["daily"], record["spend_cap"]
    arms = (record.get("arms") or {}).items()
    return FinalBudget(
        total=Money(record["total"], currency),
        daily=None if daily is None else Money(daily, currency),
        spend_cap=None if cap is None else Money(cap, currency),
        starts_at=datetime.fromisoformat(record["starts_at"]),
        ends_at=datetime.fromisoformat(record["ends_at"]),
        why=Message.from_record(record["why"]),
        arms=tuple(
            ArmBudget(letter, *(Money(part[name], currency) for name in ("total", "before", "tested")))
            for letter, part in arms
        ),
    )
