"""The truth tells what ads are worth now, over their schedule, and for the delivery they really had."""

from pathlib import Path

import pytest

from metasim import SimulatorConfig
from metasim.testing import Advertiser
from support.market_worlds import altered, realised


def test_the_truth_of_a_tiring_ad_falls_below_its_schedules_average() -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="fatigue"))
    ids = advertiser.split_test("AB", hours=24)
    advertiser.pass_time(hours=20)
    row = realised(advertiser, ids["B"])
    assert row["now"]["ctr"] < 0.7 * row["schedule"]["ctr"]
    assert realised(advertiser, ids["A"])["now"]["ctr"] == pytest.approx(0.07)


def test_the_true_roas_of_an_age_effect_is_that_of_its_delivery() -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="cpm_shock"))
    ids = advertiser.split_test("A", hours=24)
    advertiser.pass_time(hours=24)
    row = realised(advertiser, ids["A"])
    assert row["realised"]["true_roas"] < 0.9 * row["now"]["roas"]


def test_the_truth_counts_what_will_be_reported(tmp_path: Path) -> None:
    advertiser = altered(tmp_path, "demo", market="unreported_share = 0.4\nrecovered_share = 0.5\n")
    ids = advertiser.split_test("A")
    assert realised(advertiser, ids["A"])["realised"]["counted_share"] == pytest.approx(0.8)


def test_asking_for_the_truth_changes_nothing() -> None:
    spent = []
    for asks in (False, True):
        advertiser = Advertiser(SimulatorConfig(scenario="people"))
        ids = advertiser.split_test("AB", hours=48, lifetime_budget=20_000)
        for _ in range(20):
            advertiser.pass_time(hours=1)
            if asks:
                realised(advertiser, ids["A"])
        spent.append(advertiser.figures(ids["campaign"]))
    assert spent[0] == spent[1]


def test_an_ad_without_delivery_has_no_true_roas(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    assert realised(advertiser, ids["A"])["realised"]["true_roas"] is None
