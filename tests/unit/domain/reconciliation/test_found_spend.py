"""What an ad set that a database did not know of can cost: never less than what was spent and what can still be."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.money.duplicates import worst_case
from autopublisher.domain.reconciliation.found import possible_spend, with_possible
from unit.domain.samples import ACT, NOW, RUN_ID, state

STRETCH = 175
SHOWS_AFTER = timedelta(hours=72)
AMOUNTS = st.integers(0, 500_000)


def campaign(cap: int) -> Operation:
    spec = OperationSpec(
        "final/campaign", Action.CREATE, ObjectKind.CAMPAIGN, {"spend_cap": str(cap)} if cap else {}
    )
    return Operation(RunOwner(RUN_ID), 1, spec, OperationState.CONFIRMED, NOW, meta_id=MetaId("1"))


def found(daily: int, starts: datetime, ends: datetime | None, cap: int = 0) -> Operation:
    """Return an ad set as it is journaled when it is found."""
    shown = {"daily_budget": str(daily), "end_time": ends and ends.isoformat()}
    reserves = cap or worst_case(state(ObjectKind.AD_SET, shown), 0, 0, starts, STRETCH)
    params = {**shown, "campaign_id": {"$id": "final/campaign"}, "start_time": starts.isoformat()}
    spec = OperationSpec("final/adset", Action.CREATE, ObjectKind.AD_SET, params, reserves=reserves)
    return Operation(RunOwner(RUN_ID), 2, spec, OperationState.CONFIRMED, NOW, meta_id=MetaId("2"))


def shown_as(row: Operation, daily: int, ends: datetime | None) -> MetaObject:
    """Return the ad set as Meta shows it now."""
    return MetaObject(
        id="2",
        run_id=RUN_ID,
        act_id=ACT,
        kind=ObjectKind.AD_SET,
        key=row.key,
        variant=None,
        meta_id=MetaId("2"),
        parent_meta_id=MetaId("1"),
        name="Final",
        status="ACTIVE",
        effective_status="ACTIVE",
        created_at=NOW,
        read_at=NOW,
        budget=daily,
        ends_at=ends,
    )


def possible(row: Operation, cap: int, model: MetaObject, figure: int, now: datetime = NOW) -> int:
    return possible_spend(row, [campaign(cap), row], model, figure, now, SHOWS_AFTER, STRETCH)


@given(
    daily=st.integers(100, 50_000),
    figure=AMOUNTS,
    ago=st.integers(0, 60 * 24),
    ahead=st.one_of(st.none(), st.integers(1, 60 * 24)),
)
def test_possible_spend_is_never_below_what_was_spent_and_what_still_can_be(
    daily: int, figure: int, ago: int, ahead: int | None
) -> None:
    ends = None if ahead is None else NOW + timedelta(hours=ahead)
    row = found(daily, NOW - timedelta(hours=ago), ends)
    days = 366 if ends is None else (ends.date() - NOW.date()).days + 1
    still = daily * STRETCH * days / 100
    assert possible(row, 0, shown_as(row, daily, ends), figure) >= max(figure + still, row.spec.reserves)


@given(daily=st.integers(100, 50_000), figure=AMOUNTS, cap=st.integers(1, 500_000))
def test_a_campaigns_limit_bounds_what_a_daily_budget_adds(daily: int, figure: int, cap: int) -> None:
    row = found(daily, NOW - timedelta(days=3), NOW + timedelta(days=9), cap)
    assert possible(row, cap, shown_as(row, daily, NOW + timedelta(days=9)), figure) == max(figure, cap)


def test_a_daily_budget_whose_time_is_over_adds_nothing() -> None:
    ended = NOW - timedelta(hours=1)
    row = found(1_000, NOW - timedelta(days=3), ended)
    assert possible(row, 0, shown_as(row, 1_000, ended), 90_000) == 90_000


def test_what_was_found_sets_its_possible_spend_aside_until_it_is_known() -> None:
    row = found(1_000, NOW, NOW + timedelta(days=2))
    assert with_possible(row, 90_000).spec.reserves == 90_000
    assert with_possible(row, 1) == row
    known = replace(row, spent=5)
    assert with_possible(known, 90_000) == known
    sent = replace(row, sent_at=NOW)
    assert with_possible(sent, 90_000) == sent
