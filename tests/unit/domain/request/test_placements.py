"""Placements: the brief's names as Meta's positions, and which of them may go together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.request.placements import (
    PLACEMENTS,
    placement_conflict,
    placement_targeting,
    unknown_placements,
)
from support.wording import english


def test_the_briefs_placement_is_metas_stream() -> None:
    assert placement_targeting(["instagram_feed"]) == {
        "publisher_platforms": ["instagram"],
        "instagram_positions": ["stream"],
    }


def test_no_placement_leaves_the_choice_to_meta() -> None:
    assert placement_targeting([]) == {}


def test_a_platform_is_named_once_for_all_its_positions() -> None:
    assert placement_targeting(["facebook_feed", "instagram_story", "facebook_reels"]) == {
        "publisher_platforms": ["facebook", "instagram"],
        "facebook_positions": ["feed", "facebook_reels"],
        "instagram_positions": ["story"],
    }


@given(st.lists(st.sampled_from(sorted(PLACEMENTS)), unique=True, min_size=1))
def test_every_placement_asked_for_is_targeted_and_no_other(names: list[str]) -> None:
    fields = placement_targeting(names)
    asked = {PLACEMENTS[name] for name in names}
    targeted = {
        (platform, position)
        for platform in fields["publisher_platforms"]
        for position in fields[f"{platform}_positions"]
    }
    assert targeted == asked


def test_no_two_placements_mean_the_same() -> None:
    assert len(set(PLACEMENTS.values())) == len(PLACEMENTS)


def test_unknown_placements_are_named_in_order() -> None:
    assert unknown_placements(["tiktok", "facebook_feed", "billboard"]) == ("tiktok", "billboard")


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["audience_network_classic"], "cannot stand alone"),
        (["threads_feed", "facebook_feed"], "needs instagram_feed"),
        (["facebook_marketplace"], "facebook_marketplace needs facebook_feed"),
        (["facebook_search", "instagram_feed"], "facebook_search needs facebook_feed"),
        (["facebook_story"], "needs facebook_feed or instagram_story"),
    ],
)
def test_placements_that_meta_refuses_are_refused_with_the_reason(names: list[str], reason: str) -> None:
    assert reason in english(placement_conflict(names))


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["instagram_feed"],
        ["threads_feed", "instagram_feed"],
        ["facebook_marketplace", "facebook_feed"],
        ["facebook_story", "instagram_story"],
        ["audience_network_classic", "facebook_feed"],
        sorted(PLACEMENTS),
    ],
)
def test_placements_that_go_together_are_taken(names: list[str]) -> None:
    assert placement_conflict(names) is None
