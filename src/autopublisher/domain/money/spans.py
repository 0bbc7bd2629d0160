"""Spans of worst-case spend: the form in which reservations are stored, to be added up in one statement."""

from calendar import monthrange
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from autopublisher.domain.money.exposure import Calendar, Reservation
from autopublisher.domain.money.limits import Period

_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Span:
    """The most that can be spent on each day from ``first`` to ``last``, or in the month they bound, in minor units."""

    period: Period
    first: date
    last: date
    most: int


def spans_of(reservations: Iterable[Reservation]) -> tuple[Span, ...]:
    """Return what reservations can spend as spans, one for all that cover the same days, in order."""
    most: Counter[tuple[Period, date, date]] = Counter()
    for one in reservations:
        if one.most > 0 and one.first <= one.last:
            most[Period.DAY, one.first, one.last] += one.worst_day
            for month, worst in one.by_month().items():
                most[Period.MONTH, month, _end_of(month)] += worst
    return tuple(sorted(Span(*place, worst) for place, worst in most.items()))


def calendar_within(spans: Iterable[Span], first: date, last: date) -> Calendar:
    """Add spans up on the days from ``first`` to ``last`` and in the months of these days."""
    days: Counter[date] = Counter()
    months: Counter[date] = Counter()
    for span in spans:
        begins, ends = max(span.first, first), min(span.last, last)
        if span.period is Period.DAY:
            for number in range((ends - begins).days + 1):
                days[begins + number * _DAY] += span.most
        elif begins <= ends:
            months[span.first] += span.most
    return Calendar(days, months)


def _end_of(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])
