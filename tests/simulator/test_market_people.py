"""People differ, tire, and are shared by ad sets; delivery finds those who respond unless they are divided."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasim import SimulatorConfig
from metasim.market.audience import eligible, united_reach
from metasim.market.population import Population
from metasim.parameters import Axis, PopulationParameters, Trait
from metasim.scenario import load_scenario
from metasim.state import Ad, Study, StudyCell
from metasim.testing import ACCOUNT, TARGETING, Advertiser
from support.market_worlds import altered, realised

AGES = Axis("age", (("18-34", Trait(0.4, 1.2, 0.8, 0.8, 0.9)), ("35+", Trait(0.6, 0.9, 1.3, 1.1, 1.2))))
GENDERS = Axis("gender", (("female", Trait(0.5, 1.3, 1.1)), ("male", Trait(0.5, 0.7, 0.9))))
POPULATION = Population(PopulationParameters((AGES, GENDERS), size=1000))


def test_everybody_together_does_what_the_market_declares() -> None:
    share = POPULATION.people / POPULATION.people.sum()
    clicks = share * POPULATION.rates.click
    sales = clicks * POPULATION.rates.conversion
    sums = [share @ POPULATION.rates.cpm, clicks.sum(), sales.sum(), sales @ POPULATION.rates.value]
    assert sums == pytest.approx([1, 1, 1, 1])


@pytest.mark.parametrize(
    ("targeting", "share"),
    [
        ({}, [1, 1, 1, 1]),
        ({"genders": [2]}, [1, 0, 1, 0]),
        ({"age_min": 35}, [0, 0, 1, 1]),
        ({"age_max": 34}, [1, 1, 0, 0]),
        ({"genders": [1], "targeting_automation": {"advantage_audience": 1}}, [1, 1, 1, 1]),
        ({"interests": [{"id": "6003"}]}, [0.3, 0.3, 0.3, 0.3]),
    ],
)
def test_targeting_lets_people_in(targeting: dict[str, Any], share: list[float]) -> None:
    assert eligible(POPULATION, targeting).tolist() == pytest.approx(share)


@given(st.lists(st.integers(0, 5000), min_size=4, max_size=4), st.integers(0, 5000))
def test_reach_never_passes_people_or_impressions_and_grows(shown: list[int], more: int) -> None:
    impressions = np.array(shown, dtype=np.float64)
    reached = POPULATION.reached(impressions)
    assert (reached <= np.minimum(POPULATION.people, impressions) + 1e-6).all()
    assert (POPULATION.reached(impressions + more) >= reached - 1e-9).all()


def test_ads_to_the_same_people_reach_fewer_together_than_apart() -> None:
    everyone, shown = np.ones(4), np.full(4, 200.0)
    alone = united_reach(POPULATION, [("all", everyone, shown)])
    assert alone < united_reach(POPULATION, [("all", everyone, shown)] * 2) < 2 * alone


def test_ads_to_different_people_reach_the_sum() -> None:
    women, men = np.array([1.0, 0, 1, 0]), np.array([0.0, 1, 0, 1])
    parts = [("women", women, women * 200), ("men", men, men * 200)]
    assert united_reach(POPULATION, parts) == pytest.approx(sum(united_reach(POPULATION, [p]) for p in parts))


def insights(advertiser: Advertiser, node: str, *breakdowns: str) -> list[dict[str, Any]]:
    fields = "impressions,reach,frequency,clicks,spend,actions"
    rows: list[dict[str, Any]] = advertiser.get(
        f"{node}/insights", fields=fields, date_preset="maximum", breakdowns=list(breakdowns)
    )["data"]
    return rows


def test_few_people_are_met_often_and_tire() -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="worn_out"))
    ids = advertiser.split_test("A", hours=72, lifetime_budget=30_000)
    advertiser.pass_time(hours=4)
    fresh = advertiser.figures(ids["A"])
    advertiser.pass_time(hours=68)
    tired, row = advertiser.figures(ids["A"]), insights(advertiser, ids["A"])[0]
    assert float(row["frequency"]) > 10
    assert int(row["reach"]) < 30_000
    assert tired["clicks"] / tired["impressions"] < 0.5 * fresh["clicks"] / fresh["impressions"]


def test_a_new_creative_starts_fresh() -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="worn_out"))
    ids = advertiser.split_test("A", hours=96, lifetime_budget=40_000)
    advertiser.pass_time(hours=48)
    worn = realised(advertiser, ids["A"])["now"]["ctr"]
    advertiser.post(ids["A"], creative={"creative_id": advertiser.creative("C")})
    assert realised(advertiser, ids["A"])["now"]["ctr"] > 2 * worn


def test_delivery_finds_the_people_a_creative_suits() -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="divergent"))
    ids = advertiser.split_test("AB", hours=48, lifetime_budget=20_000)
    advertiser.pass_time(hours=48)
    women, _ = insights(advertiser, ids["B"], "gender")
    share = int(women["impressions"]) / int(insights(advertiser, ids["B"])[0]["impressions"])
    assert share > 0.7


def test_unrandomised_arms_mislead_where_divided_ones_do_not() -> None:
    worths = []
    for divided in (False, True):
        advertiser = Advertiser(SimulatorConfig(scenario="divergent"))
        ids = advertiser.split_test("AB", hours=48, lifetime_budget=20_000)
        if divided:
            divide(advertiser, [ids["set A"], ids["set B"]])
        advertiser.pass_time(hours=48)
        roas = [realised(advertiser, ids[letter])["realised"]["true_roas"] for letter in "AB"]
        worths.append(roas[1] / roas[0])
    assert worths[0] > 1.25
    assert worths[1] == pytest.approx(1, abs=0.02)


def divide(advertiser: Advertiser, adsets: list[str]) -> None:
    """Start a split test at once, inside the world: its rules are tested elsewhere."""
    state, now = advertiser.simulator.state, advertiser.simulator.clock.now_us()
    study = Study(state.new_id(), "123456789", "Split", start_us=now, end_us=now + 10**13)
    state.add(study)
    for adset in adsets:
        state.add(
            StudyCell(
                state.new_id(),
                "123456789",
                study_id=study.id,
                share=50,
                member_kind="adset",
                members=[adset],
            )
        )


@pytest.mark.parametrize("breakdown", ["age", "gender", "country", "impression_device"])
def test_breakdowns_of_people_add_up_to_the_whole(breakdown: str) -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="worn_out"))
    ids = advertiser.split_test("A", hours=24)
    advertiser.pass_time(hours=30)
    needed = ("publisher_platform",) if breakdown == "impression_device" else ()
    rows = insights(advertiser, ids["A"], *needed, breakdown)
    whole = insights(advertiser, ids["A"])[0]
    population = advertiser.simulator.market.population
    assert population is not None
    assert {row[breakdown] for row in rows} <= {label[breakdown] for label in population.labels}
    for name in ("impressions", "clicks"):
        assert sum(int(row[name]) for row in rows) == int(whole[name])


def test_ad_sets_that_share_people_reach_fewer_together() -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="worn_out"))
    ids = advertiser.split_test("AB", hours=24)
    advertiser.pass_time(hours=24)
    apart = [int(insights(advertiser, ids[letter])[0]["reach"]) for letter in "AB"]
    assert max(apart) < int(insights(advertiser, ids["campaign"])[0]["reach"]) < sum(apart)


def test_nobody_is_shown_an_ad_outside_its_audience() -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="worn_out"))
    ids = advertiser.split_test("A", hours=24, targeting={**TARGETING, "genders": [2]})
    advertiser.pass_time(hours=24)
    assert [row["gender"] for row in insights(advertiser, ids["A"], "gender")] == ["female"]


@pytest.mark.parametrize("scenario", ["people", "worn_out", "lossy", "auction"])
def test_figures_do_not_depend_on_steps_or_restarts(scenario: str, tmp_path: Path) -> None:
    config = SimulatorConfig(scenario=scenario, state_path=tmp_path / "world.db")
    whole, pieces = Advertiser(SimulatorConfig(scenario=scenario)), Advertiser(config)
    ids = [advertiser.split_test("AB", hours=48, lifetime_budget=10_000) for advertiser in (whole, pieces)]
    assert ids[0] == ids[1]
    whole.pass_time(hours=30)
    for hours in (3.07, 11.4, 0.03, 15.5):
        pieces.pass_time(hours=hours)
        pieces.get(f"{ACCOUNT}/insights", level="ad")
        pieces.simulator.close()
        pieces = Advertiser(config)
    known = whole.simulator.state
    for ad_id, days in pieces.simulator.state.days.items():
        assert {day: each.steps for day, each in days.items()} == {
            day: each.steps for day, each in known.days[ad_id].items()
        }
    for ad in pieces.simulator.state.of_kind(Ad):
        assert (ad.worth, ad.contacts) == (known.need(Ad, ad.id).worth, known.need(Ad, ad.id).contacts)


def test_effects_among_people_who_do_not_exist_are_refused(tmp_path: Path) -> None:
    effect = '[[effect]]\nmatch = { title = "Headline B" }\namong = { gender = "female" }\nclick = 2.0\n'
    with pytest.raises(ValueError, match="gender=female"):
        altered(tmp_path, "null", tables=effect)


def test_shares_that_do_not_add_up_are_refused(tmp_path: Path) -> None:
    people = "[population]\n[population.gender]\nfemale = { share = 0.9 }\nmale = { share = 0.2 }\n"
    with pytest.raises(ValueError, match="shares of sum one"):
        altered(tmp_path, "null", tables=people)


def test_the_people_scenario_has_twenty_four_cells() -> None:
    population = load_scenario("people").population
    assert population is not None
    assert len(Population(population)) == 24
