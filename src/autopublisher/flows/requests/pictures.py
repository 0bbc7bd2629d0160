"""Reading of picture files: from the header what they claim to be, and by decoding whether they are."""

import struct
from io import BytesIO
from threading import Lock

from PIL import Image

from autopublisher.domain.creatives.pictures import Picture, check_picture, picture_warnings
from autopublisher.domain.errors import InvalidRequestError, Problem
from autopublisher.domain.messages import Message, remedied
from autopublisher.flows.requests.refusals import Refusal

# What is too large is refused by what the header says, before anything is decoded; this would only guess again.
Image.MAX_IMAGE_PIXELS = None

_MIME_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg"}
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, struct.error)
"""What the library raises for files that are not what they claim to be."""

_PNG_HEAD, _PNG_FRAME = 8, 12
_JPEG_END, _JPEG_SCAN = 0xD9, 0xDA
_PADDING = b"\0\r\n "
_SCRAP = 8
_one_at_a_time = Lock()


def read_picture(content: bytes) -> Picture:
    """Return what a PNG or JPEG is; raises InvalidRequestError for all that is not sound from its first byte to its last.

    Pictures are decoded one at a time, so that many uploads at once cannot use up the memory.
    """
    picture = described(content)
    problems = list(check_picture(picture))
    if problems:
        raise InvalidRequestError(problems)
    try:
        with _one_at_a_time, _opened(content) as image:
            image.draft(
                "RGB", (_SCRAP, _SCRAP)
            )  # a JPEG is read whole all the same, in an eighth of its size
            image.load()
    except _UNREADABLE:
        raise _broken() from None
    return picture


def warnings_of(content: bytes) -> tuple[Message, ...]:
    """Return what Meta may do to a picture that ``read_picture`` has passed."""
    return picture_warnings(described(content))


def described(content: bytes) -> Picture:
    """Return what the header says, without decoding; raises InvalidRequestError where it is no PNG's or JPEG's."""
    try:
        with _opened(content) as image:
            shape = (str(image.format), image.width, image.height, str(image.mode))
        surplus = _surplus(shape[0], content)
    except _UNREADABLE:
        raise _broken() from None
    return Picture(_MIME_TYPES[shape[0]], *shape[1:], surplus)


def _opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content), formats=("PNG", "JPEG"))


def _surplus(kind: str, content: bytes) -> int:
    """Return how many bytes follow the end; a camera's second picture (MPO) belongs to the first."""
    if kind == "MPO":
        return 0
    end = _png_end(content) if kind == "PNG" else _jpeg_end(content)
    return len(content[end:].rstrip(_PADDING))


def _png_end(content: bytes) -> int:
    """Return where a PNG ends: chunks of length, name, body and sum follow each other up to IEND."""
    at, name = _PNG_HEAD, b""
    while name != b"IEND":
        length, name = struct.unpack_from(">I4s", content, at)
        at += _PNG_FRAME + length
    return at


def _jpeg_end(content: bytes) -> int:
    """Return where a JPEG ends: segments tell their length, and in a scan 0xFF is always followed by what it means."""
    at = 2
    while (marker := content[at + 1]) != _JPEG_END:
        if content[at] != 0xFF:  # noqa: PLR2004 - what begins a marker
            raise ValueError
        if marker == 0xFF:  # noqa: PLR2004 - filling
            at += 1
            continue
        at += 2 + struct.unpack_from(">H", content, at + 2)[0]
        if marker == _JPEG_SCAN:
            at = _scan_end(content, at)
    return at + 2


def _scan_end(content: bytes, at: int) -> int:
    """Return where a scan's data ends: at the first marker that is neither a stuffed byte nor a restart."""
    while True:
        at = content.index(b"\xff", at)
        follower = content[at + 1]
        if follower and not 0xD0 <= follower <= 0xD7:  # noqa: PLR2004 - the restart markers
            return at
        at += 2


def _broken() -> InvalidRequestError:
    return InvalidRequestError([Problem("file", *remedied(Refusal.NOT_AN_IMAGE()), "not_an_image")])
