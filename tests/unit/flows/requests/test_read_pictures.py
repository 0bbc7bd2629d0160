"""Pictures are what they decode to: not their first bytes, and nothing beside them."""

import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.creatives.pictures import Picture, picture_warnings
from autopublisher.domain.errors import InvalidRequestError
from autopublisher.flows.requests.pictures import read_picture, warnings_of
from support.pictures import PNG, drawn, picture
from support.wording import english

SOUND = drawn(640, 640)


def refusal(content: bytes) -> str:
    with pytest.raises(InvalidRequestError) as refused:
        read_picture(content)
    (problem,) = refused.value.problems
    assert problem.field == "file"
    return problem.code


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and has no content."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return PNG + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        (SOUND, "image/jpeg"),
        (drawn(640, 640, progressive=True), "image/jpeg"),
        (drawn(640, 640, mode="L"), "image/jpeg"),
        (drawn(1080, 1350, "PNG", "RGBA"), "image/png"),
        (drawn(700, 700, "PNG", "P"), "image/png"),
        (picture(3), "image/png"),
        (SOUND + b"\0" * 100, "image/jpeg"),
    ],
)
def test_a_sound_picture_is_taken(content: bytes, mime: str) -> None:
    assert read_picture(content).mime_type == mime


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        b"<svg/>",
        b"\xff\xd8\xff\xe0" + b"\0" * 11,
        PNG + b"\0" * 24,
        b"\xff\xd8\xff<script>alert(1)</script>",
        SOUND[: len(SOUND) // 2],
        SOUND[:-2],
        drawn(640, 640, "PNG")[:-20],
        drawn(640, 640, "GIF"),
        drawn(640, 640, "BMP"),
        drawn(640, 640, "PDF"),
        png_header(640, 640),
    ],
)
def test_what_cannot_be_decoded_to_its_end_is_refused(content: bytes) -> None:
    assert refusal(content) == "not_an_image"


@pytest.mark.parametrize("content", [png_header(20_000, 20_000), png_header(100_000, 100_000)])
def test_a_picture_of_too_many_pixels_is_refused_by_its_header(content: bytes) -> None:
    assert refusal(content) == "too_many_pixels"


def test_colours_for_print_are_refused() -> None:
    assert refusal(drawn(640, 640, mode="CMYK")) == "print_colours"


@pytest.mark.parametrize("more", [b"PK\x03\x04 an archive", b"<html>", SOUND])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_file_that_is_something_else_as_well_is_refused(kind: str, more: bytes) -> None:
    assert refusal(drawn(640, 640, kind) + more) == "surplus_bytes"


@given(at=st.integers(0, len(SOUND) - 1), value=st.integers(0, 255))
def test_any_damage_is_either_harmless_or_refused(at: int, value: int) -> None:
    damaged = SOUND[:at] + bytes([value]) + SOUND[at + 1 :]
    with suppress(InvalidRequestError):
        assert read_picture(damaged).mime_type == "image/jpeg"


@pytest.mark.parametrize("size", [(1, 1), (50, 50), (599, 800)])
def test_a_small_picture_is_warned_of(size: tuple[int, int]) -> None:
    assert any("may blur or refuse it" in english(one) for one in warnings_of(drawn(*size)))


@pytest.mark.parametrize(
    ("width", "height", "said"),
    [
        (8000, 1000, "between 1.91:1 and 9:16"),
        (600, 1400, "between 1.91:1 and 9:16"),
        (1080, 1920, "in feeds Meta crops"),
    ],
)
def test_an_unusual_shape_is_warned_of(width: int, height: int, said: str) -> None:
    (warning,) = picture_warnings(Picture("image/png", width, height, "RGB"))
    assert said in english(warning)


@pytest.mark.parametrize("size", [(1080, 1080), (1200, 628), (1080, 1350), (600, 600)])
def test_a_usual_picture_is_not_worth_a_word(size: tuple[int, int]) -> None:
    assert picture_warnings(Picture("image/png", *size, "RGB")) == ()
