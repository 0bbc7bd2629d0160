"""Final budget: the winner's daily budget scaled, under every cap, within what is left of the total."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from autopublisher.domain.amounts import Money
from autopublisher.domain.messages import Code, Message
from autopublisher.domain.money.limits import Breach
from autopublisher.domain.request.request import RunRequest

LONGEST_DAYS = 365
"""A final campaign never runs longer than this, however small its daily budget."""


class BudgetMessage(Code):
    """What a final budget follows from, and why there is none."""

    TOO_LITTLE_LEFT = "budget.too_little_left"
    MOST_BELOW_MINIMUM = "budget.most_below_minimum"
    BY_LIMITS = "budget.by_limits"
    BY_MINIMUM = "budget.by_minimum"
    BY_MOST = "budget.by_most"
    BY_FACTOR = "budget.by_factor"
    IN_PLACE = "budget.in_place"
    NO_ARM_LEFT = "budget.no_arm_left"
    IN_PLACE_TOO_LATE = "budget.in_place_too_late"


@dataclass(frozen=True)
class ArmBudget:
    """Part of the final budget that one arm has which goes on where it is.

    ``before`` is what it counts as having spent in its test, which its lifetime budget at Meta includes, and ``tested`` what
    of that the figures of its test show: from there on its own figures count.
    """

    letter: str
    total: Money
    before: Money
    tested: Money

    @property
    def lifetime(self) -> Money:
        """What its lifetime budget has to be for its part to be spent."""
        return self.total + self.before


@dataclass(frozen=True)
class FinalBudget:
    """Money of the final campaign: at most ``total`` in all, held by Meta.

    ``daily`` with ``spend_cap`` where Meta accepts a cap that low; else ``daily`` is None and ``total`` is a lifetime
    budget. ``why`` names the rule that set the daily amount. ``arms`` are the parts of those that go on where they are.
    """

    total: Money
    daily: Money | None
    spend_cap: Money | None
    starts_at: datetime
    ends_at: datetime
    why: Message
    arms: tuple[ArmBudget, ...] = ()


@dataclass(frozen=True)
class Room:
    """What a final budget has to fit into besides the request's own caps.

    ``left`` is what the ledger proves unspent; ``smallest_daily`` and ``smallest_cap`` are Meta's minima; ``most_daily`` is
    a ceiling that the spend limits set, None where they set none.
    """

    left: Money
    smallest_daily: Money
    smallest_cap: Money
    most_daily: Money | None = None


@dataclass(frozen=True)
class NoBudget:
    """Why nothing can be published."""

    reason: Message


def base_daily(request: RunRequest, currency: str) -> Money:
    """Return the daily budget that scaling starts from: as asked, else the test's spend per variant and day."""
    asked = request.budget_config.daily_budget
    return test_daily(request, currency) if asked is None else Money.from_major(asked, currency)


def test_daily(request: RunRequest, currency: str) -> Money:
    """Return what one variant may spend a day in the test, all of it where that is shorter than a day."""
    test = Money.from_major(request.ab_test_config.test_budget_per_variant, currency)
    return test.times(Decimal(24) / Decimal(max(24, request.ab_test_config.test_duration_hours)))


def scaled_daily(request: RunRequest, currency: str) -> Money:
    """Return the daily budget scaling aims at, before Meta's minimum and what is left are looked at."""
    return _scaled(request, currency)[0]


def fitted_budget(
    make: Callable[[Room], FinalBudget | NoBudget],
    room: Room,
    breach_of: Callable[[FinalBudget], Breach | None],
) -> FinalBudget | NoBudget | Breach:
    """Return the largest final budget found that no spend limit refuses, or the Breach where not even the least fits.

    ``make`` fits a budget into a room, ``breach_of`` says which limit a budget would break. A daily budget is lowered, so
    that the campaign lasts longer; a lifetime budget, which could be spent in one day, is cut.
    """
    while True:
        budget = make(room)
        breach = breach_of(budget) if isinstance(budget, FinalBudget) else None
        if isinstance(budget, NoBudget) or breach is None:
            return budget
        smaller = _shrunk(budget.daily or budget.total, breach)
        if smaller < room.smallest_daily:
            return breach
        room = replace(room, **{"left" if budget.daily is None else "most_daily": smaller})


def _shrunk(amount: Money, breach: Breach) -> Money:
    """Return the part of an amount that fits, judged by the day or month it did not fit; at least a twentieth less."""
    share = Decimal(breach.left.minor) / Decimal(max(1, breach.asked.minor))
    return amount.times(min(share, Decimal("0.95")))


def final_budget(request: RunRequest, room: Room, now: datetime) -> FinalBudget | NoBudget:
    """Scale the winner: base daily budget times ``scaling_factor``, at most ``max_daily_budget`` and what is left.

    The campaign ends when what is left has been spent at the daily budget. Returns NoBudget where less than one day's
    minimum is left, or allowed.
    """
    left, smallest_daily, smallest_cap = room.left, room.smallest_daily, room.smallest_cap
    if left < smallest_daily:
        return NoBudget(BudgetMessage.TOO_LITTLE_LEFT(left=left, least=smallest_daily))
    most = _most_daily(request, left.currency)
    if most is not None and most < smallest_daily:
        return NoBudget(BudgetMessage.MOST_BELOW_MINIMUM(most=most, least=smallest_daily))
    daily, why = _scaled(request, left.currency)
    if room.most_daily is not None and room.most_daily < daily:
        daily, why = room.most_daily, BudgetMessage.BY_LIMITS()
    if daily < smallest_daily:
        daily, why = smallest_daily, BudgetMessage.BY_MINIMUM()
    days = min(LONGEST_DAYS, -(-left.minor // daily.minor))
    starts = now.replace(microsecond=0)
    if days < 2 or left < smallest_cap:  # noqa: PLR2004 - Meta wants more than 24 h with a daily budget
        affordable = left.minor // max(1, smallest_daily.minor)  # a lifetime budget has a minimum a day, too
        days = max(1, min(days, affordable))
        total = left if most is None else min(left, most.times(days))
        return FinalBudget(total, None, None, starts, starts + timedelta(days=days), why)
    return FinalBudget(left, daily, left, starts, starts + timedelta(days=days), why)


@dataclass(frozen=True)
class Arm:
    """An arm that could go on: since when its ad set is scheduled, and what it counts as having spent ``before``.

    ``figure`` is what the last figures of its test show: less where somebody has had it spend since, or it has none.
    """

    letter: str
    before: Money
    figure: Money
    starts_at: datetime

    @property
    def tested(self) -> Money:
        """What counts as its test's: the figures, and the minor unit beside them that may have been rounded off."""
        return min(self.before, self.figure + Money(1, self.figure.currency))


def in_place_budget(
    request: RunRequest, room: Room, arms: Sequence[Arm], now: datetime
) -> FinalBudget | NoBudget:
    """Let arms go on at the pace of their test until what is left has been spent, in equal parts.

    Together they spend at most ``max_daily_budget`` a day. Meta wants a day's minimum for each day of each whole schedule,
    the test's and the days since it included. Returns NoBudget as ``final_budget`` does, and where no arm is left or not one
    more day has its minimum. A minor unit that cannot be divided stays unspent.
    """
    least = room.smallest_daily
    if not arms:
        return NoBudget(BudgetMessage.NO_ARM_LEFT())
    left = _part_of(room.left, len(arms))
    if left < least:
        return NoBudget(BudgetMessage.TOO_LITTLE_LEFT(left=room.left, least=least.times(len(arms))))
    whole = _most_daily(request, left.currency)
    most = None if whole is None else _part_of(whole, len(arms))
    if whole is not None and most is not None and most < least:
        return NoBudget(BudgetMessage.MOST_BELOW_MINIMUM(most=whole, least=least.times(len(arms))))
    pace = test_daily(request, left.currency)
    daily = max(least, pace if most is None else min(pace, most))
    gone = max(-(-(now - arm.starts_at) // timedelta(days=1)) for arm in arms)
    spent = min((arm.before for arm in arms), key=lambda one: one.minor)
    longest = min(LONGEST_DAYS, max(1, left.minor // daily.minor))
    totals = {days: left if most is None else min(left, most.times(days)) for days in range(1, longest + 1)}
    days = max((days for days, each in totals.items() if each + spent >= least.times(gone + days)), default=0)
    if not days:
        return NoBudget(BudgetMessage.IN_PLACE_TOO_LATE(days=gone, least=least))
    each, starts = totals[days], now.replace(microsecond=0)
    parts = tuple(ArmBudget(arm.letter, each, arm.before, arm.tested) for arm in arms)
    ends = starts + timedelta(days=days)
    return FinalBudget(each.times(len(arms)), None, None, starts, ends, BudgetMessage.IN_PLACE(), parts)


def _part_of(amount: Money, parts: int) -> Money:
    return Money(amount.minor // parts, amount.currency)


def _most_daily(request: RunRequest, currency: str) -> Money | None:
    most = request.budget_config.max_daily_budget
    return None if most is None else Money.from_major(most, currency)


def _scaled(request: RunRequest, currency: str) -> tuple[Money, Message]:
    factor = request.budget_config.scaling_factor
    scaled = base_daily(request, currency).times(factor)
    most = _most_daily(request, currency)
    if most is not None and most < scaled:
        return most, BudgetMessage.BY_MOST()
    return scaled, BudgetMessage.BY_FACTOR(factor=str(factor))
