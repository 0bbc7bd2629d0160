"""What a duplicate has to be set aside for, by what Meta shows of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.money.duplicates import (
    Figure,
    dated,
    family_of,
    kept_with,
    settled,
    weighed,
    worst_case,
)
from autopublisher.domain.money.exposure import DAY_STRETCH
from unit.domain.samples import NOW, RUN_ID, state

WHOLE = 50_000
KEY = "duplicate/test/a/adset/7"
ON = state(ObjectKind.AD_SET, {"status": "ACTIVE", "lifetime_budget": "5000"})
OFF = state(ObjectKind.AD_SET, {"status": "PAUSED", "lifetime_budget": "5000"})


def twin(reserves: int = 0, spent: int | None = None) -> Operation:
    spec = OperationSpec(KEY, Action.CREATE, ObjectKind.AD_SET, {"status": "PAUSED"}, reserves=reserves)
    return Operation(RunOwner(RUN_ID), 3, spec, OperationState.CONFIRMED, NOW, spent=spent)


def pause() -> Operation:
    spec = OperationSpec("recall/x/1", Action.UPDATE, ObjectKind.AD_SET, {"status": "PAUSED"}, target=KEY)
    return Operation(RunOwner(RUN_ID), 4, spec, OperationState.CONFIRMED, NOW)


@pytest.mark.parametrize(
    ("kind", "shown", "most"),
    [
        (ObjectKind.AD_SET, {"lifetime_budget": "5000"}, 5_000),
        (ObjectKind.AD_SET, {"lifetime_budget": 5_000, "daily_budget": "0"}, 5_000),
        (ObjectKind.AD_SET, {"daily_budget": "100"}, 175 * 366),
        (
            ObjectKind.AD_SET,
            {"daily_budget": "100", "end_time": (NOW + timedelta(days=2)).isoformat()},
            175 * 4,
        ),
        (ObjectKind.AD_SET, {"daily_budget": "100", "end_time": "soon"}, 175 * 366),
        (ObjectKind.AD_SET, {"daily_budget": "100", "end_time": "2026-11-24T09:00:00"}, 175 * 366),
        (ObjectKind.AD_SET, {}, WHOLE),
        (ObjectKind.AD_SET, {"lifetime_budget": "many"}, WHOLE),
        (ObjectKind.CAMPAIGN, {}, 0),
        (ObjectKind.CAMPAIGN, {"lifetime_budget": "900"}, 900),
    ],
)
def test_the_worst_case_is_what_budget_and_end_allow_and_else_the_whole_total(
    kind: ObjectKind, shown: dict[str, Any], most: int
) -> None:
    assert worst_case(state(kind, shown), 0, WHOLE, NOW, DAY_STRETCH) == most


def test_a_daily_budget_counts_as_far_as_the_installation_says_that_it_stretches() -> None:
    shown = {"daily_budget": "100", "end_time": (NOW + timedelta(days=2)).isoformat()}
    assert worst_case(state(ObjectKind.AD_SET, shown), 0, WHOLE, NOW, 700) == 700 * 4


def test_one_that_is_on_counts_at_its_worst() -> None:
    assert weighed(twin(), [twin()], ON, WHOLE, NOW, DAY_STRETCH).spec.reserves == 5_000


def test_one_whose_status_is_not_shown_counts_like_one_that_is_on() -> None:
    shown = state(ObjectKind.AD_SET, {"lifetime_budget": "5000"})
    assert weighed(twin(), [twin()], shown, WHOLE, NOW, DAY_STRETCH).spec.reserves == 5_000


def test_one_that_nobody_had_to_switch_off_costs_nothing() -> None:
    assert weighed(twin(), [twin()], OFF, WHOLE, NOW, DAY_STRETCH) == twin()


def test_one_that_had_to_be_switched_off_counts_at_its_worst() -> None:
    assert weighed(twin(), [twin(), pause()], OFF, WHOLE, NOW, DAY_STRETCH).spec.reserves == 5_000


def test_what_is_set_aside_never_shrinks() -> None:
    assert weighed(twin(9_000), [twin(9_000)], ON, WHOLE, NOW, DAY_STRETCH).spec.reserves == 9_000


def test_one_that_is_settled_stays_so_while_it_is_off() -> None:
    row = twin(5_000, spent=700)
    assert weighed(row, [row, pause()], OFF, WHOLE, NOW, DAY_STRETCH) == row


def test_one_that_is_switched_on_again_after_it_was_settled_counts_at_its_worst_again() -> None:
    row = twin(5_000, spent=700)
    assert weighed(row, [row, pause()], ON, WHOLE, NOW, DAY_STRETCH) == replace(row, spent=None)


def test_no_figure_settles_nothing() -> None:
    assert settled(twin(5_000), Figure(0)).spent is None


@pytest.mark.parametrize(("figure", "spent"), [(700, 701), (5_000, 5_000), (6_000, 6_000)])
def test_a_figure_may_hide_part_of_one_more_unit(figure: int, spent: int) -> None:
    assert settled(twin(5_000), Figure(figure)).spent == spent


def test_a_figure_may_hide_part_of_one_more_unit_where_nothing_was_set_aside() -> None:
    assert settled(twin(), Figure(700)).spent == 701


@pytest.mark.parametrize(
    ("reserves", "elsewhere", "spent"),
    [(45_000, 5_000, 1), (45_000, 4_000, 1_001), (45_000, 5_001, 1), (0, 4_000, 1_001), (0, 5_000, None)],
)
def test_what_counts_with_a_campaigns_ad_sets_does_not_count_with_it(
    reserves: int, elsewhere: int, spent: int | None
) -> None:
    assert settled(twin(reserves), Figure(5_000, elsewhere)).spent == spent


def test_one_that_is_gone_is_settled_so_long_after_it_was_first_shown_gone() -> None:
    later = NOW + timedelta(hours=1)
    gone = dated(twin(), NOW, gone=True)
    assert gone.look_again_at == dated(gone, later, gone=True).look_again_at == NOW
    assert dated(gone, later, gone=False) == dated(twin(), later, gone=False) == twin()


def test_a_smaller_figure_than_before_changes_nothing() -> None:
    assert settled(twin(5_000, spent=900), Figure(300)).spent == 900


@pytest.mark.parametrize(
    ("key", "family", "kept"),
    [
        ("test/a/adset", "test/a", {"test/a"}),
        ("final/ad", "final", {"final"}),
        (KEY, "duplicate/test/a", {"duplicate/test/a", "test/a"}),
        ("duplicate/final/adset/9", "duplicate/final", {"duplicate/final", "final"}),
    ],
)
def test_a_duplicate_has_a_family_of_its_own_and_keeps_its_originals(
    key: str, family: str, kept: set[str]
) -> None:
    assert family_of(key) == family
    assert kept_with(key) == kept
