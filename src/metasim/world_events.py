"""World events from Meta's side in the middle of things.

It disables an account, refuses an ad that already ran, or restates what it reported of days that are over.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from metasim.facts import DELIVERABLE_ACCOUNT_STATUSES
from metasim.fault_effects import FaultEffect, FaultSettings
from metasim.graph.service import account_of_call
from metasim.graph.wire import Call
from metasim.state import Ad, Campaign
from metasim.status import ad_status
from metasim.times import day_name
from metasim.world import World

DISABLED, POLICY = 2, 1


def account_disabled(order: FaultSettings) -> FaultEffect:
    """Disable the account that the request is about, as Meta does for its policies."""
    change = {
        "account_status": order.whole("account_status", DISABLED),
        "disable_reason": order.whole("disable_reason", POLICY),
    }
    return FaultEffect(commit=True, world_event=lambda world, call: _change_account_of(world, call, change))


def account_is_usable(world: World, call: Call, _details: Mapping[str, Any]) -> bool:
    """Tell whether the request is about an account that is not disabled yet."""
    account = account_of_call(world, call)
    states = world.state.accounts
    return account is not None and states[account.id].account_status in DELIVERABLE_ACCOUNT_STATUSES


def ad_disapproved(order: FaultSettings) -> FaultEffect:
    """Refuse the oldest running ad whose name matches `ad`, although it was approved."""
    pattern = re.compile(str(order.details.get("ad", "")))
    return FaultEffect(commit=True, world_event=lambda world, _call: _disapprove(world, pattern))


def an_ad_runs(world: World, _call: Call, details: Mapping[str, Any]) -> bool:
    """Tell whether there is an ad to refuse."""
    return next(_running(world, re.compile(str(details.get("ad", "")))), None) is not None


def insights_restated(order: FaultSettings) -> FaultEffect:
    """Restate the purchases of days that are over: by `factor`, else by chance up to `share` either way.

    An ad's day is restated once by a plan and stays so, in every report.
    """
    share, plan = order.share(0.2), order.plan
    fixed = order.number("factor", 1.0) if "factor" in order.details else None

    def factor(ad_id: str, day: str) -> float:
        return 1 + share * Random(f"restated/{plan}/{ad_id}/{day}").uniform(-1, 1) if fixed is None else fixed

    return FaultEffect(commit=True, world_event=lambda world, call: _restate(world, call, plan, factor))


def _restate(world: World, call: Call, plan: str, factor: Callable[[str, str], float]) -> None:
    account = account_of_call(world, call)
    if account is None:
        return
    today = day_name(world.figures_us, account.zone)
    for ad in world.state.of_kind(Ad, account.id):
        for day, ledger in world.state.days.get(ad.id, {}).items():
            if day < today and plan not in ledger.restated:
                ledger.restated[plan] = factor(ad.id, day)
                world.state.touch(ledger)


def change_account(world: World, account_id: str, change: Mapping[str, int]) -> None:
    """Set values of an account after settling what its campaigns did until now."""
    for campaign in world.state.of_kind(Campaign, account_id):
        world.market.flush(campaign, world.now_us)
    account = world.state.accounts[account_id]
    for name, value in change.items():
        setattr(account, name, int(value))
    world.state.touch(account)


def _change_account_of(world: World, call: Call, change: Mapping[str, int]) -> None:
    account = account_of_call(world, call)
    if account is not None:
        change_account(world, account.id, change)


def _running(world: World, pattern: re.Pattern[str]) -> Iterator[Ad]:
    for ad in world.state.of_kind(Ad):
        if pattern.search(ad.name) and ad_status(world.state, ad, world.now_us) == "ACTIVE":
            yield ad


def _disapprove(world: World, pattern: re.Pattern[str]) -> None:
    ad = next(_running(world, pattern))
    world.settle(ad)
    ad.refused = True
    ad.updated_us = world.now_us
    world.state.touch(ad)
