"""Reach: how many different people saw ads, and what each demographic cell did in a period."""

from collections.abc import Iterable
from math import prod

import numpy as np

from metasim.graph.breakdowns import SHARES, CellBreakdown
from metasim.graph.figures import Columns, cell_figures, ledgers_of
from metasim.graph.metrics import Row
from metasim.graph.periods import Period
from metasim.market.audience import united_reach
from metasim.market.population import Cells
from metasim.state import Ad, AdSet, Campaign
from metasim.world import World


def cell_breakdown(world: World, ads: Iterable[Ad], part: Period) -> CellBreakdown | None:
    """Return what every cell of people did with ads; None where the scenario has no population."""
    population = world.market.population
    if population is None:
        return None
    total: Columns = np.zeros((5, len(population)), dtype=np.int64)
    for ad in ads:
        columns = _columns(world, ad, part)
        if columns is not None:
            total = total + columns
    return CellBreakdown(population.labels, total)


def people_reached(world: World, ads: Iterable[Ad], part: Period, labels: Row) -> int | None:
    """Return how many different people of a group saw any of the ads; None without a population.

    The fixed breakdowns, such as platforms, are different occasions to meet the same people.
    """
    population = world.market.population
    if population is None:
        return None
    group = CellBreakdown(population.labels, np.zeros((5, len(population)), dtype=np.int64)).inside(labels)
    fixed = prod(
        dict(SHARES[name])[value] for name, value in labels.items() if name not in population.labels[0]
    )
    shown = [(each, columns) for each in ads if (columns := _columns(world, each, part)) is not None]
    return round(
        united_reach(population, [_exposure(world, ad, columns[1] * group * fixed) for ad, columns in shown])
    )


def _columns(world: World, ad: Ad, part: Period) -> Columns | None:
    ledgers = ledgers_of(world.state, ad.id, part.since.isoformat(), part.until.isoformat())
    return cell_figures(ledgers, world.figures_us)


def _exposure(world: World, ad: Ad, impressions: Cells) -> tuple[str, Cells, Cells]:
    adset = world.state.need(AdSet, ad.adset_id)
    offers = world.market.offers
    people = offers.profiles.of(ad, adset, world.state.need(Campaign, ad.campaign_id)).people
    if people is None:
        return "", np.ones(len(impressions)), impressions
    cell, share = offers.arm(ad, world.figures_us)
    return people.key + cell, people.share * share, impressions
