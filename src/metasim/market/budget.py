"""Pacing of budgets: how much one may and wants to spend in a moment; all caps are exact integers of micros.

A lifetime budget is spread over what is left of its time along the day's curve; a daily budget may stretch to
175 % on one day and to seven times itself in a week from Sunday to Saturday.
"""

from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from metasim.market.day_curves import delivery_mass
from metasim.market.noise import NoiseBook
from metasim.parameters import MarketParameters
from metasim.scenario import Account
from metasim.state import Funded
from metasim.times import HOUR, day_start, local_day, local_offset


class Span(NamedTuple):
    """A stretch of time within one quarter hour, in microseconds."""

    start_us: int
    end_us: int


def week_of(day: date) -> list[str]:
    """Return the days of a day's week, Sunday to Saturday."""
    sunday = day - timedelta(days=(day.weekday() + 1) % 7)
    return [(sunday + timedelta(days=number)).isoformat() for number in range(7)]


def lifetime_left(node: Funded, account: Account) -> int:
    """Return what a lifetime budget still holds, in micros."""
    return max(0, (node.lifetime_budget or 0) * account.minor_micros - node.spent_micros)


def daily_room(node: Funded, account: Account, day: date) -> int:
    """Return what a daily budget may still spend on a day at most, in micros."""
    budget = (node.daily_budget or 0) * account.minor_micros
    today = budget * 7 // 4 - node.spent_by_day.get(day.isoformat(), 0)
    week = budget * 7 - sum(node.spent_by_day.get(name, 0) for name in week_of(day))
    return max(0, min(today, week))


@lru_cache(maxsize=1024)
def _mass_of_day(day: date, zone: ZoneInfo) -> float:
    start = day_start(day, zone)
    end = day_start(day + timedelta(days=1), zone)
    return delivery_mass(start, end, local_offset(start, zone))


def room_of(node: Funded, account: Account, at_us: int) -> int:
    """Return what a budget may spend at most from a moment on, that day, in micros."""
    if node.lifetime_budget is not None:
        return lifetime_left(node, account)
    return daily_room(node, account, local_day(at_us, account.zone))


class Pacing:
    """Decides how much a budget would like to spend in a span."""

    def __init__(self, noise: NoiseBook, market: MarketParameters) -> None:
        self._noise = noise
        self._market = market

    def wanted(
        self, node: Funded, account: Account, span: Span, end_us: int | None, pace: float = 1.0
    ) -> int:
        """Return the micros a budget wants to and may spend in a span; `end_us` is the schedule's end."""
        offset = local_offset(span.start_us, account.zone)
        mass = delivery_mass(span.start_us, span.end_us, offset)
        mood = self._noise.gamma(self._market.pace_cv, "pace", node.id, span.start_us // HOUR)
        mood *= pace
        if node.lifetime_budget is not None:
            left = lifetime_left(node, account)
            rest = delivery_mass(span.start_us, max(end_us or 0, span.end_us), offset)
            return min(left, int(left * mass / rest * mood))
        day = local_day(span.start_us, account.zone)
        budget = (node.daily_budget or 0) * account.minor_micros
        share = mass / _mass_of_day(day, account.zone)
        return min(daily_room(node, account, day), int(budget * share * mood * self._flex(node, day)))

    def _flex(self, node: Funded, day: date) -> float:
        draw = self._noise.normal("flex", node.id, day.isoformat())
        return min(1.7, max(0.5, 1 + self._market.daily_flex_sd * draw))
