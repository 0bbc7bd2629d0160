"""Worst-case spend of ad sets, by day and by month, on the days of their account's time zone.

A lifetime budget may be spent whole on any one day its schedule touches. A daily budget may be stretched: Meta documents
175 % of it on a day and seven times it in a week (Sunday to Saturday); an older page of Meta's says 125 %. Nothing ever
counts more in all than the reserve that the money gate holds for it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

DAY_STRETCH = 175
"""Per cent of a daily budget that Meta may spend on one day."""

WEEK_DAYS = 7
"""Times a daily budget that Meta may spend in one week."""

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Reservation:
    """Spend one ad set makes possible: ``most`` minor units in all, on the days ``first`` to ``last``, both included.

    ``daily`` is its daily budget, None where ``most`` is a lifetime budget; ``stretch`` is in per cent of ``daily``.
    """

    key: str
    most: int
    first: date
    last: date
    daily: int | None = None
    stretch: int = DAY_STRETCH

    def days(self) -> Iterable[date]:
        """Return the days it touches, none where it ends before it begins."""
        return (self.first + number * _DAY for number in range((self.last - self.first).days + 1))

    @property
    def worst_day(self) -> int:
        """The most it can spend on any one of its days."""
        if self.daily is None:
            return self.most
        return min(self.most, -(-self.daily * self.stretch // 100))

    def by_month(self) -> Mapping[date, int]:
        """Return the most it can spend in each month it touches; a month is named by its first day."""
        weeks = Counter((month_of(day), _sunday(day)) for day in self.days())
        months: Counter[date] = Counter()
        for (month, _), days in weeks.items():
            months[month] += self._within_week(days)
        return {month: min(self.most, worst) for month, worst in months.items()}

    def _within_week(self, days: int) -> int:
        if self.daily is None:
            return self.most
        # A stretch above seven times itself would be a setting's slip; a single day then still counts whole.
        return min(days * self.worst_day, max(self.worst_day, WEEK_DAYS * self.daily))


@dataclass(frozen=True)
class Calendar:
    """What a set of reservations can spend at worst on each day and in each month (named by its first day)."""

    days: Mapping[date, int]
    months: Mapping[date, int]


def calendar_of(reservations: Iterable[Reservation]) -> Calendar:
    """Add reservations up, day by day and month by month; each sum holds by itself, not all at once."""
    days: Counter[date] = Counter()
    months: Counter[date] = Counter()
    for reservation in reservations:
        if reservation.most > 0:
            days.update(dict.fromkeys(reservation.days(), reservation.worst_day))
            months.update(reservation.by_month())
    return Calendar(dict(days), dict(months))


def together(one: Calendar, other: Calendar) -> Calendar:
    """Add two calendars up, day by day and month by month."""
    return Calendar(
        Counter(one.days) + Counter(other.days),
        Counter(one.months) + Counter(other.months),
    )


def made_worse(was: Calendar, would: Calendar) -> tuple[date, date] | None:
    """Return the first and the last day, or first day of a month, on which more could be spent; None where there is none."""
    pairs = ((was.days, would.days), (was.months, would.months))
    worse = [first for before, after in pairs for first in after if after[first] > before.get(first, 0)]
    return (min(worse), max(worse)) if worse else None


def month_of(day: date) -> date:
    """Return the first day of a day's month."""
    return day.replace(day=1)


def horizon(reservations: Sequence[Reservation]) -> date | None:
    """Return the last day on which any of them can spend, or None."""
    return max((reservation.last for reservation in reservations if reservation.most > 0), default=None)


def last_day(ends: datetime) -> date:
    """Return the last day touched by a schedule that ends at this local moment."""
    return (ends - timedelta(microseconds=1)).date()


def _sunday(day: date) -> date:
    return day - timedelta(days=day.isoweekday() % WEEK_DAYS)
