"""Offers of delivery to an ad in a quarter hour: whom it would be shown to, at what price, and how it is preferred."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from metasim.market.auction import Auction, Past, Prospect, is_limited, wins
from metasim.market.budget import Span
from metasim.market.day_curves import buying_mood
from metasim.market.demand import Demand
from metasim.market.effects import EffectBook, Truth
from metasim.market.learning import LearningPhase
from metasim.market.noise import NoiseBook
from metasim.market.population import Cells, Population
from metasim.market.profile import Profile, ProfileBook
from metasim.market.public import Response
from metasim.market.scene import Scene, Situation, compose
from metasim.scenario import MICROS, Account, Scenario
from metasim.state import Ad, AdSet, Campaign, State, Study, StudyCell
from metasim.times import HOUR, STEP, local_offset

WHOLE = 100  # a study's shares are per cent
TASTE_CV, TASTE_STEPS = 0.3, 96  # Meta's preference among the ads of a budget changes from day to day


class Offer(NamedTuple):
    """An ad's part of a span. `base` is its truth for everybody, `truth` for the people it is shown to."""

    ad: Ad
    adset: AdSet
    span: Span
    profile: Profile
    base: Truth
    truth: Truth
    scene: Scene | None
    study: float  # share of people a running split test gives it; 0 = none runs
    weight: float


class Offers:
    """Makes offers, and remembers what came of them."""

    def __init__(
        self,
        state: State,
        scenario: Scenario,
        noise: NoiseBook,
        effects: EffectBook,
        population: Population | None,
    ) -> None:
        self._state = state
        self._scenario = scenario
        self._accounts = {account.id: account for account in scenario.accounts}
        self._noise = noise
        self._effects = effects
        self._population = population
        self._contacts: dict[str, Cells] | None = None  # impressions per creative and cell
        self.learning = LearningPhase(scenario.market)
        self.profiles = ProfileBook(state, effects, population)
        self.auction = Auction(noise.seed, scenario.auction)
        self._demand = Demand(state, self.profiles, population)
        self._calm = 1 / (1 - scenario.market.cpm_cv**2)  # mean of one over a gamma of mean one

    def make(self, ad: Ad, adset: AdSet, campaign: Campaign, span: Span) -> Offer:
        """Return what an ad would get in a span."""
        profile = self.profiles.of(ad, adset, campaign)
        taste = self._noise.gamma(TASTE_CV, "preference", ad.id, span.start_us // (TASTE_STEPS * STEP))
        weight = profile.truth.ctr * profile.truth.cvr * taste * (span.end_us - span.start_us)
        study = self.study(ad, span.start_us)
        base, truth, scene = self.truth_at(ad, adset, profile, span.start_us, study)
        if scene is None and self._population is not None:
            weight, truth = 0.0, replace(truth, pace=0.0)
        return Offer(ad, adset, span, profile, base, truth, scene, study, weight)

    def truth_at(
        self, ad: Ad, adset: AdSet, profile: Profile, start_us: int, study: float
    ) -> tuple[Truth, Truth, Scene | None]:
        """Return an ad's truth for everybody and for the people it is shown to, and these people."""
        age_hours = (start_us - (ad.reviewed_us or start_us)) / HOUR
        base = self._effects.aged(profile.truth, profile.content, age_hours)
        price = self._price(ad, adset, profile, start_us, study)
        if price != 1.0:
            base = base.at_price(base.cpm * price)
        if self._population is None or profile.people is None:
            return base, base, None
        learnt = 1 - self.learning.stage(adset)
        shown = self.contacts().get(ad.creative_id)
        scene = compose(self._population, Situation(profile.people, adset.goal, shown, study, learnt))
        return base, base if scene is None else scene.delivered(base), scene

    def accepted(self, offer: Offer, campaign: Campaign, account: Account) -> bool:
        """Tell whether there is anybody to show the ad to, and whether its bid limits let it buy."""
        if offer.scene is None and self._population is not None:
            return False
        if not is_limited(offer.adset, campaign):
            return True
        truth, hour = offer.truth, offer.span.start_us // HOUR
        cpm = truth.cpm * self._noise.gamma(self._scenario.market.cpm_cv, "cpm", offer.ad.id, hour)
        sales = truth.ctr * truth.cvr
        prospect = Prospect(cpm, truth.ctr, sales, sales * truth.aov)
        return wins(offer.adset, campaign, account, prospect, self._past(offer.adset))

    def note(self, offer: Offer, micros: int, response: Response, account: Account) -> None:
        """Remember what an offer brought: results to learn from, contacts, and what was to be expected."""
        ad, start_us = offer.ad, offer.span.start_us
        self.learning.note(offer.adset, start_us, response.buyers)
        if response.shown is not None:
            self._meet(ad, response.shown)
        mood = buying_mood(start_us + local_offset(start_us, account.zone))
        shown = micros / MICROS / offer.truth.cpm * 1000 * self._calm
        clicks = shown * offer.truth.ctr
        sales = clicks * offer.truth.cvr * mood
        a, b, c, d = ad.worth or (0.0, 0.0, 0.0, 0.0)
        ad.worth = [a + shown, b + clicks, c + sales, d + sales * offer.truth.aov]

    def contacts(self) -> dict[str, Cells]:
        """Return how often each creative was shown to each cell of people, in all its ads."""
        if self._contacts is None:
            self._contacts = {}
            for ad in self._state.of_kind(Ad):
                for creative, shown in ad.contacts.items():
                    known = self._contacts.get(creative, np.zeros(len(shown)))
                    self._contacts[creative] = known + np.array(shown, dtype=np.float64)
        return self._contacts

    def forget_demand(self) -> None:
        """Read our own demand from the ledgers again before it is used the next time."""
        self._demand.forget()

    def arm(self, ad: Ad, until_us: int) -> tuple[str, float]:
        """Return the last split test's cell that an ad took part in before a moment, and its share of people."""
        cells = [(cell, study) for cell, study in self._cells(ad) if study.start_us <= until_us]
        if not cells:
            return "", 1.0
        cell, _ = max(cells, key=lambda pair: pair[1].start_us)
        return cell.id, max(cell.share, 1) / WHOLE

    def _meet(self, ad: Ad, shown: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> None:
        contacts = self.contacts()
        known = ad.contacts.get(ad.creative_id, [0] * len(shown))
        ad.contacts[ad.creative_id] = [a + b for a, b in zip(known, shown.tolist(), strict=True)]
        contacts[ad.creative_id] = contacts.get(ad.creative_id, np.zeros(len(shown))) + shown

    def _price(self, ad: Ad, adset: AdSet, profile: Profile, start_us: int, study: float) -> float:
        account = self._accounts.get(ad.account_id)
        hourly = 0.0
        if self.auction.has_depth:
            hourly = self._demand.met_by(ad, profile.people, start_us, study)
        price = 1.0 if account is None else self.auction.price(start_us, account, hourly)
        return price * self.learning.cost(adset)

    def _past(self, adset: AdSet) -> Past:
        sums = np.zeros(4)
        for ad in self._state.children(Ad, adset.id):
            sums += np.array(ad.worth or (0.0,) * 4)
        return Past(adset.spent_micros / MICROS, float(sums[1]), float(sums[2]), float(sums[3]))

    def study(self, ad: Ad, start_us: int) -> float:
        """Return the share of people that a split test running at a moment gives an ad; 0 if there is none."""
        for cell, study in self._cells(ad):
            until_us = study.end_us if study.cancelled_us is None else study.cancelled_us
            if study.start_us <= start_us < until_us:
                return max(cell.share, 1) / WHOLE
        return 0.0

    def _cells(self, ad: Ad) -> Iterator[tuple[StudyCell, Study]]:
        if not self._state.has(StudyCell):
            return
        for member in (ad.id, ad.adset_id, ad.campaign_id, ad.account_id):
            for cell in self._state.children(StudyCell, member):
                yield cell, self._state.need(Study, cell.study_id)
