"""Rules and writes of campaigns."""

from metasim.facts import (
    BANNED_PROMOTIONS,
    BID_STRATEGIES,
    CREATABLE_OBJECTIVES,
    LEGACY_OBJECTIVES,
    NO_SPEND_CAP,
    PROMOTION_TYPES,
    SPECIAL_CATEGORIES,
)
from metasim.graph.budgets import (
    BUDGETS,
    changed_budgets,
    read_budget,
    refuse_small_budget,
    refuse_two_budgets,
)
from metasim.graph.campaign_budgets import (
    Switch,
    living_adsets,
    refuse_thin_budget,
    switch_level,
)
from metasim.graph.common import create_status, kept, read_labels, read_name, update_basics
from metasim.graph.errors import malformed, missing, not_one_of, refusal
from metasim.graph.limits import refuse_full_account, refuse_locked_budget
from metasim.graph.unsupported_parameters import refuse_unserved
from metasim.graph.wire import Params
from metasim.scenario import Account
from metasim.state import Ad, AdSet, Campaign
from metasim.world import World

KEPT = (
    "special_ad_categories",
    "special_ad_category_country",
    "is_adset_budget_sharing_enabled",
    "buying_type",
    "promoted_object",
    "source_campaign_id",
    "is_skadnetwork_attribution",
    "topline_id",
    "smart_promotion_type",
)
CHANGEABLE = ("special_ad_categories", "special_ad_category_country", "is_skadnetwork_attribution")

USUAL = {"buying_type": "AUCTION"}
SHARED = (True, "true", "1", 1)  # how the flag may have been written


def create_campaign(world: World, account: Account, params: Params) -> Campaign:
    """Check a new campaign against the rules and return it, not yet in the world."""
    refuse_unserved("campaign", params)
    _refuse_other_kinds(params)
    name = read_name(params)
    refuse_full_account(world, account, Campaign)
    objective = _objective(params)
    _check_categories(params)
    budgets = _budgets(params, account)
    _check_sharing(params, has_budget=any(budgets.values()))
    now = world.now_us
    return Campaign(
        world.state.new_id(),
        account.id,
        name,
        create_status(params),
        now,
        now,
        extra=kept(params, KEPT),
        labels=read_labels(world, params, account.id),
        objective=objective,
        spend_cap=read_spend_cap(params, account, 0),
        bid_strategy=_bid_strategy(params, has_budget=any(budgets.values())),
        flushed_us=now,
        daily_budget=budgets["daily_budget"],
        lifetime_budget=budgets["lifetime_budget"],
    )


def _refuse_other_kinds(params: Params) -> None:
    """Refuse reserved buying, which this account cannot do, and the automated campaigns that Meta closed in 2026."""
    buying = params.choice("buying_type", ("AUCTION", "RESERVED"))
    if buying == "RESERVED":
        raise refusal(None, "Buying type not available", "This account buys by auction.", "buying_type")
    kind = params.choice("smart_promotion_type", PROMOTION_TYPES)
    if kind in BANNED_PROMOTIONS:
        text = f"{kind} campaigns cannot be created any more; use an Advantage+ setup."
        raise refusal(None, "Campaign type not available", text, "smart_promotion_type")


def update_campaign(world: World, campaign: Campaign, params: Params) -> Switch:
    """Apply an update to a draft of a campaign; return what a budget that changes its level does to the ad sets."""
    refuse_unserved("campaign", params)
    account = world.account_of(campaign)
    switch = Switch()
    if params.given("adset_budgets"):
        switch = switch_level(world, campaign, params)
    elif campaign.has_budget:
        changes = changed_budgets(campaign, params, world)
        for name, budget in changes.items():
            refuse_small_budget(budget, account.min_daily_budget, account, name)
            setattr(campaign, name, budget)
        if changes:
            refuse_thin_budget(account, campaign, living_adsets(world, campaign))
    elif any(params.given(name) for name in BUDGETS):
        _refuse_budget_beside_adsets(world, campaign)
    if params.given("spend_cap"):
        campaign.spend_cap = read_spend_cap(params, account, campaign.spent_micros)
    _update_kind(world, campaign, params)
    _refuse_sharing_in_flight(campaign, params)
    if params.given("bid_strategy"):
        refuse_locked_budget(world, campaign)
        _refuse_bid_while_sharing(campaign, params)
        campaign.bid_strategy = params.choice("bid_strategy", BID_STRATEGIES)
    update_basics(world, campaign, params)
    if {"name", "status", "adlabels", "bid_strategy", "objective", *CHANGEABLE} & set(params):
        campaign.updated_us = world.now_us  # not moved by budgets and spend caps
    return switch


def _update_kind(world: World, campaign: Campaign, params: Params) -> None:
    """Change objective and special categories; the objective is fixed once there are ad sets, other parts for good."""
    for name in ("buying_type", "promoted_object"):
        if params.given(name) and kept(params, (name,))[name] != campaign.extra.get(name, USUAL.get(name)):
            raise refusal(None, "Field is fixed", f"{name} cannot change after creation.", name)
    if params.given("objective") and params.text("objective") != campaign.objective:
        if living_adsets(world, campaign):
            text = "The objective cannot change once the campaign has ad sets."
            raise refusal(None, "Objective is fixed", text, "objective")
        campaign.objective = _objective(params)
    if any(name in params for name in CHANGEABLE):
        merged = Params({**campaign.extra, **params})
        _check_categories(merged)
        campaign.extra.update(kept(merged, CHANGEABLE))


def delete_children(world: World, parent: Campaign | AdSet) -> None:
    """Delete everything in a deleted campaign or ad set."""
    for child in (*world.state.children(AdSet, parent.id), *world.state.children(Ad, parent.id)):
        child.status = "DELETED"
        world.state.touch(child)


def _objective(params: Params) -> str:
    objective = params.need_text("objective")
    if objective in LEGACY_OBJECTIVES:
        raise refusal(
            None,
            "Objective not available",
            f"{objective} cannot be used for new campaigns. Use one of {', '.join(CREATABLE_OBJECTIVES)}.",
            "objective",
        )
    if objective not in CREATABLE_OBJECTIVES:
        raise not_one_of("objective", CREATABLE_OBJECTIVES)
    return objective


def _check_categories(params: Params) -> None:
    categories = params.words("special_ad_categories")
    if categories is None:
        raise missing("special_ad_categories")
    for category in categories:
        if category not in SPECIAL_CATEGORIES:
            raise not_one_of("special_ad_categories", SPECIAL_CATEGORIES)
    if "NONE" in categories and len(set(categories)) > 1:
        text = "NONE goes with no other special ad category."
        raise refusal(None, "Categories exclude each other", text, "special_ad_categories")
    if set(categories) - {"NONE"} and not params.words("special_ad_category_country"):
        raise refusal(
            2909034,
            "Country required",
            "Special ad categories need the countries they apply to.",
            "special_ad_category_country",
        )


def _budgets(params: Params, account: Account) -> dict[str, int | None]:
    refuse_two_budgets(params)
    budgets = {name: read_budget(params, name) for name in BUDGETS}
    for name, budget in budgets.items():
        if budget is not None:
            refuse_small_budget(budget, account.min_daily_budget, account, name)
    return budgets


def _check_sharing(params: Params, *, has_budget: bool) -> None:
    sharing = params.flag("is_adset_budget_sharing_enabled")
    if sharing is None and not has_budget:
        raise refusal(
            4834011,
            "Budget sharing must be chosen",
            "is_adset_budget_sharing_enabled must be true or false when the campaign has no budget.",
            "is_adset_budget_sharing_enabled",
        )
    if sharing and has_budget:
        raise refusal(4834002, "Budget sharing not available", "A campaign budget excludes sharing.")
    if sharing and not params.given("bid_strategy"):
        raise refusal(
            4834005, "Bid strategy required", "Budget sharing needs a bid strategy.", "bid_strategy"
        )


def _bid_strategy(params: Params, *, has_budget: bool) -> str | None:
    strategy = params.choice("bid_strategy", BID_STRATEGIES)
    return strategy or ("LOWEST_COST_WITH_BID_CAP" if has_budget else None)


def read_spend_cap(params: Params, account: Account, spent_micros: int) -> int | None:
    """Return the spend cap in minor units (None: no cap); at least the account's minimum (2446307)."""
    cap = params.integer("spend_cap")
    if cap is None or cap == NO_SPEND_CAP:
        return None
    if cap < 0:
        raise malformed("spend_cap", "a positive integer")
    least = account.min_campaign_group_spend_cap
    if cap < least:
        raise refusal(
            2446307,
            "Spend cap too low",
            f"A campaign's spend cap must be at least {least} in the smallest unit of {account.currency}.",
            "spend_cap",
        )
    if cap * account.minor_micros < spent_micros:
        raise refusal(1885650, "Spend cap too low", "The campaign has already spent more.", "spend_cap")
    return cap


def _refuse_budget_beside_adsets(world: World, campaign: Campaign) -> None:
    children = [each for each in world.state.children(AdSet, campaign.id) if each.status != "DELETED"]
    text = "Ad sets of this campaign hold their own budgets." if children else "Set the budget at creation."
    raise refusal(1885621, "Two levels of budget", text, "daily_budget")


def _refuse_bid_while_sharing(campaign: Campaign, params: Params) -> None:
    sharing = campaign.extra.get("is_adset_budget_sharing_enabled") in SHARED
    if sharing and params.text("bid_strategy") != campaign.bid_strategy:
        text = "The bid strategy is fixed while ad sets share their budgets."
        raise refusal(4834006, "Bid strategy is fixed", text, "bid_strategy")


def _refuse_sharing_in_flight(campaign: Campaign, params: Params) -> None:
    wanted = params.flag("is_adset_budget_sharing_enabled")
    current = campaign.extra.get("is_adset_budget_sharing_enabled")
    if wanted and current not in SHARED:
        raise refusal(3858418, "Budget sharing cannot be enabled", "The campaign already exists.")
    if wanted is False:
        campaign.extra["is_adset_budget_sharing_enabled"] = False
