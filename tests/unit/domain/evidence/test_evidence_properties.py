"""What must hold for any data at all."""

import math
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopublisher.domain.evidence import (
    Criterion,
    Design,
    Figures,
    Kind,
    Mode,
    Snapshot,
    Verdict,
    judge,
    replay,
)

pytestmark = pytest.mark.slow  # thousands of tests judged

History = tuple[Snapshot, ...]
NAMES = ("a", "b", "c")
COUNTS = st.integers(0, 60)
CENTS = st.integers(0, 300_000).map(lambda cents: cents / 100)
ROWS = st.tuples(st.floats(0, 200.0), st.integers(0, 5000), COUNTS, COUNTS, CENTS)
STEPS: st.SearchStrategy[list[tuple[float, list[Any]]]] = st.lists(
    st.tuples(st.floats(0.2, 30.0), st.lists(ROWS, min_size=3, max_size=3)), min_size=1, max_size=25
)


def history_of(steps: list[tuple[float, list[Any]]]) -> History:
    hour, totals, history = 0.0, [[0.0] * 5 for _ in steps[0][1]], []
    for gap, rows in steps:
        hour += gap
        totals = [
            [old + new for old, new in zip(total, row, strict=True)]
            for total, row in zip(totals, rows, strict=True)
        ]
        history.append(Snapshot(hour, tuple(Figures(*total) for total in totals)))
    return tuple(history)


HISTORIES = STEPS.map(history_of)
DESIGNS = st.builds(
    Design,
    variants=st.just(NAMES),
    planned_spend_per_variant=st.floats(50.0, 3000.0),
    planned_hours=st.floats(12.0, 400.0),
    criterion=st.sampled_from(Criterion),
    mode=st.sampled_from(Mode),
    same_offer=st.booleans(),
    futility=st.booleans(),
    safe_margin=st.sampled_from([None, 0.05]),
)


def numbers_in(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for each in value.values() for number in numbers_in(each)]
    if isinstance(value, list | tuple):
        return [number for each in value for number in numbers_in(each)]
    return [float(value)] if isinstance(value, float) else []


def essence(verdict: Verdict) -> tuple[Any, ...]:
    return verdict.kind, verdict.winner, frozenset(verdict.eliminated), verdict.analyses_taken


@settings(max_examples=60)
@given(DESIGNS, HISTORIES)
def test_every_number_is_finite_and_every_verdict_survives_json(design: Design, history: History) -> None:
    verdict = judge(design, history, final=len(history) % 2 == 0)
    assert all(math.isfinite(number) for number in numbers_in(asdict(verdict)))
    assert Verdict.from_json(verdict.to_json()) == verdict


@settings(max_examples=30)
@given(DESIGNS, HISTORIES, st.permutations(range(3)))
def test_relabelling_the_variants_relabels_the_verdict(
    design: Design, history: History, order: list[int]
) -> None:
    shuffled = replace(design, variants=tuple(NAMES[index] for index in order))
    moved = tuple(replace(each, figures=tuple(each.figures[i] for i in order)) for each in history)
    assert essence(judge(shuffled, moved, final=True)) == essence(judge(design, history, final=True))


@settings(max_examples=30)
@given(DESIGNS, HISTORIES, st.sampled_from([0.01, 3.7, 1000.0]))
def test_another_currency_changes_nothing(design: Design, history: History, factor: float) -> None:
    richer = replace(design, planned_spend_per_variant=design.planned_spend_per_variant * factor)
    converted = tuple(
        replace(
            each,
            figures=tuple(
                replace(row, spend=row.spend * factor, revenue=row.revenue * factor) for row in each.figures
            ),
        )
        for each in history
    )
    here, there = judge(design, history, final=True), judge(richer, converted, final=True)
    assert essence(there) == essence(here)
    assert there.p_best == pytest.approx(here.p_best, abs=1e-6)


@settings(max_examples=30)
@given(DESIGNS, HISTORIES)
def test_a_variant_without_a_single_event_never_wins(design: Design, history: History) -> None:
    empty = tuple(
        replace(
            each,
            figures=(replace(each.figures[0], clicks=0.0, conversions=0.0, revenue=0.0), *each.figures[1:]),
        )
        for each in history
    )
    assert judge(design, empty, final=True).winner != "a"


@settings(max_examples=30)
@given(DESIGNS, HISTORIES)
def test_reading_the_same_figures_twice_changes_nothing(design: Design, history: History) -> None:
    once, twice = judge(design, history), judge(design, (*history, *history))
    assert twice.to_json() == once.to_json()


@settings(max_examples=30)
@given(DESIGNS, HISTORIES)
def test_identical_variants_have_no_winner(design: Design, history: History) -> None:
    same = tuple(replace(each, figures=(each.figures[0],) * 3) for each in history)
    assert judge(design, same, final=True).kind not in (Kind.WINNER, Kind.STOP_LOSER)


@settings(max_examples=30)
@given(DESIGNS, HISTORIES, st.integers(1, 24))
def test_asking_in_between_changes_no_later_analysis(design: Design, history: History, until: int) -> None:
    early, late = judge(design, history[:until]), judge(design, history)
    assert late.analyses[: len(early.analyses)] == early.analyses
    assert late.eliminated[: len(early.eliminated)] == early.eliminated


@settings(max_examples=30)
@given(DESIGNS, HISTORIES)
def test_replaying_gives_what_the_first_ending_verdict_gave(design: Design, history: History) -> None:
    verdicts = (judge(design, history[:until]) for until in range(1, len(history) + 1))
    first = next((verdict for verdict in verdicts if verdict.ends_test), None)
    if first is not None:
        assert replay(design, history).to_json() == first.to_json()


MANY = st.integers(2, 10).flatmap(
    lambda count: st.lists(
        st.tuples(st.floats(0.2, 30.0), st.lists(ROWS, min_size=count, max_size=count)),
        min_size=1,
        max_size=12,
    )
)


@settings(max_examples=40)
@given(MANY, st.sampled_from(Criterion), st.booleans())
def test_two_to_ten_variants_are_judged(
    steps: list[tuple[float, list[Any]]],
    criterion: Criterion,
    same_offer: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    count = len(steps[0][1])
    names = tuple(f"v{index}" for index in range(count))
    design = Design(names, 500.0, 100.0, criterion=criterion, same_offer=same_offer)
    verdict = judge(design, history_of(steps), final=True)
    assert len(verdict.variants) == count
    assert len(verdict.pairs) in {0, *(k * (k - 1) // 2 for k in range(2, count + 1))}
    assert all(math.isfinite(number) for number in numbers_in(asdict(verdict)))


WILD = st.one_of(st.just(0.0), st.floats(0.0, 1e12), st.floats(0.0, 1e-6), st.integers(0, 3).map(float))
WILD_HISTORIES = st.lists(
    st.tuples(st.floats(0, 10_000.0), st.lists(st.tuples(*[WILD] * 6), min_size=3, max_size=3)), max_size=12
).map(lambda rows: tuple(Snapshot(hour, tuple(Figures(*row) for row in arms)) for hour, arms in rows))


@settings(max_examples=100)
@given(DESIGNS, WILD_HISTORIES, st.booleans())
def test_figures_without_any_sense_get_a_finite_answer_too(
    design: Design,
    history: History,
    final: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    verdict = judge(design, history, final=final)
    assert all(math.isfinite(number) for number in numbers_in(asdict(verdict)))


@given(st.floats().filter(lambda value: not 0 <= value < math.inf), st.integers(0, 5))
def test_a_figure_that_is_no_count_is_refused(value: float, column: int) -> None:
    row = [1.0] * 6
    row[column] = value
    with pytest.raises(ValueError, match="finite and not negative"):
        Figures(*row)
