"""What a stop lets through: only what surely makes something spend less; and what its report makes of what was seen."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.accounts.stops import (
    LANDS_WITHIN,
    ObjectLine,
    StopReport,
    last_requested_params,
    may_land_until,
    may_spend_more_until,
    passes_stop,
    report_from_record,
    unpaused_activation,
    was_stopped,
)
from autopublisher.domain.accounts.watches import LONGEST_RETRY, URGENT_TRIES, Watch
from autopublisher.domain.ids import MetaId, StopId
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.messages import Message, legacy
from support.wording import english
from unit.domain.samples import ACT, NOW, RUN_ID

ASKED = {
    "status": "ACTIVE",
    "daily_budget": 1000,
    "end_time": "2026-11-25T10:00:00+00:00",
    "name": "Arm A",
}


def update(**params: Any) -> OperationSpec:
    return OperationSpec("u", Action.UPDATE, ObjectKind.AD_SET, params, target="test/a/adset")


@pytest.mark.parametrize(
    "params",
    [
        {"status": "PAUSED"},
        {"status": "ARCHIVED"},
        {"daily_budget": 999},
        {"daily_budget": "1000"},
        {"end_time": "2026-11-25T09:59:00+00:00"},
        {"end_time": "2026-11-25T10:30:00+01:00"},
        {"status": "PAUSED", "daily_budget": 5},
    ],
)
def test_what_makes_an_object_spend_less_passes(params: dict[str, Any]) -> None:
    assert passes_stop(update(**params), ASKED)


@pytest.mark.parametrize(
    "params",
    [
        {"status": "ACTIVE"},
        {"daily_budget": 1001},
        {"daily_budget": 0},
        {"daily_budget": -5},
        {"daily_budget": "much"},
        {"lifetime_budget": 1},
        {"spend_cap": 1},
        {"end_time": "2026-11-25T10:00:01+00:00"},
        {"end_time": "2026-11-25T09:00:00"},
        {"end_time": "soon"},
        {"name": "Arm A"},
        {"status": "PAUSED", "daily_budget": 2000},
        {"status": "PAUSED", "bid_strategy": "LOWEST_COST_WITHOUT_CAP"},
        {},
    ],
)
def test_what_may_make_an_object_spend_more_is_refused(params: dict[str, Any]) -> None:
    assert not passes_stop(update(**params), ASKED)


def test_a_delete_passes() -> None:
    assert passes_stop(OperationSpec("d", Action.DELETE, ObjectKind.CAMPAIGN, target="c"), {})


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPLOAD])
def test_nothing_new_passes(action: Action) -> None:
    assert not passes_stop(OperationSpec("c", action, ObjectKind.AD, {"status": "PAUSED"}), ASKED)


@given(before=st.integers(1, 10**9), after=st.integers(-(10**9), 10**9))
def test_a_budget_passes_exactly_when_it_is_a_budget_and_no_larger(before: int, after: int) -> None:
    assert passes_stop(update(lifetime_budget=after), {"lifetime_budget": before}) == (0 < after <= before)


# --- what was asked of an object ------------------------------------------------------------------


def created(**params: Any) -> Operation:
    spec = OperationSpec("test/a/adset", Action.CREATE, ObjectKind.AD_SET, params)
    return Operation(RunOwner(RUN_ID), 1, spec, OperationState.CONFIRMED, NOW, MetaId("1"), NOW)


def row(key: str, state: OperationState, *, sent: bool = True, **params: Any) -> Operation:
    spec = replace(update(**params), key=key)
    return Operation(RunOwner(RUN_ID), 2, spec, state, NOW, MetaId("1"), NOW if sent else None)


def test_a_confirmed_update_replaces_what_the_create_asked() -> None:
    rows = [created(daily_budget=10), row("u", OperationState.CONFIRMED, daily_budget=7)]
    assert last_requested_params(rows, "test/a/adset") == {"daily_budget": 7}


@pytest.mark.parametrize(
    "state", [OperationState.SENT, OperationState.UNKNOWN, OperationState.INTENDED, OperationState.WITHDRAWN]
)
def test_of_an_update_that_may_have_happened_neither_value_is_known(state: OperationState) -> None:
    rows = [created(daily_budget=10, name="A"), row("u", state, daily_budget=7)]
    assert last_requested_params(rows, "test/a/adset") == {"name": "A"}


@pytest.mark.parametrize(
    ("state", "sent"), [(OperationState.REJECTED, True), (OperationState.INTENDED, False)]
)
def test_an_update_that_did_not_happen_changes_nothing(state: OperationState, sent: bool) -> None:  # noqa: FBT001 - a parameter
    rows = [created(daily_budget=10), row("u", state, sent=sent, daily_budget=7)]
    assert last_requested_params(rows, "test/a/adset") == {"daily_budget": 10}


def test_a_writes_own_earlier_attempt_does_not_count_against_it() -> None:
    rows = [created(daily_budget=10), row("u", OperationState.INTENDED, daily_budget=7)]
    assert last_requested_params(rows, "test/a/adset", beside="u") == {"daily_budget": 10}


def test_an_object_counts_as_stopped_until_it_is_switched_on_again() -> None:
    off = row("stop/test/a/adset/1", OperationState.CONFIRMED, status="PAUSED")
    on = row("activate/test/a/adset/2", OperationState.CONFIRMED, status="ACTIVE")
    assert was_stopped([created(), off], "test/a/adset")
    assert not was_stopped([created(), off, on], "test/a/adset")


def test_an_object_stopped_earlier_was_not_stopped_since() -> None:
    off = row("stop/test/a/adset/1", OperationState.CONFIRMED, status="PAUSED")
    assert was_stopped([created(), off], "test/a/adset", NOW)
    assert not was_stopped([created(), off], "test/a/adset", NOW + timedelta(seconds=1))


def test_an_earlier_stops_pause_that_was_sent_again_counts_for_the_later_stop() -> None:
    off = row("stop/test/a/adset/1", OperationState.CONFIRMED, status="PAUSED")
    again = replace(off, sent_at=NOW + timedelta(hours=1))
    assert was_stopped([created(), again], "test/a/adset", NOW + timedelta(minutes=30))


def test_an_activation_is_answered_by_a_confirmed_pause_only() -> None:
    on = row("activate/test/a/adset/1", OperationState.UNKNOWN, status="ACTIVE")
    sent = row("stop/test/a/adset/1", OperationState.SENT, status="PAUSED")
    assert unpaused_activation([created(), on, sent], "test/a/adset") == on
    off = replace(sent, state=OperationState.CONFIRMED)
    assert unpaused_activation([created(), on, off], "test/a/adset") is None


@pytest.mark.parametrize(
    "state", [OperationState.SENT, OperationState.UNKNOWN, OperationState.INTENDED, OperationState.WITHDRAWN]
)
def test_an_activation_without_a_sure_answer_may_land_for_a_while_whatever_was_paused(
    state: OperationState,
) -> None:
    on = row("activate/test/a/adset/1", state, status="ACTIVE")
    off = row("stop/test/a/adset/1", OperationState.CONFIRMED, status="PAUSED")
    assert may_land_until([created(), on, off], "test/a/adset") == NOW + LANDS_WITHIN


@pytest.mark.parametrize(
    ("state", "sent"),
    [
        (OperationState.CONFIRMED, True),
        (OperationState.REJECTED, True),
        (OperationState.INTENDED, False),
        (OperationState.WITHDRAWN, False),
    ],
)
def test_an_activation_with_a_sure_answer_lands_no_more(state: OperationState, sent: bool) -> None:  # noqa: FBT001 - a parameter
    on = row("activate/test/a/adset/1", state, sent=sent, status="ACTIVE")
    assert may_land_until([created(), on], "test/a/adset") is None


def test_of_an_activation_sent_twice_the_first_call_may_land_after_the_second_was_confirmed() -> None:
    on = replace(row("activate/test/a/adset/1", OperationState.CONFIRMED, status="ACTIVE"), attempts=2)
    assert may_land_until([created(), on], "test/a/adset") == NOW + LANDS_WITHIN


@pytest.mark.parametrize(
    "params", [{"status": "ACTIVE"}, {"lifetime_budget": 9}, {"end_time": "2026-11-25T10:00:00+00:00"}]
)
def test_whatever_can_make_an_object_spend_more_may_land_for_a_while(params: dict[str, Any]) -> None:
    late = row("u", OperationState.WITHDRAWN, **params)
    assert may_spend_more_until([created(), late], "test/a/adset") == NOW + LANDS_WITHIN


@pytest.mark.parametrize(
    ("params", "state"),
    [
        ({"status": "PAUSED"}, OperationState.UNKNOWN),
        ({"name": "B"}, OperationState.UNKNOWN),
        ({"daily_budget": 9}, OperationState.CONFIRMED),
    ],
)
def test_a_pause_a_name_or_an_answered_write_is_not_waited_for(
    params: dict[str, Any], state: OperationState
) -> None:
    assert may_spend_more_until([created(), row("u", state, **params)], "test/a/adset") is None


def test_an_activation_whose_outcome_is_unknown_does_not_end_it() -> None:
    off = row("stop/test/a/adset/1", OperationState.CONFIRMED, status="PAUSED")
    on = row("activate/test/a/adset/2", OperationState.UNKNOWN, status="ACTIVE")
    assert was_stopped([created(), off, on], "test/a/adset")


def test_an_object_paused_for_another_reason_does_not_count_as_stopped() -> None:
    paused = row("pause/test/a/adset/1", OperationState.CONFIRMED, status="PAUSED")
    assert not was_stopped([created(), paused], "test/a/adset")


# --- reports and watches --------------------------------------------------------------------------


def line(*, confirmed: bool, why: Message | None = None) -> ObjectLine:
    return ObjectLine(ObjectKind.AD, MetaId("9"), "final/ad", RUN_ID, "ACTIVE", confirmed, why)


def test_a_report_comes_back_as_it_was() -> None:
    report = StopReport((StopId("s"),), NOW, (line(confirmed=True),), (legacy("no list"),))
    assert report_from_record(report.to_record()) == report


def test_a_report_with_an_open_object_is_not_confirmed_and_says_which() -> None:
    report = StopReport((StopId("s"),), NOW, (line(confirmed=False, why=legacy("no answer")),))
    assert not report.confirmed
    assert [english(one) for one in report.open_lines] == ["ad 9: no answer"]


def test_a_report_whose_account_could_not_be_listed_is_not_confirmed() -> None:
    assert not StopReport((StopId("s"),), NOW, (line(confirmed=True),), (legacy("no list"),)).confirmed


def test_an_account_without_anything_of_ours_is_confirmed() -> None:
    assert StopReport((StopId("s"),), NOW).confirmed


def test_an_undone_look_is_repeated_soon_and_then_ever_later() -> None:
    every = timedelta(minutes=15)
    watch, waits = Watch(ACT, 1, NOW), []
    for _ in range(12):
        watch = watch.looked(NOW, {}, every, done=False)
        waits.append(watch.next_look_at - NOW)
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(seconds=15), LONGEST_RETRY)


def test_a_done_look_is_repeated_at_the_usual_time() -> None:
    watch = Watch(ACT, 1, NOW, tries=3).looked(NOW, {}, timedelta(minutes=15), done=True)
    assert (watch.next_look_at, watch.is_urgent) == (NOW + timedelta(minutes=15), False)


def test_an_undone_look_is_urgent_for_a_while_only() -> None:
    assert [
        Watch(ACT, 1, NOW, tries=tries).is_urgent for tries in (0, 1, URGENT_TRIES, URGENT_TRIES + 1)
    ] == [
        False,
        True,
        True,
        False,
    ]
