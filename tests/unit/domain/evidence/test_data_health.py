"""Data that cannot be trusted: which fault, and its number."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from autopublisher.domain.evidence import Design, Figures, Snapshot, judge, sentences
from autopublisher.domain.evidence.data_health import faults, findings
from autopublisher.domain.evidence.money_checks import MoneyChecks
from autopublisher.domain.evidence.timeline import build
from autopublisher.domain.evidence.verdict import Diagnostic

History = tuple[Snapshot, ...]
MakeTest = Callable[..., History]


def found(design: Design, history: History) -> tuple[Diagnostic, ...]:
    return findings(history, MoneyChecks(design, build(design, history)), len(history) - 1)


def faulty(design: Design, history: History) -> tuple[str, ...]:
    return faults(history, MoneyChecks(design, build(design, history)), len(history) - 1)


def with_conversions(history: History, index: int, conversions: float) -> History:
    at = history[index]
    changed = replace(at, figures=(replace(at.figures[0], conversions=conversions), *at.figures[1:]))
    return (*history[:index], changed, *history[index + 1 :])


def test_sound_data_have_no_findings(two_weeks: Design, even_test: MakeTest) -> None:
    assert found(two_weeks, even_test(50, (20, 20))) == ()


def test_nothing_read_has_no_findings(two_weeks: Design) -> None:
    assert found(two_weeks, ()) == ()


@pytest.mark.parametrize(("left", "told"), [(961.0, ()), (959.0, ("counter_fell",))])
def test_a_total_may_fall_by_two_percent(
    two_weeks: Design, even_test: MakeTest, left: float, told: tuple[str, ...]
) -> None:
    history = with_conversions(even_test(50, (20, 20)), 49, left)
    assert faulty(two_weeks, history) == told


def test_the_fall_is_told_with_its_size(two_weeks: Design, even_test: MakeTest) -> None:
    history = with_conversions(even_test(50, (20, 20)), 49, 490.0)
    fall = found(two_weeks, history)[0]
    assert fall.code == "counter_fell"
    assert fall.value == pytest.approx(0.5)


def test_a_passing_fall_is_remembered_as_a_reading_set_aside(two_weeks: Design, even_test: MakeTest) -> None:
    history = with_conversions(even_test(50, (20, 20)), 30, 100.0)
    assert found(two_weeks, history) == (Diagnostic("readings_set_aside", 1.0),)


@pytest.mark.parametrize(("missing", "told"), [(19, ()), (20, (Diagnostic("polls_missing", 0.2),))])
def test_a_fifth_of_the_readings_may_not_be_missing(
    two_weeks: Design, even_test: MakeTest, missing: int, told: tuple[Diagnostic, ...]
) -> None:
    history = even_test(101, (20, 20))
    assert found(two_weeks, (*history[:30], *history[30 + missing :])) == told


def at_hours(history: History, hours: Sequence[float]) -> History:
    """Return readings of an even test at these hours; what lies between whole hours is drawn even, too."""
    at_one = history[0]
    return tuple(
        replace(
            at_one,
            hour=float(hour),
            figures=tuple(Figures(*(float(hour) * value for value in each.row())) for each in at_one.figures),
        )
        for hour in hours
    )


def quarters(start: float, end: float) -> list[float]:
    return [start + number / 4 for number in range(int(4 * (end - start)))]


def test_hourly_readings_are_not_missing_after_more_frequent_ones(
    two_weeks: Design, even_test: MakeTest
) -> None:
    history = at_hours(even_test(1, (20, 20)), [*quarters(1, 40), *range(40, 80)])
    assert faulty(two_weeks, history) == ()
    assert faulty(replace(two_weeks, poll_hours=0.25), history) == ()


def test_readings_that_another_run_adds_make_no_gap_of_planned_ones(
    two_weeks: Design, even_test: MakeTest
) -> None:
    by_others = list(range(1, 48))
    history = at_hours(even_test(1, (20, 20)), [*by_others, *range(48, 160, 8)])
    assert faulty(replace(two_weeks, poll_hours=8.0), history) == ()


def test_readings_that_another_run_adds_hide_no_gap_of_planned_ones(
    two_weeks: Design, even_test: MakeTest
) -> None:
    history = at_hours(even_test(1, (20, 20)), [*quarters(1, 60), *range(60, 72), 100])
    assert faulty(replace(two_weeks, poll_hours=1.0), history) == ("polls_missing",)


def test_a_change_is_told_with_the_hour_it_was_noticed_in(two_weeks: Design, even_test: MakeTest) -> None:
    history = even_test(50, (20, 20))
    edited = tuple(replace(each, edited=each.hour >= 20) for each in history)
    assert found(two_weeks, edited) == (Diagnostic("edited", 20.0),)


def test_a_paused_test_tells_the_size_of_the_fall(two_weeks: Design, even_test: MakeTest) -> None:
    verdict = judge(two_weeks, with_conversions(even_test(50, (20, 20)), 49, 490.0))
    assert [each.code for each in verdict.diagnostics] == ["counter_fell", "readings_set_aside"]
    assert "A total fell by 50%." in sentences(verdict)
