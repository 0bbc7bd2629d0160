"""Feeds of assets: several texts, pictures and links, of which Meta shows what works (dynamic creative)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from metasim.facts import CALLS_TO_ACTION, FEED_LIMITS
from metasim.graph.errors import malformed, not_one_of, refusal
from metasim.graph.videos import usable_video
from metasim.scenario import Account
from metasim.state import Image
from metasim.world import World

Feed = dict[str, Any]


def check_feed(world: World, account: Account, feed: Any) -> None:
    """Refuse a feed that is no object, names what does not exist, or holds too much."""
    if not isinstance(feed, dict):
        raise malformed("asset_feed_spec", "a JSON object")
    for name, most in FEED_LIMITS.items():
        rows = feed.get(name) or []
        if not isinstance(rows, list):
            raise malformed(f"asset_feed_spec[{name}]", "an array")
        if len(rows) > most:
            raise malformed(f"asset_feed_spec[{name}]", f"at most {most} long")
        for row in rows:
            if not isinstance(row, dict):
                raise malformed(f"asset_feed_spec[{name}]", "an array of objects")
            _CHECKS.get(name, _check_text)(world, account, row)
    actions = feed.get("call_to_action_types") or []
    if not isinstance(actions, list):
        raise malformed("asset_feed_spec[call_to_action_types]", "an array")
    for action in actions:
        if str(action) not in CALLS_TO_ACTION:
            raise not_one_of("asset_feed_spec[call_to_action_types]", CALLS_TO_ACTION)


def _check_text(_world: World, _account: Account, row: Feed) -> None:
    if not row.get("text"):
        raise malformed("asset_feed_spec", "such that every text has a text")


def _check_link(_world: World, _account: Account, row: Feed) -> None:
    if not is_address(str(row.get("website_url") or "")):
        raise refusal(None, "Link required", "link_urls need a website_url.", "asset_feed_spec")


def is_address(text: str) -> bool:
    """Tell whether a text is a web address with a host that could exist."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    named = parts.scheme in ("http", "https") and "." in (parts.hostname or "")
    return not any(each.isspace() for each in text) and (named or text.startswith("fb.me/"))


def _check_picture(world: World, account: Account, row: Feed) -> None:
    if not row.get("url"):
        check_image(world, account, str(row.get("hash") or ""))


def check_image(world: World, account: Account, wanted: Any) -> None:
    """Refuse the hash of an image that the account does not have; None is no image."""
    image = world.state.get(Image, f"{account.id}:{wanted}")
    if wanted is not None and (image is None or image.status == "DELETED"):
        raise refusal(None, "Image not found", f"The account has no image with hash {wanted}.", "image_hash")


def _check_video(world: World, account: Account, row: Feed) -> None:
    usable_video(world, account, str(row.get("video_id", "")))


_CHECKS: dict[str, Callable[[World, Account, Feed], None]] = {
    "titles": _check_text,
    "bodies": _check_text,
    "link_urls": _check_link,
    "images": _check_picture,
    "videos": _check_video,
}
