"""Campaign objectives: the goal, billing event and promoted object that Meta expects with each."""

from dataclasses import dataclass
from enum import StrEnum

LEGACY_OBJECTIVES = {
    "BRAND_AWARENESS": "OUTCOME_AWARENESS",
    "REACH": "OUTCOME_AWARENESS",
    "STORE_VISITS": "OUTCOME_AWARENESS",
    "LINK_CLICKS": "OUTCOME_TRAFFIC",
    "TRAFFIC": "OUTCOME_TRAFFIC",
    "POST_ENGAGEMENT": "OUTCOME_ENGAGEMENT",
    "VIDEO_VIEWS": "OUTCOME_ENGAGEMENT",
    "CONVERSIONS": "OUTCOME_SALES",
    "SALES": "OUTCOME_SALES",
}
"""Objectives that Meta no longer creates (or people's shorthand), and the outcome that replaced each."""

UNSUPPORTED_OBJECTIVES = {
    "APP_INSTALLS": "app campaigns need an application id and store link",
    "OUTCOME_APP_PROMOTION": "app campaigns need an application id and store link",
    "PRODUCT_CATALOG_SALES": "catalogue campaigns need a product set",
    "LEAD_GENERATION": "lead forms are not built yet; use OUTCOME_LEADS with a website event",
    "PAGE_LIKES": "page-like campaigns have no link to test",
    "EVENT_RESPONSES": "event campaigns have no link to test",
    "MESSAGES": "message campaigns need a Messenger destination",
}
"""Objectives known to Meta that this product refuses, with the reason."""

LEAD_EVENTS = frozenset({"LEAD", "COMPLETE_REGISTRATION", "SUBMIT_APPLICATION", "CONTACT", "SCHEDULE"})
"""Website events for which the legacy CONVERSIONS objective became OUTCOME_LEADS."""


class Frequency(StrEnum):
    """How often a goal's event happens; Meta's minimum budgets depend on it."""

    IMPRESSIONS = "impressions"
    HIGH = "high_frequency"
    LOW = "low_frequency"
    VIDEO = "video_views"


@dataclass(frozen=True)
class Goal:
    """What an ad set of an objective optimises for and is billed by."""

    optimization_goal: str
    billing_event: str
    frequency: Frequency
    needs_pixel: bool
    needs_page: bool


GOALS = {
    "OUTCOME_SALES": Goal(
        "OFFSITE_CONVERSIONS", "IMPRESSIONS", Frequency.LOW, needs_pixel=True, needs_page=False
    ),
    "OUTCOME_LEADS": Goal(
        "OFFSITE_CONVERSIONS", "IMPRESSIONS", Frequency.LOW, needs_pixel=True, needs_page=False
    ),
    "OUTCOME_TRAFFIC": Goal(
        "LINK_CLICKS", "IMPRESSIONS", Frequency.HIGH, needs_pixel=False, needs_page=False
    ),
    "OUTCOME_ENGAGEMENT": Goal(
        "LINK_CLICKS", "IMPRESSIONS", Frequency.HIGH, needs_pixel=False, needs_page=False
    ),
    "OUTCOME_AWARENESS": Goal(
        "IMPRESSIONS", "IMPRESSIONS", Frequency.IMPRESSIONS, needs_pixel=False, needs_page=True
    ),
}
"""The goal used for each supported objective with a website destination."""

CONVERSION_CRITERIA = frozenset({"roas", "cpa", "cvr", "conversions", "revenue"})
"""Winner criteria that count pixel events and so need an objective with a pixel."""


@dataclass(frozen=True)
class ObjectiveChoice:
    """The objective that will be created, and what it was called in the request."""

    asked: str
    outcome: str

    @property
    def goal(self) -> Goal:
        """The ad-set goal of the outcome."""
        return GOALS[self.outcome]

    @property
    def was_mapped(self) -> bool:
        """Whether the request named a legacy objective."""
        return self.asked.strip().upper() != self.outcome


def choose_objective(asked: str, conversion_event: str | None) -> ObjectiveChoice | None:
    """Map an asked objective to one Meta creates today; None where it is unknown or unsupported."""
    name = asked.strip().upper()
    if name in GOALS:
        return ObjectiveChoice(asked, name)
    if name == "CONVERSIONS" and conversion_event in LEAD_EVENTS:
        return ObjectiveChoice(asked, "OUTCOME_LEADS")
    if name in LEGACY_OBJECTIVES:
        return ObjectiveChoice(asked, LEGACY_OBJECTIVES[name])
    return None
