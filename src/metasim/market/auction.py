"""The auction: how other bidders, the hour and our own money move the price, and what bid limits refuse.

Other bidders' pressure is a stationary autoregressive process by the hour, written as a moving average of
shocks that belong to their hours; so it is the same however the clock was moved.
"""

from dataclasses import dataclass

import numpy as np

from metasim.facts import CLICK_GOALS, IMPRESSION_GOALS
from metasim.market.day_curves import price_season
from metasim.market.noise import RandomStreams
from metasim.parameters import AuctionParameters
from metasim.scenario import Account
from metasim.state import AdSet, Campaign
from metasim.times import HOUR, local_offset

HOURS_A_DAY = 24
DAYS_REMEMBERED = 5
LIMITING = ("LOWEST_COST_WITH_BID_CAP", "COST_CAP", "LOWEST_COST_WITH_MIN_ROAS")
ROAS_UNIT = 10_000  # Meta writes a floor of 1.5 as 15000


class Auction:
    """Knows the price of impressions relative to a calm hour without our own money."""

    def __init__(self, seed: int, parameters: AuctionParameters) -> None:
        self._streams = RandomStreams(seed)
        self._parameters = parameters
        self._days: dict[int, tuple[float, ...]] = {}

    @property
    def has_depth(self) -> bool:
        """Whether our own spending moves the price."""
        return self._parameters.depth is not None

    def price(self, start_us: int, account: Account, hourly: float) -> float:
        """Return the price's factor at a moment; `hourly` is our spend per hour in major units."""
        factor = self.pressure(start_us) * self.congestion(hourly)
        if self._parameters.seasonal:
            factor *= price_season(start_us + local_offset(start_us, account.zone))
        return factor

    def congestion(self, hourly: float) -> float:
        """Return by how much our own demand raises the price."""
        depth = self._parameters.depth
        return 1.0 if depth is None else float((1 + hourly / depth) ** self._parameters.steepness)

    def pressure(self, start_us: int) -> float:
        """Return the other bidders' pressure in an hour, mean one."""
        if self._parameters.pressure_sd <= 0:
            return 1.0
        day, hour = divmod(start_us // HOUR, HOURS_A_DAY)
        if day not in self._days:
            self._days[day] = self._work_out(day)
        return self._days[day][hour]

    def _work_out(self, day: int) -> tuple[float, ...]:
        sd = self._parameters.pressure_sd
        shocks = np.concatenate([self._shocks(day - back) for back in range(DAYS_REMEMBERED, -1, -1)])
        memory = np.exp(-np.arange(DAYS_REMEMBERED * HOURS_A_DAY) / self._parameters.pressure_hours)
        path = np.convolve(shocks, memory, "valid")[-HOURS_A_DAY:] / np.sqrt(np.sum(memory**2))
        return tuple(float(each) for each in np.exp(sd * path - sd**2 / 2))

    def _shocks(self, day: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return self._streams.throw("pressure", day).standard_normal(HOURS_A_DAY)


@dataclass(frozen=True)
class Prospect:
    """What a step of delivery would bring: price of 1000 impressions, results and value per impression."""

    cpm: float
    clicks: float
    conversions: float
    value: float  # major units


@dataclass(frozen=True)
class Past:
    """What an ad set has spent and got so far, in major units and expected results."""

    spend: float
    clicks: float
    conversions: float
    value: float


def is_limited(adset: AdSet, campaign: Campaign) -> bool:
    """Tell whether a bid strategy limits what an ad set pays."""
    return (adset.extra.get("bid_strategy") or campaign.bid_strategy) in LIMITING


def wins(adset: AdSet, campaign: Campaign, account: Account, prospect: Prospect, past: Past) -> bool:
    """Tell whether an ad set's bid limits let it buy at this price.

    A bid cap binds every single purchase; a cost cap and a ROAS floor bind the average so far.
    """
    strategy = adset.extra.get("bid_strategy") or campaign.bid_strategy
    price = prospect.cpm / 1000
    if strategy == "LOWEST_COST_WITH_MIN_ROAS":
        floor = (adset.extra.get("bid_constraints") or {}).get("roas_average_floor")
        return floor is None or _within(int(floor) / ROAS_UNIT, prospect.value, price, past.value, past.spend)
    amount = adset.extra.get("bid_amount")
    if amount is None:
        return True
    cap = int(amount) * account.minor_micros / 1_000_000
    result, results = _results(adset.goal, prospect, past)
    if strategy == "COST_CAP":
        return _within(1 / cap, result, price, results, past.spend)
    return result * cap >= price


def _within(floor: float, gain: float, price: float, gained: float, spent: float) -> bool:
    """Tell whether gain per money is above a floor, now or still on average."""
    return gain >= floor * price or (gained > 0 and gained + gain >= floor * (spent + price) and spent > 0)


def _results(goal: str, prospect: Prospect, past: Past) -> tuple[float, float]:
    """Return results per impression and so far; impressions are counted in thousands."""
    if goal in IMPRESSION_GOALS:
        return 1 / 1000, 0.0
    if goal in CLICK_GOALS:
        return prospect.clicks, past.clicks
    return prospect.conversions, past.conversions
