"""Log entries about a final campaign's moves, in the log of its run."""

from collections.abc import Mapping
from datetime import datetime

from autopublisher.domain.campaigns.campaign import Campaign, CampaignState, Reason
from autopublisher.domain.journal.records import Event
from autopublisher.domain.messages import Message
from autopublisher.domain.runs.run import Run
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.outcomes.steps import event

_TAGS: Mapping[CampaignState, str] = {
    CampaignState.IN_REVIEW: "campaign_in_review",
    CampaignState.REFUSED: "refused",
    CampaignState.DELIVERING: "delivered_again",
    CampaignState.PAUSED: "campaign_paused",
    CampaignState.ENDED: "over",
    CampaignState.SETTLED: "campaign_settled",
}

_GOING_ON: Mapping[CampaignState, RunMessage] = {
    CampaignState.IN_REVIEW: RunMessage.CAMPAIGN_IN_REVIEW,
    CampaignState.DELIVERING: RunMessage.DELIVERED_AGAIN,
}


def standing(campaign: Campaign) -> tuple[CampaignState, Reason | None, str]:
    """Return what a log line is about; ids and figures change without one."""
    return campaign.state, campaign.reason, campaign.detail


def refusal(campaign: Campaign) -> Message:
    """Return what people are asked to do about a refused ad."""
    return RunMessage.FINAL_REFUSED_LATER(why=campaign.detail, until=campaign.ends_at)


def told(run: Run, campaign: Campaign, now: datetime, *, refused: bool) -> Event:
    """Return the line for where a campaign stands now; ``refused`` says that people were told of its ad's refusal."""
    return event(run, now, _TAGS[campaign.state], _said(campaign, refused=refused), _facts(campaign))


def _said(campaign: Campaign, *, refused: bool) -> Message:
    """Return the line's message; a reason tells why a campaign is paused or over."""
    if campaign.state is CampaignState.REFUSED:
        return refusal(campaign)
    if campaign.state is CampaignState.SETTLED:
        return RunMessage.CAMPAIGN_SETTLED(spent=campaign.spent or "?", budget=campaign.budget)
    if campaign.because is None:
        return _GOING_ON[campaign.state]()
    if campaign.state is CampaignState.PAUSED:
        return RunMessage.CAMPAIGN_PAUSED(why=campaign.because)
    undelivered = refused and campaign.reason is Reason.TIME_OVER
    return RunMessage.FINAL_OVER() if undelivered else RunMessage.CAMPAIGN_OVER(why=campaign.because)


def _facts(campaign: Campaign) -> Mapping[str, str | int | None]:
    return {
        "state": campaign.state.value,
        "reason": None if campaign.reason is None else campaign.reason.value,
        "budget": campaign.budget.minor,
        "spent": None if campaign.spent is None else campaign.spent.minor,
        "ends_at": campaign.ends_at.isoformat(),
    }
