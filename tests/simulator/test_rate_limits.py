"""Rate limits at both tiers: what is charged, what the headers show, who is refused, and for how long."""

import json
from pathlib import Path
from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.graph.errors import GraphError
from metasim.graph.wire import Call, Params, Reply
from metasim.rate_limits import TIERS, Meter, quota
from metasim.scenario import Account
from metasim.testing import ACCOUNT, Advertiser, RefusedError
from metasim.times import MINUTE, SECOND

DEMO = Path(__file__).parents[2] / "src/metasim/scenarios/demo.toml"
LIMITED, FULL = Account("1", tier="development_access"), Account("1")
READ, WRITE = Call("GET", ("act_1",), Params({})), Call("POST", ("act_1", "campaigns"), Params({}))
INSIGHTS = Call("GET", ("act_1", "insights"), Params({}))
HEADERS = {"X-App-Usage", "X-Ad-Account-Usage", "X-Business-Use-Case-Usage"}


@pytest.fixture
def limited(tmp_path: Path) -> Advertiser:
    text = DEMO.read_text("utf-8").replace('name = "Demo account"', 'name = "L"\ntier = "development_access"')
    (tmp_path / "limited.toml").write_text(text, "utf-8")
    return Advertiser(SimulatorConfig(scenario=str(tmp_path / "limited.toml")))


def answer(advertiser: Advertiser, path: str = ACCOUNT, **params: Any) -> Reply:
    call = Call("GET", tuple(path.split("/")), Params(params), "v26.0", "stub-token", "http://sim")
    return advertiser.simulator.handle(call).reply


def usage(reply: Reply, name: str) -> Any:
    return json.loads(reply.headers[name])


def charge(meter: Meter, account: Account, call: Call, times: int, now_us: int = 0) -> None:
    for _ in range(times):
        meter.charge(account, call, 0, now_us)


def codes(act: Any) -> tuple[int, int | None]:
    with pytest.raises(RefusedError) as caught:
        act()
    return caught.value.codes


def refusal(meter: Meter, account: Account | None, call: Call, now_us: int = 0) -> tuple[int, int | None]:
    with pytest.raises(GraphError) as caught:
        meter.charge(account, call, 0, now_us)
    return caught.value.code, caught.value.subcode


@pytest.mark.parametrize(("call", "fit"), [(READ, 60), (WRITE, 20)])
def test_a_limited_app_has_sixty_points(call: Call, fit: int) -> None:
    meter = Meter(1)
    charge(meter, LIMITED, call, fit)
    assert refusal(meter, LIMITED, call) == (17, 2446079)


@pytest.mark.parametrize(("call", "fit"), [(READ, 9000), (WRITE, 3000)])
def test_an_app_with_full_access_has_nine_thousand(call: Call, fit: int) -> None:
    meter = Meter(1)
    charge(meter, FULL, call, fit)
    assert refusal(meter, FULL, call) == (17, 2446079)


@pytest.mark.parametrize(("account", "block"), [(LIMITED, 300), (FULL, 60)])
def test_who_overdraws_is_blocked_for_a_time(account: Account, block: int) -> None:
    meter = Meter(1)
    charge(meter, account, WRITE, TIERS[account.tier].score // 3)
    assert refusal(meter, account, WRITE) == (17, 2446079)
    assert refusal(meter, account, READ, (block - 1) * SECOND) == (17, 2446079)
    meter.charge(account, READ, 0, 301 * SECOND)


def test_points_are_forgotten_after_five_minutes() -> None:
    meter = Meter(1)
    charge(meter, LIMITED, WRITE, 20)
    charge(meter, LIMITED, WRITE, 20, 5 * MINUTE + SECOND)
    assert refusal(meter, LIMITED, WRITE, 5 * MINUTE + SECOND) == (17, 2446079)


def test_refused_calls_cost_nothing() -> None:
    meter = Meter(1)
    charge(meter, LIMITED, READ, 60)
    before = meter.dump()["windows"]["score/1"][2].copy()
    refusal(meter, LIMITED, READ)
    assert meter.dump()["windows"]["score/1"][2] == before


QUOTAS = [
    (LIMITED, "ads_management", 0, 300),
    (LIMITED, "ads_management", 3, 420),
    (LIMITED, "ads_insights", 0, 600),
    (LIMITED, "ads_insights", 2, 1400),
    (FULL, "ads_management", 1, 100_040),
    (FULL, "ads_insights", 1, 190_400),
]


@pytest.mark.parametrize(("account", "use_case", "ads", "expected"), QUOTAS)
def test_hourly_quotas_grow_with_the_accounts_active_ads(
    account: Account, use_case: str, ads: int, expected: int
) -> None:
    assert quota(account, use_case, ads) == expected


def spread(meter: Meter, call: Call, times: int) -> int:
    """Make limited reads at a pace the score allows; return the moment after them."""
    for number in range(times):
        meter.charge(LIMITED, call, 0, number * 6 * SECOND)
    return times * 6 * SECOND


@pytest.mark.parametrize(("call", "fit", "code"), [(READ, 300, 80004), (INSIGHTS, 600, 80000)])
def test_an_hours_quota_can_be_used_up(call: Call, fit: int, code: int) -> None:
    meter = Meter(1)
    now_us = 0
    for number in range(fit):
        now_us = number * 5 * SECOND + SECOND
        meter.charge(LIMITED, call, 0, now_us)
    assert refusal(meter, LIMITED, call, now_us + 5 * SECOND) == (code, 2446079)
    meter.charge(LIMITED, call, 0, now_us + 61 * MINUTE)


def test_management_and_insights_have_quotas_of_their_own() -> None:
    meter = Meter(1)
    now_us = spread(meter, READ, 300)
    assert refusal(meter, LIMITED, READ, now_us)[0] == 80004
    meter.charge(LIMITED, INSIGHTS, 0, now_us)


def test_errors_take_a_little_of_the_insights_quota() -> None:
    meter = Meter(1)
    for _ in range(1000):
        meter.note_error(LIMITED, INSIGHTS, 0)
    now_us = spread(meter, INSIGHTS, 599)
    assert refusal(meter, LIMITED, INSIGHTS, now_us)[0] == 80000


def test_calls_about_people_count_for_the_platform() -> None:
    meter = Meter(1)
    for _ in range(200):
        meter.charge(None, READ, 0, 0)
    assert refusal(meter, None, READ) == (4, None)
    meter.charge(None, READ, 0, 61 * MINUTE)


def test_changes_per_second_are_limited_where_the_scenario_says_so() -> None:
    meter, account = Meter(1), Account("1", mutations_per_second=2)
    charge(meter, account, WRITE, 2)
    assert refusal(meter, account, WRITE) == (613, 5044001)
    charge(meter, account, READ, 1)
    charge(meter, account, WRITE, 1, SECOND)


def test_meters_are_the_accounts_own() -> None:
    meter = Meter(1)
    charge(meter, LIMITED, WRITE, 20)
    meter.charge(Account("2", tier="development_access"), WRITE, 0, 0)


def test_meters_are_remembered() -> None:
    meter, again = Meter(1), Meter(1)
    charge(meter, LIMITED, WRITE, 20)
    again.load(json.loads(json.dumps(meter.dump())))
    assert refusal(again, LIMITED, WRITE) == (17, 2446079)


def test_every_answer_has_the_usage_headers(limited: Advertiser) -> None:
    reply = answer(limited)
    assert set(reply.headers) >= HEADERS
    assert "X-FB-Ads-Insights-Throttle" not in reply.headers
    assert "Retry-After" not in reply.headers


def test_the_account_header_counts_points_in_percent(limited: Advertiser) -> None:
    limited.campaign()
    shown = usage(answer(limited), "X-Ad-Account-Usage")
    assert shown["acc_id_util_pct"] == round(100 * 4 / 60, 2)
    assert shown["ads_api_access_tier"] == "development_access"
    assert 299 <= shown["reset_time_duration"] <= 301


def test_the_account_header_falls_back_with_time(limited: Advertiser) -> None:
    limited.campaign()
    limited.pass_time(minutes=6)
    assert usage(answer(limited), "X-Ad-Account-Usage")["acc_id_util_pct"] == round(100 / 60, 2)


def test_the_business_header_names_the_use_case(limited: Advertiser) -> None:
    for path, use_case in ((ACCOUNT, "ads_management"), (f"{ACCOUNT}/insights", "ads_insights")):
        rows = usage(answer(limited, path), "X-Business-Use-Case-Usage")["123456789"]
        assert (rows[0]["type"], rows[0]["ads_api_access_tier"]) == (use_case, "development_access")
        assert set(rows[0]) >= {"call_count", "total_cputime", "total_time"}


def test_insights_have_a_header_of_their_own(limited: Advertiser) -> None:
    shown = usage(answer(limited, f"{ACCOUNT}/insights"), "X-FB-Ads-Insights-Throttle")
    assert set(shown) == {"app_id_util_pct", "acc_id_util_pct", "ads_api_access_tier"}


def test_the_app_header_counts_calls_about_people(tmp_path: Path) -> None:
    text = "platform_users = 1\n" + DEMO.read_text("utf-8")
    (tmp_path / "few.toml").write_text(text, "utf-8")
    advertiser = Advertiser(SimulatorConfig(scenario=str(tmp_path / "few.toml")))
    for _ in range(20):
        advertiser.get("me")
    assert usage(answer(advertiser), "X-App-Usage") == {
        "call_count": 10,
        "total_time": 10,
        "total_cputime": 10,
    }


def test_a_throttled_answer_says_when_to_come_back(limited: Advertiser) -> None:
    for number in range(20):
        limited.campaign(str(number))
    assert codes(limited.campaign) == (17, 2446079)
    reply = answer(limited)
    assert usage(reply, "X-Ad-Account-Usage")["acc_id_util_pct"] >= 100
    row = usage(reply, "X-Business-Use-Case-Usage")["123456789"][0]
    assert row["estimated_time_to_regain_access"] == 5
    limited.pass_time(minutes=5, hours=0)
    limited.pass_time(minutes=1)
    assert limited.campaign()


def test_a_batch_is_charged_item_by_item(limited: Advertiser) -> None:
    items = json.dumps([{"method": "GET", "relative_url": ACCOUNT}] * 30)
    call = Call("POST", (), Params({"batch": items}), "v26.0", "stub-token")
    limited.send(call)
    assert usage(answer(limited), "X-Ad-Account-Usage")["acc_id_util_pct"] == round(100 * 31 / 60, 2)


def test_another_accounts_ads_do_not_widen_the_quota(tmp_path: Path) -> None:
    second = '[[accounts]]\nid = "act_2"\ntier = "development_access"\n\n[[pages]]'
    (tmp_path / "two.toml").write_text(DEMO.read_text("utf-8").replace("[[pages]]", second), "utf-8")
    advertiser = Advertiser(SimulatorConfig(scenario=str(tmp_path / "two.toml")))
    advertiser.split_test("ABCDEFGHIJ")
    for _ in range(29):
        answer(advertiser, "act_2")
    rows = usage(answer(advertiser, "act_2"), "X-Business-Use-Case-Usage")["2"]
    assert rows[0]["call_count"] == 10
