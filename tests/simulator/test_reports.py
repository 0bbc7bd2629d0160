"""Insights as report runs: how they proceed, what they return, and how they can end badly."""

from typing import Any

import pytest
from facebook_business.adobjects.adaccount import AdAccount

from metasim import SimulatorConfig
from metasim.testing import ACCOUNT, Advertiser, RefusedError

ASKED: dict[str, Any] = {"level": "ad", "fields": "ad_id,spend", "date_preset": "maximum"}


@pytest.fixture
def delivered(advertiser: Advertiser) -> Advertiser:
    advertiser.split_test("AB")
    advertiser.pass_time(hours=5)
    return advertiser


def start(advertiser: Advertiser, owner: str = ACCOUNT, **params: Any) -> str:
    return str(advertiser.post(f"{owner}/insights", **{**ASKED, **params})["report_run_id"])


def status(advertiser: Advertiser, run: str) -> tuple[str, int]:
    row = advertiser.get(run, fields="async_status,async_percent_completion")
    return row["async_status"], row["async_percent_completion"]


def test_a_run_proceeds_with_each_look_even_if_time_stands_still(delivered: Advertiser) -> None:
    run = start(delivered)
    seen = [status(delivered, run) for _ in range(3)]
    assert seen == [("Job Not Started", 0), ("Job Started", 10), ("Job Completed", 100)]


def test_a_run_is_complete_after_a_minute(delivered: Advertiser) -> None:
    run = start(delivered)
    delivered.pass_time(minutes=1)
    assert status(delivered, run) == ("Job Completed", 100)


def test_a_finished_run_returns_what_the_direct_question_returns(delivered: Advertiser) -> None:
    run = start(delivered)
    delivered.pass_time(minutes=1)
    assert delivered.get(f"{run}/insights")["data"] == delivered.get(f"{ACCOUNT}/insights", **ASKED)["data"]


def test_a_runs_rows_are_paged_under_its_own_address(delivered: Advertiser) -> None:
    run = start(delivered)
    delivered.pass_time(minutes=1)
    page = delivered.get(f"{run}/insights", limit=1)
    assert len(page["data"]) == 1
    assert f"/{run}/insights?" in page["paging"]["next"]
    after = page["paging"]["cursors"]["after"]
    assert delivered.get(f"{run}/insights", limit=1, after=after)["data"] != page["data"]


def test_rows_are_refused_while_a_run_is_not_finished(delivered: Advertiser) -> None:
    run = start(delivered)
    with pytest.raises(RefusedError) as caught:
        delivered.get(f"{run}/insights")
    assert caught.value.codes == (2601, None)


def test_every_level_can_be_asked_about(delivered: Advertiser) -> None:
    campaign = delivered.get(f"{ACCOUNT}/campaigns")["data"][0]["id"]
    run = start(delivered, campaign, level="campaign", fields="campaign_id,spend")
    delivered.pass_time(minutes=1)
    assert [row["campaign_id"] for row in delivered.get(f"{run}/insights")["data"]] == [campaign]


def test_a_bad_question_is_refused_at_once(advertiser: Advertiser) -> None:
    with pytest.raises(RefusedError, match="nonexisting field"):
        start(advertiser, fields="luck")


ENDS = {
    "report_failed": ("Job Failed", (-2, 2490547)),
    "report_skipped": ("Job Skipped", (2601, None)),
    "report_stuck": ("Job Running", (2601, None)),
}


@pytest.mark.parametrize("kind", ENDS)
def test_runs_can_end_badly(delivered: Advertiser, kind: str) -> None:
    match = {"method": "POST", "path_regex": "insights$"}
    delivered.simulator.faults.plan({"kind": kind, "match": match})
    run = start(delivered)
    delivered.pass_time(minutes=10)
    for _ in range(3):
        last = status(delivered, run)
    assert last[0] == ENDS[kind][0]
    assert last[1] < 100
    with pytest.raises(RefusedError) as caught:
        delivered.get(f"{run}/insights")
    assert caught.value.codes == ENDS[kind][1]


def test_a_failed_run_says_why(delivered: Advertiser) -> None:
    delivered.simulator.faults.plan({"kind": "report_failed", "match": {"method": "POST"}})
    run = start(delivered)
    delivered.pass_time(minutes=2)
    row = delivered.get(run, fields="error_code,error_subcode,error_user_title,error_user_msg")
    assert (row["error_code"], row["error_subcode"]) == (-2, 2490547)
    assert row["error_user_msg"]


def test_a_run_is_gone_after_thirty_days(advertiser: Advertiser) -> None:
    run = start(advertiser)
    advertiser.pass_time(hours=30 * 24 + 1)
    with pytest.raises(RefusedError) as caught:
        advertiser.get(run)
    assert caught.value.codes == (100, 33)


def test_a_run_outlives_a_killed_simulator(tmp_path: Any) -> None:
    config = SimulatorConfig(state_path=tmp_path / "state.db")
    first = Advertiser(config)
    run = start(first)
    status(first, run)
    assert status(Advertiser(config), run) == ("Job Started", 10)


def test_the_sdk_waits_for_a_run(account: AdAccount) -> None:
    job = account.get_insights(fields=["spend"], params={"date_preset": "maximum"}, is_async=True)
    statuses = [job.api_get()["async_status"] for _ in range(3)]
    assert statuses[-1] == "Job Completed"
    assert list(job.get_result()) == []
