"""How many objects fit, with numbers lowered by the scenario, and the stage of learning."""

from pathlib import Path
from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.graph.limits import LOCKED_ABOVE
from metasim.scenario import ObjectLimits
from metasim.testing import ACCOUNT, Desk, RefusedError, story

DEMO = Path(__file__).parents[2] / "src/metasim/scenarios/demo.toml"


@pytest.fixture
def narrow(tmp_path: Path) -> Any:
    """Return a way to open a desk whose account has lowered limits."""

    def opened(**limits: int) -> Desk:
        table = ", ".join(f"{name} = {number}" for name, number in limits.items())
        text = DEMO.read_text("utf-8").replace(
            'name = "Demo account"', f'name = "N"\nobject_limits = {{ {table} }}'
        )
        (tmp_path / "narrow.toml").write_text(text, "utf-8")
        return Desk(SimulatorConfig(scenario=str(tmp_path / "narrow.toml")))

    return opened


def refused(act: Any) -> tuple[int, int | None]:
    with pytest.raises(RefusedError) as caught:
        act()
    assert caught.value.error["error_user_title"]
    return caught.value.codes


def test_the_usual_limits_are_the_documented_ones() -> None:
    usual = ObjectLimits()
    assert (usual.campaigns, usual.adsets, usual.ads) == (5000, 5000, 5000)
    assert (usual.adsets_per_campaign, usual.ads_per_adset) == (200, 50)
    assert (usual.archived, usual.labels) == (100_000, 100_000)


def test_an_account_holds_so_many_campaigns(narrow: Any) -> None:
    desk = narrow(campaigns=2)
    first = desk.campaign()
    desk.campaign()
    assert refused(desk.campaign) == (2695, None)
    desk.call("DELETE", first)
    assert desk.campaign()


def test_archived_campaigns_do_not_count_among_the_living(narrow: Any) -> None:
    desk = narrow(campaigns=1)
    desk.post(desk.campaign(), status="ARCHIVED")
    assert desk.campaign()


def test_an_account_holds_so_many_ad_sets(narrow: Any) -> None:
    desk = narrow(adsets=1)
    desk.adset(desk.campaign())
    other = desk.campaign()
    assert refused(lambda: desk.adset(other)) == (2695, None)


def test_an_account_holds_so_many_ads(narrow: Any) -> None:
    desk = narrow(ads=1)
    campaign, creative = desk.campaign(), desk.creative()
    desk.ad(desk.adset(campaign), creative)
    other = desk.adset(campaign)
    assert refused(lambda: desk.ad(other, creative)) == (2695, None)


def test_a_campaign_holds_so_many_ad_sets(narrow: Any) -> None:
    desk = narrow(adsets_per_campaign=1)
    campaign = desk.campaign()
    desk.adset(campaign)
    assert refused(lambda: desk.adset(campaign)) == (2695, None)
    assert desk.adset(desk.campaign())


def test_an_ad_set_holds_so_many_ads(narrow: Any) -> None:
    desk = narrow(ads_per_adset=1)
    adset, creative = desk.adset(desk.campaign()), desk.creative()
    desk.ad(adset, creative)
    assert refused(lambda: desk.ad(adset, creative)) == (2695, None)


def test_so_many_objects_are_archived(narrow: Any) -> None:
    desk = narrow(archived=1)
    adset, creative = desk.adset(desk.campaign()), desk.creative()
    first, second = desk.ad(adset, creative), desk.ad(adset, creative)
    desk.post(first, status="ARCHIVED")
    assert refused(lambda: desk.post(second, status="ARCHIVED")) == (100, 1487990)


def test_an_account_holds_so_many_labels(narrow: Any) -> None:
    desk = narrow(labels=1)
    desk.post(f"{ACCOUNT}/adlabels", name="one")
    assert refused(lambda: desk.post(f"{ACCOUNT}/adlabels", name="two")) == (2695, None)
    assert desk.campaign(adlabels=[{"name": "one"}])


COPIES: dict[str, dict[str, int]] = {
    "campaigns": {"campaigns": 1},
    "ad sets": {"adsets": 1},
    "ads": {"ads": 1},
}


@pytest.mark.parametrize("limit", COPIES)
def test_copies_count_too(narrow: Any, limit: str) -> None:
    desk = narrow(**COPIES[limit])
    campaign = desk.campaign()
    desk.ad(desk.adset(campaign), desk.creative())
    assert refused(lambda: desk.post(f"{campaign}/copies", deep_copy=True)) == (2695, None)
    assert len(desk.get(f"{ACCOUNT}/campaigns")["data"]) == 1


def test_a_copy_into_a_full_campaign_is_refused(narrow: Any) -> None:
    desk = narrow(adsets_per_campaign=1)
    adset = desk.adset(desk.campaign())
    assert refused(lambda: desk.post(f"{adset}/copies")) == (2695, None)


def test_a_campaign_budget_of_very_many_ad_sets_keeps_its_bid_strategy(desk: Desk) -> None:
    campaign = desk.campaign(daily_budget=900_000, is_adset_budget_sharing_enabled=None)
    own: dict[str, Any] = {"lifetime_budget": None, "end_time": None, "bid_strategy": None}
    for number in range(LOCKED_ABOVE):
        desk.adset(campaign, str(number), **own)
    assert desk.post(campaign, bid_strategy="LOWEST_COST_WITHOUT_CAP") == {"success": True}
    desk.adset(campaign, "one more", **own)
    assert refused(lambda: desk.post(campaign, bid_strategy="LOWEST_COST_WITHOUT_CAP")) == (100, None)


def learning(desk: Desk, adset: str) -> dict[str, Any]:
    info: dict[str, Any] = desk.get(adset, fields="learning_stage_info")["learning_stage_info"]
    return info


def test_fifty_results_end_learning(desk: Desk) -> None:
    ids = desk.split_test("B")
    assert learning(desk, ids["set B"])["status"] == "LEARNING"
    desk.pass_time(hours=20)
    info = learning(desk, ids["set B"])
    assert (info["status"], info["conversions"] >= 50) == ("SUCCESS", True)


EDITS: dict[str, dict[str, Any]] = {
    "other people": {"targeting": {"geo_locations": {"countries": ["ES"]}, "age_min": 30}},
    "another bid": {"bid_strategy": "COST_CAP", "bid_amount": 500},
    "a much larger budget": {"lifetime_budget": 20000},
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_significant_edit_begins_learning_anew(desk: Desk, edit: str) -> None:
    ids = desk.split_test("B")
    desk.pass_time(hours=12)
    before = learning(desk, ids["set B"])
    desk.post(ids["set B"], **EDITS[edit])
    desk.pass_time(minutes=15)
    after = learning(desk, ids["set B"])
    assert after["last_sig_edit_ts"] == before["last_sig_edit_ts"] + 12 * 3600
    assert after["conversions"] < before["conversions"]


def test_another_creative_begins_learning_anew(desk: Desk) -> None:
    ids = desk.split_test("B")
    desk.pass_time(hours=12)
    before = learning(desk, ids["set B"])["last_sig_edit_ts"]
    desk.post(ids["B"], creative={"creative_id": desk.creative("C")})
    desk.pass_time(hours=2)
    assert learning(desk, ids["set B"])["last_sig_edit_ts"] > before


@pytest.mark.parametrize("edit", [{"name": "Renamed"}, {"lifetime_budget": 5500}])
def test_a_small_edit_does_not_disturb_learning(desk: Desk, edit: dict[str, Any]) -> None:
    ids = desk.split_test("B")
    desk.pass_time(hours=6)
    before = learning(desk, ids["set B"])["last_sig_edit_ts"]
    desk.post(ids["set B"], **edit)
    desk.pass_time(minutes=30)
    assert learning(desk, ids["set B"])["last_sig_edit_ts"] == before


def test_the_stage_names_the_windows_of_attribution(desk: Desk) -> None:
    ids = desk.split_test("B")
    assert learning(desk, ids["set B"])["attribution_windows"] == ["1d_ev", "1d_view", "7d_click"]


def test_only_running_ad_sets_without_dynamic_creative_learn(desk: Desk) -> None:
    campaign = desk.campaign(status="ACTIVE")
    resting = desk.adset(campaign)
    dynamic = desk.adset(campaign, status="ACTIVE", is_dynamic_creative=True)
    for adset in (resting, dynamic):
        assert "learning_stage_info" not in desk.get(adset, fields="learning_stage_info")


def test_too_few_results_in_a_week_are_a_failure(desk: Desk) -> None:
    campaign = desk.campaign(status="ACTIVE")
    adset = desk.adset(campaign, hours=240, lifetime_budget=40000, status="ACTIVE")
    creative = desk.post(f"{ACCOUNT}/adcreatives", **story("A"))["id"]
    desk.ad(adset, creative)
    desk.pass_time(hours=24 * 7 + 1)
    assert learning(desk, adset)["status"] == "FAIL"
