"""True effects of ads: the scenario's, matched by content, plus optional random ones."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from metasim.market.noise import stream
from metasim.market.population import Population, Rates
from metasim.scenario import Effect, Scenario
from metasim.state import Ad, AdSet, Campaign, Creative, State

PATTERN_KEYS = frozenset({"name", "adset_name", "campaign_name", "creative_name", "targeting"})


@dataclass(frozen=True)
class Content:
    """What effects can be matched on; names and targeting by regular expression, the rest exactly."""

    title: str = ""
    message: str = ""
    description: str = ""
    image_hash: str = ""
    video_id: str = ""
    link: str = ""
    cta: str = ""
    name: str = ""
    adset_name: str = ""
    campaign_name: str = ""
    creative_name: str = ""
    targeting: str = ""

    def fingerprint(self) -> str:
        """Identify the shown content, leaving names out."""
        shown = (self.title, self.message, self.description, self.image_hash, self.video_id, self.link)
        return hashlib.blake2b(repr(shown).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True)
class Truth:
    """An ad's true parameters before noise: cost of 1000 impressions, rates, mean order in major units."""

    cpm: float
    ctr: float
    cvr: float
    aov: float
    delay: float = 1.0
    pace: float = 1.0

    @property
    def roas(self) -> float:
        """Return expected revenue per unit of spend."""
        return 1000 / self.cpm * self.ctr * self.cvr * self.aov

    def at_price(self, cpm: float) -> "Truth":
        """Return the same at another price."""
        return Truth(cpm, self.ctr, self.cvr, self.aov, self.delay, self.pace)


def content_of(state: State, ad: Ad) -> Content:
    """Gather what the public sees of an ad, and its names."""
    creative = state.need(Creative, ad.creative_id)
    adset = state.need(AdSet, ad.adset_id)
    shown = shown_content(creative.extra)
    return Content(
        **shown,
        name=ad.name,
        adset_name=adset.name,
        campaign_name=state.need(Campaign, ad.campaign_id).name,
        creative_name=creative.name,
        targeting=str(adset.extra.get("targeting", "")),
    )


def shown_content(spec: dict[str, Any]) -> dict[str, str]:
    """Return headline, text, media and link of a creative's specification."""
    story = spec.get("object_story_spec") or {}
    feed = spec.get("asset_feed_spec") or {}
    data = story.get("link_data") or story.get("video_data") or {}
    action = data.get("call_to_action") or {}
    values = {
        "title": data.get("name") or data.get("title"),
        "message": data.get("message"),
        "description": data.get("description") or data.get("link_description"),
        "image_hash": data.get("image_hash"),
        "video_id": data.get("video_id"),
        "link": data.get("link") or (action.get("value") or {}).get("link"),
        "cta": action.get("type"),
    }
    values = {**_first_of_feed(feed), **{key: value for key, value in values.items() if value is not None}}
    return {key: str(value) for key, value in values.items() if value is not None}


def _first_of_feed(feed: dict[str, Any]) -> dict[str, Any]:
    """Return the first of each kind of asset: the market does not try the others."""
    return {
        name: (feed.get(rows) or [{}])[0].get(part)
        for name, (rows, part) in FEED_PARTS.items()
        if feed.get(rows)
    } | ({"cta": feed["call_to_action_types"][0]} if feed.get("call_to_action_types") else {})


FEED_PARTS = {
    "title": ("titles", "text"),
    "message": ("bodies", "text"),
    "description": ("descriptions", "text"),
    "image_hash": ("images", "hash"),
    "video_id": ("videos", "video_id"),
    "link": ("link_urls", "website_url"),
}


def matches(effect: Effect, content: Content) -> bool:
    """Tell whether any of the effect's alternatives fits the content wholly."""
    known = asdict(content)
    return any(all(_fits(key, want, known) for key, want in option) for option in effect.match)


def _fits(key: str, want: str, known: dict[str, str]) -> bool:
    if key in PATTERN_KEYS:
        return re.search(want, known[key]) is not None
    return known[key].strip() == want.strip()


class EffectBook:
    """Looks up and remembers the truth of contents."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._scenario = scenario
        self._seed = seed
        self._changing = tuple(effect for effect in scenario.effects if effect.changes)
        self._known: dict[Content, Truth] = {}
        self._changes: dict[Content, tuple[Effect, ...]] = {}

    def truth(self, content: Content) -> Truth:
        """Return the true parameters of a content."""
        if content not in self._known:
            self._known[content] = self._work_out(content)
        return self._known[content]

    def truth_at(self, content: Content, age_hours: float) -> Truth:
        """Return the true parameters at an ad's age; those that do not change with age are `truth`."""
        truth = self.truth(content)
        return self.aged(truth, content, age_hours)

    def aged(self, truth: Truth, content: Content, age_hours: float) -> Truth:
        """Return a content's truth with what its age does to it."""
        for effect in self._changing_of(content):
            if effect.applies(age_hours):
                truth = _changed(truth, effect, effect.click_at(age_hours))
        return truth

    def _changing_of(self, content: Content) -> tuple[Effect, ...]:
        if not self._changing:
            return ()
        known = self._changes.get(content)
        if known is None:
            known = self._changes[content] = tuple(each for each in self._changing if matches(each, content))
        return known

    def rates(self, content: Content, population: Population) -> Rates:
        """Return what each cell of people does with a content, relative to its truth."""
        rates = population.rates
        for effect in self._effects(content):
            if effect.among:
                here = population.among(dict(effect.among))
                rates = Rates(
                    np.where(here, rates.cpm * effect.cpm, rates.cpm),
                    np.where(here, rates.click * effect.click, rates.click),
                    np.where(here, rates.conversion * effect.conversion, rates.conversion),
                    np.where(here, rates.value * effect.value, rates.value),
                )
        return rates

    def labels(self, content: Content) -> list[str]:
        """Return the labels of the scenario's effects that apply."""
        return [effect.label for effect in self._effects(content)]

    def refused(self, content: Content) -> bool:
        """Tell whether review refuses this content."""
        return any(matches(rule, content) for rule in self._scenario.review.refuse)

    def _effects(self, content: Content) -> Iterable[Effect]:
        return (effect for effect in self._scenario.effects if matches(effect, content))

    def _work_out(self, content: Content) -> Truth:
        market = self._scenario.market
        sds = (market.content_click_sd, market.content_conversion_sd, market.content_value_sd)
        click, conversion, value = self._random_effects(content, sds)
        truth = Truth(market.cpm, market.ctr * click, market.cvr * conversion, market.aov * value)
        for effect in self._effects(content):
            if not effect.changes and not effect.among:
                truth = _changed(truth, effect, effect.click)
        return truth

    def _random_effects(self, content: Content, sds: tuple[float, ...]) -> tuple[float, float, float]:
        draws = stream(self._seed, "content", content.fingerprint()).standard_normal(3)
        sd = np.array(sds)
        click, conversion, value = np.exp(draws * sd - sd**2 / 2)
        return float(click), float(conversion), float(value)


def _changed(truth: Truth, effect: Effect, click: float) -> Truth:
    return Truth(
        truth.cpm * effect.cpm,
        truth.ctr * click,
        truth.cvr * effect.conversion,
        truth.aov * effect.value,
        truth.delay * effect.delay,
        truth.pace * effect.pace,
    )
