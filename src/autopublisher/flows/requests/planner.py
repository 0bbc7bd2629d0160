"""Planner: what a request would create, risk, prove and earn, said before anything is spent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import InvalidRequestError, Problem
from autopublisher.domain.evidence.criteria import MEASURES, Criterion, Figure
from autopublisher.domain.journal.records import Figures
from autopublisher.domain.messages import Message, remedied
from autopublisher.domain.request.money_rules import smallest_daily, smallest_lifetime
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.request.request_problems import RequestProblem
from autopublisher.domain.runs.calls import Calls, calls_of
from autopublisher.domain.runs.outlook import (
    Basis,
    Outlook,
    Supposition,
    measured,
    outlook,
    suppositions,
)
from autopublisher.domain.runs.plan import objective_of
from autopublisher.domain.runs.proposal import Proposal, proposed
from autopublisher.flows.requests.intake import Intake
from autopublisher.flows.runs.finished_test import account_memory_of
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork

NEWEST_TESTS = 20
"""From so many of an account's tests the cost of an event is taken: older ones tell of other times."""


@dataclass(frozen=True)
class RunPlan:
    """A request as it would be carried out, and its prospects: one ``outlook`` for each supposed cost of an event.

    ``smallest_daily`` is Meta's least daily budget for the goal, ``smallest_test`` its least for one variant's whole test;
    ``tier`` the account's access tier at Meta, None where no answer has told it yet. ``at`` is when all of it was looked up.
    """

    account: Account
    proposal: Proposal
    smallest_daily: Money
    smallest_test: Money
    calls: Calls
    tier: str | None
    outlooks: Sequence[Outlook]
    warnings: Sequence[Message]
    at: datetime


class Planner:
    """Answers what a request would lead to; it changes nothing, here or at Meta."""

    def __init__(self, open_unit: OpenUnitOfWork, intake: Intake, clock: Clock, poll: timedelta) -> None:
        self._open_unit = open_unit
        self._intake = intake
        self._clock = clock
        self._poll = poll

    def plan(
        self, request: RunRequest, *, cost: Decimal | None = None, value: Decimal | None = None
    ) -> RunPlan:
        """Return the plan of a request; raises as ``Intake.submit`` where there could be no run.

        ``cost`` and ``value`` are what an event is expected to cost and to bring, in major units; without, what the
        account's finished tests have shown, and without those several supposed ones.
        """
        _check_expected(expected_cost_per_event=cost, expected_value_per_event=value)
        found = self._intake.check(request)
        criterion = Criterion(request.ab_test_config.winner_criteria.value)
        memory = account_memory_of(self._open_unit, found.account.act_id, criterion)
        known = memory if memory.tests else None
        proposal = proposed(request, found.account, found.creatives, known)
        daily = smallest_daily(found.minimums, objective_of(proposal.run.request).goal.frequency)
        supposed = self._known(request, found.account, criterion, cost, value)
        return RunPlan(
            account=found.account,
            proposal=proposal,
            smallest_daily=daily,
            smallest_test=smallest_lifetime(daily, request.ab_test_config.test_duration_hours),
            calls=calls_of(proposal, self._poll),
            tier=self._tier(found.account),
            outlooks=[outlook(proposal, one, found.minimums) for one in suppositions(proposal, supposed)],
            warnings=found.warnings,
            at=self._clock.now(),
        )

    def _known(
        self,
        request: RunRequest,
        account: Account,
        criterion: Criterion,
        cost: Decimal | None,
        value: Decimal | None,
    ) -> Supposition | None:
        worth = request.budget_config.value_per_conversion if value is None else value
        shown = self._shown(account, criterion, worth)
        if shown is not None and value is None:
            worth = shown.value
        if cost is not None:
            return Supposition(cost, worth, Basis.ASKED)
        return None if shown is None else replace(shown, value=worth)

    def _shown(self, account: Account, criterion: Criterion, value: Decimal | None) -> Supposition | None:
        """Return what an event has cost and brought in the account's newest finished tests by this criterion."""
        with self._open_unit().reading() as unit:
            tests = unit.finished_tests.of_account(account.act_id, (criterion.value,))[-NEWEST_TESTS:]
            latest = unit.observations.latest_snapshots([test.run_id for test in tests])
        figures = [one.figures for arms in latest.values() for one in arms]
        measure = MEASURES[criterion]
        counted = sum(_count(one, figure) for one in figures for figure in measure.counts)
        spend = Money(sum(one.spend for one in figures), account.currency)
        revenue = Money(sum(max(one.revenue, 0) for one in figures), account.currency)
        return measured(spend, counted, revenue if measure.value_dispersion else None, len(latest), value)

    def _tier(self, account: Account) -> str | None:
        with self._open_unit().reading() as unit:
            kept = unit.pacings.get(account.act_id)
        return None if kept is None else kept.pacing.management.usage.tier


def _check_expected(**amounts: Decimal | None) -> None:
    wrong = {field: amount for field, amount in amounts.items() if amount is not None and amount <= 0}
    if wrong:
        raise InvalidRequestError(
            [
                Problem(field, *remedied(RequestProblem.AMOUNT_NOT_POSITIVE(amount=str(amount))))
                for field, amount in wrong.items()
            ]
        )


def _count(figures: Figures, figure: Figure) -> int:
    counts = {
        Figure.CONVERSIONS: figures.conversions,
        Figure.CLICKS: figures.clicks,
        Figure.ENGAGEMENTS: max(0, figures.engagements - figures.clicks),
    }
    return counts[figure]
