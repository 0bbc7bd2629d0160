"""What a final campaign's moves say in the log of its run."""

from collections.abc import Mapping
from datetime import UTC, datetime

from autopublisher.domain.campaigns.campaign import Campaign, CampaignState, Reason
from autopublisher.domain.journal.records import Event
from autopublisher.domain.runs.run import Run
from autopublisher.flows.outcomes.steps import event

_REFUSED = (
    "Meta does not deliver the final ad any more ({why}). Change it in Ads Manager, after which Meta reviews it again; what "
    "is left of the campaign's budget can be spent until {until:%Y-%m-%d %H:%M} UTC"
)
_UNDELIVERED = "The final campaign's time is over; Meta did not deliver its ad to the end"
_SETTLED = "The final campaign's figures have settled: {spent} of {budget} spent"

_TAGS: Mapping[CampaignState, str] = {
    CampaignState.IN_REVIEW: "campaign_in_review",
    CampaignState.REFUSED: "refused",
    CampaignState.DELIVERING: "delivered_again",
    CampaignState.PAUSED: "campaign_paused",
    CampaignState.ENDED: "over",
    CampaignState.SETTLED: "campaign_settled",
}

_SAID: Mapping[CampaignState, str] = {
    CampaignState.IN_REVIEW: "Meta reviews the final ad again and does not deliver it meanwhile",
    CampaignState.DELIVERING: "Meta delivers the final ad again",
    CampaignState.PAUSED: "The final campaign is paused",
    CampaignState.ENDED: "The final campaign's time is over; its figures are read until they have settled",
}

_WHY: Mapping[Reason | None, str] = {
    Reason.PAUSED_AT_META: "The final campaign was paused at Meta, and not by us",
    Reason.AD_GONE: "The final campaign's ad was deleted at Meta, and not by us: nothing of it is delivered",
    Reason.STOP: "The final campaign is paused by a stop",
    Reason.RECALL: "The final campaign is paused, for more could be spent than is set aside",
    Reason.ENDED_EARLY: "The final campaign has ended before its time: somebody has moved its end at Meta",
    Reason.GONE: "The final campaign was deleted at Meta, and not by us",
}


def standing(campaign: Campaign) -> tuple[CampaignState, Reason | None, str]:
    """Return what a log line is about; ids and figures change without one."""
    return campaign.state, campaign.reason, campaign.detail


def refusal(campaign: Campaign) -> str:
    """Return what people are asked to do about a refused ad."""
    return _REFUSED.format(why=campaign.detail, until=campaign.ends_at.astimezone(UTC))


def told(run: Run, campaign: Campaign, now: datetime, *, refused: bool) -> Event:
    """Return the line for where a campaign stands now; ``refused`` says that people were told of its ad's refusal."""
    return event(run, now, _TAGS[campaign.state], _sentence(campaign, refused=refused), _facts(campaign))


def _sentence(campaign: Campaign, *, refused: bool) -> str:
    if campaign.state is CampaignState.REFUSED:
        return refusal(campaign)
    if campaign.state is CampaignState.SETTLED:
        return _SETTLED.format(spent=campaign.spent, budget=campaign.budget)
    if campaign.state is CampaignState.ENDED and refused:
        return _UNDELIVERED
    return _WHY.get(campaign.reason) or _SAID[campaign.state]


def _facts(campaign: Campaign) -> Mapping[str, str | int | None]:
    return {
        "state": campaign.state.value,
        "reason": None if campaign.reason is None else campaign.reason.value,
        "budget": campaign.budget.minor,
        "spent": None if campaign.spent is None else campaign.spent.minor,
        "ends_at": campaign.ends_at.isoformat(),
    }
