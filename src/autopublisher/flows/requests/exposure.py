"""Exposure: what could still be spent at worst, by account, run and object, and what the limits leave.

Nothing is asked of Meta here: the answer comes from the journal and from the objects as they were last read, and each
line says when that was. Where the two disagree the larger figure counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from autopublisher.domain.accounts.account_limit import AccountBilling, billing_in
from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import LimitRefusedError
from autopublisher.domain.ids import AccountId
from autopublisher.domain.messages import Code, Message, said_of
from autopublisher.domain.money.exposure import month_of
from autopublisher.domain.money.limits import Period, Scope
from autopublisher.domain.reconciliation.findings import RECONCILIATION, loose_ends
from autopublisher.domain.reconciliation.unknown import UnknownObject, unknown_in
from autopublisher.domain.runs.reservations import Calendars
from autopublisher.flows.requests.run_facts import facts_of
from autopublisher.flows.requests.run_money import RunExposure, run_exposure, sum_of
from autopublisher.flows.run_pages import every_run
from autopublisher.flows.writes.money_gate import LONGEST, MoneyGate, Standing
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter, UnitOfWork

_PAGE = 500


class ExposureMessage(Code):
    """What is said beside an account's open money."""

    CLOSED = "exposure.closed"


@dataclass(frozen=True)
class LimitStanding:
    """One limit for the day or month that begins on ``first``; ``taken`` is the worst case of what is let through."""

    scope: Scope
    period: Period
    first: date
    limit: Money
    taken: Money

    @property
    def left(self) -> Money:
        """What may still be let through; never negative."""
        return Money(max(0, self.limit.minor - self.taken.minor), self.limit.currency)


@dataclass(frozen=True)
class AccountExposure:
    """An account's open money; ``warning`` says why nothing more would be let through, where that is so.

    ``unknown`` are the objects with our mark that are on and of runs this database does not have; what they can spend, as
    Meta shows it, is in ``could_still_spend``. ``uncounted`` names what may be on and no figure covers. ``billing`` is how
    the account stood with Meta when it was last looked at, None before that.
    """

    account: Account
    committed: Money
    spent: Money
    could_still_spend: Money
    until: datetime | None
    limits: tuple[LimitStanding, ...]
    runs: tuple[RunExposure, ...]
    warning: Message | None = None
    uncounted: tuple[Message, ...] = ()
    unknown: tuple[UnknownObject, ...] = ()
    billing: AccountBilling | None = None

    @property
    def as_of(self) -> datetime | None:
        """When the oldest of the figures was read at Meta; None where there is none."""
        return min((run.as_of for run in self.runs if run.as_of is not None), default=None)


class Exposures:
    """Reads exposure; changes nothing."""

    def __init__(self, open_unit: OpenUnitOfWork, clock: Clock, gate: MoneyGate) -> None:
        self._open_unit = open_unit
        self._clock = clock
        self._gate = gate

    def of(self, account_id: AccountId | None = None) -> Sequence[AccountExposure]:
        """Return the exposure of one account, or of all by name; raises AccountNotFoundError."""
        now = self._clock.now()
        with self._open_unit().reading() as unit:
            wanted = unit.accounts.all() if account_id is None else [unit.accounts.get(account_id)]
            return [self._account(unit, account, now) for account in wanted]

    def _account(self, unit: UnitOfWork, account: Account, now: datetime) -> AccountExposure:
        found = list(
            every_run(unit, RunFilter(act_id=account.act_id, alive_since=now - LONGEST, limit=_PAGE))
        )
        how, facts = Calendars(account.timezone, self._gate.stretch), facts_of(unit, found)
        watch = unit.watches.get(account.act_id)
        runs = [run_exposure(run, facts[run.id], watch, now, how) for run in found]
        open_runs = tuple(run for run in runs if run.until is not None)
        limits, warning = self._limits(unit, account, now)
        unknown = () if watch is None else unknown_in(watch.report.get(RECONCILIATION, {}))
        beside = [Money(one.possible or 0, account.currency) for one in unknown]
        ends = [*(run.until for run in open_runs), *(one.until for one in unknown)]
        return AccountExposure(
            account=account,
            committed=sum_of([run.committed for run in open_runs], account.currency),
            spent=sum_of([run.spent for run in open_runs], account.currency),
            could_still_spend=sum_of(
                [*(run.could_still_spend for run in open_runs), *beside], account.currency
            ),
            until=max((at for at in ends if at is not None), default=None),
            limits=limits,
            runs=open_runs,
            warning=warning,
            uncounted=() if watch is None else (*_without_figure(unknown), *loose_ends(watch)),
            unknown=unknown,
            billing=None if watch is None else billing_in(watch),
        )

    def _limits(
        self, unit: UnitOfWork, account: Account, now: datetime
    ) -> tuple[tuple[LimitStanding, ...], Message | None]:
        try:
            standing = self._gate.standing(unit, account, now)
        except LimitRefusedError as error:
            return (), ExposureMessage.CLOSED(why=said_of(error).params["reason"])
        today = Calendars(account.timezone).local(now).date()
        return tuple(line for limit in standing for line in _lines(limit, today, account.currency)), None


def _without_figure(unknown: Sequence[UnknownObject]) -> list[Message]:
    return [one.said for one in unknown if one.possible is None]


def _lines(standing: Standing, today: date, currency: str) -> list[LimitStanding]:
    month, taken, limits = month_of(today), standing.taken, standing.limits
    pairs = (
        (Period.DAY, today, limits.daily, taken.days.get(today, 0)),
        (Period.MONTH, month, limits.monthly, taken.months.get(month, 0)),
    )
    return [
        LimitStanding(standing.scope, period, first, Money(limit, currency), Money(held, currency))
        for period, first, limit, held in pairs
        if limit is not None
    ]
