"""What a status comes to in effect, given its parents, its review and the hour."""

from metasim.state import Ad, AdSet, Campaign, Funded, Node, State

GONE = ("DELETED", "ARCHIVED")


def campaign_status(campaign: Campaign) -> str:
    """Return a campaign's effective status."""
    return campaign.status


def adset_status(state: State, adset: AdSet) -> str:
    """Return an ad set's effective status: its own end first, then its campaign's, then pauses."""
    campaign = state.need(Campaign, adset.campaign_id)
    for node in (adset, campaign):
        if node.status in GONE:
            return node.status
    if campaign.status == "PAUSED":
        return "CAMPAIGN_PAUSED"
    return adset.status


def ad_status(state: State, ad: Ad, now_us: int) -> str:
    """Return an ad's effective status, review included."""
    campaign = state.need(Campaign, ad.campaign_id)
    adset = state.need(AdSet, ad.adset_id)
    chain: tuple[Node, ...] = (ad, adset, campaign)
    for node in chain:
        if node.status in GONE:
            return node.status
    if campaign.status == "PAUSED":
        return "CAMPAIGN_PAUSED"
    if adset.status == "PAUSED":
        return "ADSET_PAUSED"
    if ad.status == "PAUSED":
        return "PAUSED"
    if ad.reviewed_us is None or now_us < ad.reviewed_us:
        return "PENDING_REVIEW"
    return "DISAPPROVED" if ad.refused else "ACTIVE"


def effective_status(state: State, node: Node, now_us: int) -> str:
    """Return any node's effective status."""
    if isinstance(node, Campaign):
        return campaign_status(node)
    if isinstance(node, AdSet):
        return adset_status(state, node)
    if isinstance(node, Ad):
        return ad_status(state, node, now_us)
    return node.status


def campaign_end(state: State, campaign: Campaign) -> int | None:
    """Return when the last of a campaign's remaining ad sets ends; None if one is open-ended or there is none."""
    ends = [adset.end_us for adset in state.children(AdSet, campaign.id) if adset.status not in GONE]
    if not ends or None in ends:
        return None
    return max(end for end in ends if end is not None)


def holds_budget(node: Funded) -> bool:
    """Tell whether a node has a budget of its own."""
    return node.daily_budget is not None or node.lifetime_budget is not None
