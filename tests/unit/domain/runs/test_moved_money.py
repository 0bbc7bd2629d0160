"""Money moved between arms: whatever becomes of each step, the arms never have more than was set aside for them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import GateRefusedError
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.money.gate_messages import GateReason
from autopublisher.domain.money.ledger import commitment_of, headroom_of, ledger_of, pass_rise, reserve_of
from autopublisher.domain.runs.arm_reserves import amounts_of, arm_keys, is_rise
from autopublisher.domain.runs.reallocation import (
    Purse,
    cuts,
    planned_move,
    planned_shares,
    rises,
    was_refused,
)
from unit.domain.samples import NOW, RUN_ID

S = OperationState
BUDGET = 10_000
TOTAL = Money(100_000, "EUR")


def arm(letter: str, sequence: int) -> Operation:
    spec = OperationSpec(
        f"test/{letter.lower()}/adset",
        Action.CREATE,
        ObjectKind.AD_SET,
        {"lifetime_budget": BUDGET},
        variant=letter,
        reserves=BUDGET,
    )
    return Operation(RunOwner(RUN_ID), sequence, spec, S.CONFIRMED, NOW)


ARMS = [arm(letter, number) for number, letter in enumerate("ABC", start=1)]


def change(rows: list[Operation], letter: str, amount: int, state: OperationState) -> Operation:
    spec = OperationSpec(
        f"reallocate/test/{letter.lower()}/adset/{len(rows)}",
        Action.UPDATE,
        ObjectKind.AD_SET,
        {"lifetime_budget": amount},
        target=f"test/{letter.lower()}/adset",
        variant=letter,
    )
    sent = None if state is S.INTENDED else NOW
    return Operation(RunOwner(RUN_ID), len(rows) + 1, spec, state, NOW, sent_at=sent)


@pytest.mark.parametrize("state", [S.INTENDED, S.SENT, S.UNKNOWN, S.CONFIRMED, S.WITHDRAWN])
def test_a_rise_counts_from_the_moment_it_may_happen(state: OperationState) -> None:
    assert reserve_of(ARMS[0], [*ARMS, change(ARMS, "A", 12_000, state)]) == 12_000


@pytest.mark.parametrize("state", [S.INTENDED, S.SENT, S.UNKNOWN, S.REJECTED, S.WITHDRAWN])
def test_a_cut_does_not_count_before_it_is_confirmed(state: OperationState) -> None:
    assert reserve_of(ARMS[0], [*ARMS, change(ARMS, "A", 8_000, state)]) == BUDGET


def test_a_confirmed_cut_counts() -> None:
    rows = [*ARMS, change(ARMS, "A", 8_000, S.CONFIRMED)]
    assert reserve_of(ARMS[0], rows) == 8_000
    assert headroom_of(rows, arm_keys(rows)) == 2_000


def test_a_refused_rise_counts_nothing() -> None:
    assert reserve_of(ARMS[0], [*ARMS, change(ARMS, "A", 12_000, S.REJECTED)]) == BUDGET


def test_a_withdrawn_rise_that_was_never_sent_counts_nothing() -> None:
    never = replace(change(ARMS, "A", 12_000, S.WITHDRAWN), sent_at=None)
    assert reserve_of(ARMS[0], [*ARMS, never]) == BUDGET


def test_what_was_spent_settles_a_moved_budget() -> None:
    settled = replace(ARMS[0], spent=11_500)
    assert commitment_of(settled, [settled, change(ARMS, "A", 12_000, S.CONFIRMED)]) == 11_500


def test_only_what_makes_more_spendable_is_a_rise() -> None:
    assert is_rise(change(ARMS, "A", BUDGET + 1, S.INTENDED), ARMS)
    assert not is_rise(change(ARMS, "A", BUDGET, S.INTENDED), ARMS)
    assert not is_rise(arm("D", 4), ARMS)


def test_a_rise_without_a_cut_is_refused() -> None:
    rows = [*ARMS, change(ARMS, "A", BUDGET + 1, S.INTENDED)]
    with pytest.raises(GateRefusedError, match=f"{GateReason.MORE_THAN_RESERVED} short=0.01 EUR"):
        pass_rise(ledger_of(TOTAL, rows), headroom_of(rows, arm_keys(rows)), rows[-1].spec)


def test_a_rise_past_the_total_is_refused() -> None:
    rows = [*ARMS, change(ARMS, "A", 12_000, S.INTENDED)]
    with pytest.raises(GateRefusedError, match=f"{GateReason.MORE_THAN_TOTAL} total=300.00 EUR"):
        pass_rise(ledger_of(Money(30_000, "EUR"), rows), 0, rows[-1].spec)


def test_what_is_given_is_cut_in_proportion_to_what_was_taken() -> None:
    rows = [*ARMS, change(ARMS, "C", 9_000, S.CONFIRMED)]
    assert rises({"A": 11_500, "B": 10_500, "C": 8_000}, rows) == {"A": 10_750, "B": 10_250}


def test_nothing_is_given_while_nothing_is_taken() -> None:
    assert rises({"A": 11_000, "B": 10_000, "C": 9_000}, ARMS) == {}
    assert cuts({"A": 11_000, "B": 10_000, "C": 9_000}, ARMS) == {"C": 9_000}


def test_an_amount_refused_last_is_not_asked_again() -> None:
    rows = [*ARMS, change(ARMS, "C", 9_000, S.REJECTED)]
    assert was_refused(rows, "C", 9_000)
    assert not was_refused(rows, "C", 9_001)
    assert not was_refused(rows, "A", 9_000)


def test_a_plan_leaves_a_tenth_above_the_spend() -> None:
    purses = {letter: Purse(8_000, 100) for letter in "ABC"}
    plan = planned_move(amounts_of(ARMS), purses, {"A": 0.98, "B": 0.01, "C": 0.01})
    assert sum(plan.values()) == 3 * BUDGET
    assert min(plan.values()) >= 8_802


FATES = st.sampled_from([S.CONFIRMED, S.REJECTED, S.UNKNOWN, S.INTENDED, S.WITHDRAWN])
PLANS = st.lists(
    st.tuples(
        st.lists(st.floats(0.01, 1), min_size=3, max_size=3),
        st.lists(st.integers(0, BUDGET), min_size=3, max_size=3),
        st.lists(FATES, min_size=6, max_size=6),
    ),
    max_size=8,
)


@given(PLANS)
def test_whatever_becomes_of_the_steps_the_arms_never_have_more(
    plans: list[tuple[list[float], list[int], list[OperationState]]],
) -> None:
    rows = list(ARMS)
    for chances, spent, fates in plans:
        fate = iter(fates)
        purses = {letter: Purse(used, 100) for letter, used in zip("ABC", spent, strict=True)}
        plan = planned_move(amounts_of(rows), purses, dict(zip("ABC", chances, strict=True)))
        for step in (cuts, rises):
            for letter, amount in step(plan, rows).items():
                rows.append(change(rows, letter, amount, next(fate)))
                assert sum(amounts_of(rows).values()) <= 3 * BUDGET


STARTS = NOW
ENDS = NOW + timedelta(hours=100)


def test_even_arms_should_have_spent_alike() -> None:
    assert planned_shares(ARMS, STARTS, ENDS, NOW + timedelta(hours=30)) == pytest.approx(
        dict.fromkeys("ABC", 1 / 3)
    )


def test_before_the_start_there_is_no_planned_share() -> None:
    assert planned_shares(ARMS, STARTS, ENDS, STARTS) == {}


def test_planned_shares_follow_moved_budgets_from_the_moment_they_are_confirmed() -> None:
    half = NOW + timedelta(hours=50)
    rows = [*ARMS, replace(change(ARMS, "A", 5_000, S.CONFIRMED), settled_at=half)]
    assert planned_shares(rows, STARTS, ENDS, half) == pytest.approx(dict.fromkeys("ABC", 1 / 3))
    assert planned_shares(rows, STARTS, ENDS, ENDS) == pytest.approx({"A": 0.2, "B": 0.4, "C": 0.4})
