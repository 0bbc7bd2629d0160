"""Server defaults: what Meta adds to what was written, so that reads never echo writes.

Ages, kinds of location and brand safety of a targeting, tracking and conversion specs of ads, a creative's thumbnail:
from practice, in part assumed (see docs/simulator.md).
"""

from typing import Any
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from metasim.facts import WEBSITE_GOALS
from metasim.market.effects import shown_content
from metasim.state import Ad, AdSet, Creative
from metasim.world import World

Values = dict[str, Any]
AGES = {"age_min": 18, "age_max": 65}
LOCATION_TYPES = ["home", "recent"]
BRAND_SAFETY = ["FACEBOOK_STANDARD", "AN_STANDARD"]
_SUFFIXES = PublicSuffixList()


def complete_targeting(written: Values) -> Values:
    """Return targeting with the ages, kinds of location and brand safety levels that nobody had named."""
    shown = {**AGES, "brand_safety_content_filter_levels": BRAND_SAFETY, **written}
    shown["geo_locations"] = {"location_types": LOCATION_TYPES, **(written.get("geo_locations") or {})}
    if (written.get("targeting_automation") or {}).get("advantage_audience") == 1:
        shown["age_range"] = [shown["age_min"], shown["age_max"]]
    return shown


def complete_promoted(written: Values | None) -> Values | None:
    """Return a promoted object as it reads back: with a pixel Meta says whether it may choose other events."""
    return {"smart_pse_enabled": False, **written} if written and "pixel_id" in written else written


def complete_story(written: Values) -> Values:
    """Return a story as it reads back: a link says how it is attached."""
    link = written.get("link_data")
    return (
        {**written, "link_data": {"attachment_style": "link", **link}} if isinstance(link, dict) else written
    )


def thumbnail(creative: Creative) -> str:
    """Return the address of a creative's small picture; it leads nowhere, like Meta's after a while."""
    return str(creative.extra.get("thumbnail_url") or f"https://scontent.invalid/{creative.id}/64x64")


def tracking_specs(world: World, ad: Ad) -> list[Values]:
    """Return what is tracked: what was written, each value as an array, and what people do with the post."""
    written = ad.extra.get("tracking_specs")
    rows = [written] if isinstance(written, dict) else written or _usual_tracking(world, ad)
    return [*(_as_arrays(row) for row in rows if isinstance(row, dict)), _post(world, ad, "post_engagement")]


def _usual_tracking(world: World, ad: Ad) -> list[Values]:
    pixel = _promoted(world, ad).get("pixel_id")
    return [{"action.type": "offsite_conversion", "fb_pixel": pixel}] if pixel else []


def _promoted(world: World, ad: Ad) -> Values:
    return world.state.need(AdSet, ad.adset_id).extra.get("promoted_object") or {}


def _as_arrays(row: Values) -> Values:
    return {
        name: [str(each) for each in value] if isinstance(value, list) else [str(value)]
        for name, value in row.items()
    }


def _post(world: World, ad: Ad, action: str) -> Values:
    creative = world.state.need(Creative, ad.creative_id)
    page = str((creative.extra.get("object_story_spec") or {}).get("page_id") or "")
    return {"action.type": [action], "page": [page], "post": [creative.id]}


def conversion_specs(world: World, ad: Ad) -> list[Values]:
    """Return what counts as a conversion: the promoted pixel's event, or a click on the post's link."""
    adset, promoted = world.state.need(AdSet, ad.adset_id), _promoted(world, ad)
    if adset.goal in WEBSITE_GOALS and promoted.get("pixel_id"):
        return [{"action.type": ["offsite_conversion"], "conversion_id": [str(promoted["pixel_id"])]}]
    return [_post(world, ad, "link_click")]


def conversion_domain(world: World, ad: Ad) -> str | None:
    """Return the domain conversions belong to: as written, or the registrable one of the link."""
    shown = shown_content(world.state.need(Creative, ad.creative_id).extra)
    return ad.extra.get("conversion_domain") or registrable(shown.get("link", ""))


def registrable(address: str) -> str | None:
    """Return the part of a web address that somebody can register, or None."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return None
    return None if host.replace(".", "").isdigit() else _SUFFIXES.privatesuffix(host)
