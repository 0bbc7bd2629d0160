"""Bulk deletion of an account's campaigns, by strategy."""

from typing import Any

from metasim.graph.campaigns import delete_children
from metasim.graph.errors import missing, not_one_of
from metasim.graph.wire import Params
from metasim.scenario import Account
from metasim.state import Campaign
from metasim.world import World

STRATEGIES = ("DELETE_ANY", "DELETE_ARCHIVED_BEFORE", "DELETE_OLDEST")
USUAL_COUNT = 1


def delete_campaigns(world: World, account: Account, params: Params) -> dict[str, Any]:
    """Delete up to `object_count` campaigns: any, the oldest, or those archived before a date."""
    strategy = params.text("delete_strategy")
    if not strategy:
        raise missing("delete_strategy")
    if strategy not in STRATEGIES:
        raise not_one_of("delete_strategy", STRATEGIES)
    chosen = _candidates(world, account, strategy, params)
    count = params.integer("object_count") or USUAL_COUNT
    for campaign in chosen[:count]:
        world.settle(campaign)
        campaign.status, campaign.updated_us = "DELETED", world.now_us
        delete_children(world, campaign)
        world.state.touch(campaign)
    return {
        "objects_left_to_delete_count": max(0, len(chosen) - count),
        "deleted_object_ids": [campaign.id for campaign in chosen[:count]],
    }


def _candidates(world: World, account: Account, strategy: str, params: Params) -> list[Campaign]:
    living = [each for each in world.state.of_kind(Campaign, account.id) if each.status != "DELETED"]
    if strategy != "DELETE_ARCHIVED_BEFORE":
        return sorted(living, key=lambda campaign: campaign.created_us)
    before = params.moment("before_date", account.zone, world.now_us)
    if before is None:
        raise missing("before_date")
    return [each for each in living if each.status == "ARCHIVED" and each.updated_us < before]
