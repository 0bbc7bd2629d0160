"""What a request says of its pictures: each with the placements in which its size or shape does not fit."""

from dataclasses import replace

import pytest

from autopublisher.domain.accounts.accounts import Creative
from autopublisher.domain.creatives.shapes import shape_warnings
from autopublisher.domain.request.request import Strategy
from autopublisher.domain.request.variants import build_variants
from support.wording import english
from unit.domain.samples import ACCOUNT_ID, NOW, RUN_ID, asked, creative_ids


def told(width: int | None, height: int | None, *places: str, strategy: Strategy | None = None) -> list[str]:
    """Return the warnings of a request whose first picture has this size; of the second none is known."""
    sized, unknown = (
        Creative(one, ACCOUNT_ID, f"Shoe {number}", "key", "0" * 64, NOW)
        for number, one in enumerate(creative_ids(2))
    )
    test = {} if strategy is None else {"strategy": strategy}
    request = asked(test=test, targeting={"placements": places})
    variants = build_variants(RUN_ID, request)
    warned = shape_warnings(variants, [replace(sized, width=width, height=height), unknown])
    return [english(one) for one in warned]


def test_a_small_picture_is_named_with_its_feeds() -> None:
    (said,) = told(500, 500, "facebook_feed", "instagram_story", "instagram_feed")
    assert said == (
        "Picture Shoe 0 has 500 x 500 pixels; for facebook_feed, instagram_feed Meta asks for at least 600 x 600 and may "
        "blur or refuse it."
    )


def test_a_tall_picture_is_cropped_in_feeds_alone() -> None:
    (said,) = told(1080, 1920, "facebook_feed", "facebook_story")
    assert (
        said == "Picture Shoe 0 has 1080 x 1920 pixels; for facebook_feed Meta crops what is taller than 4:5."
    )
    assert told(1080, 1920, "instagram_story", "instagram_reels") == []


def test_a_shape_that_is_shown_nowhere_is_named_with_every_placement() -> None:
    (said,) = told(3000, 700, "facebook_feed", "instagram_story")
    assert "for facebook_feed, instagram_story Meta takes shapes between 1.91:1 and 9:16" in said


def test_automatic_placements_count_as_feeds() -> None:
    (said,) = told(1080, 1920)
    assert "for Meta's automatic placements Meta crops" in said


def test_each_placement_of_a_split_is_named_once() -> None:
    (said,) = told(500, 500, "facebook_feed", "instagram_feed", strategy=Strategy.PLACEMENT_SPLIT)
    assert "for facebook_feed, instagram_feed Meta" in said


@pytest.mark.parametrize("size", [(1080, 1080), (1200, 628), (1080, 1350), (None, None)])
def test_a_fitting_picture_and_one_of_unknown_size_are_not_spoken_of(
    size: tuple[int | None, int | None],
) -> None:
    assert told(*size, "facebook_feed", "instagram_feed") == []
