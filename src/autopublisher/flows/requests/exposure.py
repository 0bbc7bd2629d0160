"""Exposure: what could still be spent at worst, by account, run and object, and what the limits leave.

Nothing is asked of Meta here: the answer comes from the journal and from the objects as they were last read, and each
line says when that was. Where the two disagree the larger figure counts. What the journals of many runs say is stored
(``ports.reservations``); those of the runs that are shown are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter
from typing import NamedTuple

from autopublisher.domain.accounts.account_limit import AccountBilling, billing_in
from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import LimitRefusedError, RunNotFoundError
from autopublisher.domain.ids import AccountId, RunId
from autopublisher.domain.messages import Code, Message, said_of
from autopublisher.domain.money.exposure import month_of
from autopublisher.domain.money.limits import Period, Scope
from autopublisher.domain.reconciliation.findings import RECONCILIATION, loose_ends
from autopublisher.domain.reconciliation.unknown import UnknownObject, unknown_in
from autopublisher.domain.runs.commitments import Known, OpenMoney, open_money
from autopublisher.domain.runs.final_campaign import figures_read_at
from autopublisher.domain.runs.reservations import Calendars
from autopublisher.domain.runs.run import FINAL, Run
from autopublisher.flows.requests.run_facts import facts_of, opened
from autopublisher.flows.requests.run_money import RunExposure, run_exposure
from autopublisher.flows.writes.counted_reservations import uncounted_pages
from autopublisher.flows.writes.money_gate import LONGEST, MoneyGate, Standing
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter, UnitOfWork
from autopublisher.ports.reservations import OpenRun, RunGroup

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
    the account stood with Meta when it was last looked at, None before that. ``runs`` are a page of the ``open_runs`` there
    are, the newest first, and ``next`` is the last of it where more follow; ``as_of`` is when the oldest figure was read.
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
    as_of: datetime | None = None
    open_runs: int = 0
    next: RunId | None = None


class _OpenRun(NamedTuple):
    """One run's part of the sums, in minor units; its place among the others comes first."""

    created_at: datetime
    id: RunId
    money: OpenMoney
    as_of: datetime | None
    counted: OpenRun


class Exposures:
    """Reads exposure; changes nothing."""

    def __init__(self, open_unit: OpenUnitOfWork, clock: Clock, gate: MoneyGate) -> None:
        self._open_unit = open_unit
        self._clock = clock
        self._gate = gate

    def of(
        self, account_id: AccountId | None = None, before: RunId | None = None, limit: int | None = None
    ) -> Sequence[AccountExposure]:
        """Return the exposure of one account, or of all by name, with ``limit`` runs each, None for all.

        With ``before`` only that of this run's account, and the runs after it. Raises AccountNotFoundError and
        RunNotFoundError.
        """
        now = self._clock.now()
        with self._open_unit().reading() as unit:
            last = None if before is None else unit.runs.get(before)
            wanted = unit.accounts.all() if account_id is None else [unit.accounts.get(account_id)]
            if last is not None:
                wanted = [account for account in wanted if account.id == last.account_id]
            if last is not None and not wanted:
                raise RunNotFoundError(id=last.id)
            return [self._account(unit, account, now, last, limit) for account in wanted]

    def _account(
        self, unit: UnitOfWork, account: Account, now: datetime, last: Run | None, limit: int | None
    ) -> AccountExposure:
        watch = unit.watches.get(account.act_id)
        found = self._open(unit, account, watch, now)
        newest = sorted(found, key=itemgetter(0, 1), reverse=True)
        left = newest if last is None else [one for one in newest if one[:2] < (last.created_at, last.id)]
        page = left if limit is None else left[:limit]
        limits, warning = self._limits(unit, account, now)
        unknown = () if watch is None else unknown_in(watch.report.get(RECONCILIATION, {}))
        beside = sum(one.possible or 0 for one in unknown)
        ends = [*(one.money.until for one in found), *(one.until for one in unknown)]
        return AccountExposure(
            account=account,
            committed=Money(sum(one.money.committed for one in found), account.currency),
            spent=Money(sum(one.money.spent for one in found), account.currency),
            could_still_spend=Money(
                beside + sum(one.money.could_still_spend for one in found), account.currency
            ),
            until=max((at for at in ends if at is not None), default=None),
            limits=limits,
            runs=self._shown(unit, account, watch, now, [one.counted for one in page]),
            warning=warning,
            uncounted=() if watch is None else (*_without_figure(unknown), *loose_ends(watch)),
            unknown=unknown,
            billing=None if watch is None else billing_in(watch),
            as_of=min((one.as_of for one in found if one.as_of is not None), default=None),
            open_runs=len(found),
            next=page[-1].id if len(page) < len(left) else None,
        )

    def _open(
        self, unit: UnitOfWork, account: Account, watch: Watch | None, now: datetime
    ) -> Sequence[_OpenRun]:
        """Return the runs that go on, or whose final campaign does: as they were counted, or by their journals."""
        how = Calendars(account.timezone, self._gate.stretch)
        group, missing = RunGroup(account.act_id, None, now - LONGEST), list[OpenRun]()
        for page in uncounted_pages(unit, group, self._gate.stretch):
            facts = facts_of(unit, page)
            missing += [opened(run, facts[run.id]) for run in page]
        others = unit.reservations.open_runs(account.act_id, group.alive_since, [one.id for one in missing])
        known = [*missing, *others]
        return [
            one for one in (_summed(run, watch, now, how) for run in known) if one.money.until is not None
        ]

    def _shown(
        self, unit: UnitOfWork, account: Account, watch: Watch | None, now: datetime, page: Sequence[OpenRun]
    ) -> tuple[RunExposure, ...]:
        how, found = Calendars(account.timezone, self._gate.stretch), list[RunExposure]()
        for part in (page[first : first + _PAGE] for first in range(0, len(page), _PAGE)):
            ids = [one.id for one in part]
            runs = {run.id: run for run in unit.runs.find(RunFilter(ids=frozenset(ids), limit=_PAGE))}
            objects = unit.records.objects_of(ids)
            for one in part:
                models = {model.key: model for model in objects.get(one.id, ())}
                found.append(run_exposure(runs[one.id], one, models, watch, now, how))
        return tuple(found)

    def _limits(
        self, unit: UnitOfWork, account: Account, now: datetime
    ) -> tuple[tuple[LimitStanding, ...], Message | None]:
        try:
            standing = self._gate.standing(unit, account, now)
        except LimitRefusedError as error:
            return (), ExposureMessage.CLOSED(why=said_of(error).params["reason"])
        today = Calendars(account.timezone).local(now).date()
        return tuple(line for limit in standing for line in _lines(limit, today, account.currency)), None


def _summed(run: OpenRun, watch: Watch | None, now: datetime, how: Calendars) -> _OpenRun:
    known = Known(run.spent, run.shown, now, how)
    money = open_money(run.commitments, known, is_final=run.status in FINAL)
    return _OpenRun(run.created_at, run.id, money, figures_read_at(run.id, run.read_at, watch), run)


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
