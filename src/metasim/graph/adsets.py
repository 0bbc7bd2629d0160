"""Rules and writes of ad sets."""

from typing import Any

from metasim.facts import CAPPED_BIDS
from metasim.graph.budgets import (
    BUDGETS,
    changed_budgets,
    no_budget,
    note_budget_edit,
    read_bid,
    read_budget,
    refuse_below_minimum,
    refuse_two_budgets,
)
from metasim.graph.campaign_budgets import living_adsets, refuse_thin_budget
from metasim.graph.campaigns import SHARED
from metasim.graph.common import (
    create_status,
    kept,
    owned,
    read_labels,
    read_name,
    update_basics,
)
from metasim.graph.delivery_rules import check_pace, check_roas_floor, check_schedule
from metasim.graph.errors import GraphError, refusal
from metasim.graph.goals import check_promoted, read_attribution, read_billing, read_goal
from metasim.graph.limits import refuse_full_account, refuse_full_campaign
from metasim.graph.special_categories import check_categories, check_regions
from metasim.graph.targeting import check_audience_flag, read_targeting, read_transparency
from metasim.graph.unsupported_parameters import refuse_unserved
from metasim.graph.wire import Params
from metasim.scenario import Account
from metasim.state import AdSet, Campaign
from metasim.times import DAY
from metasim.world import World

KEPT = (
    "destination_type",
    "bid_strategy",
    "bid_constraints",
    "is_dynamic_creative",
    "pacing_type",
    "adset_schedule",
    "frequency_control_specs",
    "placement_soft_opt_out",
    "promoted_object",
    "regional_regulated_categories",
    "regional_regulation_identities",
    "source_adset_id",
    "topline_id",
)
PACING = (
    "pacing_type",
    "adset_schedule",
    "frequency_control_specs",
    "placement_soft_opt_out",
    "regional_regulated_categories",
    "regional_regulation_identities",
)
"""What an update may set beside budgets and bids: when within the day, how evenly and how often an ad set delivers."""

Schedule = tuple[int, int | None]


def create_adset(world: World, account: Account, params: Params) -> AdSet:
    """Check a new ad set against the rules and return it, not yet in the world."""
    refuse_unserved("adset", params)
    name = read_name(params)
    campaign = owned(world, Campaign, params.need_text("campaign_id"), account)
    _refuse_closed_campaign(world, campaign)
    goal = read_goal(params, campaign.objective)
    schedule = _schedule(world, account, params)
    budgets = _budgets(params, campaign, schedule)
    _check_shared(params, campaign, budgets)
    bid_amount = _bid(params, campaign)
    check_roas_floor(params, goal)
    check_pace(params, goal, lifetime=bool(budgets["lifetime_budget"] or campaign.lifetime_budget))
    refuse_below_minimum(goal, account, budgets, schedule, bid_amount)
    now = world.now_us
    adset = AdSet(
        world.state.new_id(),
        account.id,
        name,
        create_status(params),
        now,
        now,
        extra=_kept(world, params, campaign, account, goal),
        labels=read_labels(world, params, account.id),
        campaign_id=campaign.id,
        goal=goal,
        billing_event=read_billing(params, goal),
        start_us=schedule[0],
        end_us=schedule[1],
        daily_budget=budgets["daily_budget"],
        lifetime_budget=budgets["lifetime_budget"],
    )
    if campaign.has_budget:
        refuse_thin_budget(account, campaign, [*living_adsets(world, campaign), adset])
    return adset


def _bid(params: Params, campaign: Campaign) -> int | None:
    """Return the bid: the campaign's strategy holds where it has the budget, and otherwise one must be named."""
    strategy, amount = read_bid(params)
    if not campaign.has_budget:
        if strategy is None and amount is None:
            text = "Name a bid strategy; without one a bid amount is needed."
            raise refusal(2490487, "Bid amount required", text, "bid_amount")
        return amount
    if strategy not in (None, campaign.bid_strategy):
        text = "The bid strategy is the campaign's, which holds the budget."
        raise refusal(None, "Bid strategy of the campaign", text, "bid_strategy")
    if campaign.bid_strategy in CAPPED_BIDS and amount is None:
        text = f"The campaign's bid strategy {campaign.bid_strategy} needs a bid amount."
        raise refusal(1815857, "Bid amount required", text, "bid_amount")
    return amount


def _kept(world: World, params: Params, campaign: Campaign, account: Account, goal: str) -> dict[str, Any]:
    categories = campaign.extra.get("special_ad_categories") or []
    targeting = check_audience_flag(read_targeting(params), [str(name) for name in categories])
    extra = kept(params, KEPT)
    extra.update(read_transparency(params, targeting, account))
    check_categories(targeting, campaign.extra)
    check_regions(targeting, extra)
    extra["targeting"] = targeting
    check_promoted(params, campaign.objective, goal, world.scenario)
    attribution = read_attribution(params, goal)
    if attribution is not None:
        extra["attribution_spec"] = attribution
    if params.given("bid_amount"):
        extra["bid_amount"] = params.integer("bid_amount")
    return extra


def _refuse_closed_campaign(world: World, campaign: Campaign) -> None:
    if campaign.status in ("DELETED", "ARCHIVED"):
        raise refusal(1487566, "Campaign is closed", "The campaign is deleted or archived.", "campaign_id")
    account = world.account_of(campaign)
    refuse_full_campaign(world, account, campaign)
    refuse_full_account(world, account, AdSet)


def _schedule(world: World, account: Account, params: Params) -> Schedule:
    start = params.moment("start_time", account.zone, world.now_us)
    start_us = max(world.now_us, start if start is not None else world.now_us)
    end_us = params.moment("end_time", account.zone, world.now_us) or None  # 0 stands for open-ended
    check_schedule(start, end_us, world.now_us)
    if end_us is not None:
        refuse_bad_end(world, start_us, end_us)
    return start_us, end_us


def refuse_bad_end(world: World, start_us: int, end_us: int) -> None:
    """Refuse an end in the past (1487033) or before the start."""
    if end_us <= world.now_us:
        raise refusal(1487033, "End date is past", "The end must be in the future.", "end_time")
    if end_us <= start_us:
        raise refusal(None, "End before start", "The end must be after the start.", "end_time")


def _budgets(params: Params, campaign: Campaign, schedule: Schedule) -> dict[str, int | None]:
    refuse_two_budgets(params)
    budgets = {name: read_budget(params, name) for name in BUDGETS}
    given = [name for name, value in budgets.items() if value is not None]
    if campaign.has_budget:
        if given:
            text = "The campaign holds the budget, so its ad sets cannot have their own."
            raise refusal(1885621, "Two levels of budget", text, given[0])
        if campaign.lifetime_budget is not None and schedule[1] is None:
            raise _end_required()
        return budgets
    if not given:
        raise no_budget()
    check_schedule_for_budget(budgets, schedule)
    return budgets


def check_schedule_for_budget(budgets: dict[str, int | None], schedule: Schedule) -> None:
    """A lifetime budget needs an end; a daily budget with an end needs more than 24 hours."""
    start_us, end_us = schedule
    if budgets.get("lifetime_budget") is not None and end_us is None:
        raise _end_required()
    if budgets.get("daily_budget") is not None and end_us is not None and end_us - start_us <= DAY:
        text = "An ad set with a daily budget and an end must run for more than 24 hours."
        raise refusal(None, "Schedule too short", text, "end_time")


def _check_shared(params: Params, campaign: Campaign, budgets: dict[str, int | None]) -> None:
    """Ad sets that share their budgets have daily ones and bid alike (4834009)."""
    if campaign.extra.get("is_adset_budget_sharing_enabled") not in SHARED:
        return
    strategy = params.text("bid_strategy")
    if budgets["lifetime_budget"] is not None or (strategy and strategy != campaign.bid_strategy):
        text = "Ad sets that share budgets need daily budgets and the campaign's bid strategy."
        raise refusal(4834009, "Settings are not uniform", text, "bid_strategy")


def _end_required() -> GraphError:
    return refusal(None, "End required", "A lifetime budget needs an end_time.", "end_time")


def update_adset(world: World, adset: AdSet, params: Params) -> None:
    """Apply an update to a draft of an ad set."""
    refuse_unserved("adset", params)
    account = world.account_of(adset)
    campaign = world.state.need(Campaign, adset.campaign_id)
    _refuse_fixed(adset, params)
    _update_schedule(world, adset, params, account)
    _update_budgets(world, adset, params, campaign)
    _update_targeting(world, adset, params, account)
    if params.given("optimization_goal"):
        adset.goal = read_goal(Params({**adset.extra, **params}), campaign.objective)
    attribution = read_attribution(params, adset.goal)
    if attribution is not None:
        adset.extra["attribution_spec"] = attribution
    if any(params.given(name) for name in ("bid_strategy", "bid_amount", "bid_constraints")):
        _, amount = read_bid(params)
        adset.extra.update(kept(params, ("bid_strategy", "bid_constraints")))
        adset.extra.update({"bid_amount": amount} if amount is not None else {})
    if any(name in params for name in PACING):
        known = {name: adset.extra[name] for name in (*PACING, "bid_strategy") if name in adset.extra}
        funded = adset.lifetime_budget or campaign.lifetime_budget
        check_pace(Params({**known, **params}), adset.goal, lifetime=bool(funded))
    adset.extra.update(kept(params, PACING))
    update_basics(world, adset, params)
    adset.updated_us = world.now_us


def _refuse_fixed(adset: AdSet, params: Params) -> None:
    if params.given("campaign_id") and params.text("campaign_id") != adset.campaign_id:
        raise refusal(None, "Campaign is fixed", "An ad set cannot move to another campaign.", "campaign_id")
    for name in ("promoted_object", "billing_event", "destination_type"):
        old = adset.billing_event if name == "billing_event" else adset.extra.get(name)
        if params.given(name) and kept(params, (name,))[name] != old:
            raise refusal(None, "Field is fixed", f"{name} cannot change after creation.", name)


def _update_schedule(world: World, adset: AdSet, params: Params, account: Account) -> None:
    start = params.moment("start_time", account.zone, world.now_us)
    if start is not None and start != adset.start_us:
        if adset.start_us <= world.now_us:
            raise refusal(None, "Already started", "The start cannot change any more.", "start_time")
        adset.start_us = max(start, world.now_us)
    if params.given("end_time"):
        end = params.moment("end_time", account.zone, world.now_us) or None
        if end is not None and end != adset.end_us:
            refuse_bad_end(world, adset.start_us, end)
        adset.end_us = end
        budgets = {name: getattr(adset, name) for name in BUDGETS}
        check_schedule_for_budget(budgets, (adset.start_us, adset.end_us))


def _update_budgets(world: World, adset: AdSet, params: Params, campaign: Campaign) -> None:
    given = [name for name in BUDGETS if params.given(name)]
    if not given:
        return
    if campaign.has_budget:
        raise refusal(1885621, "Two levels of budget", "The campaign holds the budget.", given[0])
    changes = changed_budgets(adset, params, world)
    if not changes:
        return
    for name, budget in changes.items():
        setattr(adset, name, budget)
    account = world.account_of(adset)
    floor_budgets: dict[str, int | None] = dict(changes)
    bid = adset.extra.get("bid_amount")
    refuse_below_minimum(adset.goal, account, floor_budgets, (adset.start_us, adset.end_us), bid)
    adset.budget_edits_us = note_budget_edit(adset, world.now_us)


def _update_targeting(world: World, adset: AdSet, params: Params, account: Account) -> None:
    targeting = adset.extra["targeting"]
    if params.given("targeting"):
        written = read_targeting(params)
        automation = targeting.get("targeting_automation")
        targeting = {"targeting_automation": automation, **written}  # the flag is only demanded on creation
        check_categories(targeting, world.state.need(Campaign, adset.campaign_id).extra)
        check_regions(targeting, {**adset.extra, **kept(params, PACING)})
        adset.extra["targeting"] = targeting
    if any(params.given(name) for name in ("targeting", "dsa_beneficiary", "dsa_payor")):
        known = {name: adset.extra.get(name) for name in ("dsa_beneficiary", "dsa_payor")}
        adset.extra.update(read_transparency(Params({**known, **params}), targeting, account))


def has_ended(adset: AdSet, now_us: int) -> bool:
    """Tell whether an ad set's schedule is over."""
    return adset.end_us is not None and adset.end_us <= now_us
