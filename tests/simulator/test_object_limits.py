"""How many objects fit, with numbers lowered by the scenario, and the stage of learning."""

from pathlib import Path
from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.graph.limits import LOCKED_ABOVE
from metasim.scenario import ObjectLimits
from metasim.testing import ACCOUNT, Advertiser, RefusedError, story

DEMO = Path(__file__).parents[2] / "src/metasim/scenarios/demo.toml"


@pytest.fixture
def narrow(tmp_path: Path) -> Any:
    """Return a way to open a advertiser whose account has lowered limits."""

    def opened(**limits: int) -> Advertiser:
        table = ", ".join(f"{name} = {number}" for name, number in limits.items())
        text = DEMO.read_text("utf-8").replace(
            'name = "Demo account"', f'name = "N"\nobject_limits = {{ {table} }}'
        )
        (tmp_path / "narrow.toml").write_text(text, "utf-8")
        return Advertiser(SimulatorConfig(scenario=str(tmp_path / "narrow.toml")))

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
    advertiser = narrow(campaigns=2)
    first = advertiser.campaign()
    advertiser.campaign()
    assert refused(advertiser.campaign) == (2695, None)
    advertiser.call("DELETE", first)
    assert advertiser.campaign()


def test_archived_campaigns_do_not_count_among_the_living(narrow: Any) -> None:
    advertiser = narrow(campaigns=1)
    advertiser.post(advertiser.campaign(), status="ARCHIVED")
    assert advertiser.campaign()


def test_an_account_holds_so_many_ad_sets(narrow: Any) -> None:
    advertiser = narrow(adsets=1)
    advertiser.adset(advertiser.campaign())
    other = advertiser.campaign()
    assert refused(lambda: advertiser.adset(other)) == (2695, None)


def test_an_account_holds_so_many_ads(narrow: Any) -> None:
    advertiser = narrow(ads=1)
    campaign, creative = advertiser.campaign(), advertiser.creative()
    advertiser.ad(advertiser.adset(campaign), creative)
    other = advertiser.adset(campaign)
    assert refused(lambda: advertiser.ad(other, creative)) == (2695, None)


def test_a_campaign_holds_so_many_ad_sets(narrow: Any) -> None:
    advertiser = narrow(adsets_per_campaign=1)
    campaign = advertiser.campaign()
    advertiser.adset(campaign)
    assert refused(lambda: advertiser.adset(campaign)) == (2695, None)
    assert advertiser.adset(advertiser.campaign())


def test_an_ad_set_holds_so_many_ads(narrow: Any) -> None:
    advertiser = narrow(ads_per_adset=1)
    adset, creative = advertiser.adset(advertiser.campaign()), advertiser.creative()
    advertiser.ad(adset, creative)
    assert refused(lambda: advertiser.ad(adset, creative)) == (2695, None)


def test_so_many_objects_are_archived(narrow: Any) -> None:
    advertiser = narrow(archived=1)
    adset, creative = advertiser.adset(advertiser.campaign()), advertiser.creative()
    first, second = advertiser.ad(adset, creative), advertiser.ad(adset, creative)
    advertiser.post(first, status="ARCHIVED")
    assert refused(lambda: advertiser.post(second, status="ARCHIVED")) == (100, 1487990)


def test_an_account_holds_so_many_labels(narrow: Any) -> None:
    advertiser = narrow(labels=1)
    advertiser.post(f"{ACCOUNT}/adlabels", name="one")
    assert refused(lambda: advertiser.post(f"{ACCOUNT}/adlabels", name="two")) == (2695, None)
    assert advertiser.campaign(adlabels=[{"name": "one"}])


COPIES: dict[str, dict[str, int]] = {
    "campaigns": {"campaigns": 1},
    "ad sets": {"adsets": 1},
    "ads": {"ads": 1},
}


@pytest.mark.parametrize("limit", COPIES)
def test_copies_count_too(narrow: Any, limit: str) -> None:
    advertiser = narrow(**COPIES[limit])
    campaign = advertiser.campaign()
    advertiser.ad(advertiser.adset(campaign), advertiser.creative())
    assert refused(lambda: advertiser.post(f"{campaign}/copies", deep_copy=True)) == (2695, None)
    assert len(advertiser.get(f"{ACCOUNT}/campaigns")["data"]) == 1


def test_a_copy_into_a_full_campaign_is_refused(narrow: Any) -> None:
    advertiser = narrow(adsets_per_campaign=1)
    adset = advertiser.adset(advertiser.campaign())
    assert refused(lambda: advertiser.post(f"{adset}/copies")) == (2695, None)


def test_a_campaign_budget_of_very_many_ad_sets_keeps_its_bid_strategy(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign(daily_budget=900_000, is_adset_budget_sharing_enabled=None)
    own: dict[str, Any] = {"lifetime_budget": None, "end_time": None, "bid_strategy": None}
    for number in range(LOCKED_ABOVE):
        advertiser.adset(campaign, str(number), **own)
    assert advertiser.post(campaign, bid_strategy="LOWEST_COST_WITHOUT_CAP") == {"success": True}
    advertiser.adset(campaign, "one more", **own)
    assert refused(lambda: advertiser.post(campaign, bid_strategy="LOWEST_COST_WITHOUT_CAP")) == (100, None)


def learning(advertiser: Advertiser, adset: str) -> dict[str, Any]:
    info: dict[str, Any] = advertiser.get(adset, fields="learning_stage_info")["learning_stage_info"]
    return info


def test_fifty_results_end_learning(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("B")
    assert learning(advertiser, ids["set B"])["status"] == "LEARNING"
    advertiser.pass_time(hours=20)
    info = learning(advertiser, ids["set B"])
    assert (info["status"], info["conversions"] >= 50) == ("SUCCESS", True)


EDITS: dict[str, dict[str, Any]] = {
    "other people": {"targeting": {"geo_locations": {"countries": ["ES"]}, "age_min": 30}},
    "another bid": {"bid_strategy": "COST_CAP", "bid_amount": 500},
    "a much larger budget": {"lifetime_budget": 20000},
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_significant_edit_begins_learning_anew(advertiser: Advertiser, edit: str) -> None:
    ids = advertiser.split_test("B")
    advertiser.pass_time(hours=12)
    before = learning(advertiser, ids["set B"])
    advertiser.post(ids["set B"], **EDITS[edit])
    advertiser.pass_time(minutes=15)
    after = learning(advertiser, ids["set B"])
    assert after["last_sig_edit_ts"] == before["last_sig_edit_ts"] + 12 * 3600
    assert after["conversions"] < before["conversions"]


def test_another_creative_begins_learning_anew(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("B")
    advertiser.pass_time(hours=12)
    before = learning(advertiser, ids["set B"])["last_sig_edit_ts"]
    advertiser.post(ids["B"], creative={"creative_id": advertiser.creative("C")})
    advertiser.pass_time(hours=2)
    assert learning(advertiser, ids["set B"])["last_sig_edit_ts"] > before


@pytest.mark.parametrize("edit", [{"name": "Renamed"}, {"lifetime_budget": 5500}])
def test_a_small_edit_does_not_disturb_learning(advertiser: Advertiser, edit: dict[str, Any]) -> None:
    ids = advertiser.split_test("B")
    advertiser.pass_time(hours=6)
    before = learning(advertiser, ids["set B"])["last_sig_edit_ts"]
    advertiser.post(ids["set B"], **edit)
    advertiser.pass_time(minutes=30)
    assert learning(advertiser, ids["set B"])["last_sig_edit_ts"] == before


def test_the_stage_names_the_windows_of_attribution(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("B")
    assert learning(advertiser, ids["set B"])["attribution_windows"] == ["1d_ev", "1d_view", "7d_click"]


def test_only_running_ad_sets_without_dynamic_creative_learn(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign(status="ACTIVE")
    resting = advertiser.adset(campaign)
    dynamic = advertiser.adset(campaign, status="ACTIVE", is_dynamic_creative=True)
    for adset in (resting, dynamic):
        assert "learning_stage_info" not in advertiser.get(adset, fields="learning_stage_info")


def test_too_few_results_in_a_week_are_a_failure(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign(status="ACTIVE")
    adset = advertiser.adset(campaign, hours=240, lifetime_budget=40000, status="ACTIVE")
    creative = advertiser.post(f"{ACCOUNT}/adcreatives", **story("A"))["id"]
    advertiser.ad(adset, creative)
    advertiser.pass_time(hours=24 * 7 + 1)
    assert learning(advertiser, adset)["status"] == "FAIL"
