"""Somebody else at work in the account: what is said of it, what is switched off, and what is left as that person wants."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from autopublisher.adapters.memory.meta_ads import Fault
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.naming import naming_token
from autopublisher.domain.journal.operations import ObjectKind, OperationState
from autopublisher.domain.reconciliation.findings import look_of
from autopublisher.domain.runs.run import Ending, RunStatus
from autopublisher.flows.requests.exposure import Exposures
from autopublisher.flows.writes.money_gate import MoneyGate
from support.staging import PlannedFault, cut_off
from support.sweep_staging import AN_AGE, SweepStage, staged
from support.wording import english

_R = RunStatus
STATUSES = [
    _R.PENDING,
    _R.CREATING_CAMPAIGNS,
    _R.AB_TESTING,
    _R.ANALYZING_RESULTS,
    _R.SCALING_BUDGET,
    _R.PUBLISHING_FINAL,
    _R.COMPLETED,
]


@pytest.mark.parametrize("status", STATUSES)
def test_a_run_nobody_has_touched_has_no_findings(status: RunStatus) -> None:
    stage = staged(status)
    stage.at_look()
    assert (stage.found, stage.record["problems"], stage.record["orphans"]) == (set(), [], [])


def test_a_run_is_looked_at_all_its_life_without_a_finding() -> None:
    stage = SweepStage()
    while not stage.now_run.is_final:
        stage.at_look()
        assert stage.found == set()
        stage.step()
    stage.at_look()
    assert stage.found == set()
    assert stage.now_run.status is _R.COMPLETED


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("test/a/ad", {"status": "PAUSED"}),
        ("test/a/adset", {"lifetime_budget": 4000}),
        ("test/a/adset", {"end_time": "2026-11-22T20:00:00+00:00"}),
        ("test/a/adset", {"targeting": {"geo_locations": {"countries": ["FR"]}}}),
        ("test/a/adset", {"bid_strategy": "COST_CAP"}),
        ("test/a/adset", {"optimization_goal": "LINK_CLICKS"}),
        ("test/a/adset", {"promoted_object": {"pixel_id": "9"}}),
        ("test/a/ad", {"creative": {"id": "9"}}),
        ("test/a/campaign", {"spend_cap": 10_000}),
    ],
)
def test_an_edit_of_a_running_test_is_said_marks_it_and_is_left_alone(
    key: str, change: dict[str, Any]
) -> None:
    stage = staged(_R.AB_TESTING)
    stage.touch(key, **change)
    before = dict(stage.at(key))
    stage.at_look()
    assert [(one.data["key"], one.data["field"]) for one in stage.said()] == [(key, *change)]
    assert stage.now_run.trial.edited_at is not None
    assert stage.at(key) == before


def targeted(stage: SweepStage, **parts: Any) -> dict[str, Any]:
    return {"targeting": {**stage.at("test/a/adset")["targeting"], **parts}}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("publisher_platforms", ["facebook"]),
        ("device_platforms", ["desktop"]),
        ("excluded_publisher_list_ids", ["1"]),
        ("geo_locations", {"countries": ["PE"], "location_types": ["travel_in"]}),
    ],
)
def test_a_targeting_narrowed_otherwise_than_we_asked_is_said_once_marks_the_test_and_is_said_to_be_over(
    field: str, value: Any
) -> None:
    stage = staged(_R.AB_TESTING)
    before = dict(stage.at("test/a/adset")["targeting"])
    stage.touch("test/a/adset", **targeted(stage, **{field: value}))
    stage.at_look()
    stage.at_look()
    assert [(one.data["key"], one.data["field"]) for one in stage.said()] == [("test/a/adset", "targeting")]
    assert stage.now_run.trial.edited_at is not None
    stage.touch("test/a/adset", targeting=before)
    stage.at_look()
    assert len(stage.events("restored")) == 1
    assert stage.found == set()


@pytest.mark.parametrize(
    "change",
    [
        {"adset_schedule": [{"start_minute": 0, "end_minute": 60, "days": [0]}]},
        {"attribution_spec": [{"event_type": "CLICK_THROUGH", "window_days": 1}]},
        {"start_time": "2026-11-22T23:00:00+00:00"},
    ],
)
def test_a_schedule_an_attribution_or_a_start_that_we_did_not_ask_for_marks_the_test(
    change: dict[str, Any],
) -> None:
    stage = staged(_R.AB_TESTING)
    stage.touch("test/a/adset", **change)
    stage.at_look()
    stage.at_look()
    assert [(one.data["key"], one.data["field"]) for one in stage.said()] == [("test/a/adset", *change)]
    assert stage.now_run.trial.edited_at is not None


def test_what_meta_adds_by_itself_is_not_said() -> None:
    stage = staged(_R.AB_TESTING)
    places = {**stage.at("test/a/adset")["targeting"]["geo_locations"], "location_types": ["home", "recent"]}
    added = targeted(
        stage,
        geo_locations=places,
        targeting_relaxation_types={"lookalike": 0},
        brand_safety_content_filter_levels=["FACEBOOK_STANDARD"],
        targeting_optimization="none",
    )
    stage.touch("test/a/adset", **added, pacing_type=["standard"])
    stage.at_look()
    assert (stage.found, stage.said(), stage.now_run.trial.edited_at) == (set(), [], None)


def baselines(stage: SweepStage) -> dict[str, Any]:
    with stage.database.unit_of_work() as unit:
        return {one.key: one.baseline for one in unit.records.objects(stage.run_id) if one.baseline}


def test_every_ad_set_has_a_baseline_before_it_is_switched_on_and_keeps_it() -> None:
    stage = staged(_R.AB_TESTING)
    first = baselines(stage)
    assert set(first) == {"test/a/adset", "test/b/adset"}
    stage.touch("test/a/adset", attribution_spec=[{"event_type": "CLICK_THROUGH", "window_days": 1}])
    stage.at_look()
    stage.step()
    assert baselines(stage) == first


def test_a_final_campaign_has_a_baseline_too() -> None:
    stage = staged(_R.COMPLETED)
    stage.touch("final/adset", attribution_spec=[{"event_type": "CLICK_THROUGH", "window_days": 1}])
    stage.at_look()
    assert {(key, field) for key, field, _ in stage.found} == {("final/adset", "attribution_spec")}


def test_what_is_narrowed_between_making_and_verifying_is_no_baseline() -> None:
    stage = staged(_R.CREATING_CAMPAIGNS)
    stage.meta.faults.append(Fault(cut_off(), "tree"))  # all is built, and the verification waits
    stage.step()
    stage.touch("test/a/adset", **targeted(stage, excluded_publisher_list_ids=["1"]))
    stage.go(_R.AB_TESTING)
    kept = baselines(stage)
    assert ("targeting" in kept["test/a/adset"], "targeting" in kept["test/b/adset"]) == (False, True)
    stage.at_look()
    stage.at_look()
    assert {(key, field) for key, field, _ in stage.found} == {("test/a/adset", "targeting")}
    assert stage.now_run.trial.edited_at is not None


@pytest.mark.parametrize("key", ["final/campaign", "final/adset", "final/ad"])
def test_a_person_s_pause_of_a_final_campaign_is_said_and_stays(key: str) -> None:
    stage = staged(_R.COMPLETED)
    stage.touch(key, status="PAUSED")
    for _ in range(3):
        stage.at_look()
    assert stage.found == {(key, "status", "PAUSED")}
    assert stage.at(key)["status"] == "PAUSED"
    assert len(stage.said()) == 1


def test_a_new_name_is_said_and_does_not_mark_the_test() -> None:
    stage = staged(_R.AB_TESTING)
    stage.touch("test/a/campaign", name="Mine now")
    stage.at_look()
    assert stage.found == {("test/a/campaign", "name", "Mine now")}
    assert stage.now_run.trial.edited_at is None


def test_an_edit_is_said_again_when_it_changes_and_once_more_when_it_is_undone() -> None:
    stage = staged(_R.COMPLETED)
    for name in ("First", "First", "Second"):
        stage.touch("final/campaign", name=name)
        stage.at_look()
    stage.touch("final/campaign", name=stage.row("final/campaign").spec.params["name"])
    stage.at_look()
    stage.at_look()
    assert [one.data["shown"] for one in stage.said()] == ["First", "Second"]
    assert len(stage.events("restored")) == 1
    assert stage.found == set()


def test_a_creative_is_compared_once_a_day() -> None:
    stage = staged(_R.COMPLETED)
    stage.clock.advance_to(stage.clock.now() + timedelta(days=2))
    stage.touch("test/a/creative", object_story_spec={"page_id": "1"})
    stage.at_look()
    stage.at_look()
    assert {(key, field) for key, field, _ in stage.found} == {("test/a/creative", "object_story_spec")}
    assert len(stage.said()) == 1


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("final/adset", {"daily_budget": 900_000}),
        ("final/adset", {"end_time": "2028-01-01T00:00:00+00:00"}),
        ("final/adset", {"end_time": None}),
        ("final/campaign", {"spend_cap": 900_000}),
        ("final/campaign", {"spend_cap": None}),
        ("final/campaign", {"daily_budget": 5000}),
    ],
)
def test_more_money_than_is_set_aside_switches_the_final_campaign_off(
    key: str, change: dict[str, Any]
) -> None:
    stage = staged(_R.COMPLETED)
    stage.touch(key, **change)
    stage.at_look()
    assert stage.on() == []
    assert [one.data["threat"] for one in stage.said()] == [True]
    assert stage.at(key)[next(iter(change))] == next(iter(change.values()))


@pytest.mark.parametrize("status", [_R.ANALYZING_RESULTS, _R.SCALING_BUDGET, _R.COMPLETED])
def test_an_ended_arm_that_is_switched_on_again_is_switched_off_at_once(status: RunStatus) -> None:
    stage = staged(status)
    for part in ("campaign", "adset", "ad"):
        stage.touch(f"test/a/{part}", status="ACTIVE", end_time="2027-01-01T00:00:00+00:00")
    stage.at_look()
    assert [stage.at(f"test/a/{part}")["status"] for part in ("campaign", "adset", "ad")] == ["PAUSED"] * 3
    writes = [one.subject for one in stage.meta.made("update")][-3:]
    assert writes == [stage.row(f"test/a/{part}").meta_id for part in ("campaign", "adset", "ad")]


def test_what_a_cancelled_run_left_is_switched_off_when_somebody_switches_it_on() -> None:
    stage = staged(_R.AB_TESTING)
    stage.approvals.cancel(stage.run_id, "manager")
    stage.go()
    stage.touch("test/a/campaign", status="ACTIVE")
    stage.at_look()
    assert stage.on() == []


def test_a_switch_thrown_twice_is_said_twice() -> None:
    stage = staged(_R.SCALING_BUDGET)
    for _ in range(2):
        stage.touch("test/a/campaign", status="ACTIVE")
        stage.at_look()
        assert stage.at("test/a/campaign")["status"] == "PAUSED"
    assert [one.data["field"] for one in stage.said()] == ["status", "status"]


def test_what_was_switched_off_for_its_money_is_never_switched_on_again_by_us() -> None:
    stage = staged(_R.AB_TESTING)
    stage.touch("test/a/adset", lifetime_budget=900_000)
    stage.at_look()
    for _ in range(4):
        stage.step()
        stage.at_look()
    assert stage.at("test/a/campaign")["status"] == "PAUSED"


def test_a_deleted_arm_is_said_once_shown_in_its_model_and_marks_the_test() -> None:
    stage = staged(_R.AB_TESTING)
    stage.touch("test/a/campaign", status="DELETED")
    stage.at_look()
    stage.at_look()
    (model,) = [one for one in stage.reports.view(stage.run_id).objects if one.key == "test/a/campaign"]
    assert (model.status, len(stage.said())) == ("DELETED", 1)
    assert stage.now_run.trial.edited_at is not None


def odd_campaign(stage: SweepStage) -> MetaId:
    """Have somebody make a campaign with the run's mark in a place that no plan has."""
    return stage.orphan(f"Somebody's {naming_token(stage.run_id, 'odd')}")


@pytest.mark.parametrize("status", [_R.AB_TESTING, _R.COMPLETED])
def test_an_object_in_a_place_no_plan_has_is_journaled_and_switched_off(status: RunStatus) -> None:
    stage = staged(status)
    odd = odd_campaign(stage)
    stage.at_look()
    assert stage.meta.objects[odd].status == "PAUSED"
    assert stage.row(f"duplicate/unplaced/campaign/{odd}").meta_id == odd
    assert stage.record["orphans"] == []
    assert stage.now_run.attention is None


def test_a_copy_of_an_object_is_taken_into_the_journal_and_switched_off() -> None:
    stage = staged(_R.COMPLETED)
    stage.meta.copy_of(MetaId(stage.row("final/campaign").meta_id or ""))
    stage.at_look()
    copies = [row for row in stage.rows() if row.key.startswith("duplicate/final/campaign/")]
    assert [stage.meta.objects[MetaId(row.meta_id or "")].status for row in copies] == ["PAUSED"]


def test_an_object_whose_create_is_still_being_settled_is_left_to_it() -> None:
    stage = SweepStage()
    stage.go(_R.CREATING_CAMPAIGNS)
    waiting = naming_token(stage.run_id, "test.a.campaign")
    stage.meta.blind = 2
    stage.meta.troubles = [PlannedFault("create", cut_off(), nth=1, done=True)]
    stage.step()
    stage.meta.blind = 0
    stage.at_look()
    assert stage.record["orphans"] == []
    assert stage.go(_R.AB_TESTING).status is _R.AB_TESTING
    named = [one for one in stage.created_campaigns() if waiting in one.fields["name"]]
    assert len(named) == 1


@pytest.mark.parametrize("is_cancelled", [False, True], ids=["it goes on", "it is cancelled"])
def test_an_unsettled_create_s_object_is_not_taken_in_along_with_another_s_copy(
    *, is_cancelled: bool
) -> None:
    stage = SweepStage()
    stage.meta.troubles = [PlannedFault("create", cut_off(), nth=3, done=True)]
    stage.step()
    stage.meta.blind = 1
    stage.step()
    assert stage.row("test/b/campaign").state is OperationState.UNKNOWN
    stage.meta.copy_of(MetaId(stage.row("test/a/campaign").meta_id or ""))
    stage.at_look()
    assert [
        row.spec.target or row.key for row in stage.rows() if row.key.startswith("duplicate/test/b")
    ] == []
    if is_cancelled:
        stage.approvals.cancel(stage.run_id, "manager")
        assert stage.go_on(_R.CANCELLED, ticks=200).status is _R.CANCELLED
        assert stage.on() == []
    else:
        assert stage.go_on(_R.AB_TESTING, ticks=200).status is _R.AB_TESTING


def test_our_own_delete_on_its_way_is_nobody_s_edit() -> None:
    stage = SweepStage()

    def die(_number: int, method: str) -> None:
        if method != "create" and len(stage.meta.of_kind(ObjectKind.AD)) == 2:
            stage.meta.crash_plan.kill()

    stage.meta.on_call = die
    while not stage.crashes:
        stage.step()
    stage.meta.on_call = lambda _number, _method: None
    stage.approvals.cancel(stage.run_id, "manager")
    deletes = len(stage.meta.made("delete"))
    stage.meta.troubles = [PlannedFault("delete", cut_off(), nth=deletes + 1 + n) for n in range(3)]
    for _ in range(40):
        stage.step()
        stage.at_look()
        if stage.now_run.is_final:
            break
    assert stage.now_run.status is _R.CANCELLED
    assert (stage.said(), stage.findings) == ([], ())


def test_while_a_stop_holds_the_stop_is_in_charge() -> None:
    stage = staged(_R.COMPLETED)
    stage.stop()
    stage.touch("final/campaign", name="Mine now")
    stage.enforced()
    assert stage.said() == []


def test_the_models_of_a_completed_run_stay_up_to_date() -> None:
    stage = staged(_R.COMPLETED)
    stage.clock.advance_to(stage.clock.now() + timedelta(days=3))
    stage.touch("final/ad", status="PAUSED")
    stage.at_look()
    (model,) = [one for one in stage.reports.view(stage.run_id).objects if one.key == "final/ad"]
    assert (model.status, model.read_at) == ("PAUSED", stage.clock.now())


def test_a_late_read_of_our_own_write_is_no_finding() -> None:
    stage = SweepStage()
    stage.go(_R.COMPLETED)
    stage.touch("final/ad", status="PAUSED")
    stage.at_look()
    assert stage.found == set()
    stage.clock.advance_to(stage.clock.now() + AN_AGE)
    stage.at_look()
    assert stage.found == {("final/ad", "status", "PAUSED")}


def publishing_again(stage: SweepStage) -> None:
    """Have the run be as if its last tick had not been saved."""
    stage.overwrite(status=_R.PUBLISHING_FINAL, ending=Ending(), next_tick_at=stage.clock.now())
    stage.step()


def test_what_a_person_paused_while_the_run_publishes_is_not_switched_on_again() -> None:
    stage = staged(_R.COMPLETED)
    stage.touch("final/ad", status="PAUSED")
    publishing_again(stage)
    assert stage.at("final/ad")["status"] == "PAUSED"
    assert "final/ad is PAUSED" in english(stage.now_run.attention)


def test_a_final_campaign_whose_money_was_threatened_is_not_published() -> None:
    stage = staged(_R.COMPLETED)
    stage.touch("final/adset", daily_budget=900_000)
    stage.at_look()
    publishing_again(stage)
    assert stage.go().status is _R.FAILED
    assert stage.on() == []


def test_the_run_s_report_and_the_look_in_brief_name_what_is_open() -> None:
    stage = staged(_R.COMPLETED)
    stage.touch("final/campaign", name="Mine now")
    stage.at_look()
    (finding,) = stage.reports.view(stage.run_id).findings
    assert finding.place == ("final/campaign", "name")
    assert look_of(stage.stored_watch()).open == (finding.said,)


@pytest.mark.parametrize("change", [{"daily_budget": 900_000}, {"end_time": "2027-11-22T00:00:00+00:00"}])
def test_until_it_is_off_the_exposure_shows_what_a_raised_budget_could_spend(change: dict[str, Any]) -> None:
    stage = staged(_R.COMPLETED)
    exposures = Exposures(stage.open_unit, stage.clock, MoneyGate())
    (before,) = exposures.of(stage.account_id)
    stage.touch("final/adset", **change)
    stage.meta.stubborn = True
    stage.at_look()
    (meanwhile,) = exposures.of(stage.account_id)
    assert stage.record["undone"] != []
    if "daily_budget" in change:
        assert meanwhile.could_still_spend.minor > before.could_still_spend.minor
    else:
        assert meanwhile.until == datetime.fromisoformat(change["end_time"])
    stage.meta.stubborn = False
    for _ in range(3):
        stage.look()
    (after,) = exposures.of(stage.account_id)
    assert (after.could_still_spend.minor, stage.on()) == (0, [])
