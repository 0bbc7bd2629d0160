"""True worth of ads: now, over their schedule, and for the delivery they really had.

Expected figures leave luck out but keep what delivery met: the people it found, tired or fresh, the ad's age and
the price. Arms whose delivery found other people differ in `true_roas` even where their contents do not.
"""

from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np

from metasim.market.day_curves import delivery_mass
from metasim.market.delivery import Market
from metasim.market.effects import Truth
from metasim.market.population import Population
from metasim.market.reporting_delay import reported_share
from metasim.market.scene import frequency
from metasim.parameters import MarketParameters
from metasim.scenario import MICROS, Scenario
from metasim.state import Ad, AdSet, Campaign, State
from metasim.times import DAY, HOUR, local_offset

LOOKS = 48  # an average over a schedule looks at so many moments
WEEK = 7 * DAY


class TruthBook:
    """Answers for one world at one moment."""

    def __init__(self, state: State, scenario: Scenario, market: Market) -> None:
        self._state = state
        self._scenario = scenario
        self._market = market
        rivals = scenario.auction.seasonal or scenario.auction.pressure_sd > 0
        self._changes = rivals or any(effect.changes for effect in scenario.effects)

    def of(self, ad: Ad, now_us: int) -> dict[str, Any]:
        """Return an ad's expected rates `now`, their `schedule` average, and its `realised` delivery.

        CPM and order values are major units. Rates leave the hour's readiness to buy out; `realised` has it in.
        Sales by click are all there are; `counted_share` of them is reported within the ad set's window and stays.
        """
        adset = self._state.need(AdSet, ad.adset_id)
        profile = self._market.offers.profiles.of(ad, adset, self._state.need(Campaign, ad.campaign_id))
        now = self._rates(ad, adset, now_us)
        row = {
            "now": _spelled(now),
            "schedule": _spelled(self._average(ad, adset, now_us)),
            "realised": self._realised(ad, self._counted(profile.window_hours, now.delay)),
        }
        self._market.offers.forget_demand()  # it was asked about moments that have not come
        return row

    def _rates(self, ad: Ad, adset: AdSet, at_us: int) -> Truth:
        offers = self._market.offers
        profile = offers.profiles.of(ad, adset, self._state.need(Campaign, ad.campaign_id))
        _, truth, _ = offers.truth_at(ad, adset, profile, at_us, offers.study(ad, at_us))
        return truth

    def _average(self, ad: Ad, adset: AdSet, now_us: int) -> Truth:
        """Average over the schedule's hours, weighed by the day's curve, at the present state of the people."""
        start = max(adset.start_us, ad.reviewed_us or now_us)
        end = max(adset.end_us or max(now_us, start) + WEEK, start + HOUR)
        looks = LOOKS if self._changes else 1
        edges = np.linspace(start, end, looks + 1).astype(np.int64).tolist()
        account = self._scenario.account(ad.account_id)
        offset = 0 if account is None else local_offset(start, account.zone)
        weights = [delivery_mass(a, b, offset) for a, b in pairwise(edges)]
        rates = [self._rates(ad, adset, (a + b) // 2) for a, b in pairwise(edges)]
        return _mean(rates, weights)

    def _counted(self, window_hours: float, delay: float) -> float:
        return counted_share(self._scenario.market, self._market.population, window_hours / delay)

    def _realised(self, ad: Ad, counted: float) -> dict[str, Any]:
        shown, clicks, sales, value = ad.worth or (0.0,) * 4
        spend = ad.spent_micros / MICROS
        row: dict[str, Any] = {
            "spend": spend,
            "expected_impressions": shown,
            "expected_clicks": clicks,
            "expected_sales": sales,
            "expected_value": value,
            "true_roas": value / spend if spend else None,
            "counted_share": counted,
        }
        population = self._market.population
        if population is not None:
            row["frequency"] = _frequencies(population, self._market.offers.contacts().get(ad.creative_id))
        return row


def counted_share(market: MarketParameters, population: Population | None, hours: float) -> float:
    """Return the share of purchases that come to be reported within so many hours of the click, and stay."""
    lost = lost_share(market, population)
    kept = (1 - lost * (1 - market.recovered_share)) * (1 - market.restatement_rate)
    return reported_share(hours, market) * kept


def lost_share(market: MarketParameters, population: Population | None) -> float:
    """Return the share of purchases not reported at first, of buyers as the whole population has them."""
    if population is None:
        return market.unreported_share
    buyers = population.people * population.rates.click * population.rates.conversion
    lost = 1 - (1 - market.unreported_share) * (1 - population.unreported)
    return float(buyers @ lost / buyers.sum())


def _mean(truths: list[Truth], weights: list[float]) -> Truth:
    """Average truths of equal spending: money buys impressions, impressions clicks, clicks sales."""
    shown = [weight / truth.cpm for weight, truth in zip(weights, truths, strict=True)]
    clicks = [each * truth.ctr for each, truth in zip(shown, truths, strict=True)]
    sales = [each * truth.cvr for each, truth in zip(clicks, truths, strict=True)]
    value = sum(each * truth.aov for each, truth in zip(sales, truths, strict=True))
    last = truths[-1]
    return Truth(
        sum(weights) / sum(shown),
        sum(clicks) / sum(shown),
        sum(sales) / sum(clicks) if sum(clicks) else last.cvr,
        value / sum(sales) if sum(sales) else last.aov,
        last.delay,
        last.pace,
    )


def _spelled(truth: Truth) -> dict[str, float]:
    return {**asdict(truth), "roas": truth.roas}


def _frequencies(population: Population, shown: np.ndarray[Any, np.dtype[np.float64]] | None) -> list[float]:
    if shown is None:
        return [0.0] * len(population)
    return [float(each) for each in frequency(population, shown, np.ones(len(population)))]
