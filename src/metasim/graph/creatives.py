"""Rules and writes of creatives. Equal content gives the same creative; content never changes."""

import hashlib
import json
from typing import Any

from metasim.graph.asset_feeds import check_feed, check_image
from metasim.graph.common import kept, read_labels, update_basics
from metasim.graph.errors import malformed, no_such_object, refusal
from metasim.graph.story_spec import (
    check_call_to_action,
    check_cards,
    check_features,
    check_keys,
    check_link,
)
from metasim.graph.unsupported_parameters import refuse_unserved
from metasim.graph.videos import usable_video
from metasim.graph.wire import Params
from metasim.scenario import Account
from metasim.state import Ad, Creative
from metasim.world import World

CONTENT = (
    "object_story_spec",
    "object_story_id",
    "asset_feed_spec",
    "degrees_of_freedom_spec",
    "contextual_multi_ads",
    "url_tags",
    "image_hash",
    "image_url",
    "object_type",
    "instagram_user_id",
    "authorization_category",
    "product_set_id",
    "template_url_spec",
    "source_instagram_media_id",
    "call_to_action",
    "image_crops",
    "thumbnail_url",
    "use_page_actor_override",
)
OTHER_STORIES = frozenset(
    {"object_story_id", "asset_feed_spec", "product_set_id", "source_instagram_media_id"}
)
SHAPES = ("link_data", "video_data", "photo_data", "text_data", "template_data")
IDENTITY = frozenset(
    {"page_id", "instagram_user_id"}
)  # beside a feed of assets the story only says whose it is
EDITABLE = frozenset({"name", "status", "adlabels", "fields", "access_token", "method", "execution_options"})


def create_creative(world: World, account: Account, params: Params) -> Creative:
    """Check a new creative; return it, or the existing one with equal content."""
    refuse_unserved("creative", params)
    content = kept(params, CONTENT)
    _check_content(world, account, params, content)
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    for creative in world.state.of_kind(Creative, account.id):
        if creative.digest == digest and creative.status != "DELETED":
            return creative
    name = params.text("name") or f"Creative {digest[:8]}"
    now = world.now_us
    return Creative(
        world.state.new_id(),
        account.id,
        name,
        "ACTIVE",
        now,
        now,
        labels=read_labels(world, params, account.id),
        extra=content,
        digest=digest,
    )


def update_creative(world: World, creative: Creative, params: Params) -> None:
    """Apply an update to a draft of a creative: name, status and labels only."""
    fixed = sorted(set(params) & set(CONTENT))
    if fixed:
        raise refusal(
            None, "Creative is immutable", f"{fixed[0]} cannot change; make a new creative.", *fixed
        )
    if params.text("status") in ("DELETED", "ARCHIVED"):
        _refuse_used(world, creative)
    update_basics(world, creative, params)
    creative.updated_us = world.now_us


def _refuse_used(world: World, creative: Creative) -> None:
    ads = world.state.of_kind(Ad, creative.account_id)
    if any(ad.creative_id == creative.id and ad.status != "DELETED" for ad in ads):
        raise refusal(None, "Creative in use", "An ad uses the creative; delete the ad first.", "status")


def _check_content(world: World, account: Account, params: Params, content: dict[str, Any]) -> None:
    _refuse_actor(params, content)
    if "asset_feed_spec" in content:
        check_feed(world, account, content["asset_feed_spec"])
    check_features(content.get("degrees_of_freedom_spec") or {})
    _check_post(world, content.get("object_story_id"))
    story = content.get("object_story_spec")
    if story is None:
        if not set(content) & OTHER_STORIES:
            raise refusal(None, "Creative is empty", "Give an object_story_spec.", "object_story_spec")
        return
    if not isinstance(story, dict):
        raise malformed("object_story_spec", "a JSON object")
    check_keys(story, "object_story_spec")
    _check_identity(world, story)
    if not (set(content) & OTHER_STORIES and set(story) <= IDENTITY):
        _check_story(world, account, story)


def _check_post(world: World, post: Any) -> None:
    """Refuse a post that no creative of the simulated world has made."""
    if post is None:
        return
    _, _, creative_id = str(post).partition("_")
    creative = world.state.get(Creative, creative_id)
    story = {} if creative is None else creative.extra.get("object_story_spec") or {}
    if str(post) != f"{story.get('page_id')}_{creative_id}":
        raise refusal(None, "Post not found", f"There is no post {post}.", "object_story_id")


def _refuse_actor(params: Params, content: dict[str, Any]) -> None:
    story = content.get("object_story_spec")
    inside = isinstance(story, dict) and "instagram_actor_id" in story
    if not (inside or "instagram_actor_id" in params):
        return
    both = "instagram_user_id" in params or (isinstance(story, dict) and "instagram_user_id" in story)
    text = "instagram_actor_id is no longer accepted; use instagram_user_id."
    raise refusal(2446149 if both else None, "Instagram identity", text, "instagram_actor_id")


def _check_identity(world: World, story: dict[str, Any]) -> None:
    page = str(story.get("page_id") or "")
    if not page:
        raise refusal(None, "Page required", "object_story_spec needs a page_id.", "object_story_spec")
    if page not in {page_id for page_id, _ in world.scenario.pages}:
        raise no_such_object(page)
    user = story.get("instagram_user_id")
    if user and str(user) not in {user_id for user_id, _ in world.scenario.instagram_users}:
        raise refusal(
            1815199,
            "No access to the Instagram account",
            "The ad account may not advertise as this Instagram user.",
            "instagram_user_id",
        )


def _check_story(world: World, account: Account, story: dict[str, Any]) -> None:
    shapes = [name for name in SHAPES if name in story]
    if len(shapes) != 1:
        raise refusal(None, "Story data", "Give exactly one of link_data or video_data.", "object_story_spec")
    data = story[shapes[0]]
    if not isinstance(data, dict):
        raise malformed(f"object_story_spec[{shapes[0]}]", "a JSON object")
    check_keys(data, shapes[0])
    if shapes[0] in ("link_data", "template_data"):
        _check_link(world, account, data)
    if shapes[0] == "video_data":
        _check_video(world, account, data)
    check_image(world, account, data.get("image_hash"))
    check_call_to_action(data.get("call_to_action"))


def _check_link(world: World, account: Account, data: dict[str, Any]) -> None:
    check_link(data.get("link"), "link_data")
    check_cards(world, account, data.get("child_attachments"))
    if data.get("image_hash") and data.get("picture"):
        text = "Give either image_hash or picture, not both."
        raise refusal(None, "Two images", text, "object_story_spec")


def _check_video(world: World, account: Account, data: dict[str, Any]) -> None:
    usable_video(world, account, str(data.get("video_id", "")))
    given = [name for name in ("image_hash", "image_url") if data.get(name)]
    if len(given) != 1:
        text = "video_data needs exactly one of image_hash or image_url for its thumbnail."
        raise refusal(1443226, "Thumbnail required", text, "object_story_spec")
