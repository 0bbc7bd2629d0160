"""What is unusual in a test's data is found at its threshold and not before."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from autopublisher.domain.evidence import Design, Figures, Snapshot, Verdict, judge, sentences
from autopublisher.domain.evidence.boundaries import AnalysisTime
from autopublisher.domain.evidence.comparison import compare
from autopublisher.domain.evidence.diagnostics import Signals, diagnose
from autopublisher.domain.evidence.timeline import build
from autopublisher.domain.evidence.verdict import Diagnostic
from autopublisher.domain.evidence.verdict_phrases import ENGLISH, SPANISH

History = tuple[Snapshot, ...]
MakeTest = Callable[..., History]
Change = Callable[[Snapshot, Figures], Figures]


def with_second(history: History, change: Change) -> History:
    """Return the history with the second variant's figures changed at every reading."""
    return tuple(
        replace(each, figures=(each.figures[0], change(each, each.figures[1]), *each.figures[2:]))
        for each in history
    )


def found(verdict: Verdict, code: str) -> list[Diagnostic]:
    return [each for each in verdict.diagnostics if each.code == code]


def noticed(design: Design, history: History, signals: Signals) -> tuple[Diagnostic, ...]:
    timeline, row = build(design, history), len(history)
    evidence = compare(design, timeline, row, tuple(range(len(design.variants))), (AnalysisTime(0.5),))
    return diagnose(design, timeline, evidence, signals)


def test_an_even_test_has_nothing_to_report(two_weeks: Design, even_test: MakeTest) -> None:
    assert judge(two_weeks, even_test(336, (3, 3))).diagnostics == ()


@pytest.mark.parametrize(("share", "told"), [(0.549, []), (0.551, [0.051])])
def test_spend_more_than_five_points_off_plan_is_told(
    two_weeks: Design, even_test: MakeTest, share: float, told: list[float]
) -> None:
    history = with_second(
        even_test(100, (3, 3)), lambda _, row: replace(row, spend=row.spend * share / (1 - share))
    )
    ahead = [
        each.value for each in found(judge(two_weeks, history), "spend_share_off_plan") if each.value > 0
    ]
    assert ahead == pytest.approx(told)


def test_spend_off_plan_is_not_told_before_the_third_day_is_over(
    two_weeks: Design, even_test: MakeTest
) -> None:
    history = with_second(even_test(71, (3, 3)), lambda _, row: replace(row, spend=row.spend * 2))
    assert found(judge(two_weeks, history), "spend_share_off_plan") == []


def test_shares_that_were_planned_uneven_are_compared_with_their_plan(
    two_weeks: Design, even_test: MakeTest
) -> None:
    history = with_second(even_test(100, (3, 3)), lambda _, row: replace(row, spend=row.spend * 3))
    told = noticed(two_weeks, history, Signals(planned_shares=(0.25, 0.75)))
    assert "spend_share_off_plan" not in [each.code for each in told]


@pytest.mark.parametrize(("others", "told"), [(1.49, []), (1.51, ["b"])])
def test_a_price_per_view_a_quarter_off_the_average_is_told(
    two_weeks: Design, even_test: MakeTest, others: float, told: list[str]
) -> None:
    history = with_second(
        even_test(100, (3, 3)), lambda _, row: replace(row, impressions=row.impressions / others)
    )
    names = [each.variant for each in found(judge(two_weeks, history), "impression_price_differs")]
    assert names == told


def pause(first: int, hours: int) -> Change:
    """Return a change by which a variant neither spends nor is seen for some hours."""

    def change(at: Snapshot, row: Figures) -> Figures:
        running = at.hour - min(max(at.hour - first, 0), hours)
        return Figures(*(value * running / at.hour for value in row.row()))

    return change


@pytest.mark.parametrize(("hours", "told"), [(5, []), (6, [6.0])])
def test_standing_still_for_six_hours_is_told(
    two_weeks: Design, even_test: MakeTest, hours: int, told: list[float]
) -> None:
    history = with_second(even_test(100, (3, 3)), pause(30, hours))
    assert [each.value for each in found(judge(two_weeks, history), "delivery_gap")] == told


def test_two_short_pauses_do_not_add_up(two_weeks: Design, even_test: MakeTest) -> None:
    history = with_second(with_second(even_test(100, (3, 3)), pause(60, 4)), pause(30, 4))
    assert found(judge(two_weeks, history), "delivery_gap") == []


def test_a_pause_of_all_variants_is_no_gap_of_any(two_weeks: Design, even_test: MakeTest) -> None:
    history = even_test(100, (3, 3))
    cooling = tuple(replace(history[-1], hour=float(hour)) for hour in range(101, 130))
    assert found(judge(two_weeks, (*history, *cooling)), "delivery_gap") == []


def changed_from(hour: float, factor: float) -> Change:
    """Return a change by which purchases come `factor` times as often from an hour on."""

    def change(at: Snapshot, row: Figures) -> Figures:
        times = (min(at.hour, hour) + max(at.hour - hour, 0.0) * factor) / at.hour
        return replace(row, conversions=row.conversions * times, revenue=row.revenue * times)

    return change


@pytest.mark.parametrize(("factor", "told"), [(1.1, 0), (2.0, 1)])
def test_an_effect_that_changes_after_the_first_week_is_told(
    two_weeks: Design, even_test: MakeTest, factor: float, told: int
) -> None:
    history = with_second(even_test(336, (30, 30)), changed_from(168.0, factor))
    assert len(found(judge(two_weeks, history), "effect_changed_between_weeks")) == told


def test_its_figure_is_a_z_beyond_two_and_a_half(two_weeks: Design, even_test: MakeTest) -> None:
    history = with_second(even_test(336, (30, 30)), changed_from(168.0, 2.0))
    (change,) = found(judge(two_weeks, history), "effect_changed_between_weeks")
    assert change.value < -2.5


def test_a_shorter_test_compares_its_halves(even_test: MakeTest) -> None:
    design = Design(("a", "b"), 2000.0, 192.0)
    history = with_second(even_test(192, (30, 30)), changed_from(96.0, 3.0))
    assert len(found(judge(design, history), "effect_changed_between_halves")) == 1


def test_under_six_days_nothing_is_said_about_change(even_test: MakeTest) -> None:
    design = Design(("a", "b"), 1200.0, 119.0)
    history = with_second(even_test(119, (30, 30)), changed_from(60.0, 5.0))
    assert [each.code for each in judge(design, history).diagnostics if "changed" in each.code] == []


@pytest.mark.parametrize(("basket", "told"), [(71.0, []), (72.5, ["a"])])
def test_basket_values_that_differ_are_told_where_they_are_pooled(
    two_weeks: Design, even_test: MakeTest, basket: float, told: list[str]
) -> None:
    history = with_second(
        even_test(100, (1, 1)), lambda _, row: replace(row, revenue=row.conversions * basket)
    )
    findings = noticed(replace(two_weeks, same_offer=True), history, Signals())
    assert [each.variant for each in findings] == told


def test_basket_values_are_not_compared_where_offers_differ(two_weeks: Design, even_test: MakeTest) -> None:
    history = with_second(even_test(100, (1, 1)), lambda _, row: replace(row, revenue=3 * row.revenue))
    assert found(judge(two_weeks, history), "basket_values_differ") == []


@pytest.mark.parametrize(("share", "told"), [(None, 0), (0.19, 0), (0.20, 1)])
def test_an_overlap_of_a_fifth_is_told(
    two_weeks: Design, even_test: MakeTest, share: float | None, told: int
) -> None:
    assert len(noticed(two_weeks, even_test(100, (3, 3)), Signals(overlap=share))) == told


def taken_back(history: History, hour: int, share: float) -> History:
    """Return the history with a share of the second variant's purchases withdrawn at two readings in a row."""
    at_hour = next(each.figures[1].conversions for each in history if each.hour == hour)
    new = at_hour / hour

    def change(at: Snapshot, row: Figures) -> Figures:
        readings = min(max(at.hour - hour, 0.0), 2.0)
        return replace(row, conversions=row.conversions - readings * (share * at_hour / 2 + new))

    return with_second(history, change)


@pytest.mark.parametrize(("share", "told"), [(0.008, []), (0.015, [0.015])])
def test_purchases_taken_back_are_told(
    two_weeks: Design, even_test: MakeTest, share: float, told: list[float]
) -> None:
    history = taken_back(even_test(103, (10, 10)), 100, share)
    shares = [each.value for each in noticed(two_weeks, history, Signals())]
    assert shares == pytest.approx(told, rel=0.01)


def test_what_was_taken_back_before_the_last_analysis_is_not_told_again(
    two_weeks: Design, even_test: MakeTest
) -> None:
    history = taken_back(even_test(160, (10, 10)), 100, 0.015)
    assert noticed(two_weeks, history, Signals(last_analysis_hour=120.0)) == ()


@pytest.mark.parametrize("phrases", [ENGLISH, SPANISH])
def test_every_finding_is_put_into_words(two_weeks: Design, even_test: MakeTest, phrases: object) -> None:
    language = "en" if phrases is ENGLISH else "es"
    told = tuple(Diagnostic(code, 0.31, "b") for code in ENGLISH.findings)
    verdict = replace(judge(two_weeks, even_test(100, (3, 3))), diagnostics=told)
    text = " ".join(sentences(verdict, language))
    assert "{" not in text
    assert len(sentences(verdict, language)) == len(told) + len(
        sentences(replace(verdict, diagnostics=()), language)
    )


def test_different_baskets_are_said_to_lead_to_the_stricter_test(
    two_weeks: Design, even_test: MakeTest
) -> None:
    history = with_second(even_test(100, (1, 1)), lambda _, row: replace(row, revenue=3 * row.revenue))
    text = " ".join(sentences(judge(replace(two_weeks, same_offer=True), history)))
    assert "Basket sizes differ (b: +50% against all), so the test switches to the stricter one" in text
