"""Known facts of a final campaign at one moment, and the state that they give it."""

from dataclasses import dataclass, replace
from datetime import datetime

from autopublisher.domain.amounts import Money
from autopublisher.domain.campaigns.campaign import Campaign, CampaignState, Reason
from autopublisher.domain.ids import MetaId
from autopublisher.domain.meta.object_state import GONE
from autopublisher.domain.meta.review import BLOCKED, IN_REVIEW


@dataclass(frozen=True)
class Shown:
    """What is known of a campaign at one moment: how Meta last showed its objects, and what our own journal adds.

    ``status`` and ``ad_status`` are own statuses, the former the worse one of campaign and ad set; ``review`` is the ad's
    effective status and ``why`` Meta's words on it. ``off_by`` says who paused what is not ACTIVE. ``spent_at_most`` is the
    settled spend in minor units, None while figures can still move. ``parts`` is how many ad sets it delivers by.
    """

    campaign_meta_id: MetaId | None
    ad_set_meta_id: MetaId | None
    ad_meta_id: MetaId | None
    budget: Money
    starts_at: datetime
    ends_at: datetime
    status: str
    ad_status: str
    review: str
    why: str
    off_by: Reason
    was_on: bool
    ended_early: bool
    run_ended: bool
    spent_at_most: int | None
    parts: int = 1


_S = CampaignState
_Standing = tuple[CampaignState, Reason | None]


def state_of(campaign: Campaign, shown: Shown, now: datetime) -> _Standing:
    """Return where a campaign stands by what is shown of it, and why."""
    if shown.spent_at_most is not None:
        return _S.SETTLED, Reason.RUN_ENDED if shown.run_ended else campaign.reason
    if shown.run_ended:
        return _S.ENDED, Reason.RUN_ENDED
    if shown.status in GONE:
        return _S.ENDED, Reason.GONE
    if shown.ends_at <= now:
        return _S.ENDED, Reason.ENDED_EARLY if shown.ended_early else Reason.TIME_OVER
    return _on_its_way(campaign, shown)


def following(campaign: Campaign, shown: Shown, now: datetime) -> tuple[Campaign, ...]:
    """Return what a campaign becomes by what is shown, one version after the other; nothing where all is as it was."""
    if campaign.state is _S.SETTLED:
        return ()
    known = _with_facts(campaign, shown)
    (state, reason), detail = state_of(known, shown, now), ""
    if state is _S.SETTLED:
        return _settled(known, shown, now)
    if state is _S.REFUSED:
        detail = shown.why
    if state is not known.state:
        since = known.ends_at if reason in {Reason.TIME_OVER, Reason.ENDED_EARLY} else now
        return (known.moved(state, since, reason, detail),)
    if state is _S.ENDED or (reason, detail) == (known.reason, known.detail):
        return () if known == campaign else (known.changed(),)
    return (known.changed(reason=reason, detail=detail),)


def _on_its_way(campaign: Campaign, shown: Shown) -> _Standing:
    if shown.ad_status in GONE:
        return _S.PAUSED, Reason.AD_GONE
    if {shown.status, shown.ad_status} != {"ACTIVE"}:
        is_new = campaign.state is _S.BUILDING and not shown.was_on
        return (_S.BUILDING, None) if is_new else (_S.PAUSED, shown.off_by)
    if shown.review in BLOCKED:
        return _S.REFUSED, Reason.REVIEW
    return (_S.IN_REVIEW if shown.review in IN_REVIEW else _S.DELIVERING), None


def _with_facts(campaign: Campaign, shown: Shown) -> Campaign:
    """Return the campaign with the ids, the budget and the schedule that are shown; an id once known stays."""
    return replace(
        campaign,
        campaign_meta_id=shown.campaign_meta_id or campaign.campaign_meta_id,
        ad_set_meta_id=shown.ad_set_meta_id or campaign.ad_set_meta_id,
        ad_meta_id=shown.ad_meta_id or campaign.ad_meta_id,
        budget=shown.budget,
        starts_at=shown.starts_at,
        ends_at=shown.ends_at,
    )


def _settled(campaign: Campaign, shown: Shown, now: datetime) -> tuple[Campaign, ...]:
    """Return the campaign settled, through its end where nobody looked in between.

    Its spend is Meta's figure, without the unit that is counted beside each part of it for Meta's rounding.
    """
    known = 0 if campaign.spent is None else campaign.spent.minor
    at_most = shown.spent_at_most or 0
    spent = Money(known if known < at_most <= known + shown.parts else at_most, campaign.budget.currency)
    ended = () if campaign.state is _S.ENDED else (_ended(campaign, shown, now),)
    last = (campaign, *ended)[-1]
    settled = last.moved(_S.SETTLED, now, last.reason)
    return (*ended, replace(settled, spent=spent, spent_at=campaign.spent_at or now))


def _ended(campaign: Campaign, shown: Shown, now: datetime) -> Campaign:
    reason = Reason.RUN_ENDED if shown.run_ended else Reason.TIME_OVER
    return campaign.moved(_S.ENDED, min(now, campaign.ends_at), reason)
