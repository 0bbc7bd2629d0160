"""The learning phase makes delivery dearer until fifty results, and significant edits begin it anew."""

from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.state import AdSet
from metasim.testing import Advertiser


def started(scenario: str = "learning", **adset: Any) -> tuple[Advertiser, dict[str, str]]:
    advertiser = Advertiser(SimulatorConfig(scenario=scenario))
    return advertiser, advertiser.split_test("A", hours=24 * 10, **{"lifetime_budget": 150_000, **adset})


def stage(advertiser: Advertiser, adset: str) -> float:
    return advertiser.simulator.market.offers.learning.stage(advertiser.simulator.state.need(AdSet, adset))


def test_delivery_gets_cheaper_as_an_ad_set_learns() -> None:
    advertiser, ids = started()
    advertiser.pass_time(hours=2)
    early = advertiser.figures(ids["A"])
    advertiser.pass_time(hours=72)
    middle = advertiser.figures(ids["A"])
    advertiser.pass_time(hours=48)
    late = advertiser.figures(ids["A"])
    first = early["spend"] / early["impressions"]
    last = (late["spend"] - middle["spend"]) / (late["impressions"] - middle["impressions"])
    assert stage(advertiser, ids["set A"]) == 0
    assert last < 0.85 * first


EDITS: list[tuple[str, dict[str, Any], bool]] = [
    ("set A", {"name": "Another name"}, False),
    ("set A", {"lifetime_budget": 160_000}, False),
    ("set A", {"lifetime_budget": 250_000}, True),
    ("set A", {"targeting": {"geo_locations": {"countries": ["PT"]}, "age_min": 30}}, True),
    ("set A", {"bid_strategy": "COST_CAP", "bid_amount": 10_000}, True),
    ("A", {"name": "Another ad name"}, False),
    ("campaign", {"name": "Another campaign [ap-test/c]"}, False),
]


@pytest.mark.parametrize(("node", "change", "anew"), EDITS)
def test_significant_edits_begin_learning_anew(node: str, change: dict[str, Any], *, anew: bool) -> None:
    advertiser, ids = started()
    advertiser.pass_time(hours=96)
    assert stage(advertiser, ids["set A"]) == 0
    before = advertiser.simulator.state.need(AdSet, ids["set A"]).learning["since_us"]
    moment = advertiser.simulator.clock.now_us()
    advertiser.post(ids[node], **change)
    advertiser.pass_time(minutes=15)
    since = advertiser.simulator.state.need(AdSet, ids["set A"]).learning["since_us"]
    assert since == (moment if anew else before)


def test_another_creative_begins_learning_anew_once_it_runs() -> None:
    advertiser, ids = started()
    advertiser.pass_time(hours=96)
    advertiser.post(ids["A"], creative={"creative_id": advertiser.creative("C")})
    advertiser.pass_time(hours=1)
    assert stage(advertiser, ids["set A"]) > 0


def test_a_weeks_pause_begins_learning_anew() -> None:
    advertiser, ids = started(daily_budget=15_000, lifetime_budget=None)
    advertiser.pass_time(hours=48)
    learnt = stage(advertiser, ids["set A"])
    advertiser.post(ids["set A"], status="PAUSED")
    advertiser.pass_time(hours=24 * 8)
    advertiser.post(ids["set A"], status="ACTIVE")
    advertiser.pass_time(minutes=15)
    assert stage(advertiser, ids["set A"]) > learnt


def test_the_learning_stage_tells_the_last_significant_edit() -> None:
    advertiser, ids = started()
    advertiser.pass_time(hours=96)
    edited = advertiser.simulator.clock.now_us() // 1_000_000
    advertiser.post(ids["set A"], lifetime_budget=250_000)
    advertiser.pass_time(minutes=30)
    info = advertiser.get(ids["set A"], fields="learning_stage_info")["learning_stage_info"]
    assert info["last_sig_edit_ts"] == edited
