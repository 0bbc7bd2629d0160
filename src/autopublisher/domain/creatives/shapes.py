"""Sizes and shapes of a run's pictures, judged by the placements in which its variants are to be shown.

Warnings alone: Meta documents what it recommends, and no limit. Of a picture without a known size nothing is said.
"""

from collections.abc import Iterator, Mapping, Sequence

from autopublisher.domain.accounts.accounts import Creative
from autopublisher.domain.creatives.pictures import SMALLEST_SIDE, is_tall_for_feeds, is_unusual
from autopublisher.domain.ids import CreativeId
from autopublisher.domain.request.variants import Variant

FEEDS = (
    "facebook_feed",
    "facebook_marketplace",
    "facebook_search",
    "facebook_profile_feed",
    "instagram_feed",
    "instagram_explore",
    "instagram_profile_feed",
    "instagram_search",
    "threads_feed",
)
"""Placements that show an ad among other posts, for which Meta's guide names a smallest size and a tallest shape."""

_AUTOMATIC = "Meta's automatic placements"


def shape_warnings(variants: Sequence[Variant], creatives: Sequence[Creative]) -> tuple[str, ...]:
    """Return what Meta may do to the pictures of these variants, each picture with the placements concerned."""
    places: dict[CreativeId, dict[str, None]] = {}
    for variant in variants:
        shown = dict.fromkeys(variant.placements or (_AUTOMATIC,))
        places[variant.creative_id] = places.get(variant.creative_id, {}) | shown
    known = {creative.id: creative for creative in creatives}
    return tuple(text for one, asked in places.items() for text in _of(known[one], asked))


def _of(creative: Creative, places: Mapping[str, None]) -> Iterator[str]:
    width, height = creative.width, creative.height
    if width is None or height is None:
        return
    size, everywhere = f"{width} x {height} pixels", ", ".join(places)
    feeds = ", ".join(place for place in places if place in FEEDS or place == _AUTOMATIC)
    if feeds and min(width, height) < SMALLEST_SIDE:
        yield (
            f"Picture {creative.name} has {size}; for {feeds} Meta asks for at least {SMALLEST_SIDE} x {SMALLEST_SIDE} and "
            "may blur or refuse it."
        )
    if is_unusual(width, height):
        yield (
            f"Picture {creative.name} has {size}; for {everywhere} Meta takes shapes between 1.91:1 and 9:16 and may crop "
            "or refuse it."
        )
    elif feeds and is_tall_for_feeds(width, height):
        yield f"Picture {creative.name} has {size}; for {feeds} Meta crops what is taller than 4:5."
