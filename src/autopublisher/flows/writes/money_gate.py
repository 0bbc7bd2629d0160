"""Money gate of intended writes: the run's total, and the limits of its account and of the installation.

Theory of operation. The gate is asked inside the transaction that inserts the row, and lets one transaction of the account
(and, where the installation has limits, of the currency) pass at a time. So what it adds up cannot change before the row
is committed, and what is refused leaves nothing behind. A run's promises (what it was let in for and has not created yet)
count like rows; a step that makes promises is saved under the same hold. What the other runs reserve is stored
(``ports.reservations``), so that it is one sum however many they are; the run's own is counted from its rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.money.exposure import DAY_STRETCH, Calendar, calendar_of, made_worse, together
from autopublisher.domain.money.ledger import headroom_of, ledger_of, pass_gate, pass_rise
from autopublisher.domain.money.limits import (
    Breach,
    InstallationLimits,
    Limits,
    Scope,
    first_breach,
    limits_of,
)
from autopublisher.domain.runs.arm_reserves import arm_keys, is_rise
from autopublisher.domain.runs.optimizer import LONGEST_DAYS
from autopublisher.domain.runs.plan import total_of
from autopublisher.domain.runs.reservations import Calendars, concerns_spend, reservations_of
from autopublisher.domain.runs.run import Run
from autopublisher.flows.writes.counted_reservations import reserved
from autopublisher.ports.repositories import UnitOfWork
from autopublisher.ports.reservations import RunGroup

LIMIT_WAIT = timedelta(hours=1)
"""How long a winner waits before it asks again for money that a limit refused it."""

LONGEST = timedelta(days=LONGEST_DAYS + 35)
"""How long after its end a run can still have spent in the present month: its final campaign goes on without it."""


@dataclass(frozen=True)
class SpendRules:
    """What the installation sets: its own limits, and how far Meta may stretch a daily budget, in per cent."""

    limits: InstallationLimits = field(default_factory=InstallationLimits)
    stretch: int = DAY_STRETCH


@dataclass(frozen=True)
class Standing:
    """One set of limits and what counts against it at worst, by day and by month."""

    scope: Scope
    limits: Limits
    taken: Calendar


@dataclass(frozen=True)
class Bound:
    """One set of limits and whose runs count against it."""

    scope: Scope
    limits: Limits
    group: RunGroup


class MoneyGate:
    """Refuses writes, and whole plans, that could exceed the run's total or a spend limit."""

    def __init__(self, rules: SpendRules | None = None) -> None:
        self._rules = rules or SpendRules()

    @property
    def installation(self) -> InstallationLimits:
        """The installation's own limits."""
        return self._rules.limits

    @property
    def stretch(self) -> int:
        """How far Meta may stretch a daily budget on one day, in per cent."""
        return self._rules.stretch

    def hold(self, unit: UnitOfWork, run: Run) -> None:
        """Let one transaction of this account's money pass at a time; always in the same order, so that none deadlock."""
        unit.lock(f"money:{run.act_id}")
        if self._rules.limits.of(run.currency):
            unit.lock(f"money:{run.currency}")

    def admit(self, unit: UnitOfWork, run: Run, rows: Sequence[Operation], operation: Operation) -> None:
        """Let a write through that is about to be intended in this transaction, or raise GateRefusedError."""
        pass_gate(ledger_of(total_of(run), rows), operation.spec)
        would = [*rows, operation]
        if is_rise(operation, rows):
            # What lets an arm go on takes of the run's total; nothing of it was set aside for the arms together.
            goes_on = operation.purpose is Purpose.CONTINUE
            headroom = 0 if goes_on else headroom_of(would, arm_keys(would))
            pass_rise(ledger_of(total_of(run), would), headroom, operation.spec)
        if not concerns_spend(operation):
            return
        how = self._how(unit, run)
        before, after = reservations_of(run, rows, how), reservations_of(run, would, how)
        # A promise that is being kept is looked at once more, for the limit may have been lowered since.
        before = [one for one in before if one.key != operation.key]
        was, then = calendar_of(before), calendar_of(after)
        if made_worse(was, then) is None:
            return  # what ends or lowers something passes whatever the limits are
        self.hold(unit, run)
        breach = self._breach(unit, run, was, then, operation.intended_at, held=True)
        if breach is not None:
            raise breach.refuse(operation.key)

    def breach(
        self, unit: UnitOfWork, run: Run, promising: Run, now: datetime, *, held: bool = False
    ) -> Breach | None:
        """Return the limit that the promises of ``promising``, which ``run`` is about to become, would exceed.

        With ``held`` the answer holds until the transaction ends, which has called ``hold`` and is going to commit.
        """
        rows, how = unit.journal.of_run(run.id), self._how(unit, run)
        was, would = (calendar_of(reservations_of(one, rows, how)) for one in (run, promising))
        return self._breach(unit, run, was, would, now, held=held)

    def standing(self, unit: UnitOfWork, account: Account, now: datetime) -> Sequence[Standing]:
        """Return each set of limits that binds an account, with what counts against it today and this month."""
        bounds = list(self.bounds(account, now))
        today = Calendars(account.timezone).local(now).date()
        return [
            Standing(bound.scope, bound.limits, self._taken(unit, bound.group, (today, today), store=False))
            for bound in bounds
        ]

    def bounds(self, account: Account, now: datetime) -> Iterator[Bound]:
        """Yield each set of limits that binds an account; LimitRefusedError where they leave its currency out."""
        since, own = now - LONGEST, limits_of(account)
        if own:
            yield Bound(Scope.ACCOUNT, own, RunGroup(account.act_id, account.currency, since))
        whole = self._rules.limits.of(account.currency)
        if whole:
            yield Bound(Scope.INSTALLATION, whole, RunGroup(None, account.currency, since))

    def _how(self, unit: UnitOfWork, run: Run) -> Calendars:
        return Calendars(unit.accounts.get(run.account_id).timezone, self._rules.stretch)

    def _breach(
        self, unit: UnitOfWork, run: Run, was: Calendar, would: Calendar, now: datetime, *, held: bool
    ) -> Breach | None:
        days, account = made_worse(was, would), unit.accounts.get(run.account_id)
        for bound in self.bounds(account, now):
            if days is None:
                continue
            group = replace(bound.group, without=frozenset({run.id}))
            others = self._taken(unit, group, days, store=held)
            both = (together(others, was), together(others, would))
            found = first_breach(bound.scope, bound.limits, account.currency, *both)
            if found is not None:
                return found
        return None

    def _taken(self, unit: UnitOfWork, group: RunGroup, days: tuple[date, date], *, store: bool) -> Calendar:
        return reserved(unit, group, self._rules.stretch, days, store=store)
