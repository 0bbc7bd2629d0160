"""The brief's placement names as Meta's platforms and positions, with Meta's rules on which may go together."""

from collections.abc import Sequence

from autopublisher.domain.messages import Code, Message

PLACEMENTS: dict[str, tuple[str, str]] = {
    "facebook_feed": ("facebook", "feed"),
    "facebook_right_column": ("facebook", "right_hand_column"),
    "facebook_marketplace": ("facebook", "marketplace"),
    "facebook_story": ("facebook", "story"),
    "facebook_search": ("facebook", "search"),
    "facebook_instream_video": ("facebook", "instream_video"),
    "facebook_reels": ("facebook", "facebook_reels"),
    "facebook_profile_feed": ("facebook", "profile_feed"),
    "facebook_notification": ("facebook", "notification"),
    "instagram_feed": ("instagram", "stream"),
    "instagram_story": ("instagram", "story"),
    "instagram_explore": ("instagram", "explore_home"),
    "instagram_reels": ("instagram", "reels"),
    "instagram_profile_feed": ("instagram", "profile_feed"),
    "instagram_search": ("instagram", "ig_search"),
    "instagram_profile_reels": ("instagram", "profile_reels"),
    "threads_feed": ("threads", "threads_stream"),
    "audience_network_classic": ("audience_network", "classic"),
    "audience_network_rewarded_video": ("audience_network", "rewarded_video"),
}
"""Placement name -> (publisher platform, position)."""

_POSITION_FIELDS = {
    "facebook": "facebook_positions",
    "instagram": "instagram_positions",
    "threads": "threads_positions",
    "audience_network": "audience_network_positions",
}

_NEED_FEED = ("facebook_marketplace", "facebook_search", "facebook_profile_feed", "facebook_notification")


def unknown_placements(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names that are no placement of ours, in order."""
    return tuple(name for name in names if name not in PLACEMENTS)


class PlacementMessage(Code):
    """Why Meta would refuse placements together."""

    NOT_ALONE = "placement.not_alone"
    NEEDS = "placement.needs"
    NEEDS_EITHER = "placement.needs_either"


def placement_conflict(names: Sequence[str]) -> Message | None:
    """Say why Meta would refuse these (known) placements together; None where it would not."""
    chosen = set(names)
    platforms = {PLACEMENTS[name][0] for name in names}
    if platforms == {"audience_network"}:
        return PlacementMessage.NOT_ALONE()
    if "threads" in platforms and "instagram_feed" not in chosen:
        return PlacementMessage.NEEDS(name="threads_feed", other="instagram_feed")
    needing = [name for name in _NEED_FEED if name in chosen]
    if needing and "facebook_feed" not in chosen:
        return PlacementMessage.NEEDS(name=needing[0], other="facebook_feed")
    if "facebook_story" in chosen and not chosen & {"facebook_feed", "instagram_story"}:
        return PlacementMessage.NEEDS_EITHER()
    return None


def placement_targeting(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the targeting fields that restrict delivery to ``names``; empty for Meta's automatic placements."""
    fields: dict[str, list[str]] = {}
    for name in names:
        platform, position = PLACEMENTS[name]
        platforms = fields.setdefault("publisher_platforms", [])
        if platform not in platforms:
            platforms.append(platform)
        fields.setdefault(_POSITION_FIELDS[platform], []).append(position)
    return fields
