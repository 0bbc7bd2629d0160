"""Automated rules: what may be said, when they run, what they see, what they do, and their history."""

from pathlib import Path
from typing import Any

import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adrule import AdRule
from facebook_business.api import FacebookAdsApi

from metasim import SimulatorConfig
from metasim.testing import ACCOUNT, Advertiser, RefusedError

EVERY_HALF_HOUR = {"schedule_type": "SEMI_HOURLY"}


def over(limit: int, entity: str = "CAMPAIGN", *more: dict[str, Any], preset: str = "LIFETIME") -> Any:
    """Return an evaluation that matches what has spent more than a limit in minor units."""
    filters = [
        {"field": "entity_type", "operator": "EQUAL", "value": entity},
        {"field": "time_preset", "operator": "EQUAL", "value": preset},
        {"field": "spent", "operator": "GREATER_THAN", "value": limit},
        *more,
    ]
    return {"evaluation_type": "SCHEDULE", "filters": filters}


def rule(advertiser: Advertiser, evaluation: Any, kind: str = "PAUSE", **params: Any) -> str:
    usual = {
        "name": "Guard",
        "evaluation_spec": evaluation,
        "execution_spec": {"execution_type": kind},
        "schedule_spec": EVERY_HALF_HOUR,
    }
    asked = {name: value for name, value in {**usual, **params}.items() if value is not None}
    return str(advertiser.post(f"{ACCOUNT}/adrules_library", **asked)["id"])


def status(advertiser: Advertiser, node_id: str) -> str:
    return str(advertiser.get(node_id, fields="status")["status"])


def changes(advertiser: Advertiser, rule_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = advertiser.get(f"{rule_id}/history", hide_no_changes="true")["data"]
    return rows


def until_paused(advertiser: Advertiser, node_id: str) -> int:
    """Return after how many half hours a node was found paused."""
    for number in range(48):
        if status(advertiser, node_id) == "PAUSED":
            return number
        advertiser.pass_time(minutes=30)
    raise AssertionError(node_id)


def test_a_campaign_is_paused_once_its_known_spend_passes_the_limit(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("AB")
    rule(advertiser, over(1000))
    assert until_paused(advertiser, ids["campaign"]) > 1
    spent = advertiser.figures(ids["campaign"])["spend"]
    assert spent > 10
    advertiser.pass_time(hours=5)
    assert advertiser.figures(ids["campaign"])["spend"] == spent


def test_a_rule_pauses_the_ad_sets_that_match_and_no_others(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("AB")
    named = {"field": "name", "operator": "CONTAIN", "value": "Set A"}
    rule(advertiser, over(500, "ADSET", named))
    until_paused(advertiser, ids["set A"])
    assert status(advertiser, ids["set B"]) == "ACTIVE"
    assert advertiser.get(ids["A"], fields="effective_status")["effective_status"] == "ADSET_PAUSED"


@pytest.mark.parametrize("field", ["id", "campaign.id"])
def test_ids_choose_the_campaign(advertiser: Advertiser, field: str) -> None:
    first, second = advertiser.split_test("A"), advertiser.split_test("B")
    rule(advertiser, over(300, "CAMPAIGN", {"field": field, "operator": "IN", "value": [second["campaign"]]}))
    until_paused(advertiser, second["campaign"])
    assert status(advertiser, first["campaign"]) == "ACTIVE"


def test_the_campaigns_id_chooses_among_ad_sets(advertiser: Advertiser) -> None:
    first, second = advertiser.split_test("A"), advertiser.split_test("B")
    chosen = {"field": "campaign.id", "operator": "IN", "value": [second["campaign"]]}
    rule(advertiser, over(300, "ADSET", chosen))
    until_paused(advertiser, second["set B"])
    assert status(advertiser, first["set A"]) == "ACTIVE"


def test_a_notification_changes_nothing(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    rule_id = rule(advertiser, over(100), "NOTIFICATION")
    advertiser.pass_time(hours=6)
    assert status(advertiser, ids["campaign"]) == "ACTIVE"
    actions = changes(advertiser, rule_id)[0]["results"][0]["actions"]
    assert [each["action"] for each in actions] == ["FACEBOOK_NOTIFICATION_SENT"]


def test_the_history_tells_what_was_paused_and_when(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    rule_id = rule(advertiser, over(500))
    until_paused(advertiser, ids["campaign"])
    row = changes(advertiser, rule_id)[0]
    assert row["results"] == [
        {
            "object_id": ids["campaign"],
            "object_type": "CAMPAIGN",
            "actions": [
                {"action": "PAUSED", "field": "status", "old_value": "ACTIVE", "new_value": "PAUSED"}
            ],
        }
    ]
    assert (row["timestamp"][14:19], row["is_manual"]) in {("00:00", False), ("30:00", False)}


def test_runs_without_changes_are_in_the_history_too(advertiser: Advertiser) -> None:
    rule_id = rule(advertiser, over(10**9))
    advertiser.pass_time(hours=2)
    rows = advertiser.get(f"{rule_id}/history")["data"]
    assert [row["results"] for row in rows] == [[], [], [], []]
    assert advertiser.get(f"{rule_id}/history", action="PAUSED")["data"] == []


def test_the_account_shows_the_runs_of_all_its_rules(advertiser: Advertiser) -> None:
    ids = [rule(advertiser, over(10**9), name=f"Rule {number}") for number in range(2)]
    advertiser.pass_time(minutes=30)
    rows = advertiser.get(f"{ACCOUNT}/adrules_history")["data"]
    assert {row["rule_id"] for row in rows} == set(ids)


def test_the_history_has_pages(advertiser: Advertiser) -> None:
    rule_id = rule(advertiser, over(10**9))
    advertiser.pass_time(hours=2)
    first = advertiser.get(f"{rule_id}/history", limit=3)
    rest = advertiser.get(f"{rule_id}/history", limit=3, after=first["paging"]["cursors"]["after"])
    assert [len(first["data"]), len(rest["data"])] == [3, 1]


SCHEDULES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "half-hourly": (EVERY_HALF_HOUR, ["10:30", "11:00", "11:30", "12:00"]),
    "hourly": ({"schedule_type": "HOURLY"}, ["11:00", "12:00"]),
    "daily": ({"schedule_type": "DAILY"}, []),
    "custom, at a minute": (
        {"schedule_type": "CUSTOM", "schedule": [{"start_minute": 690, "days": [0]}]},
        ["11:30"],
    ),
    "custom, between minutes": (
        {"schedule_type": "CUSTOM", "schedule": [{"start_minute": 630, "end_minute": 660}]},
        ["10:30", "11:00"],
    ),
    "custom, on another day": ({"schedule_type": "CUSTOM", "schedule": [{"days": [1]}]}, []),
}


@pytest.mark.parametrize("kind", SCHEDULES)
def test_rules_run_by_the_accounts_clock(advertiser: Advertiser, kind: str) -> None:
    schedule, expected = SCHEDULES[kind]
    rule_id = rule(advertiser, over(10**9), schedule_spec=schedule)
    advertiser.pass_time(hours=2)
    rows = advertiser.get(f"{rule_id}/history")["data"]
    assert [row["timestamp"][11:16] for row in reversed(rows)] == expected


def test_a_daily_rule_runs_at_the_accounts_midnight(advertiser: Advertiser) -> None:
    rule_id = rule(advertiser, over(10**9), schedule_spec={"schedule_type": "DAILY"})
    advertiser.pass_time(hours=24)
    assert [row["timestamp"] for row in advertiser.get(f"{rule_id}/history")["data"]] == [
        "2026-11-23T00:00:00+0100"
    ]


def test_disabled_and_deleted_rules_rest(advertiser: Advertiser) -> None:
    resting, gone = rule(advertiser, over(10**9), status="DISABLED"), rule(advertiser, over(10**9))
    advertiser.call("DELETE", gone)
    advertiser.pass_time(hours=2)
    assert [advertiser.get(f"{each}/history")["data"] for each in (resting, gone)] == [[], []]
    assert [row["id"] for row in advertiser.get(f"{ACCOUNT}/adrules_library")["data"]] == [resting]
    assert advertiser.get(gone, fields="status")["status"] == "DELETED"


def test_an_updated_rule_follows_its_new_words(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    rule_id = rule(advertiser, over(10**9))
    advertiser.post(rule_id, evaluation_spec=over(100), name="Stricter")
    until_paused(advertiser, ids["campaign"])
    assert advertiser.get(rule_id, fields="name")["name"] == "Stricter"


def test_a_rule_can_be_run_at_once(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    rule_id = rule(advertiser, over(100), schedule_spec={"schedule_type": "DAILY"})
    advertiser.pass_time(hours=6)
    assert advertiser.post(f"{rule_id}/execute") == {"success": True}
    assert status(advertiser, ids["campaign"]) == "PAUSED"
    assert changes(advertiser, rule_id)[0]["is_manual"] is True


def test_yesterdays_spend_is_not_todays(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A", hours=72, lifetime_budget=30000)
    rule_id = rule(advertiser, over(100, preset="YESTERDAY"))
    advertiser.pass_time(hours=10)
    assert changes(advertiser, rule_id) == []
    advertiser.pass_time(hours=6)
    assert status(advertiser, ids["campaign"]) == "PAUSED"


OPERATORS: dict[str, tuple[dict[str, Any], bool]] = {
    "less than": ({"field": "spent", "operator": "LESS_THAN", "value": 10}, False),
    "a list of one": ({"field": "spent", "operator": "GREATER_THAN", "value": [10]}, True),
    "in range": ({"field": "spent", "operator": "IN_RANGE", "value": [1, 10**6]}, True),
    "not in range": ({"field": "spent", "operator": "NOT_IN_RANGE", "value": [1, 10**6]}, False),
    "not in": ({"field": "id", "operator": "NOT_IN", "value": ["1"]}, True),
    "status in": ({"field": "effective_status", "operator": "IN", "value": ["ACTIVE"]}, True),
    "name differs": ({"field": "name", "operator": "NOT_CONTAIN", "value": "ap-test"}, False),
    "name equals": ({"field": "name", "operator": "EQUAL", "value": "Campaign [ap-test/c]"}, True),
    "age": ({"field": "hours_since_creation", "operator": "GREATER_THAN", "value": 2}, True),
    "clicks": ({"field": "clicks", "operator": "GREATER_THAN", "value": 0}, True),
    "price of a click": ({"field": "cpc", "operator": "GREATER_THAN", "value": 100000}, False),
    "price of a result": ({"field": "cost_per_result", "operator": "LESS_THAN", "value": 100000}, True),
}


@pytest.mark.parametrize("case", OPERATORS)
def test_filters_compare(advertiser: Advertiser, case: str) -> None:
    condition, matches = OPERATORS[case]
    ids = advertiser.split_test("A")
    advertiser.pass_time(hours=4)
    rule_id = rule(advertiser, over(10, "CAMPAIGN", condition))
    advertiser.post(f"{rule_id}/execute")
    assert (status(advertiser, ids["campaign"]) == "PAUSED") is matches


def without(evaluation: Any, field: str) -> Any:
    return {**evaluation, "filters": [row for row in evaluation["filters"] if row["field"] != field]}


BAD: dict[str, dict[str, Any]] = {
    "a name is needed": {"name": None},
    "an evaluation is needed": {"evaluation_spec": None},
    "an action is needed": {"execution_spec": None},
    "a schedule is needed": {"schedule_spec": None},
    "rules start enabled or disabled": {"status": "DELETED"},
    "triggers are not simulated": {"evaluation_spec": {**over(1), "evaluation_type": "TRIGGER"}},
    "filters are needed": {"evaluation_spec": {"evaluation_type": "SCHEDULE", "filters": []}},
    "somebody is looked at": {"evaluation_spec": without(over(1), "entity_type")},
    "figures need a period": {"evaluation_spec": without(over(1), "time_preset")},
    "periods are enumerated": {"evaluation_spec": over(1, preset="FOREVER")},
    "entities are enumerated": {"evaluation_spec": over(1, "PAGE")},
    "fields are known": {
        "evaluation_spec": over(1, "AD", {"field": "luck", "operator": "EQUAL", "value": 1})
    },
    "operators are known": {
        "evaluation_spec": over(1, "AD", {"field": "spent", "operator": "ABOUT", "value": 1})
    },
    "figures are numbers": {
        "evaluation_spec": over(1, "AD", {"field": "clicks", "operator": "EQUAL", "value": "many"})
    },
    "a period is equal": {
        "evaluation_spec": over(1, "AD", {"field": "time_preset", "operator": "IN", "value": "TODAY"})
    },
    "raising budgets is not simulated": {"execution_spec": {"execution_type": "CHANGE_BUDGET"}},
    "schedules are enumerated": {"schedule_spec": {"schedule_type": "WEEKLY"}},
    "custom schedules say when": {"schedule_spec": {"schedule_type": "CUSTOM", "schedule": [{}]}},
    "minutes are half hours": {
        "schedule_spec": {"schedule_type": "CUSTOM", "schedule": [{"start_minute": 45}]}
    },
}


@pytest.mark.parametrize("case", BAD)
def test_rules_that_are_refused(advertiser: Advertiser, case: str) -> None:
    params = {"evaluation": over(1), **BAD[case]}
    with pytest.raises(RefusedError) as caught:
        rule(advertiser, **params)
    assert caught.value.codes == (100, None)
    assert advertiser.get(f"{ACCOUNT}/adrules_library")["data"] == []


def test_a_deleted_rule_cannot_come_back(advertiser: Advertiser) -> None:
    rule_id = rule(advertiser, over(1))
    advertiser.post(rule_id, status="DELETED")
    with pytest.raises(RefusedError):
        advertiser.post(rule_id, status="ENABLED")


def test_figures_do_not_depend_on_how_the_clock_was_moved(advertiser: Advertiser) -> None:
    other = Advertiser()
    spent = []
    for each, steps in ((advertiser, [480]), (other, [7, 31, 14, 8] * 8)):
        ids = each.split_test("AB")
        rule(each, over(900))
        for minutes in steps:
            each.pass_time(minutes=minutes)
        spent.append((each.figures(ids["campaign"])["spend"], status(each, ids["campaign"])))
    assert spent[0] == spent[1]
    assert spent[0][1] == "PAUSED"


def test_a_rule_and_its_history_outlive_a_killed_simulator(tmp_path: Path) -> None:
    config = SimulatorConfig(state_path=tmp_path / "state.db")
    first = Advertiser(config)
    ids = first.split_test("A")
    rule_id = rule(first, over(100))
    first.pass_time(hours=6)
    second = Advertiser(config)
    assert status(second, ids["campaign"]) == "PAUSED"
    assert changes(second, rule_id)[0]["results"][0]["object_id"] == ids["campaign"]


def test_exposure_ends_when_a_rule_pauses(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    rule(advertiser, over(500))
    until_paused(advertiser, ids["campaign"])
    now = advertiser.simulator.clock.now_us()
    assert advertiser.simulator.exposure.of("[ap-test", now).could_still_spend == 0


def test_the_sdk_makes_reads_and_deletes_a_rule(account: AdAccount, api: FacebookAdsApi) -> None:
    params = {
        "name": "From the SDK",
        "evaluation_spec": over(5000),
        "execution_spec": {"execution_type": "PAUSE"},
        "schedule_spec": EVERY_HALF_HOUR,
    }
    made = account.create_ad_rules_library(params=params)
    read = AdRule(made["id"], api=api).api_get(fields=["name", "status", "evaluation_spec"])
    assert (read["name"], read["status"]) == ("From the SDK", "ENABLED")
    assert len(list(account.get_ad_rules_library(fields=["name"]))) == 1
    assert list(AdRule(made["id"], api=api).get_history()) == []
    AdRule(made["id"], api=api).api_delete()
    assert list(account.get_ad_rules_library()) == []
