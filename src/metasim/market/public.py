"""Response of the public: views, clicks, engagement and purchases that spend brings."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metasim.delivery_ledger import AdDay
from metasim.market.budget import Span
from metasim.market.cell_results import CellResults, PendingCellResults
from metasim.market.day_curves import buying_mood
from metasim.market.effects import Truth
from metasim.market.noise import NoiseBook, RandomStreams
from metasim.market.population import Cells, Population
from metasim.market.purchase_reporting import Booking, Lot
from metasim.market.scene import Scene
from metasim.parameters import MarketParameters
from metasim.scenario import MICROS, Account
from metasim.times import DAY, HOUR, STEP, local_offset

CERTAIN = 0.95  # no crowd buys more surely than this
Counts = NDArray[np.int64]


class Exposed(NamedTuple):
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


class Response(NamedTuple):
    """What came of an exposure: impressions per cell (None: one public) and how many bought."""

    buyers: int
    shown: Counts | None = None


class _Met(NamedTuple):
    """Counts of one exposure; with cells, impressions, clicks and buyers of each."""

    shown: int
    clicks: int
    engaged: int
    buyers: int
    cells: tuple[Counts, Counts, Counts] | None = None


@dataclass(slots=True)
class _Mood:
    """What an ad meets in an hour of a local day: price, eagerness to click, readiness to buy in two factors."""

    key: tuple[int, int, bool]
    price: float
    eagerness: float
    season: float
    own: float


class Public:
    """Answers exposure with impressions, clicks, engagements and purchases; `close` enters them all."""

    def __init__(self, noise: NoiseBook, market: MarketParameters, population: Population | None) -> None:
        self._noise = noise
        self._streams = RandomStreams(noise.seed)
        self._extra = RandomStreams(noise.seed)
        self._market = market
        self._population = population
        self._booking = Booking(noise.seed, market)
        self._gatherings = PendingCellResults()
        self._moods: dict[str, _Mood] = {}

    def respond(self, exposed: Exposed, account: Account, ledger: AdDay) -> Response:
        """Work out what the exposure leads to; purchases wait to be booked at the step of their future report."""
        rng = self._streams.throw("public", exposed.ad_id, exposed.span.start_us)
        mood = self._mood(exposed, account)
        readiness = self._readiness(exposed, account, mood)
        met = self._meet(rng, exposed, mood, readiness)
        step = exposed.span.start_us // STEP
        ledger.deliver(step, (exposed.micros, met.shown, met.clicks, met.engaged))
        if met.buyers:
            self._sell(rng, exposed, met, account, ledger)
        if met.cells is not None and exposed.scene is not None:
            rates = exposed.scene.rates.cpm
            self._gatherings.add(CellResults(ledger, step, exposed.micros, rates, *met.cells))
        if self._market.view_rate > 0:
            self._view(exposed, met, readiness, account, ledger)
        if self._booking.is_full:
            self.close()
        return Response(met.buyers, None if met.cells is None else met.cells[0])

    def close(self) -> None:
        """Enter into the ledgers what still waits; to be called before anybody reads them."""
        self._gatherings.close(self._booking.close())

    def _meet(self, rng: np.random.Generator, exposed: Exposed, mood: _Mood, readiness: float) -> _Met:
        truth = exposed.truth
        expected = exposed.micros / MICROS / (truth.cpm * mood.price) * 1000
        if exposed.scene is not None and exposed.base is not None:
            return self._crowd(rng, exposed.scene, exposed.base, expected, (mood.eagerness, readiness))
        shown = int(rng.poisson(expected))
        clicks = min(shown, int(rng.poisson(shown * (truth.ctr * mood.eagerness))))
        engaged = int(rng.poisson(shown * self._market.engagement_rate))
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
        total = int(np.add.reduce(shown))
        engaged = int(rng.poisson(total * self._market.engagement_rate))
        buyers = rng.binomial(clicks, np.minimum(CERTAIN, scene.rates.conversion * (base.cvr * moods[1])))
        sums = total, int(np.add.reduce(clicks)), engaged, int(np.add.reduce(buyers))
        return _Met(*sums, (shown, clicks, buyers))

    def _mood(self, exposed: Exposed, account: Account) -> _Mood:
        ad, start_us = exposed.ad_id, exposed.span.start_us
        hour, day = start_us // HOUR, (start_us + local_offset(start_us, account.zone)) // DAY
        key = (hour, day, exposed.divided)
        known = self._moods.get(ad)
        if known is None or known.key != key:
            market = self._market
            price = self._noise.gamma(market.cpm_cv, "cpm", ad, hour)
            eagerness = self._noise.gamma(market.click_cv, "click", ad, hour)
            season = self._noise.gamma(market.season_day_cv, "season-day", day)
            season *= self._noise.gamma(market.season_hour_cv, "season-hour", hour)
            own = self._noise.gamma(market.arm_hour_cv, "arm-hour", ad, hour)
            if not exposed.divided:
                own *= self._noise.gamma(market.arm_day_cv, "arm-day", ad, day) * self._divergence(ad)
            known = self._moods[ad] = _Mood(key, price, eagerness, season, own)
        return known

    def _readiness(self, exposed: Exposed, account: Account, mood: _Mood) -> float:
        """Return how ready an ad's people are to buy in this hour; mean one over hours and ads."""
        market, start_us, own = self._market, exposed.span.start_us, mood.own
        if market.learning_sd > 0 and exposed.unlearnt > 0:
            hour = start_us // HOUR
            own *= self._lasting(market.learning_sd * exposed.unlearnt, "learning", exposed.ad_id, hour)
        return buying_mood(start_us + local_offset(start_us, account.zone)) * mood.season * own

    def _divergence(self, ad_id: str) -> float:
        """Return how much readier to buy the people are whom delivery finds for an ad; mean one over ads."""
        sd = self._market.divergence_sd
        return 1.0 if sd <= 0 else self._lasting(sd, "divergence", ad_id)

    def _lasting(self, sd: float, *key: str | int) -> float:
        return float(np.exp(sd * self._noise.normal(*key) - sd**2 / 2))

    def _sell(
        self, rng: np.random.Generator, exposed: Exposed, met: _Met, account: Account, ledger: AdDay
    ) -> None:
        span, count = exposed.span, met.buyers
        lot = Lot(
            *(ledger, exposed.ad_id, span.start_us, span.end_us - span.start_us, count),
            uniform=rng.random(3 * count),
            normal=rng.standard_normal(count),
            taken_back=rng.random(count),
            mean=self._means(exposed, met),
            minor_micros=account.minor_micros,
            delay=exposed.truth.delay,
            window_us=int(exposed.window_hours * HOUR),
            unreported=self._unreported(None if met.cells is None else met.cells[2], count),
        )
        self._booking.clicks(lot)

    def _view(self, exposed: Exposed, met: _Met, readiness: float, account: Account, ledger: AdDay) -> None:
        span, market = exposed.span, self._market
        rng = self._extra.throw("view", exposed.ad_id, span.start_us)
        liking = exposed.truth.cvr / market.cvr * readiness
        count = int(rng.poisson(met.shown * market.view_rate * liking))
        if not count:
            return
        lot = Lot(
            *(ledger, exposed.ad_id, span.start_us, span.end_us - span.start_us, count),
            uniform=rng.random(2 * count),
            normal=rng.standard_normal(count),
            taken_back=None,
            mean=exposed.truth.aov,
            minor_micros=account.minor_micros,
            delay=1.0,
            window_us=int(exposed.counts_views),
            unreported=self._unreported(None, count),
        )
        self._booking.views(lot)

    def _means(self, exposed: Exposed, met: _Met) -> float | Cells:
        if exposed.scene is None or exposed.base is None or met.cells is None:
            return exposed.truth.aov
        means: Cells = np.repeat(exposed.base.aov * exposed.scene.rates.value, met.cells[2])
        return means

    def _unreported(self, buyers: Counts | None, count: int) -> float | Cells:
        share = self._market.unreported_share
        if self._population is None:
            return share
        lost = 1 - (1 - share) * (1 - self._population.unreported)
        if buyers is None:
            return np.full(count, float(lost @ self._population.people) / self._population.people.sum())
        return np.repeat(lost, buyers)
