"""The ledger and its gate: no sequence of writes commits more than the total, whatever becomes of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import GateRefusedError
from autopublisher.domain.journal.operations import Action, Operation, OperationState
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.money.ledger import (
    Ledger,
    budget_of,
    commitment_of,
    ledger_of,
    pass_gate,
    reserve_of,
)
from unit.domain.samples import NOW, RUN_ID, spec

TOTAL = Money(50_000, "EUR")


def row(state: OperationState, reserves: int, spent: int | None = None, sequence: int = 1) -> Operation:
    return Operation(RunOwner(RUN_ID), sequence, spec(f"key-{sequence}", reserves), state, NOW, spent=spent)


def ledger(committed: int) -> Ledger:
    return Ledger(TOTAL, Money(committed, "EUR"))


@pytest.mark.parametrize(
    "state",
    [OperationState.INTENDED, OperationState.SENT, OperationState.UNKNOWN, OperationState.CONFIRMED],
)
def test_a_write_that_may_have_happened_counts_its_reserve(state: OperationState) -> None:
    assert commitment_of(row(state, 5000)) == 5000


@pytest.mark.parametrize("state", [OperationState.REJECTED, OperationState.WITHDRAWN])
def test_a_write_that_never_happened_counts_nothing(state: OperationState) -> None:
    assert commitment_of(row(state, 5000)) == 0


@pytest.mark.parametrize("spent", [0, 4999, 5001])
def test_what_was_spent_replaces_the_reserve(spent: int) -> None:
    assert commitment_of(row(OperationState.CONFIRMED, 5000, spent)) == spent


def test_a_write_that_fits_to_the_last_cent_passes() -> None:
    pass_gate(ledger(45_000), spec(reserves=5000))


def test_a_write_one_cent_too_large_is_refused_with_the_figures() -> None:
    with pytest.raises(GateRefusedError, match=r"asked=50.01 EUR left=50.00 EUR total=500.00 EUR"):
        pass_gate(ledger(45_000), spec(reserves=5001))


def test_a_negative_reserve_is_refused() -> None:
    with pytest.raises(GateRefusedError, match="negative"):
        pass_gate(ledger(0), spec(reserves=-1))


def test_a_write_that_spends_nothing_passes_even_when_too_much_was_spent() -> None:
    pass_gate(ledger(50_001), spec(reserves=0))


def test_nothing_is_let_through_once_too_much_was_spent() -> None:
    with pytest.raises(GateRefusedError):
        pass_gate(ledger(50_001), spec(reserves=1))


STEPS = st.lists(
    st.tuples(
        st.integers(0, 60_000),
        st.sampled_from(list(OperationState)),
        st.none() | st.floats(0, 1),
    ),
    max_size=30,
)


@given(STEPS)
def test_no_sequence_of_passes_commits_more_than_the_total(
    steps: list[tuple[int, OperationState, float | None]],
) -> None:
    journal: list[Operation] = []
    for number, (reserves, fate, share) in enumerate(steps):
        wanted = spec(f"key-{number}", reserves)
        try:
            pass_gate(ledger_of(TOTAL, journal), wanted)
        except GateRefusedError:
            continue
        intended = Operation(RunOwner(RUN_ID), number, wanted, OperationState.INTENDED, NOW)
        assert ledger_of(TOTAL, [*journal, intended]).committed <= TOTAL
        spent = None if share is None or fate is not OperationState.CONFIRMED else int(reserves * share)
        journal.append(replace(intended, state=fate, spent=spent))
        assert ledger_of(TOTAL, journal).committed <= TOTAL


@given(st.lists(st.tuples(st.sampled_from(list(OperationState)), st.integers(0, 50_000)), max_size=20))
def test_what_is_left_and_what_is_committed_make_up_the_total(
    rows: list[tuple[OperationState, int]],
) -> None:
    found = ledger_of(TOTAL, [row(state, reserves, sequence=n) for n, (state, reserves) in enumerate(rows)])
    assert found.left + found.committed == TOTAL


@given(st.integers(0, 50_000))
def test_a_released_reserve_can_be_asked_for_again(reserves: int) -> None:
    released = ledger_of(TOTAL, [row(OperationState.WITHDRAWN, 50_000)])
    pass_gate(released, spec(reserves=reserves))


def arm_and_change(purpose: str, asked: int, state: OperationState) -> list[Operation]:
    """Return an arm with a budget of 50 that reserves 200 for its longest test, and a change of the budget."""
    made = row(OperationState.CONFIRMED, 20_000)
    arm = replace(made, spec=replace(made.spec, key="test/a/adset", params={"lifetime_budget": 5_000}))
    change = replace(
        row(state, 0, sequence=2),
        spec=replace(
            spec(f"{purpose}/test/a/adset/1"),
            action=Action.UPDATE,
            target="test/a/adset",
            params={"lifetime_budget": asked},
        ),
    )
    return [arm, change]


@pytest.mark.parametrize("state", [OperationState.INTENDED, OperationState.CONFIRMED])
def test_a_raise_within_what_was_set_aside_for_a_longer_test_leaves_that_as_it_is(
    state: OperationState,
) -> None:
    arm, change = arm_and_change("prolong", 10_000, state)
    assert reserve_of(arm, [arm]) == reserve_of(arm, [arm, change]) == 20_000
    assert (budget_of(arm, [arm]), budget_of(arm, [arm, change])) == (5_000, 10_000)


def test_an_arm_that_goes_on_as_the_final_campaign_reserves_its_new_budget_and_no_longer_test() -> None:
    for asked in (10_000, 30_000):
        arm, change = arm_and_change("continue", asked, OperationState.CONFIRMED)
        assert reserve_of(arm, [arm, change]) == asked
    arm, change = arm_and_change("continue", 10_000, OperationState.SENT)
    assert reserve_of(arm, [arm, change]) == 10_000
