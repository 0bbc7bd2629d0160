"""From a run's stored figures to the decision engine's terms."""

from datetime import timedelta
from decimal import Decimal

import pytest

from autopublisher.domain import evidence
from autopublisher.domain.journal.records import Figures, Snapshot
from autopublisher.domain.request.request import DecisionMode, WinnerCriteria
from autopublisher.domain.request.variants import build_variants
from autopublisher.domain.runs.evidence_inputs import design_of, history_of
from autopublisher.domain.runs.run import Trial
from unit.domain.samples import NOW, RUN_ID, asked, run_of

VARIANTS = build_variants(RUN_ID, asked())


def snapshot(variant: str, hours: float, **figures: int) -> Snapshot:
    return Snapshot(RUN_ID, variant, NOW + timedelta(hours=hours), Figures(**figures))


def both(hours: float, **figures: int) -> list[Snapshot]:
    return [snapshot("A", hours, **figures), snapshot("B", hours, **figures)]


def test_the_design_is_what_the_request_agreed() -> None:
    test = {"min_spend_threshold": Decimal("12.50"), "same_offer": True, "settle_hours": 48}
    design = design_of(run_of(asked(test=test)), VARIANTS)
    assert design.variants == ("A", "B")
    assert (design.planned_spend_per_variant, design.planned_hours) == (50.0, 24.0)
    assert (design.cooldown_hours, design.min_spend_threshold, design.same_offer) == (48.0, 12.5, True)
    assert design.currency == "EUR"


@pytest.mark.parametrize(("level", "alpha"), [("0.95", 0.05), ("0.999", 0.001), ("0.8", 0.2)])
def test_the_error_allowed_is_what_the_significance_leaves(level: str, alpha: float) -> None:
    request = asked(test={"statistical_significance_level": Decimal(level)})
    assert design_of(run_of(request), VARIANTS).alpha == alpha


@pytest.mark.parametrize("criterion", list(WinnerCriteria))
def test_every_criterion_is_one_of_the_engines(criterion: WinnerCriteria) -> None:
    design = design_of(run_of(asked(test={"winner_criteria": criterion})), VARIANTS)
    assert design.criterion.value == criterion.value


@pytest.mark.parametrize("mode", list(DecisionMode))
def test_every_mode_is_one_of_the_engines(mode: DecisionMode) -> None:
    assert design_of(run_of(asked(test={"decision_mode": mode})), VARIANTS).mode.value == mode.value


def test_the_readings_expected_are_those_planned_when_the_test_began() -> None:
    assert design_of(run_of(trial=Trial(poll_minutes=480)), VARIANTS).poll_hours == 8.0
    assert design_of(run_of(), VARIANTS).poll_hours is None


def test_hours_count_from_the_moment_the_test_was_switched_on() -> None:
    run = run_of(trial=Trial(starts_at=NOW + timedelta(hours=2)))
    assert [one.hour for one in history_of(run, VARIANTS, [*both(3), *both(8)])] == [1.0, 6.0]


def test_a_poll_before_the_start_counts_as_the_start() -> None:
    run = run_of(trial=Trial(starts_at=NOW + timedelta(hours=2)))
    assert [one.hour for one in history_of(run, VARIANTS, both(1))] == [0.0]


def test_money_is_in_major_units() -> None:
    (one,) = history_of(run_of(trial=Trial(starts_at=NOW)), VARIANTS, both(1, spend=1234, revenue=5678))
    assert one.figures[0] == evidence.Figures(spend=12.34, revenue=56.78)


def test_money_of_a_currency_without_cents_is_as_it_is() -> None:
    run = run_of(trial=Trial(starts_at=NOW), currency="JPY")
    (one,) = history_of(run, VARIANTS, both(1, spend=1234))
    assert one.figures[0].spend == 1234.0


def test_clicks_are_not_engagements_a_second_time() -> None:
    (one,) = history_of(run_of(trial=Trial(starts_at=NOW)), VARIANTS, both(1, clicks=30, engagements=55))
    assert (one.figures[0].clicks, one.figures[0].engagements) == (30, 25)


def test_figures_stand_in_the_variants_order_whatever_order_they_came_in() -> None:
    polls = [snapshot("B", 1, clicks=2), snapshot("A", 1, clicks=1)]
    (one,) = history_of(run_of(trial=Trial(starts_at=NOW)), VARIANTS, polls)
    assert [figures.clicks for figures in one.figures] == [1, 2]


def test_a_poll_that_lacks_a_variant_is_left_out() -> None:
    polls = [snapshot("A", 1), *both(2)]
    assert [one.hour for one in history_of(run_of(trial=Trial(starts_at=NOW)), VARIANTS, polls)] == [2.0]
