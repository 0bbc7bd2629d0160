"""Every built-in scenario shows what it promises."""

from importlib import resources

import pytest

from metasim import SimulatorConfig
from metasim.scenario import load_scenario
from metasim.testing import ACCOUNT, Advertiser, RefusedError

FOLDER = resources.files("metasim") / "scenarios"
NAMES = sorted(entry.name.removesuffix(".toml") for entry in FOLDER.iterdir() if entry.name.endswith(".toml"))


def world(name: str, letters: str = "AB", hours: float = 0) -> tuple[Advertiser, dict[str, str]]:
    advertiser = Advertiser(SimulatorConfig(scenario=name))
    ids = advertiser.split_test(letters)
    advertiser.pass_time(hours=hours)
    return advertiser, ids


def true_cvr(advertiser: Advertiser, letters: str) -> list[float]:
    effects = advertiser.simulator.market.effects
    contents = [advertiser.get(advertiser.creative(letter), fields="title")["title"] for letter in letters]
    known = {content.title: truth.cvr for content, truth in effects._known.items()}
    return [known[title] for title in contents]


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_serves_its_account(name: str) -> None:
    assert load_scenario(name).account("123456789") is not None
    assert Advertiser(SimulatorConfig(scenario=name)).get(ACCOUNT, fields="currency")["currency"] == "EUR"


def test_small_is_throttled_on_its_way_through_a_few_variants() -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="small"))
    with pytest.raises(RefusedError) as caught:
        advertiser.split_test("ABCDEF")
    assert caught.value.codes == (17, 2446079)


def test_large_has_accounts_in_several_currencies_under_one_business() -> None:
    scenario = load_scenario("large")
    assert {account.currency for account in scenario.accounts} == {"EUR", "USD", "JPY"}
    assert {account.business for account in scenario.accounts} == {"5001"}


def test_a_tie_has_two_equal_bests() -> None:
    advertiser, _ = world("tie", "ABCD", hours=1)
    a, b, c, d = true_cvr(advertiser, "ABCD")
    assert a == d < b == c


def test_eight_arms_rise_from_a_to_h() -> None:
    advertiser, _ = world("eight_arms", "ABCDEFGH", hours=1)
    rates = true_cvr(advertiser, "ABCDEFGH")
    assert rates == sorted(set(rates))


def click_rate(advertiser: Advertiser, ad: str, before: dict[str, float] | None = None) -> float:
    now = advertiser.figures(ad)
    earlier = before or dict.fromkeys(now, 0.0)
    return (now["clicks"] - earlier["clicks"]) / (now["impressions"] - earlier["impressions"])


def test_fatigue_brings_a_strong_start_down() -> None:
    advertiser, ids = world("fatigue", hours=3)
    assert click_rate(advertiser, ids["B"]) > 1.5 * click_rate(advertiser, ids["A"])
    advertiser.pass_time(hours=15)
    before = {letter: advertiser.figures(ids[letter]) for letter in "AB"}
    advertiser.pass_time(hours=5)
    assert click_rate(advertiser, ids["B"], before["B"]) < click_rate(advertiser, ids["A"], before["A"])


def test_the_late_converter_gains_with_time() -> None:
    advertiser, ids = world("late_converter", hours=24)

    def lead() -> float:
        return advertiser.figures(ids["B"])["purchases"] / advertiser.figures(ids["A"])["purchases"]

    early = lead()
    advertiser.pass_time(hours=120)
    assert lead() > early * 1.1


def test_a_broken_pixel_stops_conversions_but_not_clicks() -> None:
    advertiser, ids = world("broken_pixel", "A", hours=20)
    whole, whole_ids = world("demo", "A", hours=20)
    broken, sound = advertiser.figures(ids["A"]), whole.figures(whole_ids["A"])
    assert broken["clicks"] == sound["clicks"]
    assert 0 < broken["purchases"] < 0.6 * sound["purchases"]


def test_a_disapproved_ad_never_delivers() -> None:
    advertiser, ids = world("disapproved", hours=3)
    assert advertiser.get(ids["B"], fields="effective_status")["effective_status"] == "DISAPPROVED"
    assert advertiser.figures(ids["B"])["spend"] == 0 < advertiser.figures(ids["A"])["spend"]


def test_zero_delivery_is_active_and_not_shown() -> None:
    advertiser, ids = world("zero_delivery", hours=3)
    assert advertiser.get(ids["B"], fields="effective_status")["effective_status"] == "ACTIVE"
    assert advertiser.figures(ids["B"])["impressions"] == 0 < advertiser.figures(ids["A"])["impressions"]


def test_a_cpm_shock_makes_impressions_dear_for_some_hours() -> None:
    advertiser, ids = world("cpm_shock", "A", hours=4)
    calm = advertiser.figures(ids["A"])
    advertiser.pass_time(hours=1)
    onset = advertiser.figures(ids["A"])
    advertiser.pass_time(hours=4)
    shock = advertiser.figures(ids["A"])
    before = calm["spend"] / calm["impressions"]
    during = (shock["spend"] - onset["spend"]) / (shock["impressions"] - onset["impressions"])
    assert 3 < during / before < 7


def test_runaway_spend_empties_budgets_within_hours_and_never_passes_them() -> None:
    advertiser, ids = world("runaway", "A", hours=7)
    assert 49 < advertiser.figures(ids["A"])["spend"] <= 50
