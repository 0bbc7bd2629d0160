"""The people: cells of age, gender, place and device with sizes and own ways to respond.

Multipliers are scaled per axis so that their mean over the whole population is one: what a scenario's market
declares is what everybody together does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from metasim.parameters import Axis, PopulationParameters, Trait

Cells = NDArray[np.float64]  # one number per cell


@dataclass(frozen=True)
class Rates:
    """Multipliers per cell: price of impressions, clicks per impression, purchases per click, worth of one."""

    cpm: Cells
    click: Cells
    conversion: Cells
    value: Cells


class Population:
    """The cells of a scenario's people, in a fixed order."""

    def __init__(self, parameters: PopulationParameters) -> None:
        self.parameters = parameters
        combinations = list(product(*(_scaled(axis) for axis in parameters.axes)))
        self.labels: tuple[dict[str, str], ...] = tuple(
            {axis.name: name for axis, (name, _) in zip(parameters.axes, combination, strict=True)}
            for combination in combinations
        )
        traits = [[trait for _, trait in combination] for combination in combinations]
        self.people = parameters.size * _product(traits, "share")
        self.rates = Rates(*(_product(traits, name) for name in ("cpm", "click", "conversion", "value")))
        self.unreported: Cells = np.array(
            [1 - np.prod([1 - trait.unreported for trait in each]) for each in traits]
        )

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.labels)

    def among(self, wanted: Mapping[str, str]) -> NDArray[np.bool_]:
        """Return which cells hold these people."""
        return np.array([all(label[key] == value for key, value in wanted.items()) for label in self.labels])

    def reached(self, shown: Cells, share: Cells | float = 1.0) -> Cells:
        """Return how many different people saw something shown so often, out of a share of each cell.

        How often one person is met is Poisson with a gamma-distributed rate, hence negative binomial; the share
        never met is (1 + mean / k) ** -k (Ehrenberg's NBD).
        """
        people = np.maximum(self.people * share, 1e-9)
        k = self.parameters.regularity
        met: Cells = people * (1 - (1 + shown / people / k) ** -k)
        return met


def _product(traits: list[list[Trait]], name: str) -> Cells:
    return np.array([np.prod([getattr(trait, name) for trait in each]) for each in traits], dtype=np.float64)


def _scaled(axis: Axis) -> list[tuple[str, Trait]]:
    """Return an axis with multipliers of mean one; purchases are weighed by clicks, values by purchases."""
    traits = [trait for _, trait in axis.traits]
    cpm = sum(trait.share * trait.cpm for trait in traits)
    click = sum(trait.share * trait.click for trait in traits)
    sales = sum(trait.share * trait.click * trait.conversion for trait in traits)
    worth = sum(trait.share * trait.click * trait.conversion * trait.value for trait in traits)
    return [
        (
            name,
            Trait(
                trait.share,
                trait.click / click,
                trait.conversion * click / sales,
                trait.value * sales / worth,
                trait.cpm / cpm,
                trait.unreported,
            ),
        )
        for name, trait in axis.traits
    ]
