"""The demo's pictures are real PNG files, and not the same one twice."""

import struct
import zlib

from autopublisher.cli.pictures import SIDE, letter_picture
from autopublisher.flows.requests.pictures import read_picture


def chunks(content: bytes) -> dict[bytes, bytes]:
    """Return a PNG's chunks by kind, having checked each one's checksum."""
    found, place = {}, 8
    while place < len(content):
        (length,) = struct.unpack_from(">I", content, place)
        kind, body = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack_from(">I", content, place + 8 + length)
        assert checksum == zlib.crc32(kind + body)
        found[kind] = body
        place += length + 12
    return found


def test_a_picture_decodes_to_the_size_it_states() -> None:
    found = chunks(letter_picture("A", (0, 0, 0), (255, 255, 255)))
    assert struct.unpack_from(">II", found[b"IHDR"]) == (SIDE, SIDE)
    assert len(zlib.decompress(found[b"IDAT"])) == SIDE * (SIDE + 1)
    assert b"IEND" in found


def test_both_colours_are_used() -> None:
    pixels = zlib.decompress(chunks(letter_picture("B", (1, 2, 3), (4, 5, 6)))[b"IDAT"])
    assert set(pixels) == {0, 1}


def test_it_is_accepted_as_a_creative() -> None:
    assert read_picture(letter_picture("A", (0, 0, 0), (255, 255, 255))).mime_type == "image/png"


def test_the_two_letters_are_two_pictures() -> None:
    assert letter_picture("A", (0, 0, 0), (9, 9, 9)) != letter_picture("B", (0, 0, 0), (9, 9, 9))
