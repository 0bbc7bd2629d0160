"""What counts as somebody else's change at Meta, what only looks like one, and which change threatens the money."""

from typing import Any

import pytest

from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.meta.readback import READ_FIELDS
from autopublisher.domain.reconciliation.edits import SWEEP_FIELDS, edits
from support.wording import english
from unit.domain.samples import state

CAMPAIGN = {
    "name": "Spring [ap-0123456789abcdef-test.a.campaign]",
    "status": "PAUSED",
    "objective": "OUTCOME_SALES",
    "buying_type": "AUCTION",
    "special_ad_categories": [],
    "spend_cap": 40_000,
}
AD_SET: dict[str, Any] = {
    "name": "Spring [ap-0123456789abcdef-test.a.adset]",
    "status": "PAUSED",
    "campaign_id": "11",
    "billing_event": "IMPRESSIONS",
    "optimization_goal": "REACH",
    "bid_strategy": "LOWEST_COST_WITHOUT_CAP",
    "lifetime_budget": 5000,
    "start_time": "2026-11-22T09:15:00+00:00",
    "end_time": "2026-11-23T09:15:00+00:00",
    "promoted_object": {"pixel_id": "2001", "custom_event_type": "PURCHASE"},
    "targeting": {
        "geo_locations": {"countries": ["ES", "PE"]},
        "age_min": 18,
        "age_max": 65,
        "genders": [1, 2],
        "targeting_automation": {"advantage_audience": 0},
        "publisher_platforms": ["instagram"],
    },
}
AD = {"name": "Spring", "status": "PAUSED", "adset_id": "12", "creative": {"creative_id": "13"}}
CREATIVE = {
    "name": "Spring",
    "object_story_spec": {"page_id": "1001", "link_data": {"link": "https://a.example", "image_hash": "f0"}},
}
ASKED: dict[ObjectKind, dict[str, Any]] = {
    ObjectKind.CAMPAIGN: CAMPAIGN,
    ObjectKind.AD_SET: AD_SET,
    ObjectKind.AD: AD,
    ObjectKind.CREATIVE: CREATIVE,
}
SHOWN: dict[ObjectKind, dict[str, Any]] = {
    ObjectKind.CAMPAIGN: {**CAMPAIGN, "spend_cap": "40000"},
    ObjectKind.AD_SET: {
        **AD_SET,
        "lifetime_budget": "5000",
        "daily_budget": "0",
        "start_time": "2026-11-22T10:15:00+0100",
        "end_time": "2026-11-23T10:15:00+0100",
        "optimization_goal": "IMPRESSIONS",
    },
    ObjectKind.AD: {**AD, "creative": {"id": "13"}},
    ObjectKind.CREATIVE: {**CREATIVE, "status": "ACTIVE"},
}


def shown(kind: ObjectKind, **changes: Any) -> ObjectState:
    return state(kind, SHOWN[kind] | changes)


@pytest.mark.parametrize("kind", list(ASKED))
def test_what_meta_reads_back_of_an_untouched_object_is_no_edit(kind: ObjectKind) -> None:
    assert edits(ASKED[kind], shown(kind)) == ()


@pytest.mark.parametrize("kind", list(ASKED))
def test_the_sweep_reads_all_that_a_tick_reads(kind: ObjectKind) -> None:
    assert set(READ_FIELDS[kind]) <= set(SWEEP_FIELDS[kind])


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (ObjectKind.AD_SET, {"start_time": "2026-11-22T11:00:00+0100"}),
        (ObjectKind.AD_SET, {"bid_strategy": None}),
        (ObjectKind.CAMPAIGN, {"special_ad_categories": ["NONE"]}),
        (ObjectKind.CAMPAIGN, {"daily_budget": "0", "lifetime_budget": "0"}),
        (ObjectKind.CREATIVE, {"name": "the same creative of another run"}),
        (ObjectKind.AD_SET, {"targeting": {**AD_SET["targeting"], "location_types": ["home"]}}),
        (ObjectKind.AD_SET, {"targeting": {**AD_SET["targeting"], "genders": ["2", "1"]}}),
        (ObjectKind.AD_SET, {"targeting": {**AD_SET["targeting"], "flexible_spec": [], "locales": None}}),
        (
            ObjectKind.AD_SET,
            {
                "targeting": {
                    **AD_SET["targeting"],
                    "geo_locations": {"countries": ["PE", "ES"], "location_types": ["home", "recent"]},
                    "targeting_optimization": "none",
                    "device_platforms": ["mobile"],
                }
            },
        ),
    ],
)
def test_what_only_looks_different_is_no_edit(kind: ObjectKind, changes: dict[str, Any]) -> None:
    assert edits(ASKED[kind], shown(kind, **changes)) == ()


@pytest.mark.parametrize("left_out", ["age_min", "age_max"])
def test_an_age_that_is_the_default_may_be_left_out(left_out: str) -> None:
    rest = {name: value for name, value in AD_SET["targeting"].items() if name != left_out}
    assert edits(AD_SET, shown(ObjectKind.AD_SET, targeting=rest)) == ()


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (ObjectKind.CAMPAIGN, {"name": "Winter"}),
        (ObjectKind.CAMPAIGN, {"objective": "OUTCOME_LEADS"}),
        (ObjectKind.CAMPAIGN, {"spend_cap": "30000"}),
        (ObjectKind.CAMPAIGN, {"special_ad_categories": ["HOUSING"]}),
        (ObjectKind.CAMPAIGN, {"status": "DELETED"}),
        (ObjectKind.AD_SET, {"lifetime_budget": "4999"}),
        (ObjectKind.AD_SET, {"end_time": "2026-11-23T09:15:00+0100"}),
        (ObjectKind.AD_SET, {"start_time": "2026-11-22T09:15:00+0100"}),
        (ObjectKind.AD_SET, {"bid_strategy": "COST_CAP"}),
        (ObjectKind.AD_SET, {"optimization_goal": "LINK_CLICKS"}),
        (ObjectKind.AD_SET, {"promoted_object": {"pixel_id": "2002", "custom_event_type": "PURCHASE"}}),
        (ObjectKind.AD_SET, {"campaign_id": "99"}),
        (ObjectKind.AD_SET, {"targeting": {**AD_SET["targeting"], "age_min": 25}}),
        (ObjectKind.AD_SET, {"targeting": {**AD_SET["targeting"], "geo_locations": {"countries": ["ES"]}}}),
        (ObjectKind.AD_SET, {"targeting": {**AD_SET["targeting"], "flexible_spec": [{"interests": ["1"]}]}}),
        (ObjectKind.AD_SET, {"targeting": {**AD_SET["targeting"], "custom_audiences": [{"id": "5"}]}}),
        (ObjectKind.AD_SET, {"targeting": {**AD_SET["targeting"], "locales": [23]}}),
        (
            ObjectKind.AD_SET,
            {"targeting": {**AD_SET["targeting"], "excluded_geo_locations": {"countries": ["PE"]}}},
        ),
        (
            ObjectKind.AD_SET,
            {
                "targeting": {
                    **AD_SET["targeting"],
                    "geo_locations": {"countries": ["ES", "PE"], "cities": [{"key": "1"}]},
                }
            },
        ),
        (ObjectKind.AD, {"adset_id": "99"}),
        (ObjectKind.AD, {"creative": {"id": "99"}}),
        (
            ObjectKind.CREATIVE,
            {"object_story_spec": {"page_id": "1001", "link_data": {"link": "https://b.example"}}},
        ),
    ],
)
def test_a_change_that_frees_no_money_is_an_edit_and_no_threat(
    kind: ObjectKind, changes: dict[str, Any]
) -> None:
    (edit,) = edits(ASKED[kind], shown(kind, **changes))
    assert (edit.field, edit.threat) == (next(iter(changes)), False)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (ObjectKind.CAMPAIGN, {"status": "ACTIVE"}),
        (ObjectKind.CAMPAIGN, {"spend_cap": "40001"}),
        (ObjectKind.CAMPAIGN, {"spend_cap": None}),
        (ObjectKind.CAMPAIGN, {"daily_budget": "1000"}),
        (ObjectKind.CAMPAIGN, {"lifetime_budget": "1000"}),
        (ObjectKind.AD_SET, {"status": "ACTIVE"}),
        (ObjectKind.AD_SET, {"lifetime_budget": "5001"}),
        (ObjectKind.AD_SET, {"daily_budget": "1"}),
        (ObjectKind.AD_SET, {"end_time": "2026-11-23T10:15:01+0100"}),
        (ObjectKind.AD_SET, {"end_time": None}),
        (ObjectKind.AD_SET, {"end_time": "soon"}),
        (ObjectKind.AD_SET, {"lifetime_budget": "many"}),
        (ObjectKind.AD_SET, {"daily_budget": "many"}),
        (ObjectKind.AD, {"status": "ACTIVE"}),
    ],
)
def test_a_change_that_frees_money_is_a_threat(kind: ObjectKind, changes: dict[str, Any]) -> None:
    (edit,) = edits(ASKED[kind], shown(kind, **changes))
    assert (edit.field, edit.threat) == (next(iter(changes)), True)


def test_a_start_that_cannot_be_read_is_an_edit() -> None:
    (edit,) = edits(AD_SET, shown(ObjectKind.AD_SET, start_time="soon"))
    assert (edit.field, edit.shown, edit.threat) == ("start_time", "soon", False)


def test_a_person_s_pause_is_an_edit_and_no_threat() -> None:
    (edit,) = edits(AD | {"status": "ACTIVE"}, shown(ObjectKind.AD))
    assert (edit.field, edit.shown, edit.threat) == ("status", "PAUSED", False)


def test_of_a_deleted_object_nothing_else_is_said() -> None:
    (edit,) = edits(CAMPAIGN, state(ObjectKind.CAMPAIGN, {"status": "DELETED"}))
    assert english(edit.said) == "status is DELETED, and we asked for PAUSED"


def test_what_we_deleted_is_no_edit() -> None:
    assert edits({"status": "DELETED"}, state(ObjectKind.CAMPAIGN, {"status": "DELETED"})) == ()


def test_every_changed_field_is_an_edit_of_its_own() -> None:
    found = edits(AD_SET, shown(ObjectKind.AD_SET, status="ACTIVE", lifetime_budget="9"))
    assert {one.field for one in found} == {"status", "lifetime_budget"}
