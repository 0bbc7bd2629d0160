"""Objectives: today's names, yesterday's names, and those that nobody can create."""

import pytest

from autopublisher.domain.request.objectives import (
    CONVERSION_CRITERIA,
    GOALS,
    LEAD_EVENTS,
    LEGACY_OBJECTIVES,
    UNSUPPORTED_OBJECTIVES,
    choose_objective,
)
from autopublisher.domain.request.request import WinnerCriteria


@pytest.mark.parametrize(("asked", "outcome"), sorted(LEGACY_OBJECTIVES.items()))
def test_a_legacy_objective_becomes_its_outcome(asked: str, outcome: str) -> None:
    choice = choose_objective(asked, "PURCHASE")
    assert choice is not None
    assert (choice.outcome, choice.was_mapped) == (outcome, True)


@pytest.mark.parametrize("outcome", sorted(GOALS))
def test_an_outcome_is_kept(outcome: str) -> None:
    choice = choose_objective(outcome, "PURCHASE")
    assert choice is not None
    assert (choice.outcome, choice.was_mapped, choice.goal) == (outcome, False, GOALS[outcome])


@pytest.mark.parametrize("event", sorted(LEAD_EVENTS))
def test_conversions_of_a_lead_event_become_leads(event: str) -> None:
    choice = choose_objective("CONVERSIONS", event)
    assert choice is not None
    assert choice.outcome == "OUTCOME_LEADS"


@pytest.mark.parametrize("asked", ["conversions", " Conversions "])
def test_case_and_blanks_do_not_matter(asked: str) -> None:
    choice = choose_objective(asked, "PURCHASE")
    assert choice is not None
    assert (choice.outcome, choice.was_mapped) == ("OUTCOME_SALES", True)


@pytest.mark.parametrize("asked", [" outcome_sales", "Outcome_Sales"])
def test_todays_name_in_another_case_is_no_legacy_name(asked: str) -> None:
    choice = choose_objective(asked, "PURCHASE")
    assert choice is not None
    assert not choice.was_mapped


@pytest.mark.parametrize("asked", [*sorted(UNSUPPORTED_OBJECTIVES), "WORLD_PEACE", ""])
def test_what_cannot_be_created_is_not_chosen(asked: str) -> None:
    assert choose_objective(asked, "PURCHASE") is None


def test_every_legacy_name_leads_to_a_goal() -> None:
    assert set(LEGACY_OBJECTIVES.values()) <= set(GOALS)


def test_no_objective_is_both_supported_and_not() -> None:
    assert not (set(LEGACY_OBJECTIVES) | set(GOALS)) & set(UNSUPPORTED_OBJECTIVES)


def test_every_criterion_that_counts_conversions_is_a_criterion() -> None:
    assert {WinnerCriteria(name) for name in CONVERSION_CRITERIA} < set(WinnerCriteria)


def test_no_goal_promotes_a_pixel_and_a_page() -> None:
    assert not any(goal.needs_pixel and goal.needs_page for goal in GOALS.values())
