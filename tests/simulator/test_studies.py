"""Split tests: who may make them, their rules, and the audiences they make equal."""

from pathlib import Path
from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.testing import ACCOUNT, Advertiser, RefusedError, story

BUSINESS = "5001"
DEMO = Path(__file__).parents[2] / "src/metasim/scenarios/demo.toml"


def scenario(folder: Path, market: str = "") -> str:
    text = DEMO.read_text("utf-8")
    path = folder / "business.toml"
    path.write_text(text.replace("[market]", f"[market]\n{market}"), "utf-8")
    return str(path)


@pytest.fixture
def firm(tmp_path: Path) -> Advertiser:
    return Advertiser(SimulatorConfig(scenario=scenario(tmp_path)))


def cells(*members: str, share: int = 50) -> list[dict[str, Any]]:
    return [
        {"name": f"cell {number}", "treatment_percentage": share, "adsets": [member]}
        for number, member in enumerate(members)
    ]


def study(advertiser: Advertiser, rows: list[dict[str, Any]], **params: Any) -> str:
    usual = {"name": "A or B", "type": "SPLIT_TEST", "start_time": advertiser.moment(), "cells": rows}
    asked = {**usual, "end_time": advertiser.moment(hours=24), **params}
    sent = {name: value for name, value in asked.items() if value is not None}
    return str(advertiser.post(f"{BUSINESS}/ad_studies", **sent)["id"])


def arms(advertiser: Advertiser) -> list[str]:
    ids = advertiser.split_test("AB")
    return [ids["set A"], ids["set B"]]


def test_a_study_is_made_read_and_cancelled(firm: Advertiser) -> None:
    one, two = arms(firm)
    made = study(firm, cells(one, two))
    assert firm.get(made, fields="name,type,business")["business"]["id"] == BUSINESS
    rows = firm.get(f"{made}/cells", fields="name,treatment_percentage,ad_ids")["data"]
    assert {row["treatment_percentage"] for row in rows} == {50}
    assert all(len(row["ad_ids"]) == 1 for row in rows)
    assert [row["id"] for row in firm.get(f"{one}/ad_studies")["data"]] == [made]
    assert [row["id"] for row in firm.get(f"{BUSINESS}/ad_studies")["data"]] == [made]
    assert firm.call("DELETE", made) == {"success": True}
    assert firm.get(f"{BUSINESS}/ad_studies")["data"] == []
    assert firm.get(made, fields="canceled_time")["canceled_time"]


def test_a_personal_account_has_no_business_to_test_in() -> None:
    with pytest.raises(RefusedError) as caught:
        Advertiser(SimulatorConfig(scenario="ordinary")).post(f"{BUSINESS}/ad_studies", name="x")
    assert caught.value.codes == (100, 33)


RULES: dict[str, tuple[dict[str, Any], tuple[int, int | None]]] = {
    "a name is needed": ({"name": None}, (100, None)),
    "a start is needed": ({"start_time": None}, (100, None)),
    "the end follows the start": ({"end_time": "2026-11-22T09:00:00Z"}, (100, None)),
    "the start is not past": ({"start_time": "2026-11-20T09:00:00Z"}, (100, None)),
    "other types are not simulated": ({"type": "LIFT"}, (100, None)),
    "cells are needed": ({"cells": None}, (100, None)),
    "one cell is no test": ({"cells": cells("SET")}, (100, None)),
    "a cell holds at least ten per cent": ({"cells": cells("SET", "OTHER", share=9)}, (100, None)),
    "cells hold at most everybody": ({"cells": cells("SET", "OTHER", share=51)}, (100, None)),
    "cells do not overlap": ({"cells": cells("SET", "SET")}, (100, None)),
    "members exist": ({"cells": cells("SET", "9")}, (100, 33)),
    "a cell has members": (
        {"cells": [{"name": "x", "treatment_percentage": 50}] * 2},
        (100, None),
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_study_rules(firm: Advertiser, rule: str) -> None:
    one, two = arms(firm)
    params, codes = RULES[rule]
    rows = params.get("cells", cells(one, two))
    for row in rows or []:
        if "adsets" in row:
            row["adsets"] = [{"SET": one, "OTHER": two}.get(each, each) for each in row["adsets"]]
    with pytest.raises(RefusedError) as caught:
        study(firm, **{**params, "rows": rows} if rows else {**params, "rows": []})
    assert caught.value.codes == codes


def test_an_ad_set_takes_part_in_one_study_at_a_time(firm: Advertiser) -> None:
    one, two = arms(firm)
    first = study(firm, cells(one, two))
    with pytest.raises(RefusedError, match="Invalid parameter"):
        study(firm, cells(one, two))
    firm.call("DELETE", first)
    assert study(firm, cells(one, two))


def test_after_the_start_only_the_end_changes(firm: Advertiser) -> None:
    made = study(firm, cells(*arms(firm)), start_time=firm.moment(hours=1))
    firm.post(made, name="Renamed")
    firm.pass_time(hours=2)
    firm.post(made, end_time=firm.moment(hours=30))
    with pytest.raises(RefusedError, match="Invalid parameter"):
        firm.post(made, name="Again")


def test_a_study_outlives_a_killed_simulator(tmp_path: Path) -> None:
    config = SimulatorConfig(scenario=scenario(tmp_path), state_path=tmp_path / "state.db")
    first = Advertiser(config)
    made = study(first, cells(*arms(first)))
    assert len(Advertiser(config).get(f"{made}/cells")["data"]) == 2


def gap(folder: Path, *, divided: bool) -> float:
    """Return how far apart the buying rates of two equal arms are, as a log ratio."""
    advertiser = Advertiser(SimulatorConfig(scenario=scenario(folder, "divergence_sd = 1.0"), seed=5))
    campaign = advertiser.campaign()
    sets = [advertiser.adset(campaign, f"Set {name}") for name in "XY"]
    creative = advertiser.post(f"{ACCOUNT}/adcreatives", **story("A"))["id"]
    ads = [advertiser.ad(adset, creative) for adset in sets]
    if divided:
        study(advertiser, cells(*sets))
    for node in (*ads, *sets, campaign):
        advertiser.post(node, status="ACTIVE")
    advertiser.pass_time(hours=23)
    one, two = (advertiser.figures(ad) for ad in ads)
    ratio = (one["purchases"] / one["clicks"]) / (two["purchases"] / two["clicks"])
    return max(ratio, 1 / ratio)


def test_a_split_test_removes_the_lasting_difference_between_audiences(tmp_path: Path) -> None:
    assert gap(tmp_path, divided=False) > 1.5
    assert gap(tmp_path, divided=True) < 1.2
