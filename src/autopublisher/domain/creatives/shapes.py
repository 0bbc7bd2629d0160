"""Sizes and shapes of a run's pictures, judged by the placements in which its variants are to be shown.

Warnings alone: Meta documents what it recommends, and no limit. Of a picture without a known size nothing is said.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from autopublisher.domain.accounts.accounts import Creative
from autopublisher.domain.creatives.pictures import SMALLEST_SIDE, is_tall_for_feeds, is_unusual
from autopublisher.domain.ids import CreativeId
from autopublisher.domain.messages import Code, Message
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

_AUTOMATIC = ""
"""Stands for the placements that Meta chooses."""


class ShapeWarning(Code):
    """What Meta may do to a picture where it is to be shown."""

    SMALL_IN_FEEDS = "picture.small_in_feeds"
    UNUSUAL_SHAPE = "picture.unusual_shape"
    TALL_IN_FEEDS = "picture.tall_in_feeds"
    AUTOMATIC_PLACEMENTS = "picture.automatic_placements"


def shape_warnings(variants: Sequence[Variant], creatives: Sequence[Creative]) -> tuple[Message, ...]:
    """Return what Meta may do to the pictures of these variants, each picture with the placements concerned."""
    places: dict[CreativeId, dict[str, None]] = {}
    for variant in variants:
        shown = dict.fromkeys(variant.placements or (_AUTOMATIC,))
        places[variant.creative_id] = places.get(variant.creative_id, {}) | shown
    known = {creative.id: creative for creative in creatives}
    return tuple(text for one, asked in places.items() for text in _of(known[one], asked))


def _of(creative: Creative, places: Mapping[str, None]) -> Iterator[Message]:
    width, height = creative.width, creative.height
    if width is None or height is None:
        return
    picture = {"name": creative.name, "size": f"{width} x {height}"}
    feeds = _named(place for place in places if place in FEEDS or place == _AUTOMATIC)
    if feeds and min(width, height) < SMALLEST_SIDE:
        yield ShapeWarning.SMALL_IN_FEEDS(**picture, places=feeds, least=SMALLEST_SIDE)
    if is_unusual(width, height):
        yield ShapeWarning.UNUSUAL_SHAPE(**picture, places=_named(places))
    elif feeds and is_tall_for_feeds(width, height):
        yield ShapeWarning.TALL_IN_FEEDS(**picture, places=feeds)


def _named(places: Iterable[str]) -> tuple[Message | str, ...]:
    return tuple(ShapeWarning.AUTOMATIC_PLACEMENTS() if place == _AUTOMATIC else place for place in places)
