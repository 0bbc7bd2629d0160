"""Budgets that change their level: from a campaign to its ad sets and back, and what a shared one must suffice for.

Meta documents `adset_budgets` as "all non-deleted children"; the rest of the form is assumed: with budgets it moves
the campaign's budget to the ad sets, without, beside a budget of the campaign, it moves theirs to the campaign.
"""

from dataclasses import dataclass, field

from metasim.graph.budgets import (
    BUDGETS,
    lifetime_minimum,
    minimum_daily,
    read_budget,
    refuse_below_minimum,
    refuse_low_for_spent,
    refuse_small_budget,
    refuse_two_budgets,
)
from metasim.graph.errors import GraphError, malformed, refusal
from metasim.graph.limits import refuse_locked_budget
from metasim.graph.wire import Params
from metasim.scenario import Account
from metasim.state import AdSet, Campaign
from metasim.times import DAY
from metasim.world import World

Budgets = dict[str, int | None]
FREE = "LOWEST_COST_WITHOUT_CAP"


@dataclass(frozen=True)
class Switch:
    """What a change of level writes to the ad sets; the campaign's own part stands in its draft."""

    budgets: dict[str, Budgets] = field(default_factory=dict)
    bid_strategy: str | None = None  # given to the ad sets together with their budgets


def switch_level(world: World, draft: Campaign, params: Params) -> Switch:
    """Check a change of level, apply it to a campaign's draft, and return what its ad sets get.

    Raises:
        GraphError: 1885621 where not every ad set is named, 1885272 or 2238055 for small budgets, 1885650 for spent ones.
    """
    rows = _rows(params)
    adsets = living_adsets(world, draft)
    if set(rows) != {adset.id for adset in adsets}:
        raise _two_levels("adset_budgets must name every ad set of the campaign that is not deleted.")
    refuse_locked_budget(world, draft)
    if draft.has_budget:
        return _to_adsets(world, draft, adsets, rows)
    if any(read_budget(row, name) for row in rows.values() for name in BUDGETS):
        raise _two_levels("Give budgets to the campaign or to its ad sets, not to both.")
    return _to_campaign(world, draft, adsets, params)


def complete_switch(world: World, switch: Switch) -> None:
    """Write a change of level to the ad sets."""
    for adset_id, budgets in switch.budgets.items():
        adset = world.state.need(AdSet, adset_id)
        adset.daily_budget, adset.lifetime_budget = budgets["daily_budget"], budgets["lifetime_budget"]
        adset.updated_us = world.now_us
        if switch.bid_strategy is not None:
            adset.extra = {**adset.extra, "bid_strategy": switch.bid_strategy}
        world.state.touch(adset)


def refuse_thin_budget(
    account: Account, campaign: Campaign, adsets: list[AdSet], budgets: Budgets | None = None
) -> None:
    """Refuse a campaign's budget under the sum of the minima of its ad sets (2238055)."""
    held = {name: getattr(campaign, name) for name in BUDGETS} if budgets is None else budgets
    daily, lifetime = held.get("daily_budget"), held.get("lifetime_budget")
    if daily is not None and daily < sum(_floor(account, each) for each in adsets):
        raise _too_thin("daily_budget")
    if lifetime is not None and lifetime < sum(_lifetime_floor(account, each) for each in adsets):
        raise _too_thin("lifetime_budget")


def living_adsets(world: World, campaign: Campaign) -> list[AdSet]:
    """Return the ad sets of a campaign that are not deleted."""
    return [each for each in world.state.children(AdSet, campaign.id) if each.status != "DELETED"]


def _rows(params: Params) -> dict[str, Params]:
    rows = params.structure("adset_budgets")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise malformed("adset_budgets", "an array of JSON objects")
    return {str(row.get("adset_id")): Params(row) for row in rows}


def _to_adsets(world: World, draft: Campaign, adsets: list[AdSet], rows: dict[str, Params]) -> Switch:
    account = world.account_of(draft)
    budgets = {adset.id: _own(world, account, adset, rows[adset.id]) for adset in adsets}
    strategy = draft.bid_strategy
    draft.daily_budget = draft.lifetime_budget = draft.bid_strategy = None
    return Switch(budgets, strategy)


def _own(world: World, account: Account, adset: AdSet, row: Params) -> Budgets:
    """Return the budget that an ad set is given, if it may have it."""
    refuse_two_budgets(row)
    budgets = {name: read_budget(row, name) for name in BUDGETS}
    if not any(budgets.values()):
        raise refusal(None, "Budget required", "Every ad set needs a budget of its own.", "adset_budgets")
    _refuse_schedule(adset, budgets)
    bid = adset.extra.get("bid_amount")
    refuse_below_minimum(adset.goal, account, budgets, (adset.start_us, adset.end_us), bid)
    for name, budget in budgets.items():
        refuse_low_for_spent(adset, name, budget, world, switching=True)
    return budgets


def _to_campaign(world: World, draft: Campaign, adsets: list[AdSet], params: Params) -> Switch:
    refuse_two_budgets(params)
    budgets = {name: read_budget(params, name) for name in BUDGETS}
    if not any(budgets.values()):
        raise refusal(None, "Budget required", "The campaign needs a budget.", "adset_budgets")
    account = world.account_of(draft)
    for name, budget in budgets.items():
        if budget is not None:
            refuse_small_budget(budget, account.min_daily_budget, account, name)
            refuse_low_for_spent(draft, name, budget, world, switching=True)
    refuse_thin_budget(account, draft, adsets, budgets)
    for adset in adsets:
        _refuse_schedule(adset, budgets)
    draft.daily_budget, draft.lifetime_budget = budgets["daily_budget"], budgets["lifetime_budget"]
    draft.bid_strategy = params.text("bid_strategy") or _shared_strategy(adsets)
    return Switch({adset.id: dict.fromkeys(BUDGETS) for adset in adsets})


def _shared_strategy(adsets: list[AdSet]) -> str:
    return next((str(each.extra["bid_strategy"]) for each in adsets if each.extra.get("bid_strategy")), FREE)


def _refuse_schedule(adset: AdSet, budgets: Budgets) -> None:
    if budgets["lifetime_budget"] is not None and adset.end_us is None:
        raise refusal(None, "End required", "A lifetime budget needs an end_time.", "end_time")
    short = adset.end_us is not None and adset.end_us - adset.start_us <= DAY
    if budgets["daily_budget"] is not None and short:
        text = "An ad set with a daily budget and an end must run for more than 24 hours."
        raise refusal(None, "Schedule too short", text, "end_time")


def _floor(account: Account, adset: AdSet) -> int:
    return minimum_daily(account, adset.goal, adset.extra.get("bid_amount"))


def _lifetime_floor(account: Account, adset: AdSet) -> int:
    floor = _floor(account, adset)
    return floor if adset.end_us is None else lifetime_minimum(floor, adset.start_us, adset.end_us)


def _too_thin(name: str) -> GraphError:
    text = "The campaign's budget must be at least the sum of the minimum budgets of its ad sets."
    return refusal(2238055, "Budget is too low", text, name)


def _two_levels(text: str) -> GraphError:
    return refusal(1885621, "Two levels of budget", text, "adset_budgets")
