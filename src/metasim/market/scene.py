"""Delivery mix of an ad in a quarter hour: tired people click less, and delivery drifts to those who respond.

Drift grows as an ad set learns. It is why arms that were not divided at random can mislead: each creative's
delivery finds its own people (Braun and Schwartz, "Where A/B testing goes wrong", 2025).
"""

from dataclasses import dataclass

import numpy as np

from metasim.market.effects import Truth
from metasim.market.population import Cells, Population, Rates
from metasim.market.profile import People, pursued


@dataclass(frozen=True)
class Scene:
    """The share of impressions and the ways to respond of each cell."""

    mix: Cells
    rates: Rates

    def delivered(self, truth: Truth) -> Truth:
        """Return an ad's truth averaged over the people it is shown to."""
        clicks = self.mix * self.rates.click
        sales = clicks * self.rates.conversion
        click, sale = float(np.add.reduce(clicks)), float(np.add.reduce(sales))
        return Truth(
            truth.cpm * float(np.add.reduce(self.mix * self.rates.cpm)),
            truth.ctr * click,
            truth.cvr * (sale / click if click else 0.0),
            truth.aov * (float(np.add.reduce(sales * self.rates.value)) / sale if sale else 0.0),
            truth.delay,
            truth.pace,
        )


@dataclass(frozen=True)
class Situation:
    """What decides an ad's scene beside the population."""

    people: People  # whom the ad may be shown to
    goal: str  # what the ad set is optimised for
    shown: Cells | None  # impressions of the ad's creative per cell so far
    study: float  # the share of people that a running split test gives the ad; 0 if there is none
    learnt: float  # from 0, nothing, to 1


def compose(population: Population, situation: Situation) -> Scene | None:
    """Work out the scene of an ad; None if its audience is empty."""
    parameters, people, study = population.parameters, situation.people, situation.study
    share = people.share * (study or 1.0)
    rates = _tired(population, people.rates, situation.shown, share)
    drift = (parameters.drift_in_studies if study else parameters.drift) * situation.learnt
    weights = population.people * share
    if drift > 0:
        weights = weights * (pursued(situation.goal, rates) / rates.cpm) ** drift
    total = float(np.add.reduce(weights))
    return Scene(weights / total, rates) if total > 0 else None


def frequency(population: Population, shown: Cells, share: Cells) -> Cells:
    """Return how often each person reached has seen something, on average; one where nobody has."""
    reached = population.reached(shown, share)
    return np.where(shown > 0, shown / np.maximum(reached, 1e-9), 1.0)


def _tired(population: Population, rates: Rates, shown: Cells | None, share: Cells) -> Rates:
    contacts = population.parameters.tiring_contacts
    if contacts is None or shown is None:
        return rates
    further = np.maximum(0.0, frequency(population, shown, share) - 1)
    return Rates(rates.cpm, rates.click * 0.5 ** (further / contacts), rates.conversion, rates.value)
