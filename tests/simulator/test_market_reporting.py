"""What is reported of purchases: windows, views, loss, late additions, refunds."""

from pathlib import Path
from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.testing import Advertiser, action
from support.market_worlds import altered

DAY_HOURS = 24
LONG = 24 * 40
CLICKS_ONLY = [{"event_type": "CLICK_THROUGH", "window_days": 7}]


def purchases(
    advertiser: Advertiser, node: str, windows: list[str], *breakdowns: str
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = advertiser.get(
        f"{node}/insights",
        fields="actions",
        date_preset="maximum",
        action_attribution_windows=windows,
        breakdowns=list(breakdowns),
    )["data"]
    return [
        next(each for each in row.get("actions", []) if each["action_type"] == "purchase") | row
        for row in rows
        if action(row, "actions") > 0
    ]


def test_later_windows_hold_more_and_28_days_more_than_7() -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="lossy"))
    ids = advertiser.split_test("A", attribution_spec=CLICKS_ONLY)
    advertiser.pass_time(hours=LONG)
    row = purchases(advertiser, ids["A"], ["1d_click", "7d_click", "28d_click", "1d_view"])[0]
    day, week, month = (int(row[window]) for window in ("1d_click", "7d_click", "28d_click"))
    assert 0 < day < week < month
    assert int(row["value"]) == week


def test_views_count_only_where_the_ad_set_counts_them() -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="lossy"))
    spec = [*CLICKS_ONLY, {"event_type": "VIEW_THROUGH", "window_days": 1}]
    for letter, wanted in (("A", CLICKS_ONLY), ("B", spec)):
        ids = advertiser.split_test(letter, attribution_spec=wanted)
        advertiser.pass_time(hours=LONG)
        row = purchases(advertiser, ids[letter], ["7d_click", "1d_view"])[0]
        views = int(row["1d_view"])
        assert views > 0
        assert int(row["value"]) == int(row["7d_click"]) + (views if wanted == spec else 0)


def test_unreported_purchases_are_missing_from_the_report(tmp_path: Path) -> None:
    counts = []
    for share in (0.0, 0.4):
        advertiser = altered(tmp_path, "demo", market=f"unreported_share = {share}")
        ids = advertiser.split_test("A")
        advertiser.pass_time(hours=DAY_HOURS * 9)
        counts.append(advertiser.figures(ids["A"])["purchases"])
    assert counts[1] / counts[0] == pytest.approx(0.6, abs=0.05)


def test_some_unreported_purchases_are_added_days_later(tmp_path: Path) -> None:
    market = "unreported_share = 0.5\nrecovered_share = 1.0\nrecovered_hours = 240\n"
    advertiser = altered(tmp_path, "demo", market=market)
    ids = advertiser.split_test("A")
    advertiser.pass_time(hours=DAY_HOURS * 9)
    early = advertiser.figures(ids["A"])["purchases"]
    advertiser.pass_time(hours=DAY_HOURS * 10)
    assert advertiser.figures(ids["A"])["purchases"] == pytest.approx(2 * early, rel=0.1)


def test_refunds_take_value_and_leave_counts(tmp_path: Path) -> None:
    advertiser = altered(tmp_path, "demo", market="refund_rate = 0.3\nrefund_hours = 300\n")
    ids = advertiser.split_test("A")
    advertiser.pass_time(hours=DAY_HOURS * 9)
    early = advertiser.figures(ids["A"])
    advertiser.pass_time(hours=DAY_HOURS * 90)
    late = advertiser.figures(ids["A"])
    assert late["purchases"] == early["purchases"]
    assert late["revenue"] < 0.9 * early["revenue"]


def test_iphones_report_fewer_purchases_for_the_same_clicks() -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="lossy"))
    state = advertiser.simulator.state
    ids = advertiser.split_test("A", attribution_spec=CLICKS_ONLY)
    advertiser.pass_time(hours=LONG)
    bought = sum(sum(columns[3]) for day in state.days[ids["A"]].values() for columns in day.cells.values())
    reported = advertiser.figures(ids["A"])["purchases"]
    assert 0.5 < reported / bought < 0.85
