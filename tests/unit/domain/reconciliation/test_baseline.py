"""What somebody changes of what we never asked for: found beside the baseline, and what of it is found without one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autopublisher.domain.ids import MetaId, RunId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.reconciliation.baseline import BASELINE_FIELDS, baseline_of
from autopublisher.domain.reconciliation.edits import SWEEP_FIELDS, Edit, edits
from autopublisher.domain.reconciliation.findings import Finding, finding_from_record
from support.wording import english
from unit.domain.samples import state

AUTOMATIC: dict[str, Any] = {
    "geo_locations": {"countries": ["ES"]},
    "age_min": 18,
    "age_max": 65,
    "targeting_automation": {"advantage_audience": 0},
}
WANTED: dict[str, Any] = {
    "name": "Spring",
    "status": "PAUSED",
    "lifetime_budget": 5000,
    "optimization_goal": "OFFSITE_CONVERSIONS",
    "start_time": "2026-11-22T10:00:00+00:00",
    "end_time": "2026-11-23T10:00:00+00:00",
    "promoted_object": {"pixel_id": "2001"},
    "targeting": AUTOMATIC,
}
ATTRIBUTION = [
    {"event_type": "CLICK_THROUGH", "window_days": 7},
    {"event_type": "VIEW_THROUGH", "window_days": 1},
]
SHOWN: dict[str, Any] = {
    **WANTED,
    "lifetime_budget": "5000",
    "targeting": {
        **AUTOMATIC,
        "geo_locations": {"countries": ["ES"], "location_types": ["home", "recent"]},
        "brand_safety_content_filter_levels": ["FACEBOOK_STANDARD"],
    },
    "pacing_type": ["standard"],
    "destination_type": "UNDEFINED",
    "attribution_spec": ATTRIBUTION,
}
BASELINE = baseline_of(state(ObjectKind.AD_SET, SHOWN), ())
MADE_AT = datetime(2026, 11, 22, 9, 50, tzinfo=UTC)


def found(baseline: dict[str, Any] | None, **changes: Any) -> tuple[Edit, ...]:
    return edits(WANTED, state(ObjectKind.AD_SET, SHOWN | changes), baseline, MADE_AT)


def targeting(**parts: Any) -> dict[str, Any]:
    return {"targeting": {**SHOWN["targeting"], **parts}}


HOURS = [{"start_minute": 0, "end_minute": 60, "days": [0]}]
ALWAYS_FOUND = [
    targeting(publisher_platforms=["facebook"]),
    targeting(facebook_positions=["right_hand_column"]),
    targeting(device_platforms=["desktop"]),
    targeting(excluded_publisher_list_ids=["1"]),
    targeting(excluded_publisher_categories=["dating"]),
    {"adset_schedule": HOURS},
    {"pacing_type": ["day_parting"]},
    {"pacing_type": ["no_pacing"]},
    {"bid_amount": "100"},
    {"bid_constraints": {"roas_average_floor": 100}},
    {"frequency_control_specs": [{"event": "IMPRESSIONS", "interval_days": 7, "max_frequency": 1}]},
    {"start_time": "2026-11-22T22:00:00+00:00"},
]
FOUND_BY_THE_BASELINE = [
    targeting(geo_locations={"countries": ["ES"], "location_types": ["travel_in"]}),
    targeting(brand_safety_content_filter_levels=["FACEBOOK_STRICT"]),
    targeting(some_new_way_to_narrow=["1"]),
    {"attribution_spec": ATTRIBUTION[:1]},
    {"destination_type": "MESSENGER"},
    {"promoted_object": {"pixel_id": "2001", "custom_conversion_id": "7"}},
]
METAS_DOING = [
    targeting(targeting_automation={"advantage_audience": 0, "individual_setting": {"age": 0}}),
    targeting(targeting_relaxation_types={"lookalike": 0}),
    targeting(targeting_optimization="none", age_range=[18, 65]),
    targeting(brand_safety_content_filter_levels=None),
    targeting(geo_locations={"location_types": ["recent", "home"], "countries": ["ES"]}),
    targeting(geo_locations={"countries": ["ES"]}),
    targeting(device_platforms=["mobile", "desktop"], publisher_platforms=[], age_max="65"),
    {"attribution_spec": [{"window_days": "1", "event_type": "VIEW_THROUGH"}, ATTRIBUTION[0]]},
    {"destination_type": None, "pacing_type": [], "adset_schedule": [], "bid_amount": "0"},
    {"start_time": "2026-11-22T11:00:00+0100"},
]


@pytest.mark.parametrize("changes", ALWAYS_FOUND)
@pytest.mark.parametrize("baseline", [None, BASELINE])
def test_what_only_a_person_sets_is_an_edit_with_and_without_a_baseline(
    baseline: dict[str, Any] | None, changes: dict[str, Any]
) -> None:
    (edit,) = found(baseline, **changes)
    assert (edit.field, edit.threat) == (next(iter(changes)), False)


@pytest.mark.parametrize("changes", FOUND_BY_THE_BASELINE)
def test_what_is_not_as_it_was_is_an_edit_where_there_is_a_baseline(changes: dict[str, Any]) -> None:
    (edit,) = found(BASELINE, **changes)
    assert (edit.field, edit.threat, edit.unasked) == (next(iter(changes)), False, True)
    assert found(None, **changes) == ()
    finding = Finding(
        RunId("r"), "test/a/adset", ObjectKind.AD_SET, MetaId("7"), edit, datetime(2026, 11, 22, tzinfo=UTC)
    )
    assert finding_from_record(finding.to_record()) == finding


@pytest.mark.parametrize("changes", METAS_DOING)
@pytest.mark.parametrize("baseline", [None, BASELINE])
def test_what_meta_does_by_itself_is_no_edit(
    baseline: dict[str, Any] | None, changes: dict[str, Any]
) -> None:
    assert found(baseline, **changes) == ()


def test_brand_safety_that_appears_later_is_metas_doing() -> None:
    bare = {**SHOWN["targeting"], "brand_safety_content_filter_levels": None}
    before = BASELINE | {"targeting": {name: part for name, part in bare.items() if part is not None}}
    assert found(before) == ()


def test_metas_completion_of_the_places_we_asked_for_is_no_edit_without_a_baseline() -> None:
    asked = {**WANTED, "targeting": {**AUTOMATIC, "publisher_platforms": ["instagram"]}}
    shown = {**asked["targeting"], "instagram_positions": ["stream"], "device_platforms": ["mobile"]}
    assert edits(asked, state(ObjectKind.AD_SET, {**SHOWN, "targeting": shown})) == ()


@pytest.mark.parametrize(
    ("made", "shows", "count"),
    [(30, 30, 0), (30, 31, 0), (30, 33, 1), (-10, 1, 1), (-10, 0, 0)],
)
def test_a_later_start_is_metas_only_where_the_asked_one_had_passed_when_it_was_set(
    made: int, shows: int, count: int
) -> None:
    asked = datetime(2026, 11, 22, 10, tzinfo=UTC)
    later = {**SHOWN, "start_time": (asked + timedelta(minutes=shows)).isoformat()}
    made_at = asked + timedelta(minutes=made)
    assert len(edits(WANTED, state(ObjectKind.AD_SET, later), BASELINE, made_at)) == count


def test_a_field_that_is_amiss_when_the_baseline_is_taken_has_none() -> None:
    assert set(BASELINE_FIELDS) - set(baseline_of(state(ObjectKind.AD_SET, SHOWN), ["targeting"])) == {
        "targeting"
    }


def test_the_sweep_reads_what_a_baseline_is_made_of() -> None:
    assert set(BASELINE_FIELDS) <= set(SWEEP_FIELDS[ObjectKind.AD_SET])


def test_a_sentence_says_that_a_value_was_otherwise_and_names_only_what_differs() -> None:
    (edit,) = found(BASELINE, **targeting(device_platforms=["desktop"], targeting_optimization="none"))
    assert (
        english(edit.said)
        == 'targeting is {"device_platforms": ["desktop"]}, and was not set when it was made'
    )
