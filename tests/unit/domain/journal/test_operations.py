"""The journal's rows: every move the table has and none that it does not, and references filled in."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.errors import TransitionError
from autopublisher.domain.journal.operations import (
    EDGES,
    SETTLED,
    TRANSITIONS,
    ObjectKind,
    Operation,
    OperationState,
    resolve,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.messages import legacy
from unit.domain.samples import NOW, RUN_ID, spec

S = OperationState
ALLOWED = {
    (S.INTENDED, S.SENT),
    (S.INTENDED, S.WITHDRAWN),
    (S.INTENDED, S.UNKNOWN),
    (S.SENT, S.CONFIRMED),
    (S.SENT, S.REJECTED),
    (S.SENT, S.UNKNOWN),
    (S.SENT, S.INTENDED),
    (S.UNKNOWN, S.CONFIRMED),
    (S.UNKNOWN, S.INTENDED),
    (S.UNKNOWN, S.WITHDRAWN),
    (S.UNKNOWN, S.UNKNOWN),
}


def row(state: OperationState) -> Operation:
    return Operation(RunOwner(RUN_ID), 1, spec(), state, NOW)


@pytest.mark.parametrize(("start", "end"), sorted(ALLOWED))
def test_a_move_of_the_table_is_made(start: OperationState, end: OperationState) -> None:
    assert row(start).to(end, error=legacy("why")) == Operation(
        RunOwner(RUN_ID), 1, spec(), end, NOW, error=legacy("why")
    )


@pytest.mark.parametrize(("start", "end"), sorted(set(product(S, S)) - ALLOWED))
def test_any_other_move_is_refused(start: OperationState, end: OperationState) -> None:
    with pytest.raises(TransitionError, match=f"was={start} to={end}"):
        row(start).to(end)


@pytest.mark.parametrize("state", list(S))
def test_a_row_is_settled_when_nothing_leaves_its_state(state: OperationState) -> None:
    assert row(state).is_settled is (not TRANSITIONS[state])
    assert (state in SETTLED) is row(state).is_settled


def test_a_create_is_never_confirmed_or_refused_without_having_been_sent() -> None:
    assert not TRANSITIONS[S.INTENDED] & {S.CONFIRMED, S.REJECTED}


def test_every_kind_has_an_edge() -> None:
    assert set(EDGES) == set(ObjectKind)


def test_references_are_filled_in_at_any_depth() -> None:
    params = {"id": {"$id": "a"}, "deep": {"list": [{"$id": "b"}, {"x": [{"$id": "a"}]}]}, "plain": 1}
    assert resolve(params, {"a": "1", "b": "2"}) == {
        "id": "1",
        "deep": {"list": ["2", {"x": ["1"]}]},
        "plain": 1,
    }


def test_a_reference_to_nothing_is_an_error_and_not_an_empty_id() -> None:
    with pytest.raises(KeyError):
        resolve({"campaign_id": {"$id": "missing"}}, {})


PLAIN = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=4), PLAIN, max_size=4))
def test_what_holds_no_reference_stays_as_it_is(params: dict[str, Any]) -> None:
    assert resolve(params, {}) == params
