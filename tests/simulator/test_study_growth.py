"""Studies that grow while they run, creative tests, and where a study can be seen from."""

from pathlib import Path
from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.testing import ACCOUNT, Advertiser, RefusedError

BUSINESS = "5001"
DEMO = Path(__file__).parents[2] / "src/metasim/scenarios/demo.toml"


@pytest.fixture
def firm(tmp_path: Path) -> Advertiser:
    text = DEMO.read_text("utf-8")
    path = tmp_path / "business.toml"
    path.write_text(text, "utf-8")
    return Advertiser(SimulatorConfig(scenario=str(path)))


def ask(advertiser: Advertiser, cells: list[dict[str, Any]], **params: Any) -> str:
    usual = {"name": "Study", "start_time": advertiser.moment(), "end_time": advertiser.moment(hours=48)}
    return str(advertiser.post(f"{BUSINESS}/ad_studies", **{**usual, "cells": cells, **params})["id"])


def halves(kind: str, *members: str) -> list[dict[str, Any]]:
    return [{"name": each, "treatment_percentage": 50, kind: [each]} for each in members]


def refused(act: Any) -> tuple[int, int | None]:
    with pytest.raises(RefusedError) as caught:
        act()
    return caught.value.codes


def cells_of(advertiser: Advertiser, study: str) -> dict[str, Any]:
    rows = advertiser.get(f"{study}/cells", fields="name,ad_ids,ad_entities_count")["data"]
    return {row["name"]: row for row in rows}


def grown(advertiser: Advertiser) -> tuple[str, str, str]:
    """Return a running study of two ad sets, its first cell, and an ad set outside it."""
    ids = advertiser.split_test("AB")
    study = ask(advertiser, halves("adsets", ids["set A"], ids["set B"]))
    late = advertiser.adset(ids["campaign"], "Set C", 48, lifetime_budget=20000)
    advertiser.pass_time(hours=2)
    return study, cells_of(advertiser, study)[ids["set A"]]["id"], late


def test_objects_join_a_cell_of_a_running_study(firm: Advertiser) -> None:
    study, cell, late = grown(firm)
    assert firm.post(study, cells=[{"id": cell, "adsets": [late]}]) == {"success": True}
    assert next(row for row in cells_of(firm, study).values() if row["id"] == cell)["ad_entities_count"] == 2
    assert [row["id"] for row in firm.get(f"{late}/ad_studies")["data"]] == [study]


def test_a_join_survives_a_restart(tmp_path: Path, firm: Advertiser) -> None:
    config = SimulatorConfig(scenario=firm.simulator.config.scenario, state_path=tmp_path / "state.db")
    study, cell, late = grown(Advertiser(config))
    Advertiser(config).post(study, cells=[{"id": cell, "adsets": [late]}])
    assert Advertiser(config).get(f"{late}/ad_studies")["data"][0]["id"] == study


def test_a_join_that_is_only_validated_changes_nothing(firm: Advertiser) -> None:
    study, cell, late = grown(firm)
    firm.post(study, cells=[{"id": cell, "adsets": [late]}], execution_options=["validate_only"])
    assert firm.get(f"{late}/ad_studies")["data"] == []


BAD_JOINS: dict[str, tuple[dict[str, Any], tuple[int, int | None]]] = {
    "the cell must be the study's": ({"id": "9"}, (100, 33)),
    "the object must exist": ({"adsets": ["9"]}, (100, 33)),
    "cells hold one kind": ({"adsets": None, "ads": ["9"]}, (100, None)),
    "shares are fixed": ({"treatment_percentage": 20}, (100, None)),
}


@pytest.mark.parametrize("rule", BAD_JOINS)
def test_joins_that_are_refused(firm: Advertiser, rule: str) -> None:
    study, cell, late = grown(firm)
    changes, codes = BAD_JOINS[rule]
    row = {name: value for name, value in {"id": cell, "adsets": [late], **changes}.items() if value}
    assert refused(lambda: firm.post(study, cells=[row])) == codes
    assert firm.get(f"{late}/ad_studies")["data"] == []


def test_nobody_joins_two_cells(firm: Advertiser) -> None:
    study, cell, late = grown(firm)
    other = next(row["id"] for row in cells_of(firm, study).values() if row["id"] != cell)
    rows = [{"id": cell, "adsets": [late]}, {"id": other, "adsets": [late]}]
    assert refused(lambda: firm.post(study, cells=rows)) == (100, None)


def test_a_campaign_shows_the_studies_it_takes_part_in(firm: Advertiser) -> None:
    campaigns = [firm.campaign(f"C{number}") for number in range(2)]
    study = ask(firm, halves("campaigns", *campaigns))
    assert [row["id"] for row in firm.get(f"{campaigns[0]}/ad_studies")["data"]] == [study]


def creative_test(advertiser: Advertiser, **params: Any) -> str:
    ids = advertiser.split_test("AB")
    usual = {"type": "SPLIT_TEST_V2", "creative_test_config": {"daily_budget": 5000}}
    cells = params.pop("cells", None) or halves("ads", ids["A"], ids["B"])
    asked = {name: value for name, value in {**usual, **params}.items() if value is not None}
    return ask(advertiser, cells, **asked)


def test_a_creative_test_holds_one_ad_per_cell_and_one_budget(firm: Advertiser) -> None:
    study = creative_test(firm)
    assert firm.get(study, fields="type")["type"] == "SPLIT_TEST_V2"
    assert [row["ad_entities_count"] for row in cells_of(firm, study).values()] == [1, 1]


BAD_CREATIVE_TESTS: dict[str, dict[str, Any]] = {
    "a budget is needed": {"creative_test_config": None},
    "one budget only": {"creative_test_config": {"daily_budget": 5000, "lifetime_budget": 9000}},
    "the budget is not nothing": {"creative_test_config": {}},
    "cooling down begins at the start": {"cooldown_start_time": "2026-11-23T09:00:00Z"},
    "observation ends at the end": {"observation_end_time": "2026-11-30T09:00:00Z"},
}


@pytest.mark.parametrize("rule", BAD_CREATIVE_TESTS)
def test_creative_test_rules(firm: Advertiser, rule: str) -> None:
    assert refused(lambda: creative_test(firm, **BAD_CREATIVE_TESTS[rule])) == (100, None)


def test_a_creative_test_takes_ads_only(firm: Advertiser) -> None:
    ids = firm.split_test("AB")
    assert refused(lambda: creative_test(firm, cells=halves("adsets", ids["set A"], ids["set B"])))[0] == 100


def test_a_creative_test_divides_everybody(firm: Advertiser) -> None:
    ids = firm.split_test("AB")
    cells = [{**cell, "treatment_percentage": 40} for cell in halves("ads", ids["A"], ids["B"])]
    assert refused(lambda: creative_test(firm, cells=cells))[0] == 100


def test_a_creative_test_has_at_most_five_cells(firm: Advertiser) -> None:
    ids = firm.split_test("ABCDEF")
    cells = [{"name": each, "treatment_percentage": 16, "ads": [ids[each]]} for each in "ABCDEF"]
    assert refused(lambda: creative_test(firm, cells=cells))[0] == 100


def test_a_creative_test_takes_no_further_ads(firm: Advertiser) -> None:
    study = creative_test(firm)
    cell = next(iter(cells_of(firm, study).values()))["id"]
    assert refused(lambda: firm.post(study, cells=[{"id": cell, "ads": ["9"]}]))[0] == 100


def test_only_studies_that_are_not_over_count_towards_the_hundred(firm: Advertiser) -> None:
    campaign = firm.campaign()
    for number in range(100):
        sets = [firm.adset(campaign, f"{number}{side}") for side in "ab"]
        ask(firm, halves("adsets", *sets), end_time=firm.moment(hours=1))
    sets = [firm.adset(firm.campaign("D"), side, 48, lifetime_budget=20000) for side in "ab"]
    assert refused(lambda: ask(firm, halves("adsets", *sets))) == (100, None)
    firm.pass_time(hours=2)
    assert ask(firm, halves("adsets", *sets))
    assert len(firm.get(f"{BUSINESS}/ad_studies", limit=200)["data"]) == 101
    assert firm.get(f"{ACCOUNT}/campaigns")["data"]


def pair_under_test(advertiser: Advertiser, **config: int) -> dict[str, str]:
    """Return the ids of an ad set with three ads, of which A and B are in a creative test for two days."""
    campaign = advertiser.campaign()
    adset = advertiser.adset(campaign, "Set", 72, lifetime_budget=60_000)
    ids = {letter: advertiser.ad(adset, advertiser.creative(letter), letter) for letter in "ABC"}
    for node in (*ids.values(), adset, campaign):
        advertiser.post(node, status="ACTIVE")
    advertiser.pass_time(minutes=30)
    ask(
        advertiser,
        halves("ads", ids["A"], ids["B"]),
        type="SPLIT_TEST_V2",
        creative_test_config=config,
        end_time=advertiser.moment(hours=48),
    )
    return ids


def test_the_ads_of_a_creative_test_spend_its_budget_evenly(firm: Advertiser) -> None:
    ids = pair_under_test(firm, lifetime_budget=8000)
    before = {letter: firm.figures(ids[letter])["spend"] for letter in "AB"}
    firm.pass_time(hours=48)
    spent = [firm.figures(ids[letter])["spend"] - before[letter] for letter in "AB"]
    assert sum(spent) == pytest.approx(80, abs=2)
    assert sum(spent) <= 80
    assert spent[0] == pytest.approx(spent[1], rel=0.02)


def test_a_creative_tests_daily_budget_stretches_like_any_other(firm: Advertiser) -> None:
    ids = pair_under_test(firm, daily_budget=2000)
    before = sum(firm.figures(ids[letter])["spend"] for letter in "AB")
    firm.pass_time(hours=48)
    assert 20 < sum(firm.figures(ids[letter])["spend"] for letter in "AB") - before <= 3 * 35


def test_a_creative_test_never_spends_more_than_its_ad_set_holds(firm: Advertiser) -> None:
    ids = pair_under_test(firm, lifetime_budget=500_000)
    firm.pass_time(hours=72)
    assert sum(firm.figures(ids[letter])["spend"] for letter in "ABC") <= 600
