"""What an arm has spent since its test was settled, by the journal and Meta's figures."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from autopublisher.domain.ids import MetaId, RunId
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.runs.settlement import at_worst, paused_again_at, risen, spent_at_most

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = "test/a/adset"
CONFIRMED, SENT = OperationState.CONFIRMED, OperationState.SENT


def arm(spent: int | None = None) -> Operation:
    params = {"lifetime_budget": 5_000}
    spec = OperationSpec(KEY, Action.CREATE, ObjectKind.AD_SET, params, variant="A", reserves=5_000)
    return Operation(RunOwner(RunId("run")), 1, spec, CONFIRMED, NOW, meta_id=MetaId("1"), spent=spent)


def switch(sequence: int, status: str, state: OperationState = CONFIRMED) -> Operation:
    """Return an update of the arm's status that was sent and settled ``sequence`` hours from NOW."""
    at = NOW + sequence * HOUR
    spec = OperationSpec(f"{status}/{sequence}", Action.UPDATE, ObjectKind.AD_SET, {"status": status}, KEY)
    settled_at = at if state is CONFIRMED else None
    return Operation(RunOwner(RunId("run")), sequence, spec, state, at, sent_at=at, settled_at=settled_at)


def test_the_pause_that_ends_the_test_is_none_of_somebody_elses_doing() -> None:
    assert paused_again_at([arm(), switch(2, "ACTIVE"), switch(3, "PAUSED")], [KEY]) is None


def test_the_last_pause_of_what_was_off_already_counts() -> None:
    rows = [arm(), *(switch(number, "PAUSED") for number in (2, 3, 4))]
    assert paused_again_at(rows, [KEY]) == NOW + 4 * HOUR


def test_a_pause_that_answers_an_activation_of_ours_is_the_first_one() -> None:
    rows = [arm(), switch(2, "PAUSED"), switch(3, "ACTIVE"), switch(4, "PAUSED")]
    assert paused_again_at(rows, [KEY]) is None


def test_a_pause_that_is_not_confirmed_counts_for_nothing() -> None:
    assert paused_again_at([arm(), switch(2, "PAUSED"), switch(3, "PAUSED", SENT)], [KEY]) is None


def test_what_others_were_asked_does_not_count() -> None:
    assert paused_again_at([arm(), switch(2, "PAUSED"), switch(3, "PAUSED")], ["test/b/adset"]) is None


@pytest.mark.parametrize(
    ("figure", "cap", "most"), [(2_000, 5_000, 2_001), (5_000, 5_000, 5_000), (7_000, 5_000, 7_001)]
)
def test_part_of_one_more_unit_may_be_spent_unless_the_budget_is_used_up(
    figure: int, cap: int, most: int
) -> None:
    assert spent_at_most(figure, cap) == most


@pytest.mark.parametrize(
    ("spent", "figure", "budget", "counted"),
    [
        (2_001, 2_000, 5_000, 2_001),
        (2_001, 3_000, 5_000, 3_001),
        (2_001, 1_000, 5_000, 2_001),
        (2_001, 9_000, 20_000, 9_001),
        (5_000, 5_000, 20_000, 5_001),
        (None, 4_000, 5_000, None),
        (None, 6_000, 20_000, 6_001),
    ],
)
def test_an_arm_counts_with_what_meta_reports_where_that_is_more(
    spent: int | None, figure: int, budget: int, counted: int | None
) -> None:
    row = arm(spent)
    assert risen(row, [row], figure, budget) == replace(row, spent=counted)


@pytest.mark.parametrize(
    ("spent", "budget", "counted"),
    [(2_001, 0, 5_000), (2_001, 20_000, 20_000), (9_001, 5_000, 9_001), (None, 5_000, None)],
)
def test_an_arm_without_a_final_figure_counts_with_its_whole_budget(
    spent: int | None, budget: int, counted: int | None
) -> None:
    row = arm(spent)
    assert at_worst(row, [row], budget) == replace(row, spent=counted)
