"""What a journal can spend, and when: whatever may have happened counts, what is proved off does not."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from autopublisher.domain.errors import GateRefusedError
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.money.exposure import Reservation
from autopublisher.domain.runs.reservations import (
    OPEN_ENDED,
    Calendars,
    concerns_spend,
    counts_alike,
    off_since,
    reservations_of,
)
from autopublisher.domain.runs.run import Ending, Release, Run, RunStatus, Trial
from unit.domain.samples import NOW, RUN_ID, run_of

MADRID = Calendars("Europe/Madrid")
TODAY, TOMORROW = date(2026, 11, 22), date(2026, 11, 23)
TESTING = run_of(status=RunStatus.AB_TESTING)
AD_SET, CAMPAIGN = "test/a/adset", "test/a/campaign"
TWIN = f"duplicate/{AD_SET}/7"
ENDS = NOW + timedelta(hours=24)
_S = OperationState


def ad_set(state: OperationState = _S.CONFIRMED, spent: int | None = None, **params: Any) -> Operation:
    asked = {
        "campaign_id": {"$id": CAMPAIGN},
        "lifetime_budget": 5000,
        "start_time": NOW.isoformat(),
        "end_time": ENDS.isoformat(),
        **params,
    }
    spec = OperationSpec(AD_SET, Action.CREATE, ObjectKind.AD_SET, asked, reserves=5000)
    return Operation(RunOwner(RUN_ID), 1, spec, state, NOW, spent=spent)


def change(
    sequence: int,
    params: Mapping[str, Any],
    state: OperationState = _S.CONFIRMED,
    target: str = AD_SET,
    at: datetime = NOW,
) -> Operation:
    spec = OperationSpec(
        f"reschedule/{target}/{sequence}", Action.UPDATE, ObjectKind.AD_SET, params, target=target
    )
    settled = at if state is _S.CONFIRMED else None
    return Operation(RunOwner(RUN_ID), sequence, spec, state, at, sent_at=at, settled_at=settled)


def switch(sequence: int, status: str, state: OperationState = _S.CONFIRMED, **changes: Any) -> Operation:
    return change(sequence, {"status": status}, state, **changes)


def days(rows: list[Operation], run: Run = TESTING) -> list[tuple[date, date]]:
    return [(one.first, one.last) for one in reservations_of(run, rows, MADRID)]


def duplicate(found: datetime) -> Operation:
    """Return the row of a duplicate, with the parameters of its original as the journal has them."""
    row = ad_set()
    return replace(row, sequence=20, spec=replace(row.spec, key=TWIN), intended_at=found)


def test_a_duplicate_that_is_on_counts_after_its_originals_schedule_and_campaign_are_over() -> None:
    later = NOW + timedelta(days=7)
    paused = switch(2, "PAUSED", target=CAMPAIGN, at=ENDS)
    assert days([paused, duplicate(later)]) == [(TODAY, (later + OPEN_ENDED).date())]


def test_a_duplicate_counts_until_the_last_time_it_was_switched_off() -> None:
    first, again = NOW + timedelta(days=7), NOW + timedelta(days=9)
    offs = [switch(21, "PAUSED", target=TWIN, at=first), switch(22, "PAUSED", target=TWIN, at=again)]
    assert days([duplicate(first), *offs]) == [(TODAY, again.date())]


def test_a_duplicate_that_is_seen_on_again_counts_until_it_is_switched_off_for_sure() -> None:
    first, again = NOW + timedelta(days=7), NOW + timedelta(days=9)
    tried = switch(22, "PAUSED", _S.UNKNOWN, target=TWIN, at=again)
    rows = [duplicate(first), switch(21, "PAUSED", target=TWIN, at=first), tried]
    assert days(rows) == [(TODAY, (first + OPEN_ENDED).date())]


def test_a_duplicate_that_is_gone_counts_until_what_it_spent_has_shown() -> None:
    gone = replace(duplicate(NOW), look_again_at=NOW + timedelta(hours=1))
    assert days([gone]) == [(TODAY, TODAY)]


def test_an_ad_set_counts_on_the_days_of_its_accounts_time_zone() -> None:
    late = ad_set(start_time="2026-11-22T23:30:00+00:00", end_time="2026-11-23T22:30:00+00:00")
    assert days([late]) == [(TOMORROW, TOMORROW)]


def test_a_schedule_that_ends_at_midnight_does_not_touch_the_next_day() -> None:
    assert days([ad_set(end_time="2026-11-23T00:00:00+01:00")]) == [(TODAY, TODAY)]


@pytest.mark.parametrize("state", [_S.INTENDED, _S.SENT, _S.UNKNOWN, _S.CONFIRMED])
def test_a_create_that_may_have_happened_counts(state: OperationState) -> None:
    assert days([ad_set(state)]) == [(TODAY, TOMORROW)]


@pytest.mark.parametrize("state", [_S.REJECTED, _S.WITHDRAWN])
def test_a_create_that_never_happened_does_not(state: OperationState) -> None:
    assert days([ad_set(state)]) == []


def test_what_was_spent_replaces_the_reserve_on_the_days_it_ran() -> None:
    assert reservations_of(TESTING, [ad_set(spent=1234)], MADRID) == [
        Reservation(AD_SET, 1234, TODAY, TOMORROW)
    ]


def test_a_daily_budget_is_kept_apart_from_its_reserve() -> None:
    row = ad_set(daily_budget=1000)
    (found,) = reservations_of(TESTING, [row], Calendars("Europe/Madrid", stretch=125))
    assert (found.most, found.daily, found.stretch) == (5000, 1000, 125)


def test_a_daily_budget_that_became_a_lifetime_budget_can_be_spent_whole_on_a_day() -> None:
    row = ad_set(daily_budget=1000)
    (found,) = reservations_of(TESTING, [row, change(2, {"lifetime_budget": 5000}, _S.UNKNOWN)], MADRID)
    assert found.worst_day == 5000


# --- schedules that move --------------------------------------------------------------------------


def moved(days_later: int) -> dict[str, str]:
    return {"end_time": (ENDS + timedelta(days=days_later)).isoformat()}


@pytest.mark.parametrize("state", [_S.INTENDED, _S.SENT, _S.UNKNOWN, _S.CONFIRMED, _S.WITHDRAWN])
def test_a_later_end_that_may_have_been_set_counts(state: OperationState) -> None:
    assert days([ad_set(), change(2, moved(2), state)]) == [(TODAY, TOMORROW + timedelta(days=2))]


def test_a_later_end_that_meta_refused_does_not() -> None:
    assert days([ad_set(), change(2, moved(2), _S.REJECTED)]) == [(TODAY, TOMORROW)]


def test_a_confirmed_earlier_end_releases_the_days_after_it() -> None:
    assert days([ad_set(), change(2, {"end_time": (NOW + timedelta(hours=2)).isoformat()})]) == [
        (TODAY, TODAY)
    ]


def test_an_earlier_end_nobody_can_vouch_for_releases_nothing() -> None:
    sooner = change(2, {"end_time": (NOW + timedelta(hours=2)).isoformat()}, _S.UNKNOWN)
    assert days([ad_set(), sooner]) == [(TODAY, TOMORROW)]


def test_an_earlier_start_counts_even_where_it_was_moved_on() -> None:
    later = change(2, {"start_time": ENDS.isoformat(), **moved(1)})
    assert days([ad_set(), later]) == [(TODAY, TOMORROW + timedelta(days=1))]


# --- what is switched off -------------------------------------------------------------------------


@pytest.mark.parametrize("target", [AD_SET, CAMPAIGN])
def test_a_confirmed_pause_releases_the_days_after_it(target: str) -> None:
    assert days([ad_set(), switch(2, "PAUSED", target=target)]) == [(TODAY, TODAY)]


def test_a_pause_just_before_midnight_leaves_time_for_late_charges() -> None:
    midnight = datetime.fromisoformat("2026-11-23T00:00:00+01:00")
    paused = switch(2, "PAUSED", at=midnight - timedelta(minutes=5))
    assert days([ad_set(end_time=moved(5)["end_time"]), paused]) == [(TODAY, TOMORROW)]


@pytest.mark.parametrize("state", [_S.SENT, _S.UNKNOWN, _S.REJECTED, _S.WITHDRAWN])
def test_a_pause_that_is_not_confirmed_releases_nothing(state: OperationState) -> None:
    assert days([ad_set(), switch(2, "PAUSED", state)]) == [(TODAY, TOMORROW)]


@pytest.mark.parametrize("state", [_S.INTENDED, _S.SENT, _S.UNKNOWN, _S.CONFIRMED, _S.WITHDRAWN])
def test_what_may_have_been_switched_on_again_counts_again(state: OperationState) -> None:
    rows = [ad_set(), switch(2, "PAUSED"), switch(3, "ACTIVE", state)]
    assert days(rows) == [(TODAY, TOMORROW)]


def test_a_confirmed_deletion_releases_like_a_pause() -> None:
    gone = OperationSpec("delete", Action.DELETE, ObjectKind.AD_SET, target=AD_SET)
    row = Operation(RunOwner(RUN_ID), 2, gone, _S.CONFIRMED, NOW, settled_at=NOW)
    assert off_since(ad_set(), [ad_set(), row]) == NOW


def test_what_was_never_switched_on_counts_while_its_run_goes_on() -> None:
    assert days([ad_set()]) == [(TODAY, TOMORROW)]


def test_what_was_never_switched_on_counts_nothing_once_its_run_has_ended() -> None:
    assert days([ad_set()], replace(TESTING, status=RunStatus.FAILED)) == []


def test_what_ran_on_after_its_run_had_ended_counts() -> None:
    rows = [ad_set(), switch(2, "ACTIVE"), switch(3, "ACTIVE", target=CAMPAIGN)]
    assert days(rows, replace(TESTING, status=RunStatus.COMPLETED)) == [(TODAY, TOMORROW)]


# --- promises -------------------------------------------------------------------------------------


def test_a_run_let_in_counts_the_arms_it_has_not_created_yet() -> None:
    promised = reservations_of(run_of(), [ad_set()], MADRID)
    assert [(one.key, one.most) for one in promised] == [(AD_SET, 5000), ("test/b/adset", 5000)]


def test_a_run_that_is_being_wound_down_is_promised_nothing() -> None:
    assert reservations_of(run_of(ending=Ending(turned_to=RunStatus.FAILED)), [], MADRID) == []


def test_a_run_that_waits_is_promised_nothing() -> None:
    assert reservations_of(run_of(status=RunStatus.PENDING), [], MADRID) == []


def test_a_final_budget_counts_before_its_campaign_exists() -> None:
    budget = {
        "total": 40_000,
        "daily": 10_000,
        "starts_at": NOW.isoformat(),
        "ends_at": (NOW + timedelta(days=4)).isoformat(),
    }
    run = run_of(status=RunStatus.PUBLISHING_FINAL, release=Release(final_budget=budget))
    assert reservations_of(run, [], MADRID) == [
        Reservation("final/adset", 40_000, TODAY, date(2026, 11, 26), 10_000)
    ]


# --- which writes the limits look at --------------------------------------------------------------


@pytest.mark.parametrize("params", [moved(1), {"status": "ACTIVE"}, {"daily_budget": 1}])
def test_a_change_that_can_spend_more_is_looked_at(params: dict[str, Any]) -> None:
    assert concerns_spend(change(2, params, _S.INTENDED))


def test_a_pause_is_not() -> None:
    assert not concerns_spend(switch(2, "PAUSED", _S.INTENDED))


def test_days_of_a_time_zone_nobody_here_knows_are_not_guessed() -> None:
    with pytest.raises(GateRefusedError, match="zone=TZ_MARS"):
        Calendars("TZ_MARS").local(NOW)


@pytest.mark.parametrize(
    "later",
    [
        {"trial": Trial(starts_at=NOW + timedelta(hours=9), further_days=2)},
        {"trial": Trial(starts_at=NOW, eliminated=("A",), further_days=2)},
        {"ending": Ending(turned_to=RunStatus.CANCELLED)},
    ],
)
def test_a_longer_test_is_counted_by_what_takes_a_stored_count_out(later: Mapping[str, Any]) -> None:
    run = replace(TESTING, trial=Trial(starts_at=NOW, further_days=2))
    (counted,) = reservations_of(run, [ad_set()], MADRID)
    assert counted.last == TOMORROW + timedelta(days=2)
    assert counts_alike(run, replace(run, **later))
    assert reservations_of(replace(run, **later), [ad_set()], MADRID) == [counted]
