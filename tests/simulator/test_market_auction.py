"""The auction: rival bidders and seasons move the price, our own demand raises it, bid limits bind."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metasim import SimulatorConfig
from metasim.market.auction import Auction
from metasim.market.day_curves import DELIVERY_CURVE, price_season
from metasim.parameters import AuctionParameters
from metasim.state import AdSet
from metasim.testing import TARGETING, Advertiser
from metasim.times import DAY, HOUR
from support.market_worlds import altered

RIVALS = AuctionParameters(pressure_sd=0.3, pressure_hours=10)
BID_CAP, COST_CAP = "LOWEST_COST_WITH_BID_CAP", "COST_CAP"


def pressures(seed: int, hours: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    auction = Auction(seed, RIVALS)
    return np.array([auction.pressure(hour * HOUR) for hour in range(hours)])


def test_pressure_has_mean_one_and_the_declared_spread_and_memory() -> None:
    path = np.concatenate([pressures(seed, 24 * 60) for seed in range(10)])
    logs = np.log(path)
    assert path.mean() == pytest.approx(1, abs=0.03)
    assert logs.std() == pytest.approx(0.3, rel=0.1)
    assert np.corrcoef(logs[:-10], logs[10:])[0, 1] == pytest.approx(np.exp(-1), abs=0.08)


def test_pressure_at_an_hour_does_not_depend_on_what_was_asked_before() -> None:
    assert Auction(3, RIVALS).pressure(500 * HOUR) == pressures(3, 501)[500]


def test_prices_follow_hours_and_weekdays_around_a_mean_of_one() -> None:
    week = [
        price_season(day * DAY + hour * HOUR) * DELIVERY_CURVE[hour] for day in range(7) for hour in range(24)
    ]
    assert sum(week) / len(week) == pytest.approx(1)
    assert price_season(2 * DAY + 21 * HOUR) > price_season(4 * DAY + 3 * HOUR)


def cpm(advertiser: Advertiser, node: str) -> float:
    figures = advertiser.figures(node)
    return 1000 * figures["spend"] / figures["impressions"]


def test_larger_budgets_buy_at_higher_prices(tmp_path: Path) -> None:
    auction = "[auction]\ndepth = 4.0\nsteepness = 0.4\n"
    prices = []
    for budget in (5_000, 50_000):
        advertiser = altered(tmp_path, "demo", tables=auction)
        ids = advertiser.split_test("A", lifetime_budget=budget)
        advertiser.pass_time(hours=24)
        prices.append(cpm(advertiser, ids["A"]))
    assert prices[1] > 1.4 * prices[0]


@pytest.mark.parametrize(("genders", "pressed"), [(([1], [2]), False), (([], []), True)])
def test_only_ad_sets_that_share_people_press_on_each_others_price(
    tmp_path: Path, genders: tuple[list[int], list[int]], *, pressed: bool
) -> None:
    people = "[auction]\ndepth = 4.0\nsteepness = 0.4\n[population]\n[population.gender]\n"
    people += "female = { share = 0.5 }\nmale = { share = 0.5 }\n"
    prices = []
    for letters in ("A", "AB"):
        advertiser = altered(tmp_path, "demo", tables=people)
        ids = advertiser.split_test(letters, lifetime_budget=20_000)
        for letter, wanted in zip(letters, genders, strict=False):
            advertiser.post(ids[f"set {letter}"], targeting={**TARGETING, "genders": wanted})
        advertiser.pass_time(hours=24)
        prices.append(cpm(advertiser, ids["A"]))
    assert (prices[1] > 1.1 * prices[0]) is pressed


def capped(strategy: str, amount: int) -> tuple[float, float]:
    """Return what an ad set with a bid limit in minor units spent in a day, and its expected cost per sale."""
    advertiser = Advertiser(SimulatorConfig(scenario="ordinary"))
    campaign = advertiser.campaign(status="ACTIVE")
    limit: dict[str, Any] = {
        "bid_strategy": strategy,
        "bid_amount": amount,
        "status": "ACTIVE",
        "lifetime_budget": 200_000,
    }
    adset = advertiser.adset(campaign, end_time=advertiser.moment(hours=24), **limit)
    ad_id = advertiser.ad(adset, advertiser.creative("A"), status="ACTIVE")
    advertiser.pass_time(hours=24)
    worth = getattr(advertiser.simulator.state.nodes[ad_id], "worth", None) or [0.0, 0.0, 0.0, 0.0]
    spend = advertiser.simulator.state.need(AdSet, adset).spent_micros / 1e6
    return spend, spend / worth[2] if worth[2] else 0.0


# A sale costs 12 / 1000 / (0.012 * 0.025) = 40 EUR on average.
def test_a_bid_cap_below_the_price_delivers_nothing() -> None:
    assert capped(BID_CAP, 2000)[0] == 0


def test_a_bid_cap_far_above_the_price_does_not_bind() -> None:
    assert capped(BID_CAP, 12_000)[0] == pytest.approx(2000, rel=0.02)


def test_a_bid_cap_at_the_price_only_buys_cheap_hours() -> None:
    assert 0 < capped(BID_CAP, 3900)[0] <= 2000


@pytest.mark.parametrize("amount", [3800, 4200])
def test_a_cost_cap_holds_the_cost_on_average(amount: int) -> None:
    spend, cost = capped(COST_CAP, amount)
    assert spend > 0
    assert cost < amount / 100 * 1.1


def test_a_roas_floor_out_of_reach_delivers_nothing() -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="ordinary"))
    campaign = advertiser.campaign(status="ACTIVE")
    floor: dict[str, Any] = {
        "bid_strategy": "LOWEST_COST_WITH_MIN_ROAS",
        "bid_constraints": {"roas_average_floor": 100_000},
        "optimization_goal": "VALUE",
        "status": "ACTIVE",
    }
    adset = advertiser.adset(campaign, **floor)
    advertiser.ad(adset, advertiser.creative("A"), status="ACTIVE")
    advertiser.pass_time(hours=24)
    assert advertiser.simulator.state.need(AdSet, adset).spent_micros == 0
