"""Demand of our own: what our ad sets spent a quarter hour ago on the same people, which moves the price they pay.

It is read from the ledgers, so it is the same after a restart. Ad sets that share people press on each other's
price; within a split test an ad set meets only its own demand.
"""

from dataclasses import dataclass, field

import numpy as np

from metasim.delivery_ledger import AdDay
from metasim.market.population import Cells, Population
from metasim.market.profile import People, ProfileBook
from metasim.scenario import MICROS
from metasim.state import Ad, AdSet, Campaign, State
from metasim.times import HOUR, STEP

STEPS_AN_HOUR = HOUR // STEP


@dataclass
class _Crowding:
    """Money per hour and person of an account's ad sets: in each cell, and extra within one audience."""

    total: float = 0.0
    everywhere: Cells | None = None
    within: dict[str, Cells] = field(default_factory=dict)


class Demand:
    """Tells how much of our money per hour an ad set meets in its audience."""

    def __init__(self, state: State, profiles: ProfileBook, population: Population | None) -> None:
        self._state = state
        self._profiles = profiles
        self._population = population
        self._step = -1
        self._spent: dict[str, float] = {}
        self._crowding: dict[str, _Crowding] = {}

    def met_by(self, ad: Ad, people: People | None, start_us: int, study: float) -> float:
        """Return major units per hour, as if the whole population were as contested as the ad's audience."""
        self._look_back(start_us // STEP)
        alone = self._spent.get(ad.adset_id, 0.0)
        crowding = self._crowding.get(ad.account_id, _Crowding())
        if self._population is None or people is None:
            return alone / study if study else crowding.total
        mix = people.mix
        if study:
            return alone / study * float((mix * mix / self._density(people)).sum())
        if crowding.everywhere is None:
            return 0.0
        density = crowding.everywhere + crowding.within.get(people.key, 0.0)
        return float(np.add.reduce(mix * density)) * self._population.parameters.size

    def forget(self) -> None:
        """Look back anew at the next question."""
        self._step = -1

    def _density(self, people: People) -> Cells:
        population = self._population
        if population is None:
            raise ValueError(people)
        share: Cells = np.maximum(population.people * people.share / population.parameters.size, 1e-12)
        return share

    def _look_back(self, step: int) -> None:
        if step == self._step:
            return
        self._step, self._spent, self._crowding = step, {}, {}
        for ad_id, days in self._state.days.items():
            ad = self._state.need(Ad, ad_id)
            figures = next((day.steps[step - 1] for day in _last(days) if step - 1 in day.steps), None)
            if figures is not None and figures[0] > 0:
                self._add(ad, figures[0] / MICROS * STEPS_AN_HOUR)

    def _add(self, ad: Ad, hourly: float) -> None:
        self._spent[ad.adset_id] = self._spent.get(ad.adset_id, 0.0) + hourly
        crowding = self._crowding.setdefault(ad.account_id, _Crowding())
        crowding.total += hourly
        adset = self._state.need(AdSet, ad.adset_id)
        people = self._profiles.of(ad, adset, self._state.need(Campaign, ad.campaign_id)).people
        if self._population is None or people is None:
            return
        density = hourly * people.mix / self._population.people
        extra = density * people.apart
        crowding.everywhere = density + (0.0 if crowding.everywhere is None else crowding.everywhere)
        crowding.within[people.key] = extra + crowding.within.get(people.key, 0.0)


def _last(days: dict[str, AdDay]) -> list[AdDay]:
    return list(days.values())[-2:]
