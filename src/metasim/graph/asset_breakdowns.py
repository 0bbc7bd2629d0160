"""Asset breakdowns of insights: by picture, video, title, text, link and call to action."""

from collections.abc import Iterator
from typing import Any

from metasim.market.effects import shown_content
from metasim.state import Ad, Creative
from metasim.world import World

# breakdown -> part of the content, and the word under which the breakdown shows it
ASSETS = {
    "image_asset": ("image_hash", "hash"),
    "video_asset": ("video_id", "video_id"),
    "title_asset": ("title", "text"),
    "body_asset": ("message", "text"),
    "description_asset": ("description", "text"),
    "link_url_asset": ("link", "website_url"),
    "call_to_action_asset": ("cta", "name"),
}
CONTENTS = frozenset({*ASSETS, "media_type"})


def by_content(
    world: World, ads: tuple[Ad, ...], names: list[str]
) -> Iterator[tuple[dict[str, Any], tuple[Ad, ...]]]:
    """Yield labels and the ads that show that; ads without such a part belong to no group."""
    if not names:
        yield {}, ads
        return
    groups: dict[tuple[str, ...], list[Ad]] = {}
    for ad in ads:
        shown = shown_content(world.state.need(Creative, ad.creative_id).extra)
        values = tuple(_value(shown, name) for name in names)
        if all(values):
            groups.setdefault(values, []).append(ad)
    for values, members in groups.items():
        labels = {name: _label(name, value) for name, value in zip(names, values, strict=True)}
        yield labels, tuple(members)


def _value(shown: dict[str, str], name: str) -> str:
    if name == "media_type":
        return "video" if "video_id" in shown else "image"
    return shown.get(ASSETS[name][0], "")


def _label(name: str, value: str) -> Any:
    return value if name == "media_type" else {ASSETS[name][1]: value, "id": value}
