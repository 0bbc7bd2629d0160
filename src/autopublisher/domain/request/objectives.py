"""Campaign objectives: the goal, billing event and promoted object that Meta expects with each."""

from dataclasses import dataclass
from enum import StrEnum

from autopublisher.domain.messages import Code

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


class ObjectiveMessage(Code):
    """Why an objective of Meta's is refused here."""

    NEEDS_APP = "objective.needs_app"
    NEEDS_PRODUCT_SET = "objective.needs_product_set"
    NO_LEAD_FORMS = "objective.no_lead_forms"
    PAGE_LIKES = "objective.page_likes"
    EVENT_RESPONSES = "objective.event_responses"
    NEEDS_MESSENGER = "objective.needs_messenger"


UNSUPPORTED_OBJECTIVES = {
    "APP_INSTALLS": ObjectiveMessage.NEEDS_APP(),
    "OUTCOME_APP_PROMOTION": ObjectiveMessage.NEEDS_APP(),
    "PRODUCT_CATALOG_SALES": ObjectiveMessage.NEEDS_PRODUCT_SET(),
    "LEAD_GENERATION": ObjectiveMessage.NO_LEAD_FORMS(),
    "PAGE_LIKES": ObjectiveMessage.PAGE_LIKES(),
    "EVENT_RESPONSES": ObjectiveMessage.EVENT_RESPONSES(),
    "MESSAGES": ObjectiveMessage.NEEDS_MESSENGER(),
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
