"""The run's table: the brief's eleven states, all of them reachable, the final ones for good."""

from datetime import timedelta
from itertools import product

import pytest

from autopublisher.domain.errors import TransitionError
from autopublisher.domain.runs.run import ADMITTED, FINAL, TRANSITIONS, RunStatus
from unit.domain.samples import NOW, run_of

BRIEF = {
    "PENDING",
    "CREATING_CAMPAIGNS",
    "AB_TESTING",
    "ANALYZING_RESULTS",
    "SELECTING_WINNER",
    "WAITING_APPROVAL",
    "SCALING_BUDGET",
    "PUBLISHING_FINAL",
    "COMPLETED",
    "FAILED",
    "CANCELLED",
}
MOVES = [(start, end) for start in RunStatus for end in sorted(TRANSITIONS[start])]


def reachable(start: RunStatus) -> set[RunStatus]:
    found: set[RunStatus] = set()
    ahead = [start]
    while ahead:
        here = ahead.pop()
        if here not in found:
            found.add(here)
            ahead += TRANSITIONS[here]
    return found


def test_the_states_are_the_briefs_eleven() -> None:
    assert {status.name for status in RunStatus} == BRIEF


@pytest.mark.parametrize("status", list(RunStatus))
def test_json_writes_a_state_in_lower_case(status: RunStatus) -> None:
    assert status.value == status.name.lower()


def test_every_state_can_be_reached() -> None:
    assert reachable(RunStatus.PENDING) == set(RunStatus)


@pytest.mark.parametrize("status", sorted(set(RunStatus) - FINAL))
def test_every_state_can_still_fail_or_be_cancelled(status: RunStatus) -> None:
    assert TRANSITIONS[status] >= {RunStatus.FAILED, RunStatus.CANCELLED}


@pytest.mark.parametrize("status", sorted(FINAL))
def test_a_final_state_has_no_exit(status: RunStatus) -> None:
    assert TRANSITIONS[status] == frozenset()


def test_there_is_no_way_to_publish_around_the_choice_of_a_winner() -> None:
    before = {start for start, end in MOVES if end is RunStatus.SCALING_BUDGET}
    assert before == {RunStatus.SELECTING_WINNER, RunStatus.WAITING_APPROVAL}
    assert {start for start, end in MOVES if end is RunStatus.PUBLISHING_FINAL} == {RunStatus.SCALING_BUDGET}


def test_a_run_takes_a_place_from_its_admission_to_its_end() -> None:
    assert set(RunStatus) - ADMITTED == {RunStatus.PENDING, *FINAL}


@pytest.mark.parametrize(("start", "end"), MOVES)
def test_a_move_of_the_table_is_made(start: RunStatus, end: RunStatus) -> None:
    later = NOW + timedelta(hours=1)
    moved = run_of(status=start).moved(end, later)
    assert (moved.status, moved.updated_at) == (end, later)
    assert (moved.ending.at, moved.next_tick_at) == ((later, None) if end in FINAL else (None, later))


@pytest.mark.parametrize(("start", "end"), sorted(set(product(RunStatus, RunStatus)) - set(MOVES)))
def test_any_other_move_is_refused(start: RunStatus, end: RunStatus) -> None:
    with pytest.raises(TransitionError, match=f"was={start} to={end}"):
        run_of(status=start).moved(end, NOW)
