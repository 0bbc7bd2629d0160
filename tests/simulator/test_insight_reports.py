"""Insights divided by people and devices, over several ranges, and by attribution window."""

from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.testing import ACCOUNT, Advertiser, RefusedError, action


@pytest.fixture(scope="module")
def after_two_days() -> Advertiser:
    advertiser = Advertiser(SimulatorConfig())
    advertiser.split_test("A")
    advertiser.pass_time(hours=48)
    return advertiser


def rows(advertiser: Advertiser, **params: Any) -> list[dict[str, Any]]:
    fields = "spend,impressions,clicks,actions,action_values"
    answer = advertiser.get(f"{ACCOUNT}/insights", fields=fields, limit=500, **params)
    return list(answer["data"])


WHOLE = {"date_preset": "maximum"}
DIVISIONS = {
    "age and gender": ["age", "gender"],
    "platform and position": ["publisher_platform", "platform_position"],
    "device": ["impression_device"],
    "country": ["country"],
}


@pytest.mark.parametrize("division", DIVISIONS)
def test_the_parts_of_a_breakdown_add_up_to_the_whole(after_two_days: Advertiser, division: str) -> None:
    whole = rows(after_two_days, **WHOLE)[0]
    parts = rows(after_two_days, **WHOLE, breakdowns=DIVISIONS[division])
    for name in ("impressions", "clicks"):
        assert sum(int(part[name]) for part in parts) == int(whole[name])
    assert sum(action(part, "actions") for part in parts) == action(whole, "actions")
    keys = {tuple(part[name] for name in DIVISIONS[division]) for part in parts}
    assert len(keys) == len(parts)


@pytest.mark.parametrize("breakdown", ["hourly_stats_aggregated_by_advertiser_time_zone", "region"])
def test_hours_and_regions_carry_no_conversions_off_meta(after_two_days: Advertiser, breakdown: str) -> None:
    parts = rows(after_two_days, **WHOLE, breakdowns=[breakdown])
    assert len(parts) >= 2
    assert all(action(part, "actions") == 0 and "action_values" not in part for part in parts)
    assert sum(action(part, "actions", "link_click") for part in parts) > 0


@pytest.mark.parametrize(
    "breakdowns",
    [
        ["shoe_size"],
        ["age", "country"],
        ["platform_position"],
        ["age", "hourly_stats_aggregated_by_advertiser_time_zone"],
    ],
)
def test_unknown_and_impossible_breakdowns_are_refused(
    after_two_days: Advertiser, breakdowns: list[str]
) -> None:
    with pytest.raises(RefusedError) as caught:
        rows(after_two_days, breakdowns=breakdowns)
    assert caught.value.codes == (100, None)


def test_several_ranges_give_a_row_each(after_two_days: Advertiser) -> None:
    ranges = [{"since": day, "until": day} for day in ("2026-11-22", "2026-11-23")]
    found = rows(after_two_days, time_ranges=[*ranges, {"since": "2026-11-22", "until": "2026-11-23"}])
    spent = [float(row["spend"]) for row in found]
    assert [row["date_stop"] for row in found] == ["2026-11-22", "2026-11-23", "2026-11-23"]
    assert abs(spent[0] + spent[1] - spent[2]) < 0.011


@pytest.mark.parametrize("ranges", [[], ["2026-11-22"], [{"since": "2026-11-23", "until": "2026-11-22"}]])
def test_malformed_ranges_are_refused(after_two_days: Advertiser, ranges: list[Any]) -> None:
    with pytest.raises(RefusedError) as caught:
        rows(after_two_days, time_ranges=ranges)
    assert caught.value.codes == (100, None)


def purchase(row: dict[str, Any]) -> dict[str, str]:
    return next(each for each in row["actions"] if each["action_type"] == "purchase")


def test_windows_stand_beside_the_value_and_grow_with_their_length(after_two_days: Advertiser) -> None:
    asked = ["1d_click", "7d_click", "28d_click", "1d_view", "28d_view"]
    row = rows(after_two_days, **WHOLE, action_attribution_windows=asked)[0]
    stat = purchase(row)
    assert set(stat) == {"action_type", "value", "1d_click", "7d_click", "28d_click"}
    assert 0 < int(stat["1d_click"]) < int(stat["7d_click"]) == int(stat["28d_click"])
    assert stat["value"] == stat["7d_click"]


def test_a_one_day_ad_set_counts_a_day_but_reports_the_longer_window_when_asked() -> None:
    advertiser = Advertiser()
    advertiser.split_test("A", attribution_spec=[{"event_type": "CLICK_THROUGH", "window_days": 1}])
    advertiser.pass_time(hours=100)
    stat = purchase(rows(advertiser, **WHOLE, action_attribution_windows=["1d_click", "7d_click"])[0])
    assert stat["value"] == stat["1d_click"]
    assert int(stat["7d_click"]) > int(stat["1d_click"])


def test_an_unknown_window_is_refused(after_two_days: Advertiser) -> None:
    with pytest.raises(RefusedError, match="action_attribution_windows"):
        rows(after_two_days, action_attribution_windows=["2d_click"])


PRESETS = "today yesterday last_3d last_7d last_14d last_28d last_30d last_90d this_month last_month maximum"


@pytest.mark.parametrize("preset", PRESETS.split())
def test_every_preset_is_understood(after_two_days: Advertiser, preset: str) -> None:
    found = rows(after_two_days, date_preset=preset)
    assert all(row["date_start"] <= row["date_stop"] for row in found)
