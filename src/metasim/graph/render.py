"""Nodes as Meta reads them back: numbers of money as strings, times in the account's zone, REACH as IMPRESSIONS."""

from collections.abc import Callable
from typing import Any

from metasim.facts import WEBSITE_GOALS
from metasim.graph.ad_rules import render_rule
from metasim.graph.async_rendering import render_request, render_session, render_set
from metasim.graph.learning import learning_stage
from metasim.graph.server_defaults import (
    complete_promoted,
    complete_story,
    complete_targeting,
    conversion_domain,
    conversion_specs,
    thumbnail,
    tracking_specs,
)
from metasim.graph.studies import render_cell, render_study
from metasim.graph.videos import render_video
from metasim.market.effects import shown_content
from metasim.scenario import Account
from metasim.state import (
    Ad,
    AdSet,
    AsyncRequest,
    AsyncSession,
    AsyncSet,
    Campaign,
    Creative,
    Funded,
    Image,
    Label,
    Node,
    Rule,
    Study,
    StudyCell,
    Video,
)
from metasim.status import GONE, effective_status, holds_budget
from metasim.times import local_day, local_offset
from metasim.world import World

Values = dict[str, Any]


def render(world: World, node: Node) -> Values:
    """Return everything the simulator knows of a node, by field name; absent values are left out."""
    values = _RENDERERS[node.kind](world, node)
    return {name: value for name, value in values.items() if value is not None}


def _common(world: World, node: Node) -> Values:
    account = world.account_of(node)
    return {
        **node.extra,
        "id": node.id,
        "account_id": node.account_id,
        "name": node.name,
        "status": node.status,
        "created_time": world.spell(node.created_us, account),
        "updated_time": world.spell(node.updated_us, account),
        "adlabels": [_label_reference(world, label) for label in node.labels] or None,
    }


def _label_reference(world: World, label_id: str) -> Values:
    return {"id": label_id, "name": world.state.need(Label, label_id).name}


def _delivering(world: World, node: Node) -> Values:
    return {
        **_common(world, node),
        "configured_status": node.status,
        "effective_status": effective_status(world.state, node, world.now_us),
    }


def _money(node: Funded, world: World) -> Values:
    account = world.account_of(node)
    return {
        "daily_budget": _text(node.daily_budget),
        "lifetime_budget": _text(node.lifetime_budget),
        "budget_remaining": str(budget_remaining(node, account, world.now_us)),
    }


def budget_remaining(node: Funded, account: Account, now_us: int) -> int:
    """Return what is left of a node's budget (of today's, if daily), in whole minor units."""
    if node.lifetime_budget is not None:
        return max(0, node.lifetime_budget * account.minor_micros - node.spent_micros) // account.minor_micros
    today = node.spent_by_day.get(local_day(now_us, account.zone).isoformat(), 0)
    return max(0, (node.daily_budget or 0) * account.minor_micros - today) // account.minor_micros


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _campaign(world: World, node: Node) -> Values:
    campaign = world.state.need(Campaign, node.id)
    account = world.account_of(node)
    adsets = [each for each in world.state.children(AdSet, node.id) if each.status not in GONE]
    starts = [adset.start_us for adset in adsets]
    ends = [adset.end_us for adset in adsets if adset.end_us is not None]
    return {
        "buying_type": "AUCTION",
        "smart_promotion_type": "GUIDED_CREATION",
        "source_campaign_id": "0",
        **_delivering(world, node),
        **_money(campaign, world),
        "objective": campaign.objective,
        "spend_cap": _text(campaign.spend_cap),
        "bid_strategy": campaign.bid_strategy,
        "can_use_spend_cap": True,
        "start_time": world.spell(min(starts, default=campaign.created_us), account),
        "stop_time": world.spell(max(ends), account) if ends else None,
    }


def _adset(world: World, node: Node) -> Values:
    adset = world.state.need(AdSet, node.id)
    account = world.account_of(node)
    campaign = world.state.need(Campaign, adset.campaign_id)
    values: Values = {
        "attribution_spec": default_attribution(adset.goal),
        "destination_type": "UNDEFINED",
        "bid_strategy": None if holds_budget(campaign) else "LOWEST_COST_WITHOUT_CAP",
        "is_dynamic_creative": False,
        "source_adset_id": "0",
        "pacing_type": ["standard"],
        **_delivering(world, node),
        **_money(adset, world),
        "targeting": complete_targeting(adset.extra["targeting"]),
        "promoted_object": complete_promoted(adset.extra.get("promoted_object")),
        "campaign_id": adset.campaign_id,
        "optimization_goal": "IMPRESSIONS" if adset.goal == "REACH" else adset.goal,
        "billing_event": adset.billing_event,
        "start_time": world.spell(adset.start_us, account),
        "end_time": None if adset.end_us is None else world.spell(adset.end_us, account),
    }
    if values["effective_status"] == "ACTIVE" and values["is_dynamic_creative"] not in (True, "true", 1):
        values["learning_stage_info"] = learning_stage(world, adset, values["attribution_spec"])
    return values


def default_attribution(goal: str) -> list[dict[str, Any]]:
    """Return the attribution setting of an ad set that named none."""
    if goal in WEBSITE_GOALS:
        return [
            {"event_type": "CLICK_THROUGH", "window_days": 7},
            {"event_type": "VIEW_THROUGH", "window_days": 1},
            {"event_type": "ENGAGED_VIDEO_VIEW", "window_days": 1},
        ]
    return [{"event_type": "CLICK_THROUGH", "window_days": 1}]


def _ad(world: World, node: Node) -> Values:
    ad = world.state.need(Ad, node.id)
    values = {
        **_delivering(world, node),
        "campaign_id": ad.campaign_id,
        "adset_id": ad.adset_id,
        "source_ad_id": node.extra.get("source_ad_id", "0"),
        "bid_type": "ABSOLUTE_OCPM",
        "tracking_specs": tracking_specs(world, ad),
        "conversion_specs": conversion_specs(world, ad),
        "conversion_domain": conversion_domain(world, ad),
    }
    if values["effective_status"] == "DISAPPROVED":
        values["ad_review_feedback"] = {"global": {"Unacceptable business practices": "Refused by review."}}
        values["issues_info"] = [_refused_issue()]
    return values


def _refused_issue() -> Values:
    return {
        "level": "AD",
        "error_code": 2490427,
        "error_summary": "Ad rejected",
        "error_message": "The ad does not comply with the advertising standards.",
        "error_type": "HARD_ERROR",
    }


def _creative(world: World, node: Node) -> Values:
    story = node.extra.get("object_story_spec") or {}
    shown = shown_content(node.extra)
    page = story.get("page_id")
    creative = world.state.need(Creative, node.id)
    values = {
        **_common(world, node),
        "object_story_spec": complete_story(story) if story else None,
        "thumbnail_url": thumbnail(creative),
        "object_type": "VIDEO" if "video_data" in story else "SHARE",
        "title": shown.get("title"),
        "body": shown.get("message"),
        "image_hash": shown.get("image_hash"),
        "video_id": shown.get("video_id"),
        "call_to_action_type": shown.get("cta"),
        "instagram_user_id": story.get("instagram_user_id"),
        "actor_id": page,
        "effective_object_story_id": f"{page}_{node.id}" if page else None,
    }
    return {name: value for name, value in values.items() if name not in ("created_time", "updated_time")}


def _image(world: World, node: Node) -> Values:
    image = world.state.need(Image, node.id)
    return {**_common(world, node), "hash": image.hash}


_RENDERERS: dict[str, Callable[[World, Node], Values]] = {
    "campaign": _campaign,
    "adset": _adset,
    "ad": _ad,
    "creative": _creative,
    "image": _image,
    "adlabel": _common,
    "ad_study": lambda world, node: render_study(world, world.state.need(Study, node.id)),
    "study_cell": lambda world, node: render_cell(world, world.state.need(StudyCell, node.id)),
    "async_set": lambda world, node: render_set(world, world.state.need(AsyncSet, node.id)),
    "async_request": lambda world, node: render_request(world, world.state.need(AsyncRequest, node.id)),
    "async_session": lambda world, node: render_session(world, world.state.need(AsyncSession, node.id)),
    "adrule": lambda world, node: render_rule(world, world.state.need(Rule, node.id)),
    "video": lambda world, node: render_video(world, world.state.need(Video, node.id)),
}


def render_account(world: World, account: Account) -> Values:
    """Return everything the simulator knows of an ad account."""
    state, account = world.state.accounts[account.id], world.account(account.id)
    business = {"id": account.business, "name": account.business_name} if account.business else None
    spent = state.spent_micros // account.minor_micros
    values = {
        "id": f"act_{account.id}",
        "account_id": account.id,
        "name": account.name,
        "account_status": state.account_status,
        "disable_reason": state.disable_reason,
        "currency": account.currency,
        "timezone_name": account.timezone,
        "timezone_id": 1,
        "timezone_offset_hours_utc": local_offset(world.now_us, account.zone) / 3_600_000_000,
        "spend_cap": str(state.spend_cap),
        "amount_spent": str(spent),
        "balance": str(spent),
        "min_daily_budget": account.min_daily_budget,
        "min_campaign_group_spend_cap": str(account.min_campaign_group_spend_cap),
        "funding_source": account.funding_source,
        "is_prepay_account": False,
        "is_personal": 0 if business else 1,
        "business": business,
        "business_name": account.business_name if business else None,
        "owner": account.business or world.scenario.user_id,
        "default_dsa_beneficiary": account.default_dsa_beneficiary,
        "default_dsa_payor": account.default_dsa_payor,
        "capabilities": ["CAN_USE_REACH_AND_FREQUENCY", "DIRECT_SALES"],
        "user_tasks": ["DRAFT", "ANALYZE", "ADVERTISE", "MANAGE"],
        "tos_accepted": {"web_custom_audience_tos": 1},
        "created_time": world.spell(0, account),
    }
    return {name: value for name, value in values.items() if value is not None}
