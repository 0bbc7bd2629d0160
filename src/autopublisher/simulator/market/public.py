"""The public: sees what spend buys, clicks, engages and, sooner or later, buys."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autopublisher.simulator.market.booking import Booking, Sales
from autopublisher.simulator.market.budget import Span
from autopublisher.simulator.market.curves import buying_mood
from autopublisher.simulator.market.delays import draw_delays
from autopublisher.simulator.market.effects import Truth
from autopublisher.simulator.market.noise import Dice, NoiseBook
from autopublisher.simulator.market.population import Cells, Population
from autopublisher.simulator.market.scene import Scene
from autopublisher.simulator.parameters import MarketParameters
from autopublisher.simulator.scenario import MICROS, Account
from autopublisher.simulator.state import AdDay
from autopublisher.simulator.times import DAY, HOUR, STEP, local_offset

CERTAIN = 0.95  # no crowd buys more surely than this
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Exposed:
    """One ad shown for some money during a span; `truth` is of the people it is shown to, at today's price."""

    ad_id: str
    truth: Truth
    span: Span
    micros: int
    window_hours: float
    counts_views: bool = True
    divided: bool = False  # its audience was drawn at random, by a running split test
    unlearnt: float = 0.0  # how much of its learning is ahead
    base: Truth | None = None  # of everybody; needed with a scene
    scene: Scene | None = None


@dataclass(frozen=True)
class Response:
    """What came of an exposure: impressions per cell (None: one public) and how many bought."""

    buyers: int
    shown: Counts | None = None


@dataclass(frozen=True)
class _Met:
    """Counts of one exposure; with cells, each buyer's cell and the columns of the ledger."""

    shown: int
    clicks: int
    engaged: int
    buyers: int
    cells: tuple[Counts, Counts, Counts] | None = None  # impressions, clicks, buyers per cell


class Public:
    """Answers exposure with impressions, clicks, engagements and purchases."""

    def __init__(self, noise: NoiseBook, market: MarketParameters, population: Population | None) -> None:
        self._noise = noise
        self._dice = Dice(noise.seed)
        self._extra = Dice(noise.seed)
        self._market = market
        self._population = population
        self._booking = Booking(noise.seed, market)

    def respond(self, exposed: Exposed, account: Account, ledger: AdDay) -> Response:
        """Book what the exposure leads to, purchases at the step of their future report."""
        rng = self._dice.throw("public", exposed.ad_id, exposed.span.start_us)
        readiness = self.readiness(exposed, account)
        met = self._meet(rng, exposed, readiness)
        step = exposed.span.start_us // STEP
        ledger.deliver(step, (exposed.micros, met.shown, met.clicks, met.engaged))
        values = self._sell(rng, exposed, met, account, ledger)
        if met.cells is not None:
            ledger.meet(step, self._columns(exposed, met.cells, values))
        if self._market.view_rate > 0:
            self._view(exposed, met, readiness, account, ledger)
        return Response(met.buyers, None if met.cells is None else met.cells[0])

    def _meet(self, rng: np.random.Generator, exposed: Exposed, readiness: float) -> _Met:
        market, truth, hour = self._market, exposed.truth, exposed.span.start_us // HOUR
        cpm = truth.cpm * self._noise.gamma(market.cpm_cv, "cpm", exposed.ad_id, hour)
        expected = exposed.micros / MICROS / cpm * 1000
        eagerness = self._noise.gamma(market.click_cv, "click", exposed.ad_id, hour)
        if exposed.scene is not None and exposed.base is not None:
            return self._crowd(rng, exposed.scene, exposed.base, expected, (eagerness, readiness))
        shown = int(rng.poisson(expected))
        clicks = min(shown, int(rng.poisson(shown * (truth.ctr * eagerness))))
        engaged = int(rng.poisson(shown * market.engagement_rate))
        rate = min(CERTAIN, truth.cvr * readiness)
        return _Met(shown, clicks, engaged, int(rng.binomial(clicks, rate)) if clicks else 0)

    def _crowd(
        self,
        rng: np.random.Generator,
        scene: Scene,
        base: Truth,
        expected: float,
        moods: tuple[float, float],
    ) -> _Met:
        shown = rng.poisson(expected * scene.mix)
        clicks = np.minimum(shown, rng.poisson(shown * scene.rates.click * (base.ctr * moods[0])))
        engaged = int(rng.poisson(int(shown.sum()) * self._market.engagement_rate))
        buyers = rng.binomial(clicks, np.minimum(CERTAIN, scene.rates.conversion * (base.cvr * moods[1])))
        return _Met(int(shown.sum()), int(clicks.sum()), engaged, int(buyers.sum()), (shown, clicks, buyers))

    def readiness(self, exposed: Exposed, account: Account) -> float:
        """Return how ready an ad's people are to buy in this hour; mean one over hours and ads."""
        market, ad = self._market, exposed.ad_id
        local = exposed.span.start_us + local_offset(exposed.span.start_us, account.zone)
        day, hour = local // DAY, exposed.span.start_us // HOUR
        season = self._noise.gamma(market.season_day_cv, "season-day", day)
        season *= self._noise.gamma(market.season_hour_cv, "season-hour", hour)
        own = self._noise.gamma(market.arm_hour_cv, "arm-hour", ad, hour)
        if not exposed.divided:
            own *= self._noise.gamma(market.arm_day_cv, "arm-day", ad, day) * self._divergence(ad)
        if market.learning_sd > 0 and exposed.unlearnt > 0:
            own *= self._lasting(market.learning_sd * exposed.unlearnt, "learning", ad, hour)
        return buying_mood(local) * season * own

    def _divergence(self, ad_id: str) -> float:
        """Return how much readier to buy the people are whom delivery finds for an ad; mean one over ads."""
        sd = self._market.divergence_sd
        return 1.0 if sd <= 0 else self._lasting(sd, "divergence", ad_id)

    def _lasting(self, sd: float, *key: str | int) -> float:
        return float(np.exp(sd * self._noise.normal(*key) - sd**2 / 2))

    def _sell(
        self, rng: np.random.Generator, exposed: Exposed, met: _Met, account: Account, ledger: AdDay
    ) -> NDArray[np.int64]:
        """Book purchases by click; return their values."""
        if not met.buyers:
            return np.zeros(0, dtype=np.int64)
        market, span, count = self._market, exposed.span, met.buyers
        clicked = span.start_us + (rng.random(count) * (span.end_us - span.start_us)).astype(np.int64)
        delays = (draw_delays(rng, count, market) * exposed.truth.delay).astype(np.int64)
        values = self._baskets(rng, self._means(exposed, met), count, account)
        taken_back = rng.random(count) < market.restatement_rate
        unreported = self._unreported(None if met.cells is None else met.cells[2], count)
        sales = Sales(exposed.ad_id, span.start_us, clicked, delays, values, taken_back, unreported)
        self._booking.clicks(ledger, sales, exposed.window_hours)
        return values

    def _view(self, exposed: Exposed, met: _Met, readiness: float, account: Account, ledger: AdDay) -> None:
        span, market = exposed.span, self._market
        rng = self._extra.throw("view", exposed.ad_id, span.start_us)
        liking = exposed.truth.cvr / market.cvr * readiness
        count = int(rng.poisson(met.shown * market.view_rate * liking))
        if not count:
            return
        seen = span.start_us + (rng.random(count) * (span.end_us - span.start_us)).astype(np.int64)
        delays = (rng.random(count) * DAY).astype(np.int64)
        values = self._baskets(rng, exposed.truth.aov, count, account)
        none = np.zeros(count, dtype=np.bool_)
        sales = Sales(exposed.ad_id, span.start_us, seen, delays, values, none, self._unreported(None, count))
        self._booking.views(ledger, sales, counted=exposed.counts_views)

    def _means(self, exposed: Exposed, met: _Met) -> float | Cells:
        if exposed.scene is None or exposed.base is None or met.cells is None:
            return exposed.truth.aov
        means: Cells = np.repeat(exposed.base.aov * exposed.scene.rates.value, met.cells[2])
        return means

    def _unreported(self, buyers: Counts | None, count: int) -> NDArray[np.float64]:
        share = self._market.unreported_share
        if self._population is None:
            return np.full(count, share)
        lost = 1 - (1 - share) * (1 - self._population.unreported)
        if buyers is None:
            return np.full(count, float(lost @ self._population.people) / self._population.people.sum())
        return np.repeat(lost, buyers)

    def _baskets(
        self, rng: np.random.Generator, mean: float | Cells, count: int, account: Account
    ) -> NDArray[np.int64]:
        sigma = self._market.basket_sigma
        major = mean * np.exp(sigma * rng.standard_normal(count) - sigma**2 / 2)
        minor = np.rint(major * MICROS / account.minor_micros).astype(np.int64)
        return np.maximum(minor, 1)

    def _columns(
        self, exposed: Exposed, cells: tuple[Counts, Counts, Counts], values: NDArray[np.int64]
    ) -> list[list[int]]:
        shown, clicks, buyers = cells
        rates = exposed.scene.rates.cpm if exposed.scene is not None else np.ones(len(shown))
        cost = shown * rates
        spend = np.rint(exposed.micros * cost / max(float(cost.sum()), 1e-9)).astype(np.int64)
        ends = np.cumsum(buyers)
        totals = np.concatenate(([0], np.cumsum(values)))
        worth = totals[ends] - totals[ends - buyers]
        return [column.tolist() for column in (spend, shown, clicks, buyers, worth)]
