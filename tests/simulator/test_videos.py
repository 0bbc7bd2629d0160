"""Videos: uploaded whole or in phases, processed, and only then shown by creatives."""

from typing import Any

import pytest

from metasim.graph.wire import Call, Params, Upload
from metasim.testing import ACCOUNT, PAGE, Desk, RefusedError

MOVIE = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 20


def post(desk: Desk, files: dict[str, bytes] | None = None, **params: Any) -> Any:
    uploads = {name: Upload(f"{name}.mp4", content) for name, content in (files or {}).items()}
    path = (ACCOUNT, "advideos")
    return desk.send(Call("POST", path, Params(params), "v26.0", "stub-token", files=uploads))


def uploaded(desk: Desk) -> str:
    return str(post(desk, {"source": MOVIE}, title="Film")["id"])


def status(desk: Desk, video: str) -> str:
    return str(desk.get(video, fields="status")["status"]["video_status"])


def refused(desk: Desk, files: dict[str, bytes] | None = None, **params: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        post(desk, files, **params)
    return caught.value


def creative(desk: Desk, video: str, **data: Any) -> Any:
    shown = {"video_id": video, "title": "Headline B", "message": "Text", **data}
    spec = {"page_id": PAGE, "video_data": {name: value for name, value in shown.items() if value}}
    return desk.post(f"{ACCOUNT}/adcreatives", object_story_spec=spec)


def test_a_whole_video_is_processed_and_then_ready(desk: Desk) -> None:
    video = uploaded(desk)
    assert [status(desk, video) for _ in range(3)] == ["processing", "processing", "ready"]
    other = uploaded(desk)
    desk.pass_time(minutes=1)
    assert status(desk, other) == "ready"


def test_uploads_are_not_recognised_as_the_same(desk: Desk) -> None:
    assert uploaded(desk) != uploaded(desk)
    assert len(desk.get(f"{ACCOUNT}/advideos")["data"]) == 2


REFUSALS: dict[str, tuple[dict[str, bytes], dict[str, str], tuple[int, int | None]]] = {
    "an address cannot be fetched": ({}, {"file_url": "https://films.example/a.mp4"}, (389, None)),
    "a text is not a video": ({"source": b"just some words here"}, {}, (352, None)),
    "a few bytes are too small": ({"source": b"\0" * 8}, {}, (382, None)),
    "something must be sent": ({}, {}, (100, None)),
    "the phase must be known": ({}, {"upload_phase": "pause"}, (100, None)),
    "a start needs a size": ({}, {"upload_phase": "start"}, (100, None)),
    "the session must exist": ({}, {"upload_phase": "finish", "upload_session_id": "1"}, (100, 33)),
}


@pytest.mark.parametrize("rule", REFUSALS)
def test_upload_rules(desk: Desk, rule: str) -> None:
    files, params, codes = REFUSALS[rule]
    assert refused(desk, files, **params).codes == codes


def begin(desk: Desk) -> tuple[str, dict[str, Any]]:
    answer = post(desk, upload_phase="start", file_size=len(MOVIE))
    return answer["video_id"], {"upload_session_id": answer["upload_session_id"]}


def test_three_phases_with_offsets_as_texts(desk: Desk) -> None:
    video, session = begin(desk)
    half = len(MOVIE) // 2
    assert status(desk, video) == "uploading"
    first = post(
        desk, {"video_file_chunk": MOVIE[:half]}, upload_phase="transfer", start_offset="0", **session
    )
    assert first == {"start_offset": str(half), "end_offset": str(len(MOVIE))}
    last = post(
        desk, {"video_file_chunk": MOVIE[half:]}, upload_phase="transfer", start_offset=half, **session
    )
    assert last["start_offset"] == last["end_offset"]
    assert post(desk, upload_phase="finish", **session) == {"success": True}
    desk.pass_time(minutes=1)
    assert status(desk, video) == "ready"


def test_a_wrong_offset_tells_the_right_one(desk: Desk) -> None:
    _, session = begin(desk)
    chunk = {"video_file_chunk": MOVIE[:100]}
    post(desk, chunk, upload_phase="transfer", start_offset="0", **session)
    error = refused(desk, chunk, upload_phase="transfer", start_offset="0", **session)
    assert error.codes == (6000, 1363037)
    assert error.error["error_data"]["start_offset"] == "100"


def test_an_unfinished_upload_does_not_finish_and_can_be_cancelled(desk: Desk) -> None:
    _, session = begin(desk)
    assert refused(desk, upload_phase="finish", **session).codes == (6000, 1363037)
    assert post(desk, upload_phase="cancel", **session) == {"success": True}
    assert desk.get(f"{ACCOUNT}/advideos")["data"] == []


def test_a_creative_shows_a_ready_video_which_the_market_judges_by_its_title(desk: Desk) -> None:
    video = uploaded(desk)
    desk.pass_time(minutes=1)
    made = creative(desk, video, image_hash=desk.image())["id"]
    assert desk.get(made, fields="video_id,object_type,title") == {
        "video_id": video,
        "object_type": "VIDEO",
        "title": "Headline B",
        "id": made,
    }
    ad = desk.ad(desk.adset(desk.campaign()), made)
    assert ad
    with pytest.raises(RefusedError, match="Invalid parameter"):
        desk.call("DELETE", video)


@pytest.mark.parametrize(
    ("minutes", "data", "codes"),
    [
        (0, {"image_url": "https://shop.example/a.png"}, (100, 1885252)),
        (1, {}, (100, 1443226)),
        (1, {"video_id": "9", "image_url": "https://shop.example/a.png"}, (100, 33)),
    ],
)
def test_video_creative_rules(
    desk: Desk, minutes: int, data: dict[str, str], codes: tuple[int, int | None]
) -> None:
    video = uploaded(desk)
    desk.pass_time(minutes=minutes)
    with pytest.raises(RefusedError) as caught:
        creative(desk, video, **data)
    assert caught.value.codes == codes


def test_an_unused_video_is_deleted(desk: Desk) -> None:
    video = uploaded(desk)
    assert desk.call("DELETE", video) == {"success": True}
    assert desk.get(f"{ACCOUNT}/advideos")["data"] == []
