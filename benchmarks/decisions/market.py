"""A small two-to-ten-arm market with late reporting and arm-day noise, to measure the decision engine on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence import Figures, Snapshot
from autopublisher.domain.evidence.observations import History


@dataclass(frozen=True)
class Market:
    """Truth of one simulated test; rates per hour and arm, money in major units."""

    hours: int = 336
    cooldown: int = 72
    spend_per_hour: float = 1000 / 24
    purchases_per_hour: float = 380 / 336
    lifts: tuple[float, ...] = (1.0, 1.0)
    basket_ratio: tuple[float, ...] | None = None
    basket: float = 80.0
    basket_sigma: float = 0.9
    hour_spread: float = 0.30
    day_spread: float = 0.08
    season_spread: float = 0.20
    click_rate: float = 0.012
    impression_price: float = 12.0
    slower_reports: tuple[float, ...] | None = None
    missed_polls: float = 0.0
    with_cohorts: bool = False
    click_lifts: tuple[float, ...] | None = None
    click_day_spread: float = 0.0
    engagement_rate: float = 0.0

    @property
    def arms(self) -> int:
        return len(self.lifts)


Array = npt.NDArray[np.float64]

AT_ONCE, LONGEST_DELAY = 0.5, 168.0


def _gamma(rng: np.random.Generator, spread: float, shape: tuple[int, ...]) -> Array:
    if spread <= 0:
        return np.ones(shape)
    return rng.gamma(1 / spread**2, spread**2, shape)


def _delays(rng: np.random.Generator, count: int) -> Array:
    late = rng.random(count) >= AT_ONCE
    hours = rng.lognormal(np.log(10.0), 1.5, count)
    while (beyond := hours > LONGEST_DELAY).any():
        hours[beyond] = rng.lognormal(np.log(10.0), 1.5, int(beyond.sum()))
    return np.where(late, hours, 0.0)


@dataclass(frozen=True, eq=False)
class Purchases:
    """One entry per purchase: hour of the click, variant, hour of the report, value."""

    hour: npt.NDArray[np.int64]
    arm: npt.NDArray[np.int64]
    seen: npt.NDArray[np.int64]
    value: Array


def totals(market: Market, rng: np.random.Generator) -> Array:
    """Return cumulative figures, shape (polls, arms, 6), one poll an hour, cool-down included."""
    return _simulated(market, rng)[0]


def _simulated(market: Market, rng: np.random.Generator) -> tuple[Array, Purchases]:
    hours, arms, polls = market.hours, market.arms, market.hours + market.cooldown
    clock = 1 + 0.4 * np.sin(2 * np.pi * (np.arange(hours) - 9) / 24)
    days = -(-hours // 24)
    season = clock * _gamma(rng, market.season_spread, (days,))[np.arange(hours) // 24]
    day = _gamma(rng, market.day_spread, (days, arms))[np.arange(hours) // 24]
    pace = clock[:, None] * _gamma(rng, 0.15, (hours, arms))
    spend = market.spend_per_hour * pace / pace.mean(axis=0)
    size = spend / market.spend_per_hour
    shown = rng.poisson(1000 * spend / market.impression_price)
    click_day = _gamma(rng, market.click_day_spread, (days, arms))[np.arange(hours) // 24]
    tempting = click_day * np.array(market.click_lifts or (1.0,) * arms)
    clicked = rng.poisson(shown * market.click_rate * tempting * _gamma(rng, 0.15, (hours, arms)))
    mean = market.purchases_per_hour * size * season[:, None] * day * click_day * np.array(market.lifts)
    bought = rng.poisson(mean * _gamma(rng, market.hour_spread, (hours, arms)))
    figures = np.zeros((polls, arms, 6))
    for column, values in ((0, spend), (1, shown), (2, clicked)):
        figures[:hours, :, column] = values
    if market.engagement_rate:
        noise = tempting * _gamma(rng, 0.15, (hours, arms))
        figures[:hours, :, 5] = rng.poisson(shown * market.engagement_rate * noise)
    purchases = _purchases(market, rng, bought)
    inside = purchases.seen < polls
    at = (purchases.seen[inside], purchases.arm[inside])
    np.add.at(figures[:, :, 3], at, 1)
    np.add.at(figures[:, :, 4], at, purchases.value[inside])
    return figures.cumsum(axis=0), purchases


def _purchases(market: Market, rng: np.random.Generator, bought: npt.NDArray[np.int64]) -> Purchases:
    hour, arm = np.nonzero(bought)
    times = bought[hour, arm]
    hour, arm = np.repeat(hour, times), np.repeat(arm, times)
    slower = np.array(market.slower_reports or (1.0,) * market.arms)
    seen = (hour + rng.random(len(hour)) + _delays(rng, len(hour)) * slower[arm]).astype(int)
    ratio = np.array(market.basket_ratio or (1.0,) * market.arms)
    middle = np.log(market.basket) - market.basket_sigma**2 / 2
    value = rng.lognormal(middle, market.basket_sigma, len(hour)) * ratio[arm]
    return Purchases(hour, arm, seen, value)


def snapshots(market: Market, rng: np.random.Generator) -> tuple[Snapshot, ...]:
    return tuple(
        Snapshot(float(index + 1), tuple(Figures(*row) for row in at.tolist()))
        for index, at in enumerate(totals(market, rng))
    )


def history(market: Market, rng: np.random.Generator) -> History:
    """Return the same polls as columns, without those that were missed."""
    figures, purchases = _simulated(market, rng)
    cohorts = _cohorts(purchases, figures) if market.with_cohorts else None
    seen = rng.random(len(figures)) >= market.missed_polls
    seen[-1] = True
    hours = np.arange(1.0, len(figures) + 1)[seen]
    known = None if cohorts is None else cohorts[seen]
    return History(hours, figures[seen], np.zeros(len(hours), dtype=np.bool_), known)


def _cohorts(purchases: Purchases, figures: Array) -> Array:
    """Return purchases and revenue by poll, arm and day of the click; NaN for days that have not begun."""
    polls, days = len(figures), int(purchases.hour.max(initial=0)) // 24 + 1
    table = np.zeros((polls, figures.shape[1], days, 2))
    inside = purchases.seen < polls
    at = (purchases.seen[inside], purchases.arm[inside], purchases.hour[inside] // 24)
    np.add.at(table[..., 0], at, 1.0)
    np.add.at(table[..., 1], at, purchases.value[inside])
    table = table.cumsum(axis=0)
    begun = np.arange(1, polls + 1)[:, None, None] > 24 * np.arange(days)
    table[~np.broadcast_to(begun, table.shape[:3])] = np.nan
    return table
