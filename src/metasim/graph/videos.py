"""Videos of an account: one-shot or in three phases; processed before they can be used.

Offsets are texts, as at Meta. Processing ends a simulated minute after the upload, or at the third look.
"""

from typing import Any

from metasim.graph.errors import (
    GraphError,
    malformed,
    missing,
    no_such_object,
    not_one_of,
    refusal,
)
from metasim.graph.wire import Call, Params
from metasim.scenario import Account
from metasim.state import Creative, Video
from metasim.times import MINUTE
from metasim.world import World

PHASES = ("start", "transfer", "finish", "cancel")
CHUNK = 1024 * 1024
SMALLEST = 16
LOOKS = 3
CONTAINERS = (b"ftyp", b"moov", b"mdat", b"wide", b"free")
OTHER_MAGIC = (b"\x1aE\xdf\xa3", b"RIFF", b"OggS")


def upload_video(world: World, account: Account, call: Call) -> dict[str, Any]:
    """Take a whole video (`source`), refuse addresses (there is no network), or serve one phase."""
    phase = call.params.text("upload_phase")
    if phase:
        return _phase(world, account, call, phase)
    if call.params.given("file_url"):
        raise GraphError(
            "(#389) Unable to fetch video file from URL.",
            389,
            title="Video cannot be fetched",
            user_message="The address could not be reached.",
        )
    source = call.files.get("source")
    if source is None:
        raise missing("source")
    _check_bytes(source.content)
    video = _new(world, account, call.params, len(source.content))
    _finish(world, video)
    return {"id": video.id}


def look_at_video(world: World, video: Video) -> None:
    """Note that somebody looked at a video."""
    video.looks += 1
    world.state.touch(video)


def is_ready(world: World, video: Video) -> bool:
    """Tell whether a video can be used."""
    if video.uploaded_us is None or video.status == "DELETED":
        return False
    return video.looks >= LOOKS or world.now_us - video.uploaded_us >= MINUTE


def delete_video(world: World, video: Video) -> dict[str, Any]:
    """Delete a video unless a creative uses it."""
    if any(video.id in str(each.extra) for each in world.state.of_kind(Creative, video.account_id)):
        raise refusal(None, "Video in use", "The video is used by a creative.", "video_id")
    video.status = "DELETED"
    world.state.touch(video)
    return {"success": True}


def usable_video(world: World, account: Account, video_id: str) -> Video:
    """Return a video of an account that a creative may show. Raises GraphError if there is none or not yet."""
    video = world.state.get(Video, video_id)
    if video is None or video.account_id != account.id or video.status == "DELETED":
        raise no_such_object(video_id)
    if not is_ready(world, video):
        text = "The video is still being processed; wait until its status is ready."
        raise refusal(1885252, "Video not ready", text, "video_id")
    return video


def render_video(world: World, video: Video) -> dict[str, Any]:
    """Return what can be read of a video."""
    waiting = "uploading" if video.uploaded_us is None else "processing"
    word = "ready" if is_ready(world, video) else waiting
    done = {"status": "complete"}
    account = world.account_of(video)
    status = {
        "video_status": word,
        "uploading_phase": {"status": "in_progress"} if waiting == "uploading" else done,
        "processing_phase": done if word == "ready" else {"status": "not_started"},
    }
    return {
        "id": video.id,
        "title": video.name,
        "description": video.extra.get("description"),
        "status": status,
        "picture": f"https://scontent.invalid/{video.id}.jpg",
        "created_time": world.spell(video.created_us, account),
        "updated_time": world.spell(video.updated_us, account),
        "published": False,
    }


def _new(world: World, account: Account, params: Params, size: int) -> Video:
    now = world.now_us
    name = params.text("title") or params.text("name") or "Video"
    video = Video(world.state.new_id(), account.id, name, "ACTIVE", now, now, size=size)
    video.session = f"{video.id}1"
    if params.given("description"):
        video.extra["description"] = params.text("description")
    world.state.add(video)
    return video


def _finish(world: World, video: Video) -> None:
    video.received, video.uploaded_us, video.updated_us = video.size, world.now_us, world.now_us
    world.state.touch(video)


def _check_bytes(content: bytes) -> None:
    if len(content) < SMALLEST:
        raise GraphError("(#382) The video file is too small.", 382)
    if content[4:8] not in CONTAINERS and not content.startswith(OTHER_MAGIC):
        raise GraphError(
            "(#352) Sorry, the video file you selected is in a format that we don't support.", 352
        )


def _phase(world: World, account: Account, call: Call, phase: str) -> dict[str, Any]:
    if phase not in PHASES:
        raise not_one_of("upload_phase", PHASES)
    if phase == "start":
        return _start(world, account, call.params)
    video = _session(world, account, call.params)
    if phase == "transfer":
        return _transfer(world, video, call)
    if phase == "cancel":
        video.status = "DELETED"
        world.state.touch(video)
        return {"success": True}
    if video.received < video.size:
        raise _offset_error(video, "The upload is not complete.")
    video.name = call.params.text("title") or video.name
    _finish(world, video)
    return {"success": True}


def _start(world: World, account: Account, params: Params) -> dict[str, Any]:
    size = params.integer("file_size")
    if size is None:
        raise missing("file_size")
    if size < SMALLEST:
        raise GraphError("(#382) The video file is too small.", 382)
    video = _new(world, account, params, size)
    return {"upload_session_id": video.session, "video_id": video.id, **_offsets(video)}


def _session(world: World, account: Account, params: Params) -> Video:
    wanted = params.need_text("upload_session_id")
    for video in world.state.of_kind(Video, account.id):
        if video.session == wanted and video.status != "DELETED" and video.uploaded_us is None:
            return video
    raise no_such_object(wanted, "post")


def _transfer(world: World, video: Video, call: Call) -> dict[str, Any]:
    chunk = call.files.get("video_file_chunk")
    if chunk is None:
        raise missing("video_file_chunk")
    start = call.params.integer("start_offset")
    if start != video.received or start + len(chunk.content) > video.size:
        raise _offset_error(video, "The chunk does not begin where the last one ended.")
    if not chunk.content:
        raise malformed("video_file_chunk", "a non-empty file")
    if start == 0:
        _check_bytes(chunk.content)
    video.received += len(chunk.content)
    world.state.touch(video)
    return _offsets(video)


def _offsets(video: Video) -> dict[str, str]:
    return {"start_offset": str(video.received), "end_offset": str(min(video.size, video.received + CHUNK))}


def _offset_error(video: Video, text: str) -> GraphError:
    """Return the error that tells the right offsets, so that an upload can go on."""
    return GraphError(f"(#6000) {text}", 6000, 1363037, "Upload interrupted", text, details=_offsets(video))
