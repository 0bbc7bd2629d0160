"""What is read out of Meta's answer about an object, and what becomes of what cannot be read."""

from datetime import datetime
from typing import Any

import pytest

from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.object_state import ObjectState
from unit.domain.samples import state

ROW = {
    "id": "7",
    "name": "Arm A",
    "status": "PAUSED",
    "effective_status": "CAMPAIGN_PAUSED",
    "campaign_id": "3",
    "lifetime_budget": "5000",
    "daily_budget": "0",
    "start_time": "2026-11-22T10:00:00+0100",
    "end_time": "2026-11-29T10:00:00+0100",
    "created_time": "2026-11-22T09:50:00+0100",
    "targeting": {"age_min": 18},
}


def test_an_answer_of_meta_is_read_once() -> None:
    shown = state(ObjectKind.AD_SET, ROW)
    assert shown == ObjectState(
        id=MetaId("7"),
        kind=ObjectKind.AD_SET,
        name="Arm A",
        status="PAUSED",
        effective_status="CAMPAIGN_PAUSED",
        lifetime_budget=5_000,
        starts_at=datetime.fromisoformat("2026-11-22T10:00:00+01:00"),
        ends_at=datetime.fromisoformat("2026-11-29T10:00:00+01:00"),
        created_at=datetime.fromisoformat("2026-11-22T09:50:00+01:00"),
        campaign_id=MetaId("3"),
        raw=ROW,
    )
    assert (shown.budget, shown.is_off, shown.is_gone, shown.is_active) == (5_000, True, False, False)


def test_what_meta_leaves_out_is_not_set_and_proves_nothing() -> None:
    shown = state(ObjectKind.AD, {"name": None})
    assert shown == ObjectState(MetaId("1"), ObjectKind.AD, raw={"name": None})
    assert (shown.name, shown.status, shown.is_off, shown.is_active, shown.budget) == (
        "",
        None,
        False,
        False,
        None,
    )


def test_a_status_that_nobody_knows_is_neither_on_nor_off() -> None:
    shown = state(ObjectKind.AD, {"status": "RESTING"})
    assert (shown.status, shown.is_off, shown.is_active) == ("RESTING", False, False)


@pytest.mark.parametrize("odd", ["soon", "2026-11-29T10:00:00", 7, "", None, {}])
def test_a_moment_in_an_odd_form_is_none(odd: Any) -> None:
    assert state(ObjectKind.AD_SET, {"end_time": odd}).ends_at is None


@pytest.mark.parametrize(("odd", "read"), [("many", None), ("12.5", None), ([1], None), ("0", 0), (None, 0)])
def test_an_amount_in_an_odd_form_is_told_apart_from_none_at_all(odd: Any, read: int | None) -> None:
    shown = state(ObjectKind.AD_SET, {"daily_budget": odd})
    assert (shown.daily_budget, shown.budget) == (read, None)


@pytest.mark.parametrize(("creative", "read"), [({"id": "9"}, "9"), ({"id": ""}, None), ("9", None)])
def test_an_ad_names_its_creative(creative: Any, read: str | None) -> None:
    assert state(ObjectKind.AD, {"creative": creative}).creative_id == read


def test_an_edge_that_was_asked_for_lists_the_children() -> None:
    campaign = state(ObjectKind.CAMPAIGN, {"adsets": {"data": [ROW]}, "ads": "none"})
    assert campaign.children(ObjectKind.AD_SET, "adsets") == (state(ObjectKind.AD_SET, ROW),)
    assert campaign.children(ObjectKind.AD, "ads") == ()
