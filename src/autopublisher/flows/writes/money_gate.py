"""Money gate of intended writes: the run's total, and the limits of its account and of the installation.

Theory of operation. The gate is asked inside the transaction that inserts the row, and lets one transaction of the account
(and, where the installation has limits, of the currency) pass at a time. So what it adds up cannot change before the row
is committed, and what is refused leaves nothing behind. A run's promises (what it was let in for and has not created yet)
count like rows; a step that makes promises is saved under the same hold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.money.exposure import DAY_STRETCH, Calendar, Reservation, calendar_of
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
from autopublisher.flows.run_pages import pages_of_runs
from autopublisher.ports.repositories import RunFilter, UnitOfWork

LIMIT_WAIT = timedelta(hours=1)
"""How long a winner waits before it asks again for money that a limit refused it."""

_PAGE = 500
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
class _Bound:
    """One set of limits and whose runs count against it."""

    scope: Scope
    limits: Limits
    runs: RunFilter
    currency: str


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
            pass_rise(ledger_of(total_of(run), would), headroom_of(would, arm_keys(would)), operation.spec)
        if not concerns_spend(operation):
            return
        before, after = self._own(unit, run, rows), self._own(unit, run, would)
        # A promise that is being kept is looked at once more, for the limit may have been lowered since.
        before = [one for one in before if one.key != operation.key]
        if not _adds(before, after):
            return  # what ends or lowers something passes whatever the limits are
        self.hold(unit, run)
        breach = self._breach(unit, run, before, after, operation.intended_at)
        if breach is not None:
            raise breach.refuse(operation.key)

    def breach(self, unit: UnitOfWork, run: Run, promising: Run, now: datetime) -> Breach | None:
        """Return the limit that the promises of ``promising``, which ``run`` is about to become, would exceed.

        The answer holds until the transaction ends where ``hold`` was called before.
        """
        rows = unit.journal.of_run(run.id)
        before, after = self._own(unit, run, rows), self._own(unit, promising, rows)
        return self._breach(unit, run, before, after, now)

    def standing(self, unit: UnitOfWork, account: Account, now: datetime) -> Sequence[Standing]:
        """Return each set of limits that binds an account, with what counts against it now."""
        return [
            Standing(bound.scope, bound.limits, calendar_of(self._counted(unit, bound)))
            for bound in self._bounds(account, now)
        ]

    def _own(self, unit: UnitOfWork, run: Run, rows: Sequence[Operation]) -> list[Reservation]:
        zone = unit.accounts.get(run.account_id).timezone
        return reservations_of(run, rows, Calendars(zone, self._rules.stretch))

    def _breach(
        self,
        unit: UnitOfWork,
        run: Run,
        before: Sequence[Reservation],
        after: Sequence[Reservation],
        now: datetime,
    ) -> Breach | None:
        for bound in self._bounds(unit.accounts.get(run.account_id), now):
            others = list(self._counted(unit, bound, without=run.id))
            was, would = calendar_of([*others, *before]), calendar_of([*others, *after])
            found = first_breach(bound.scope, bound.limits, bound.currency, was, would)
            if found is not None:
                return found
        return None

    def _bounds(self, account: Account, now: datetime) -> Iterator[_Bound]:
        since, own = now - LONGEST, limits_of(account)
        if own:
            theirs = RunFilter(act_id=account.act_id, alive_since=since, limit=_PAGE)
            yield _Bound(Scope.ACCOUNT, own, theirs, account.currency)
        whole = self._rules.limits.of(account.currency)
        if whole:
            everybodys = RunFilter(alive_since=since, limit=_PAGE)
            yield _Bound(Scope.INSTALLATION, whole, everybodys, account.currency)

    def _counted(
        self, unit: UnitOfWork, bound: _Bound, without: RunId | None = None
    ) -> Iterator[Reservation]:
        for page in pages_of_runs(unit, bound.runs):
            others = [run for run in page if run.id != without and run.currency == bound.currency]
            journals = unit.journal.of_runs([run.id for run in others])
            for run in others:
                yield from self._own(unit, run, journals.get(run.id, ()))


def _adds(before: Sequence[Reservation], after: Sequence[Reservation]) -> bool:
    """Tell whether there is a day or month on which more could be spent than before."""
    was, would = calendar_of(before), calendar_of(after)
    return any(would.days[day] > was.days.get(day, 0) for day in would.days) or any(
        would.months[month] > was.months.get(month, 0) for month in would.months
    )
