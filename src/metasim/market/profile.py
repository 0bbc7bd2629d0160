"""Profiles of ads: what the market needs to know of each version, worked out once."""

from dataclasses import dataclass

import numpy as np

from metasim.facts import CLICK_GOALS, IMPRESSION_GOALS, WEBSITE_GOALS
from metasim.market.audience import audience_key, eligible
from metasim.market.effects import Content, EffectBook, Truth, content_of
from metasim.market.population import Cells, Population, Rates
from metasim.state import Ad, AdSet, Campaign, Creative, State


@dataclass(frozen=True)
class People:
    """Whom an ad may be shown to: the share of each cell, its way to respond, and the audience's key."""

    share: Cells
    rates: Rates
    key: str
    mix: Cells  # each cell's part of the audience
    apart: Cells  # how much denser the audience is than the cells it is part of, less one


@dataclass(frozen=True)
class Profile:
    """One version of an ad in its ad set."""

    content: Content
    truth: Truth
    people: People | None
    window_hours: float  # in which a click counts
    counts_views: bool


class ProfileBook:
    """Remembers profiles until something they were made of is written."""

    def __init__(self, state: State, effects: EffectBook, population: Population | None) -> None:
        self._state = state
        self._effects = effects
        self._population = population
        self._known: dict[str, tuple[tuple[object, ...], Profile]] = {}

    def of(self, ad: Ad, adset: AdSet, campaign: Campaign) -> Profile:
        """Return an ad's profile as it is now."""
        creative = self._state.need(Creative, ad.creative_id)
        versions = (
            ad.creative_id,
            ad.updated_us,
            adset.updated_us,
            campaign.updated_us,
            creative.updated_us,
        )
        known = self._known.get(ad.id)
        if known is None or known[0] != versions:
            known = self._known[ad.id] = (versions, self._draw_up(ad, adset))
        return known[1]

    def _draw_up(self, ad: Ad, adset: AdSet) -> Profile:
        content = content_of(self._state, ad)
        return Profile(
            content,
            self._effects.truth(content),
            self._people(content, adset),
            click_window_hours(adset),
            counts_views(adset),
        )

    def _people(self, content: Content, adset: AdSet) -> People | None:
        if self._population is None:
            return None
        targeting = adset.extra.get("targeting") or {}
        share = eligible(self._population, targeting)
        numbers = self._population.people * share
        return People(
            share,
            self._effects.rates(content, self._population),
            audience_key(targeting),
            numbers / max(float(np.add.reduce(numbers)), 1e-9),
            1 / np.maximum(share, 1e-9) - 1,
        )


def click_window_hours(adset: AdSet) -> float:
    """Return how long after a click a sale still counts, by the ad set's attribution setting."""
    spec = adset.extra.get("attribution_spec") or [{"event_type": "CLICK_THROUGH", "window_days": 7}]
    days = [int(row["window_days"]) for row in spec if row.get("event_type") == "CLICK_THROUGH"]
    return 24.0 * max(days, default=1)


def counts_views(adset: AdSet) -> bool:
    """Tell whether a sale within a day of seeing the ad counts without a click; unset, website goals count it."""
    spec = adset.extra.get("attribution_spec")
    if not spec:
        return adset.goal in WEBSITE_GOALS
    return any(row.get("event_type") == "VIEW_THROUGH" for row in spec)


def pursued(goal: str, truth: Rates) -> Cells:
    """Return how much each cell is worth to a goal per impression, relative to the others."""
    if goal in IMPRESSION_GOALS:
        return truth.click * 0 + 1
    if goal in CLICK_GOALS:
        return truth.click
    sales = truth.click * truth.conversion
    return sales * truth.value if goal == "VALUE" else sales
