"""Spend limits of an account and of the whole installation, per day and per month, and the refusal where one could break.

A limit bounds the worst case, not the likely one: what has been spent plus what Meta could still spend at most. A write
is refused only where it makes a day or a month worse; ending, pausing and lowering always pass.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import LimitRefusedError, Problem
from autopublisher.domain.messages import Code, Message, remedied, remedy_of, said_of
from autopublisher.domain.money.exposure import Calendar
from autopublisher.domain.request.longest_test import most_for_test
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.request.request_problems import RequestProblem


class Scope(StrEnum):
    """Whose limit it is."""

    ACCOUNT = "account"
    INSTALLATION = "installation"


class Period(StrEnum):
    """What a limit is counted over, in the account's days."""

    DAY = "day"
    MONTH = "month"


class LimitMessage(Code):
    """What is said of a limit that would be exceeded, or does not cover a currency."""

    ACCOUNT_DAY = "limit.account_day"
    ACCOUNT_MONTH = "limit.account_month"
    INSTALLATION_DAY = "limit.installation_day"
    INSTALLATION_MONTH = "limit.installation_month"
    REMEDY = "limit.remedy"
    REFUSED = "limit.refused"
    UNCOVERED_DAILY = "exposure.uncovered_daily"
    UNCOVERED_MONTHLY = "exposure.uncovered_monthly"


@dataclass(frozen=True)
class Limits:
    """The most that may be spent in a day and in a month, in minor units; None where there is no limit."""

    daily: int | None = None
    monthly: int | None = None

    def __bool__(self) -> bool:
        """Tell whether there is any limit at all."""
        return self.daily is not None or self.monthly is not None


def limits_of(account: Account) -> Limits:
    """Return an account's own limits."""
    return Limits(account.daily_limit, account.monthly_limit)


@dataclass(frozen=True)
class InstallationLimits:
    """The installation's limits by currency, in minor units; empty where there is none."""

    daily: Mapping[str, int] = field(default_factory=dict)
    monthly: Mapping[str, int] = field(default_factory=dict)
    run: Mapping[str, int] = field(default_factory=dict)
    """The most one run may cost; a currency left out has a cap by Meta's own figures (``run_cap``)."""

    def of(self, currency: str) -> Limits:
        """Return a currency's limits; LimitRefusedError where there are limits, but none for this currency."""
        for period, known in (("daily", self.daily), ("monthly", self.monthly)):
            if known and currency not in known:
                raise LimitRefusedError(key="spend", reason=_uncovered(period, currency))
        return Limits(self.daily.get(currency), self.monthly.get(currency))


@dataclass(frozen=True)
class Breach:
    """A limit that would be exceeded: on the day ``first``, or in the month that begins with it."""

    scope: Scope
    period: Period
    first: date
    limit: Money
    left: Money
    asked: Money

    @property
    def reason(self) -> Message:
        """Say which limit, when, and how much of it is left."""
        when: date | str = self.first if self.period is Period.DAY else f"{self.first:%Y-%m}"
        code = LimitMessage(f"limit.{self.scope.value}_{self.period.value}")
        return code(limit=self.limit, first=when, asked=self.asked, left=self.left)

    @property
    def remedy(self) -> Message:
        """Say what can be done."""
        flag = "--daily" if self.period is Period.DAY else "--monthly"
        setting = f"AUTO_PUBLISHER_{'DAILY' if self.period is Period.DAY else 'MONTHLY'}_LIMIT"
        change = f"autopublisher account limits {flag}" if self.scope is Scope.ACCOUNT else setting
        return LimitMessage.REMEDY(change=change)

    @property
    def said(self) -> Message:
        """Say both."""
        return LimitMessage.REFUSED(reason=self.reason, remedy=self.remedy)

    def refuse(self, key: str) -> LimitRefusedError:
        """Return the error that refuses the write ``key``."""
        return LimitRefusedError(key=key, reason=self.said)


def first_breach(
    scope: Scope, limits: Limits, currency: str, before: Calendar, after: Calendar
) -> Breach | None:
    """Return the earliest day, else month, that ``after`` makes worse than ``before`` and too much; None if none is."""
    pairs = (
        (Period.DAY, limits.daily, before.days, after.days),
        (Period.MONTH, limits.monthly, before.months, after.months),
    )
    for period, limit, was, would in pairs:
        for first in sorted(would) if limit is not None else ():
            taken = was.get(first, 0)
            if would[first] > max(taken, limit or 0):
                left, asked = max(0, (limit or 0) - taken), would[first] - taken
                return Breach(
                    scope,
                    period,
                    first,
                    Money(limit or 0, currency),
                    Money(left, currency),
                    Money(asked, currency),
                )
    return None


def check_limits(
    request: RunRequest, account: Account, installation: InstallationLimits
) -> Iterator[Problem]:
    """Yield what no day could ever hold: a test whose arms together exceed a limit even if nothing else runs."""
    currency = account.currency
    try:
        whole = installation.of(currency)
    except LimitRefusedError as error:
        yield Problem("budget_config.total_budget", said_of(error), remedy_of(error), "limit_unknown")
        return
    test = most_for_test(request, currency)
    for scope, limits in ((Scope.ACCOUNT, limits_of(account)), (Scope.INSTALLATION, whole)):
        for kind, limit in (("daily", limits.daily), ("monthly", limits.monthly)):
            if limit is not None and test.minor > limit:
                most = Money(limit, currency)
                yield Problem(
                    "ab_test_config.test_budget_per_variant",
                    *remedied(RequestProblem.ABOVE_LIMIT(test=test, scope=scope.value, kind=kind, most=most)),
                    "above_limit",
                )


def _uncovered(period: str, currency: str) -> Message:
    code = LimitMessage.UNCOVERED_DAILY if period == "daily" else LimitMessage.UNCOVERED_MONTHLY
    return code(currency=currency)
