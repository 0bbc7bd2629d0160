"""Copies of campaigns, ad sets and ads: from nothing, without spend, review or delivery.

Meta does not recognise a copy it has already made: asking twice copies twice.
"""

import copy
from dataclasses import dataclass
from typing import Any, TypeVar

from metasim.graph.ads import update_ad
from metasim.graph.adsets import check_schedule_for_budget, refuse_bad_end, update_adset
from metasim.graph.campaigns import update_campaign
from metasim.graph.common import owned
from metasim.graph.errors import refusal
from metasim.graph.limits import (
    refuse_full_account,
    refuse_full_adset,
    refuse_full_campaign,
)
from metasim.graph.wire import Call, Params
from metasim.state import Ad, AdSet, Campaign, Funded, Node
from metasim.status import GONE
from metasim.world import World

STATUS_OPTIONS = ("ACTIVE", "PAUSED", "INHERITED_FROM_SOURCE")
RENAMINGS = ("DEEP_RENAME", "ONLY_TOP_LEVEL_RENAME", "NO_RENAME")
SYNCHRONOUS_ADS, ASYNCHRONOUS_ADS = 3, 51
SUFFIX = " - Copy"
N = TypeVar("N", bound=Node)
Made = list[tuple[str, Node, Node]]


@dataclass(frozen=True)
class Plan:
    """How things are copied: status, names and times."""

    world: World
    status: str
    strategy: str
    prefix: str
    suffix: str
    start_us: int | None
    end_us: int | None

    def name(self, source: Node, *, top: bool) -> str:
        """Return the copy's name."""
        renamed = self.strategy == "DEEP_RENAME" or (top and self.strategy == "ONLY_TOP_LEVEL_RENAME")
        return f"{self.prefix}{source.name}{self.suffix}" if renamed else source.name

    def draft(self, source: N, *, top: bool) -> N:
        """Return a copy with nothing of the source's history, not yet in the world."""
        node = copy.deepcopy(source)
        node.id, node.name = self.world.state.new_id(), self.name(source, top=top)
        node.created_us = node.updated_us = self.world.now_us
        node.listed_from_us, node.former = 0, []
        inherited = source.status if source.status in ("ACTIVE", "PAUSED") else "PAUSED"
        node.status = inherited if self.status == "INHERITED_FROM_SOURCE" else self.status
        if isinstance(node, Funded):
            node.spent_micros, node.spent_by_day, node.budget_edits_us = 0, {}, []
        if isinstance(node, AdSet):
            node.learning = {}
        return node


def copy_campaign(world: World, node: Node, call: Call) -> dict[str, Any]:
    """Copy a campaign, with its ad sets and ads if `deep_copy`."""
    source = world.state.need(Campaign, node.id)
    plan = _plan(world, source, call.params)
    deep = bool(call.params.flag("deep_copy"))
    adsets = _living(world.state.children(AdSet, source.id)) if deep else []
    _refuse_large([ad for adset in adsets for ad in _living(world.state.children(Ad, adset.id))], call)
    twin = plan.draft(source, top=True)
    twin.flushed_us, twin.group = world.now_us, ""
    twin.extra["source_campaign_id"] = source.id
    made: Made = [("campaign", source, twin)]
    for adset in adsets:
        _copy_adset_into(plan, adset, twin, made, top=False, deep=True)
    return _commit(world, made, call.params, {"copied_campaign_id": twin.id})


def copy_adset(world: World, node: Node, call: Call) -> dict[str, Any]:
    """Copy an ad set into its own or another campaign, with its ads if `deep_copy`."""
    source = world.state.need(AdSet, node.id)
    plan = _plan(world, source, call.params)
    target = call.params.text("campaign_id") or source.campaign_id
    campaign = owned(world, Campaign, target, world.account_of(source))
    _refuse_gone(campaign)
    refuse_full_campaign(world, world.account_of(source), campaign)
    deep = bool(call.params.flag("deep_copy"))
    _refuse_large(_living(world.state.children(Ad, source.id)) if deep else [], call)
    made: Made = []
    twin = _copy_adset_into(plan, source, campaign, made, top=True, deep=deep)
    return _commit(world, made, call.params, {"copied_adset_id": twin.id})


def copy_ad(world: World, node: Node, call: Call) -> dict[str, Any]:
    """Copy an ad into its own or another ad set."""
    source = world.state.need(Ad, node.id)
    plan = _plan(world, source, call.params)
    adset = owned(world, AdSet, call.params.text("adset_id") or source.adset_id, world.account_of(source))
    _refuse_gone(adset)
    refuse_full_adset(world, world.account_of(source), adset)
    made: Made = []
    twin = _copy_ad_into(plan, source, adset, made, top=True)
    return _commit(world, made, call.params, {"copied_ad_id": twin.id})


def _plan(world: World, source: Node, params: Params) -> Plan:
    _refuse_gone(source)
    rename = Params(params.table("rename_options") or {})
    zone = world.account_of(source).zone
    strategy = rename.choice("rename_strategy", RENAMINGS) or "ONLY_TOP_LEVEL_RENAME"
    prefix, suffix = rename.text("rename_prefix"), rename.text("rename_suffix")
    usual = SUFFIX if prefix is None and suffix is None else ""
    return Plan(
        world,
        params.choice("status_option", STATUS_OPTIONS) or "PAUSED",
        strategy,
        prefix or "",
        usual if suffix is None else suffix,
        params.moment("start_time", zone, world.now_us),
        params.moment("end_time", zone, world.now_us) or None,
    )


def _copy_adset_into(
    plan: Plan, source: AdSet, campaign: Campaign, made: Made, *, top: bool, deep: bool
) -> AdSet:
    twin = plan.draft(source, top=top)
    twin.campaign_id = campaign.id
    twin.start_us = max(plan.world.now_us, plan.start_us or source.start_us)
    twin.end_us = plan.end_us or source.end_us
    if twin.end_us is not None:
        refuse_bad_end(plan.world, twin.start_us, twin.end_us)
    budgets = {"daily_budget": twin.daily_budget, "lifetime_budget": twin.lifetime_budget}
    check_schedule_for_budget(budgets, (twin.start_us, twin.end_us))
    if campaign.has_budget == any(budgets.values()):
        raise refusal(1885621, "Two levels of budget", "Budgets must be on one level.", "campaign_id")
    twin.extra["source_adset_id"] = source.id
    made.append(("ad_set", source, twin))
    for ad in _living(plan.world.state.children(Ad, source.id)) if deep else []:
        _copy_ad_into(plan, ad, twin, made, top=False)
    return twin


def _copy_ad_into(plan: Plan, source: Ad, adset: AdSet, made: Made, *, top: bool) -> Ad:
    twin = plan.draft(source, top=top)
    twin.campaign_id, twin.adset_id = adset.campaign_id, adset.id
    twin.spent_micros, twin.reviewed_us, twin.refused = 0, None, False
    twin.contacts, twin.worth = {}, []
    twin.extra["source_ad_id"] = source.id
    made.append(("ad", source, twin))
    return twin


def _commit(world: World, made: Made, params: Params, head: dict[str, str]) -> dict[str, Any]:
    account = world.account_of(made[0][1])
    for kind in (Campaign, AdSet, Ad):
        twins = sum(1 for _, _, twin in made if isinstance(twin, kind))
        if twins:
            refuse_full_account(world, account, kind, twins)
    _override(world, made[0][2], params)
    if params.validate_only:
        return {"success": True}
    for _, _, twin in made:
        if isinstance(twin, Campaign):
            world.exposure.name_group(twin)
        world.settle(twin)  # parents come first, so a twin's campaign is already in the world
        world.state.add(twin)
        if isinstance(twin, Ad):
            world.submit_for_review(twin)
            world.state.touch(twin)
    rows = [
        {"ad_object_type": kind, "source_id": source.id, "copied_id": twin.id} for kind, source, twin in made
    ]
    return {**head, "ad_object_ids": rows}


def _override(world: World, twin: Node, params: Params) -> None:
    """Apply `parameter_overrides` to the copy that was asked for, as an update of it would be."""
    overrides = params.table("parameter_overrides")
    if not overrides:
        return
    if isinstance(twin, Campaign):
        update_campaign(world, twin, Params(overrides))
    elif isinstance(twin, AdSet):
        update_adset(world, twin, Params(overrides))
    elif isinstance(twin, Ad):
        update_ad(world, twin, Params(overrides))
    if isinstance(twin, Funded):
        twin.budget_edits_us = []


def _living(nodes: list[N]) -> list[N]:
    return [node for node in nodes if node.status not in GONE]


def _refuse_gone(node: Node) -> None:
    if node.status == "DELETED":
        raise refusal(None, "Object is deleted", "Deleted objects take no part in copies.", node.kind)


def _refuse_large(ads: list[Ad], call: Call) -> None:
    most = ASYNCHRONOUS_ADS if call.asynchronous else SYNCHRONOUS_ADS
    if len(ads) > most:
        text = f"This copy holds at most {most} ads; larger ones are asked for asynchronously or in parts."
        raise refusal(1885194, "Copy is too large", text, "deep_copy")
