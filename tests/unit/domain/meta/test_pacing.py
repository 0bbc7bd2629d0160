"""How fast an account's calls may go: bursts, what is forgotten, and what a record keeps."""

from datetime import UTC, datetime, timedelta

import pytest

from autopublisher.domain.meta.pacing import BURST, FamilyPacing, Pacing, pacing_from_record
from autopublisher.domain.meta.rules import SCORE_DECAY, Usage, pause_seconds

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NEAR, FULL, LOW = (Usage({"account": percent}) for percent in (85.0, 96.0, 10.0))
DECAYED = timedelta(seconds=SCORE_DECAY)


def test_the_first_answer_near_a_limit_gives_a_burst_that_has_to_be_waited_for() -> None:
    near = FamilyPacing().after(NEAR)
    assert near == FamilyPacing(NEAR, burst_left=BURST)
    assert near.hold_seconds == BURST * pause_seconds(NEAR) > 0


def test_within_a_burst_nothing_is_waited_for() -> None:
    begun = FamilyPacing(NEAR, NOON, BURST).after(NEAR)
    assert begun == FamilyPacing(NEAR, burst_left=BURST - 1)
    assert begun.hold_seconds == 0


def test_the_last_call_of_a_burst_is_followed_by_the_next_wait() -> None:
    assert FamilyPacing(NEAR, burst_left=1).after(NEAR).hold_seconds > 0


def test_a_used_up_limit_ends_a_burst() -> None:
    assert FamilyPacing(NEAR, burst_left=5).after(FULL).hold_seconds == SCORE_DECAY


def test_far_from_a_limit_nothing_is_left_to_keep() -> None:
    assert FamilyPacing(NEAR, NOON, 5).after(LOW) == FamilyPacing(LOW)
    assert FamilyPacing(LOW).is_idle


def test_bursts_are_marked_as_used_and_holds_stay() -> None:
    known = Pacing(FamilyPacing(NEAR, NOON, 5), FamilyPacing(NEAR, burst_left=2))
    assert known.with_bursts_used() == Pacing(FamilyPacing(NEAR, NOON), FamilyPacing(NEAR))


@pytest.mark.parametrize("held_until", [None, NOON + timedelta(hours=2)])
def test_what_was_kept_holds_until_metas_score_has_decayed_after_it(held_until: datetime | None) -> None:
    known = FamilyPacing(NEAR, held_until, 5)
    awaited = held_until or NOON
    assert known.as_of(awaited + DECAYED - timedelta(seconds=1), NOON) == known
    assert known.as_of(awaited + DECAYED, NOON) == FamilyPacing(NEAR)


def test_what_was_kept_in_a_future_that_never_came_holds_nobody() -> None:
    known = FamilyPacing(FULL, NOON + timedelta(minutes=5), BURST)
    assert known.as_of(NOON - timedelta(seconds=2), NOON) == known
    assert known.as_of(NOON - DECAYED, NOON) == FamilyPacing(FULL)


def test_a_record_gives_back_what_asks_anything_of_anybody() -> None:
    usage = Usage(
        {"account": 85.5, "app.call_count": 3.0}, 60.0, "development_access", frozenset({"42", "7"})
    )
    known = Pacing(FamilyPacing(usage, NOON, 3), FamilyPacing(NEAR, burst_left=1))
    assert pacing_from_record(known.to_record()) == known
    assert pacing_from_record(Pacing(FamilyPacing(LOW), known.insights).to_record()) == Pacing(
        insights=known.insights
    )
