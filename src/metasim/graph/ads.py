"""Rules and writes of ads."""

from typing import Any
from urllib.parse import urlsplit

from metasim.graph.adsets import create_adset, has_ended
from metasim.graph.common import (
    create_status,
    kept,
    owned,
    read_labels,
    read_name,
    update_basics,
)
from metasim.graph.creatives import create_creative
from metasim.graph.errors import malformed, missing, no_such_object, refusal
from metasim.graph.limits import refuse_full_account, refuse_full_adset
from metasim.graph.server_defaults import registrable
from metasim.graph.unsupported_parameters import refuse_unserved
from metasim.graph.wire import Params
from metasim.scenario import Account
from metasim.state import Ad, AdSet, Campaign, Creative
from metasim.world import World

STORES = ("apps.apple.com", "itunes.apple.com", "play.google.com")
KEPT = ("tracking_specs", "conversion_domain", "display_sequence", "audience_id", "priority", "source_ad_id")


def create_ad(world: World, account: Account, params: Params) -> Ad:
    """Check a new ad against the rules and return it, not yet in the world."""
    refuse_unserved("ad", params)
    name = read_name(params)
    adset = _adset(world, account, params)
    _refuse_closed_adset(world, adset)
    creative = read_creative(world, account, params, adset)
    check_destination(world, adset, creative)
    _check_tracking(world, params)
    _check_domain(params, adset, required=True)
    if creative.id not in world.state.nodes and not params.validate_only:
        world.state.add(creative)
    if adset.id not in world.state.nodes and not params.validate_only:
        world.settle(adset)
        world.state.add(adset)
    now = world.now_us
    ad = Ad(
        world.state.new_id(),
        account.id,
        name,
        create_status(params),
        now,
        now,
        extra=kept(params, KEPT),
        labels=read_labels(world, params, account.id),
        campaign_id=adset.campaign_id,
        adset_id=adset.id,
        creative_id=creative.id,
    )
    if creative.id in world.state.nodes and adset.id in world.state.nodes:
        world.submit_for_review(ad)
    return ad


def update_ad(world: World, ad: Ad, params: Params) -> None:
    """Apply an update to a draft of an ad; another creative means another review."""
    refuse_unserved("ad", params)
    adset = world.state.need(AdSet, ad.adset_id)
    switched_on = params.text("status") == "ACTIVE" and ad.status != "ACTIVE"
    if switched_on or params.given("creative"):
        _refuse_ended(world, adset)
    if params.given("adset_id") and params.text("adset_id") != ad.adset_id:
        raise refusal(None, "Ad set is fixed", "An ad cannot move to another ad set.", "adset_id")
    _check_tracking(world, params)
    _check_domain(params, adset, required=False)
    changed = False
    if params.given("creative"):
        creative = read_creative(world, world.account_of(ad), params, adset)
        check_destination(world, adset, creative)
        if creative.id not in world.state.nodes:
            world.state.add(creative)
        changed = creative.id != ad.creative_id
        ad.creative_id = creative.id
    ad.extra.update(kept(params, KEPT))
    update_basics(world, ad, params)
    ad.updated_us = world.now_us
    world.submit_for_review(ad, again=changed)


def _adset(world: World, account: Account, params: Params) -> AdSet:
    """Return the ad set an ad goes into, or the one its `adset_spec` describes, not yet in the world."""
    spec = params.table("adset_spec")
    if spec is None or params.given("adset_id"):
        return owned(world, AdSet, params.need_text("adset_id"), account)
    return create_adset(world, account, Params(spec))


def read_creative(world: World, account: Account, params: Params, adset: AdSet) -> Creative:
    """Return the creative an ad refers to by id, or makes inline (then perhaps not yet in the world)."""
    spec = params.structure("creative")
    if spec is None:
        raise missing("creative")
    if isinstance(spec, (str, int)):
        spec = {"creative_id": str(spec)}
    if not isinstance(spec, dict):
        raise malformed("creative", "a JSON object")
    creative = _find_creative(world, account, spec)
    if creative.status == "DELETED":
        raise refusal(None, "Creative is deleted", "Use another creative.", "creative")
    dynamic = adset.extra.get("is_dynamic_creative") in (True, "true", 1)
    if "asset_feed_spec" in creative.extra and not dynamic:
        text = "A creative with an asset feed needs a dynamic creative ad set."
        raise refusal(1885998, "Dynamic creative", text, "creative")
    return creative


def check_destination(world: World, adset: AdSet, creative: Creative) -> None:
    """Refuse stores outside app campaigns (1487810), and paying for clicks that nothing invites to (2446383)."""
    link = (creative.extra.get("object_story_spec") or {}).get("link_data") or {}
    campaign = world.state.need(Campaign, adset.campaign_id)
    host = urlsplit(str(link.get("link", ""))).hostname or ""
    if host in STORES and "application_id" not in (adset.extra.get("promoted_object") or {}):
        text = f"Links to {host} need an app objective, not {campaign.objective}."
        raise refusal(1487810, "App store link", text, "creative")
    if adset.goal == adset.billing_event == "LINK_CLICKS" and link and not link.get("call_to_action"):
        text = "Paying for link clicks needs a call to action."
        raise refusal(2446383, "Call to action required", text, "creative")


def _check_domain(params: Params, adset: AdSet, *, required: bool) -> None:
    """Refuse a conversion domain that nobody can register; a new ad that shares data with a pixel needs one."""
    given = params.text("conversion_domain")
    pixel = (adset.extra.get("promoted_object") or {}).get("pixel_id")
    if not given:
        if required and pixel:
            text = "Ads that share data with a pixel need a conversion_domain."
            raise refusal(None, "Conversion domain required", text, "conversion_domain")
        return
    if registrable(f"https://{given}") != given:
        text = "The domain must be a first and second level domain, such as example.com."
        raise refusal(None, "Invalid conversion domain", text, "conversion_domain")


def _check_tracking(world: World, params: Params) -> None:
    """Refuse tracking by a pixel that does not exist."""
    rows = params.structure("tracking_specs") or []
    known = {pixel for pixel, _ in world.scenario.pixels}
    for row in rows if isinstance(rows, list) else [rows]:
        if not isinstance(row, dict):
            raise malformed("tracking_specs", "an array of objects")
        named = row.get("fb_pixel") or []
        for pixel in named if isinstance(named, list) else [named]:
            if str(pixel) not in known:
                raise no_such_object(str(pixel))


def _find_creative(world: World, account: Account, spec: dict[str, Any]) -> Creative:
    creative_id = spec.get("creative_id") or spec.get("id")
    if creative_id:
        return owned(world, Creative, str(creative_id), account)
    return create_creative(world, account, Params(spec))


def _refuse_closed_adset(world: World, adset: AdSet) -> None:
    campaign = world.state.need(Campaign, adset.campaign_id)
    for node, subcode, name in ((adset, 1487056, "ad set"), (campaign, 1487566, "campaign")):
        if node.status in ("DELETED", "ARCHIVED"):
            text = f"The {name} is deleted or archived."
            raise refusal(subcode, "Parent is closed", text, "adset_id")
    _refuse_ended(world, adset)
    account = world.account_of(adset)
    refuse_full_adset(world, account, adset)
    refuse_full_account(world, account, Ad)


def _refuse_ended(world: World, adset: AdSet) -> None:
    if has_ended(adset, world.now_us):
        raise refusal(1487007, "Ad set has ended", "The ad belongs to an ad set that ended.", "adset_id")
