"""Videos: uploaded whole or in phases, processed, and only then shown by creatives."""

from typing import Any

import pytest

from metasim.graph.wire import Call, Params, Upload
from metasim.testing import ACCOUNT, PAGE, Advertiser, RefusedError

MOVIE = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 20


def post(advertiser: Advertiser, files: dict[str, bytes] | None = None, **params: Any) -> Any:
    uploads = {name: Upload(f"{name}.mp4", content) for name, content in (files or {}).items()}
    path = (ACCOUNT, "advideos")
    return advertiser.send(Call("POST", path, Params(params), "v26.0", "stub-token", files=uploads))


def uploaded(advertiser: Advertiser) -> str:
    return str(post(advertiser, {"source": MOVIE}, title="Film")["id"])


def status(advertiser: Advertiser, video: str) -> str:
    return str(advertiser.get(video, fields="status")["status"]["video_status"])


def refused(advertiser: Advertiser, files: dict[str, bytes] | None = None, **params: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        post(advertiser, files, **params)
    return caught.value


def creative(advertiser: Advertiser, video: str, **data: Any) -> Any:
    shown = {"video_id": video, "title": "Headline B", "message": "Text", **data}
    spec = {"page_id": PAGE, "video_data": {name: value for name, value in shown.items() if value}}
    return advertiser.post(f"{ACCOUNT}/adcreatives", object_story_spec=spec)


def test_a_whole_video_is_processed_and_then_ready(advertiser: Advertiser) -> None:
    video = uploaded(advertiser)
    assert [status(advertiser, video) for _ in range(3)] == ["processing", "processing", "ready"]
    other = uploaded(advertiser)
    advertiser.pass_time(minutes=1)
    assert status(advertiser, other) == "ready"


def test_uploads_are_not_recognised_as_the_same(advertiser: Advertiser) -> None:
    assert uploaded(advertiser) != uploaded(advertiser)
    assert len(advertiser.get(f"{ACCOUNT}/advideos")["data"]) == 2


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
def test_upload_rules(advertiser: Advertiser, rule: str) -> None:
    files, params, codes = REFUSALS[rule]
    assert refused(advertiser, files, **params).codes == codes


def begin(advertiser: Advertiser) -> tuple[str, dict[str, Any]]:
    answer = post(advertiser, upload_phase="start", file_size=len(MOVIE))
    return answer["video_id"], {"upload_session_id": answer["upload_session_id"]}


def test_three_phases_with_offsets_as_texts(advertiser: Advertiser) -> None:
    video, session = begin(advertiser)
    half = len(MOVIE) // 2
    assert status(advertiser, video) == "uploading"
    first = post(
        advertiser, {"video_file_chunk": MOVIE[:half]}, upload_phase="transfer", start_offset="0", **session
    )
    assert first == {"start_offset": str(half), "end_offset": str(len(MOVIE))}
    last = post(
        advertiser, {"video_file_chunk": MOVIE[half:]}, upload_phase="transfer", start_offset=half, **session
    )
    assert last["start_offset"] == last["end_offset"]
    assert post(advertiser, upload_phase="finish", **session) == {"success": True}
    advertiser.pass_time(minutes=1)
    assert status(advertiser, video) == "ready"


def test_a_wrong_offset_tells_the_right_one(advertiser: Advertiser) -> None:
    _, session = begin(advertiser)
    chunk = {"video_file_chunk": MOVIE[:100]}
    post(advertiser, chunk, upload_phase="transfer", start_offset="0", **session)
    error = refused(advertiser, chunk, upload_phase="transfer", start_offset="0", **session)
    assert error.codes == (6000, 1363037)
    assert error.error["error_data"]["start_offset"] == "100"


def test_an_unfinished_upload_does_not_finish_and_can_be_cancelled(advertiser: Advertiser) -> None:
    _, session = begin(advertiser)
    assert refused(advertiser, upload_phase="finish", **session).codes == (6000, 1363037)
    assert post(advertiser, upload_phase="cancel", **session) == {"success": True}
    assert advertiser.get(f"{ACCOUNT}/advideos")["data"] == []


def test_a_creative_shows_a_ready_video_which_the_market_judges_by_its_title(advertiser: Advertiser) -> None:
    video = uploaded(advertiser)
    advertiser.pass_time(minutes=1)
    made = creative(advertiser, video, image_hash=advertiser.image())["id"]
    assert advertiser.get(made, fields="video_id,object_type,title") == {
        "video_id": video,
        "object_type": "VIDEO",
        "title": "Headline B",
        "id": made,
    }
    ad = advertiser.ad(advertiser.adset(advertiser.campaign()), made)
    assert ad
    with pytest.raises(RefusedError, match="Invalid parameter"):
        advertiser.call("DELETE", video)


@pytest.mark.parametrize(
    ("minutes", "data", "codes"),
    [
        (0, {"image_url": "https://shop.example/a.png"}, (100, 1885252)),
        (1, {}, (100, 1443226)),
        (1, {"video_id": "9", "image_url": "https://shop.example/a.png"}, (100, 33)),
    ],
)
def test_video_creative_rules(
    advertiser: Advertiser, minutes: int, data: dict[str, str], codes: tuple[int, int | None]
) -> None:
    video = uploaded(advertiser)
    advertiser.pass_time(minutes=minutes)
    with pytest.raises(RefusedError) as caught:
        creative(advertiser, video, **data)
    assert caught.value.codes == codes


def test_an_unused_video_is_deleted(advertiser: Advertiser) -> None:
    video = uploaded(advertiser)
    assert advertiser.call("DELETE", video) == {"success": True}
    assert advertiser.get(f"{ACCOUNT}/advideos")["data"] == []
