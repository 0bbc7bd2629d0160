"""Insights are filtered by their figures, sorted, summed up and divided as Meta does it, or the question is refused."""

from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.testing import ACCOUNT, PAGE, PIXEL, Advertiser, RefusedError, action

FIELDS = "ad_name,spend,impressions,clicks,actions,action_values,date_start"


@pytest.fixture(scope="module")
def traded() -> Advertiser:
    """Return a world where B has half the budget of A, over two days."""
    advertiser = Advertiser(SimulatorConfig())
    campaign = advertiser.campaign(status="ACTIVE")
    for letter, budget in (("A", 14_000), ("B", 7000)):
        adset = advertiser.adset(campaign, f"Set {letter}", hours=36, lifetime_budget=budget, status="ACTIVE")
        advertiser.ad(adset, advertiser.creative(letter), f"Ad {letter}", status="ACTIVE")
    advertiser.pass_time(hours=40)
    return advertiser


def ask(advertiser: Advertiser, **params: Any) -> dict[str, Any]:
    asked = {"fields": FIELDS, "level": "ad", "date_preset": "maximum", "limit": 100, **params}
    answer: dict[str, Any] = advertiser.get(f"{ACCOUNT}/insights", **asked)
    return answer


def ads(answer: dict[str, Any]) -> list[str]:
    return [row["ad_name"] for row in answer["data"]]


@pytest.mark.parametrize(
    ("field", "operator", "value", "found"),
    [
        ("spend", "GREATER_THAN", 90, ["Ad A"]),
        ("ad.spend", "LESS_THAN", "90", ["Ad B"]),
        ("impressions", "GREATER_THAN", 0, ["Ad A", "Ad B"]),
        ("ad.impressions", "LESS_THAN", 1, []),
        ("ad.name", "CONTAIN", "B", ["Ad B"]),
    ],
)
def test_rows_are_filtered_by_their_figures(
    traded: Advertiser, field: str, operator: str, value: Any, found: list[str]
) -> None:
    rule = {"field": field, "operator": operator, "value": value}
    assert ads(ask(traded, filtering=[rule])) == found


def test_actions_are_filtered_by_their_type(traded: Advertiser) -> None:
    rule = {"field": "action_type", "operator": "IN", "value": ["link_click"]}
    for row in ask(traded, filtering=[rule])["data"]:
        assert [stat["action_type"] for stat in row["actions"]] == ["link_click"]
        assert "action_values" not in row


@pytest.mark.parametrize("field", ["shoes", "ad.shoes", "campaign.shoes"])
def test_a_filter_nobody_knows_is_refused(traded: Advertiser, field: str) -> None:
    with pytest.raises(RefusedError):
        ask(traded, filtering=[{"field": field, "operator": "EQUAL", "value": 1}])


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        (["spend_ascending"], ["Ad B", "Ad A"]),
        ("spend_descending", ["Ad A", "Ad B"]),
        (["ad_name_descending"], ["Ad B", "Ad A"]),
        (["actions:link_click_ascending"], ["Ad B", "Ad A"]),
    ],
)
def test_rows_are_sorted(traded: Advertiser, sort: Any, found: list[str]) -> None:
    assert ads(ask(traded, sort=sort)) == found


def test_the_first_word_of_a_sort_leads(traded: Advertiser) -> None:
    rows = ask(traded, time_increment=1, sort=["date_start_descending", "spend_ascending"])["data"]
    days = [row["date_start"] for row in rows]
    assert days == sorted(days, reverse=True)
    assert [row["ad_name"] for row in rows[:2]] == ["Ad B", "Ad A"]


@pytest.mark.parametrize("sort", [["spend"], ["shoes_ascending"], ["spend_up"]])
def test_a_sort_nobody_knows_is_refused(traded: Advertiser, sort: list[str]) -> None:
    with pytest.raises(RefusedError):
        ask(traded, sort=sort)


def test_a_summary_is_the_total_of_all_rows(traded: Advertiser) -> None:
    answer = ask(traded, summary=["spend", "impressions", "actions"], limit=1, time_increment=1)
    whole = ask(traded, level="account")["data"][0]
    assert answer["summary"]["spend"] == whole["spend"]
    assert answer["summary"]["impressions"] == whole["impressions"]
    assert action(answer["summary"], "actions") == action(whole, "actions")
    assert "next" in answer["paging"]


def test_a_summary_counts_only_what_passes(traded: Advertiser) -> None:
    rule = {"field": "spend", "operator": "LESS_THAN", "value": 90}
    answer = ask(traded, summary="spend", filtering=[rule])
    assert answer["summary"]["spend"] == answer["data"][0]["spend"]
    with pytest.raises(RefusedError):
        ask(traded, summary=["shoes"])


def test_the_default_summary_sums_what_is_asked_for(traded: Advertiser) -> None:
    assert {"spend", "impressions"} <= set(ask(traded, default_summary="true")["summary"])


def test_actions_say_what_they_were_aimed_at(traded: Advertiser) -> None:
    asked = ["action_type", "action_target_id", "action_destination"]
    stats = {stat["action_type"]: stat for stat in ask(traded, action_breakdowns=asked)["data"][0]["actions"]}
    assert stats["purchase"]["action_target_id"] == PIXEL
    assert stats["link_click"]["action_target_id"] == PAGE
    assert stats["link_click"]["action_destination"] == "Demo page"
    assert stats["purchase"]["value"] == str(int(action(ask(traded)["data"][0], "actions")))


@pytest.mark.parametrize(
    "params",
    [
        {"action_breakdowns": ["shoes"]},
        {"action_breakdowns": ["action_device"]},
        {"action_breakdowns": ["action_target_id"]},
        {"action_report_time": "yesterday"},
        {"summary_action_breakdowns": ["shoes"]},
    ],
)
def test_what_does_not_divide_actions_is_refused(traded: Advertiser, params: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as refused:
        ask(traded, **params)
    assert refused.value.codes[0] == 100


@pytest.mark.parametrize("time", ["impression", "conversion", "mixed"])
def test_the_time_of_reporting_has_no_effect_any_more(traded: Advertiser, time: str) -> None:
    assert ask(traded, action_report_time=time)["data"] == ask(traded)["data"]


@pytest.mark.parametrize(
    "breakdown",
    [
        "comscore_market",
        "media_type",
        "image_asset",
        "title_asset",
        "user_segment_key",
        "frequency_value",
    ],
)
def test_more_breakdowns_add_up_to_the_whole(breakdown: str) -> None:
    advertiser = Advertiser()
    campaign = advertiser.campaign(status="ACTIVE")
    for letter in "AB":
        adset = advertiser.adset(campaign, f"Set {letter}", status="ACTIVE")
        picture = advertiser.image(name=f"{letter}.png")
        advertiser.ad(adset, advertiser.creative(letter, image_hash=picture), f"Ad {letter}", status="ACTIVE")
    advertiser.pass_time(hours=8)
    whole = ask(advertiser, level="account")["data"][0]
    parts = ask(advertiser, level="account", breakdowns=[breakdown])["data"]
    assert sum(int(part["impressions"]) for part in parts) == int(whole["impressions"])
    assert all(part[breakdown] for part in parts)


def test_no_product_was_ever_shown(traded: Advertiser) -> None:
    assert ask(traded, breakdowns=["product_id"])["data"] == []


@pytest.mark.parametrize("names", [["product_id", "age"], ["media_type", "country"], ["dma_of_old"]])
def test_breakdowns_that_do_not_go_together_are_refused(traded: Advertiser, names: list[str]) -> None:
    with pytest.raises(RefusedError):
        ask(traded, breakdowns=names)


def test_an_edges_period_is_that_of_the_insights_among_its_fields(traded: Advertiser) -> None:
    day = {"since": "2026-11-22", "until": "2026-11-22"}
    fields = "name,insights{spend,date_stop}"
    row = traded.get(f"{ACCOUNT}/ads", fields=fields, time_range=day, limit=1)["data"][0]
    assert row["insights"]["data"][0]["date_stop"] == "2026-11-22"
    own = "name,insights.date_preset(maximum){spend,date_stop}"
    row = traded.get(f"{ACCOUNT}/ads", fields=own, time_range=day, limit=1)["data"][0]
    assert row["insights"]["data"][0]["date_stop"] > "2026-11-22"


@pytest.mark.parametrize(
    "params", [{"date_preset": "last_5_moons"}, {"time_range": {"since": "x", "until": "y"}}]
)
def test_an_edge_refuses_a_period_that_is_none(traded: Advertiser, params: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        traded.get(f"{ACCOUNT}/campaigns", **params)


def test_edges_list_by_what_was_configured_and_by_what_is_over(advertiser: Advertiser) -> None:
    campaign = advertiser.campaign()
    short = advertiser.adset(campaign, status="ACTIVE")
    long = advertiser.adset(campaign, hours=72, lifetime_budget=20_000, status="ACTIVE")
    paused = advertiser.adset(campaign, hours=72, lifetime_budget=20_000)
    advertiser.pass_time(hours=30)

    def listed(**params: Any) -> set[str]:
        return {row["id"] for row in advertiser.get(f"{ACCOUNT}/adsets", **params)["data"]}

    assert listed(configured_status=["ACTIVE"]) == {short, long}
    assert listed(effective_status=["ACTIVE"]) == set()
    assert listed(is_completed="true") == {short}
    assert listed(is_completed="false") == {long, paused}
    with pytest.raises(RefusedError):
        listed(configured_status=["DELETED"])
