"""Rules about money: minima, lowering, how often a budget may change, bids."""

import math

from metasim.facts import (
    BID_STRATEGIES,
    BUDGET_EDITS_PER_HOUR,
    CAPPED_BIDS,
    CLICK_GOALS,
    IMPRESSION_GOALS,
    VIDEO_GOALS,
)
from metasim.graph.errors import GraphError, malformed, refusal, throttled
from metasim.graph.wire import Params
from metasim.scenario import Account
from metasim.state import Funded
from metasim.times import DAY, HOUR, local_day
from metasim.world import World

BUDGETS = ("daily_budget", "lifetime_budget")


def read_budget(params: Params, name: str) -> int | None:
    """Return a budget in minor units, or None; it must be a positive integer."""
    value = params.integer(name)
    if value is not None and value <= 0:
        raise malformed(name, "a positive integer in the currency's smallest unit")
    return value


def refuse_two_budgets(params: Params) -> None:
    """Refuse a daily and a lifetime budget at once."""
    if params.given("daily_budget") and params.given("lifetime_budget"):
        raise refusal(
            None, "Two budgets", "Set either a daily or a lifetime budget, not both.", "lifetime_budget"
        )


def minimum_daily(account: Account, goal: str, bid_amount: int | None = None) -> int:
    """Return the least daily budget for a goal in minor units; a bid cap asks for a multiple of the bid."""
    table = account.minimum_budgets
    if goal in IMPRESSION_GOALS:
        return max(table.imp, bid_amount or 0)
    if goal in VIDEO_GOALS:
        return table.video_views
    floor = table.high_freq if goal in CLICK_GOALS else table.low_freq
    return max(floor, 5 * (bid_amount or 0))


def refuse_small_budget(budget: int, floor: int, account: Account, name: str) -> None:
    """Refuse a budget under its minimum (1885272)."""
    if budget < floor:
        raise refusal(
            1885272,
            "Budget is too low",
            f"The budget must be at least {floor / (1_000_000 // account.minor_micros):.2f} {account.currency}.",
            name,
        )


def lifetime_minimum(daily: int, start_us: int, end_us: int) -> int:
    """Return the least lifetime budget: the daily minimum pro rata of the schedule, at least once."""
    return math.ceil(daily * max(1.0, (end_us - start_us) / DAY))


def refuse_low_for_spent(
    node: Funded, name: str, budget: int | None, world: World, *, switching: bool = False
) -> None:
    """Refuse lowering a budget under 110 % of what it has already spent (1885650), or `switching` to such a one."""
    old = getattr(node, name)
    if budget is None or (not switching and (old is None or budget >= old)):
        return
    account = world.account_of(node)
    spent = node.spent_micros
    if name == "daily_budget":
        spent = node.spent_by_day.get(local_day(world.now_us, account.zone).isoformat(), 0)
    if budget * account.minor_micros * 10 < spent * 11:
        raise refusal(
            1885650,
            "Budget is too low",
            "The new budget must be at least 10% above what has already been spent.",
            name,
        )


def note_budget_edit(node: Funded, now_us: int) -> list[int]:
    """Return the edit times with one more, or refuse the fifth within an hour (613/1487632)."""
    recent = [moment for moment in node.budget_edits_us if moment > now_us - HOUR]
    if len(recent) >= BUDGET_EDITS_PER_HOUR:
        raise throttled(
            613, 1487632, "The budget of this ad set was changed too many times in the last hour."
        )
    return [*recent, now_us]


def changed_budgets(node: Funded, params: Params, world: World) -> dict[str, int]:
    """Return the budgets an update really changes, after the rules on switching and lowering."""
    refuse_two_budgets(params)
    changes: dict[str, int] = {}
    for name in BUDGETS:
        budget = read_budget(params, name)
        if budget is None or budget == getattr(node, name):
            continue
        if getattr(node, name) is None:
            raise refusal(
                None, "Budget type is fixed", "The type of a budget cannot change once it is set.", name
            )
        refuse_low_for_spent(node, name, budget, world)
        changes[name] = budget
    return changes


def read_bid(params: Params) -> tuple[str | None, int | None]:
    """Return bid strategy and amount; capped bids need an amount, minimum ROAS a floor (2490487)."""
    strategy = params.choice("bid_strategy", BID_STRATEGIES)
    amount = params.integer("bid_amount")
    if strategy in CAPPED_BIDS and amount is None:
        raise refusal(2490487, "Bid amount required", f"{strategy} needs a bid amount.", "bid_amount")
    if strategy == "LOWEST_COST_WITHOUT_CAP" and amount is not None:
        raise refusal(1885204, "Bid amount not allowed", "Automatic bids take no bid amount.", "bid_amount")
    floor = (params.table("bid_constraints") or {}).get("roas_average_floor")
    if strategy == "LOWEST_COST_WITH_MIN_ROAS" and not floor:
        raise refusal(
            2490487, "Bid constraint required", "roas_average_floor must be given.", "bid_constraints"
        )
    return strategy, amount


def refuse_below_minimum(
    node_goal: str,
    account: Account,
    budget: dict[str, int | None],
    schedule: tuple[int, int | None],
    bid_amount: int | None,
) -> None:
    """Refuse an ad set's budget under the account's minimum for its goal."""
    floor = minimum_daily(account, node_goal, bid_amount)
    daily, lifetime = budget.get("daily_budget"), budget.get("lifetime_budget")
    if daily is not None:
        refuse_small_budget(daily, floor, account, "daily_budget")
    start_us, end_us = schedule
    if lifetime is not None and end_us is not None:
        least = lifetime_minimum(floor, start_us, end_us)
        refuse_small_budget(lifetime, least, account, "lifetime_budget")


def no_budget() -> GraphError:
    """Return the error for an ad set without any budget, its own or its campaign's."""
    return refusal(None, "Budget required", "The ad set needs a daily or a lifetime budget.", "daily_budget")
