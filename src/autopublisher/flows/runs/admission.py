"""PENDING: checks the request against account and Meta once more, waits its turn, and fixes what the run will use."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice, takewhile

from autopublisher.domain.accounts.accounts import AdAccountFacts
from autopublisher.domain.errors import NotFoundError, Problem
from autopublisher.domain.messages import Message, remedy_of, said_of
from autopublisher.domain.money.limits import check_limits
from autopublisher.domain.money.run_cap import check_run_cap
from autopublisher.domain.request.longest_test import further_days
from autopublisher.domain.request.rules import (
    check_against_account,
    check_against_meta,
    check_request,
    effective_ad,
)
from autopublisher.domain.request.variants import build_variants
from autopublisher.domain.runs.evidence_inputs import criterion_of
from autopublisher.domain.runs.plan import objective_of, plan_digest, test_plan
from autopublisher.domain.runs.run import ADMITTED, Run, RunStatus
from autopublisher.domain.runs.run_messages import RunMessage, RunWarning
from autopublisher.flows.outcomes.deferred import Deferred
from autopublisher.flows.outcomes.steps import Step, event
from autopublisher.flows.run_pages import every_run
from autopublisher.flows.runs.finished_test import account_memory_of
from autopublisher.flows.writes.money_gate import MoneyGate
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter, UnitOfWork

_TURN = timedelta(minutes=15)
"""How often a queued run looks by itself; the end of another run wakes it at once."""

LATE = timedelta(minutes=15)
"""How much later than scheduled a run may begin without a word."""

LEAD = timedelta(minutes=15)
"""Time between planning a test and the start of its delivery, for building and checking it."""


class Admission:
    """Lets a run in, or says why not."""

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        clients: ReadingClients,
        clock: Clock,
        most_at_once: int,
        *,
        gate: MoneyGate | None = None,
    ) -> None:
        self._open_unit = open_unit
        self._clients = clients
        self._clock = clock
        self._most_at_once = most_at_once
        self._gate = gate or MoneyGate()

    def __call__(self, run: Run) -> Step:
        """Move a due run to CREATING_CAMPAIGNS with its variants stored, or end it with the problems found."""
        now = self._clock.now()
        if run.request.scheduled_for is not None and now < run.request.scheduled_for:
            raise Deferred(run.request.scheduled_for)
        with self._open_unit().reading() as unit:
            self._wait_turn(unit, run, now)  # first, for a waiting run need not ask Meta every minute
        problems, facts = self._problems(run)
        if problems or facts is None:
            return _refused(run, now, problems)
        known = self._with_memory(run)
        with self._open_unit() as unit:
            step = self._admitted(unit, known, facts, now)
            breach = self._gate.breach(unit, run, step.run, now)
            if breach is not None:
                field = "ab_test_config.test_budget_per_variant"
                return _refused(run, now, [Problem(field, breach.reason, breach.remedy, "above_limit")])
            unit.commit()
        return replace(step, claim=partial(self._claim, run=run, admitted=step.run, now=now))

    def _claim(self, unit: UnitOfWork, run: Run, admitted: Run, now: datetime) -> None:
        """Take a place and the test's money in the transaction that saves the admission: nobody else can have both."""
        unit.lock("admission")
        self._gate.hold(unit, run)
        self._wait_turn(unit, run, now)
        if self._gate.breach(unit, run, admitted, now, held=True) is not None:
            raise Deferred(now)  # another run was faster; the next look refuses this one with the figures

    def _with_memory(self, run: Run) -> Run:
        """Return the run with what the account's finished tests say now; worked out while no transaction is open."""
        memory = account_memory_of(self._open_unit, run.act_id, criterion_of(run))
        return replace(run, trial=replace(run.trial, memory=memory)) if memory.tests else run

    def _problems(self, run: Run) -> tuple[list[Problem], AdAccountFacts | None]:
        """Return what keeps the run out, and what Meta says of its account where that had to be asked."""
        with self._open_unit().reading() as unit:
            account = unit.accounts.get(run.account_id)
            try:
                unit.creatives.get_many(run.request.creative_ids)
            except NotFoundError as error:
                return [Problem("creative_ids", said_of(error), remedy_of(error))], None
        problems = check_request(run.request) + check_against_account(run.request, account)
        problems = problems or list(check_limits(run.request, account, self._gate.installation))
        if problems:
            return problems, None
        meta = self._clients.for_account(account.act_id)
        facts, minimums = meta.account(), meta.minimum_budgets()
        problems = check_against_meta(run.request, account, facts, minimums)
        return problems or list(check_run_cap(run.request, facts, self._gate.installation.run)), facts

    def _wait_turn(self, unit: UnitOfWork, run: Run, now: datetime) -> None:
        """Let the oldest waiting runs in first, as many as there are free places."""
        taken = unit.runs.count(RunFilter(statuses=ADMITTED))
        waiting = every_run(unit, RunFilter(statuses=frozenset({RunStatus.PENDING})))
        ahead = (
            other
            for other in takewhile(lambda queued: queued.id != run.id, waiting)
            if not _is_scheduled(other, now)
            and other.next_tick_at is not None  # a stop holds it, and may for long
            and other.failed_ticks == 0  # one that cannot be checked now must not hold up the others
        )
        free = max(self._most_at_once - taken, 0)
        if len(list(islice(ahead, free))) == free:
            raise Deferred(now + _TURN, RunMessage.WAITS_ITS_TURN())

    def _admitted(self, unit: UnitOfWork, run: Run, facts: AdAccountFacts, now: datetime) -> Step:
        account = unit.accounts.get(run.account_id)
        request = replace(run.request, ad=effective_ad(run.request, account))
        variants = build_variants(run.id, request)
        if not unit.records.variants(run.id):
            unit.records.add_variants(variants)
        creatives = {
            creative.id: creative.storage_key for creative in unit.creatives.get_many(request.creative_ids)
        }
        starts = now + LEAD
        ends = starts + timedelta(hours=request.ab_test_config.test_duration_hours)
        days = further_days(request, run.currency)
        trial = replace(run.trial, arms_start_at=starts, arms_end_at=ends, further_days=days)
        settled = replace(run, request=request, trial=trial, admitted_at=now)
        plan = test_plan(settled, variants, creatives, starts, ends)
        moved = replace(
            settled,
            plan_digest=plan_digest(plan),
            objective=objective_of(request).outcome,
            study=replace(settled.study, business_id=facts.business_id),
            attention=None,
        ).moved(RunStatus.CREATING_CAMPAIGNS, now)
        message = RunMessage.ADMITTED(variants=len(variants), objects=len(plan))
        admitted = event(run, now, "admitted", message, {"plan_digest": moved.plan_digest})
        late = _lateness(run, now)
        if late is None:
            return Step(moved, (admitted,))
        warned = replace(moved, warnings=(*moved.warnings, late))
        return Step(warned, (event(run, now, "late", late), admitted))


def _lateness(run: Run, now: datetime) -> Message | None:
    """Return how much later than scheduled a run begins, where nothing worked then or others took the places."""
    wanted = run.request.scheduled_for
    if wanted is None or now - wanted <= LATE:
        return None
    minutes = (now - wanted) // timedelta(minutes=1)
    return RunWarning.LATE(wanted=wanted, late=f"{minutes // 60} h {minutes % 60} min")


def _is_scheduled(run: Run, now: datetime) -> bool:
    return run.request.scheduled_for is not None and run.request.scheduled_for > now


def _refused(run: Run, now: datetime, problems: Sequence[Problem]) -> Step:
    reasons = RunMessage.NOTES(
        notes=tuple(RunMessage.FIELD_REFUSED(field=problem.field, why=problem.reason) for problem in problems)
    )
    failed = replace(run, ending=replace(run.ending, why=reasons)).moved(RunStatus.FAILED, now)
    return Step(failed, (event(run, now, "failed", RunMessage.REFUSED_AT_ADMISSION(why=reasons)),))
