"""The public: sees what spend buys, clicks, engages and, sooner or later, buys."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autopublisher.simulator.market.budget import Span
from autopublisher.simulator.market.curves import buying_mood
from autopublisher.simulator.market.delays import draw_delays
from autopublisher.simulator.market.effects import Truth
from autopublisher.simulator.market.noise import NoiseBook, stream
from autopublisher.simulator.scenario import MICROS, Account, MarketParameters
from autopublisher.simulator.state import AdDay, book_sale
from autopublisher.simulator.times import DAY, HOUR, STEP, local_offset

CERTAIN = 0.95  # no crowd buys more surely than this


@dataclass(frozen=True)
class Exposed:
    """One ad shown for some money during a span."""

    ad_id: str
    truth: Truth
    span: Span
    micros: int
    window_hours: float
    divided: bool = False  # its audience was drawn at random, by a running split test


class Public:
    """Answers exposure with impressions, clicks, engagements and purchases."""

    def __init__(self, noise: NoiseBook, market: MarketParameters) -> None:
        self._noise = noise
        self._market = market

    def respond(self, exposed: Exposed, account: Account, ledger: AdDay) -> None:
        """Book what the exposure leads to, purchases at the step of their future report."""
        rng = stream(self._noise.seed, "public", exposed.ad_id, exposed.span.start_us)
        market, truth, start = self._market, exposed.truth, exposed.span.start_us
        hour = start // HOUR
        cpm = truth.cpm * self._noise.gamma(market.cpm_cv, "cpm", exposed.ad_id, hour)
        shown = int(rng.poisson(exposed.micros / MICROS / cpm * 1000))
        rate = truth.ctr * self._noise.gamma(market.click_cv, "click", exposed.ad_id, hour)
        clicks = min(shown, int(rng.poisson(shown * rate)))
        engaged = int(rng.poisson(shown * market.engagement_rate))
        ledger.deliver(start // STEP, (exposed.micros, shown, clicks, engaged))
        buyers = int(rng.binomial(clicks, self._buying_rate(exposed, account))) if clicks else 0
        if buyers:
            self._book_sales(rng, exposed, buyers, account, ledger)

    def _buying_rate(self, exposed: Exposed, account: Account) -> float:
        market, ad = self._market, exposed.ad_id
        local = exposed.span.start_us + local_offset(exposed.span.start_us, account.zone)
        day, hour = local // DAY, exposed.span.start_us // HOUR
        season = self._noise.gamma(market.season_day_cv, "season-day", day)
        season *= self._noise.gamma(market.season_hour_cv, "season-hour", hour)
        own = self._noise.gamma(market.arm_hour_cv, "arm-hour", ad, hour)
        if not exposed.divided:
            own *= self._noise.gamma(market.arm_day_cv, "arm-day", ad, day) * self._divergence(ad)
        return min(CERTAIN, exposed.truth.cvr * buying_mood(local) * season * own)

    def _divergence(self, ad_id: str) -> float:
        """Return how much readier to buy the people are whom delivery finds for an ad; mean one over ads."""
        sd = self._market.divergence_sd
        if sd <= 0:
            return 1.0
        draw = stream(self._noise.seed, "divergence", ad_id).standard_normal()
        return float(np.exp(sd * draw - sd**2 / 2))

    def _book_sales(
        self, rng: np.random.Generator, exposed: Exposed, buyers: int, account: Account, ledger: AdDay
    ) -> None:
        market, span = self._market, exposed.span
        clicked = span.start_us + (rng.random(buyers) * (span.end_us - span.start_us)).astype(np.int64)
        delays = (draw_delays(rng, buyers, market) * exposed.truth.delay).astype(np.int64)
        values = self._baskets(rng, exposed.truth.aov, buyers, account)
        taken_back = rng.random(buyers) < market.restatement_rate
        counted = delays <= int(exposed.window_hours * HOUR)
        soon = delays <= DAY
        steps = (clicked + delays) // STEP
        later = steps + int(market.restatement_hours * HOUR) // STEP
        books = (
            (ledger.sales, counted),
            (ledger.within_day, soon),
            (ledger.uncounted, ~counted & (delays <= 7 * DAY)),
        )
        for book, chosen in books:
            _book(book, steps[chosen], values[chosen], 1)
            _book(book, later[chosen & taken_back], values[chosen & taken_back], -1)

    def _baskets(
        self, rng: np.random.Generator, mean: float, count: int, account: Account
    ) -> NDArray[np.int64]:
        sigma = self._market.basket_sigma
        major = mean * np.exp(sigma * rng.standard_normal(count) - sigma**2 / 2)
        minor = np.rint(major * MICROS / account.minor_micros).astype(np.int64)
        return np.maximum(minor, 1)


def _book(book: dict[int, list[int]], steps: NDArray[np.int64], values: NDArray[np.int64], sign: int) -> None:
    for step, value in zip(steps.tolist(), values.tolist(), strict=True):
        book_sale(book, step, sign, sign * value)
