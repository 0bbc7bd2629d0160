"""What worlds really do agrees with what their scenarios declare, scenario by scenario, within sampling error.

Each seed is one independent replicate, so Student's t over seeds needs no model of the noise within a world.
Limits are shared out over all comparisons (Bonferroni).
"""

import os
from importlib import resources

import numpy as np
import pytest
from scipy import stats

from metasim import SimulatorConfig
from metasim.market.day_curves import BUYING_DAYS, BUYING_HOURS, DELIVERY_CURVE
from metasim.market.truth import counted_share
from metasim.testing import Advertiser
from support.market_worlds import Outcome, outcome, realised

pytestmark = pytest.mark.slow  # many markets

FOLDER = resources.files("metasim") / "scenarios"
NAMES = sorted(entry.name.removesuffix(".toml") for entry in FOLDER.iterdir() if entry.name.endswith(".toml"))
FALSE_ALARM = 0.01
MEASURES = ("impressions", "clicks", "sales", "value")
COMPARISONS = len(NAMES) * 2 * len(MEASURES)
HOURS, LATE_HOURS = 48, 24 * 29
WORLDS = 200 if os.environ.get("TORTURE") == "full" else 10


def run(scenario: str, seed: int) -> tuple[Outcome, Outcome]:
    advertiser = Advertiser(SimulatorConfig(scenario=scenario, seed=seed))
    ids = advertiser.split_test("AB", hours=HOURS, lifetime_budget=20_000)
    advertiser.pass_time(hours=HOURS + LATE_HOURS)
    return outcome(advertiser, ids["A"]), outcome(advertiser, ids["B"])


def surpluses(each: Outcome, *, everything: bool) -> list[float]:
    """Return how much more there was of each measure than was to be expected."""
    truth = each.truth
    counted = 1.0 if everything else truth["counted_share"]
    return [
        each.impressions - truth["expected_impressions"],
        each.clicks - truth["expected_clicks"],
        each.sales - truth["expected_sales"] * counted,
        each.value - truth["expected_value"] * counted,
    ]


def is_fair(surplus: np.ndarray[tuple[int], np.dtype[np.float64]], comparisons: int = COMPARISONS) -> bool:
    """Tell whether replicates of mean zero would plausibly look like this."""
    if np.ptp(surplus) == 0:
        return bool(surplus[0] == 0)
    t = surplus.mean() / (surplus.std(ddof=1) / np.sqrt(len(surplus)))
    return bool(abs(t) < stats.t.isf(FALSE_ALARM / comparisons / 2, len(surplus) - 1))


def unfair_measures(scenario: str, seeds: int) -> list[str]:
    worlds = [run(scenario, seed) for seed in range(seeds)]
    everything = "[population]" in (FOLDER / f"{scenario}.toml").read_text("utf-8")
    found = []
    for arm, letter in enumerate("AB"):
        rows = np.array([surpluses(world[arm], everything=everything) for world in worlds])
        found += [f"{letter} {name}" for name, row in zip(MEASURES, rows.T, strict=True) if not is_fair(row)]
    return found


@pytest.mark.parametrize("scenario", ["demo", "auction", "divergent"])
def test_a_few_worlds_do_what_is_to_be_expected_of_them(scenario: str) -> None:
    assert unfair_measures(scenario, 16) == []


@pytest.mark.parametrize("scenario", NAMES)
def test_worlds_of_every_scenario_do_what_is_to_be_expected(scenario: str) -> None:
    assert unfair_measures(scenario, WORLDS) == []


def test_worlds_without_effect_favour_neither_arm() -> None:
    worlds = [run("null", seed) for seed in range(2 * WORLDS)]
    lead = np.array([b.value - a.value for a, b in worlds])
    assert is_fair(lead, 1)


@pytest.mark.parametrize(("scenario", "lift"), [("demo", 2.8), ("ordinary", 1.2), ("null", 1.0)])
def test_expectations_are_what_the_scenario_declares(scenario: str, lift: float) -> None:
    advertiser = Advertiser(SimulatorConfig(scenario=scenario))
    ids = advertiser.split_test("AB", hours=24 * 7, lifetime_budget=70_000)
    advertiser.pass_time(hours=24 * 7)
    market = advertiser.simulator.scenario.market
    week = sum(a * b for a, b in zip(DELIVERY_CURVE, BUYING_HOURS, strict=True)) / 24 * sum(BUYING_DAYS) / 7
    rows = {letter: realised(advertiser, ids[letter])["realised"] for letter in "AB"}
    for letter, factor in (("A", 1.0), ("B", lift)):
        sales = rows[letter]["expected_sales"] / rows[letter]["expected_clicks"]
        assert sales == pytest.approx(market.cvr * factor * week, rel=0.01)
        assert rows[letter]["expected_value"] / rows[letter]["expected_sales"] == pytest.approx(market.aov)


def test_reported_sales_are_the_counted_share_of_all_sales() -> None:
    surplus = []
    for seed in range(12):
        advertiser = Advertiser(SimulatorConfig(scenario="lossy", seed=seed))
        ids = advertiser.split_test("A", hours=24, lifetime_budget=20_000)
        advertiser.pass_time(hours=24 * 60)
        days = advertiser.simulator.state.days[ids["A"]].values()
        booked = sum(sale[0] for day in days for sale in day.sales.values())
        viewed = sum(sale[0] for day in days for sale in day.views.values())
        market, population = advertiser.simulator.scenario.market, advertiser.simulator.market.population
        share = counted_share(market, population, 168)
        surplus.append(booked - viewed - outcome(advertiser, ids["A"]).sales * share)
    assert is_fair(np.array(surplus), 1)
