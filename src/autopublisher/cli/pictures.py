"""Draws the demo's two creatives: small PNG images, made here because no binary is kept in the repository."""

import struct
import zlib
from collections.abc import Sequence

SIDE = 600
_CELL = SIDE // 8
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE_COLOURS = 3  # the PNG colour type whose pixels are indices into a palette

_GLYPHS = {
    "A": ("..##..", ".#..#.", ".#..#.", ".####.", ".#..#.", ".#..#."),
    "B": (".###..", ".#..#.", ".###..", ".#..#.", ".#..#.", ".###.."),
}

Colour = tuple[int, int, int]


def letter_picture(letter: str, ground: Colour, ink: Colour) -> bytes:
    """Return a square PNG of ``SIDE`` pixels that shows a letter (A or B) in ``ink`` on ``ground``."""
    glyph = _GLYPHS[letter]
    blank = "." * (len(glyph[0]) + 2)  # a margin of one cell
    lines = (blank, *(f".{line}." for line in glyph), blank)
    rows = [b"".join(bytes([cell == "#"]) * _CELL for cell in line) for line in lines for _ in range(_CELL)]
    return png(rows, (ground, ink))


def png(rows: Sequence[bytes], palette: Sequence[Colour]) -> bytes:
    """Encode rows of palette indices as a PNG file (ISO/IEC 15948)."""
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, _PALETTE_COLOURS, 0, 0, 0)
    unfiltered = b"".join(b"\0" + row for row in rows)
    colours = b"".join(bytes(colour) for colour in palette)
    chunks = ((b"IHDR", header), (b"PLTE", colours), (b"IDAT", zlib.compress(unfiltered, 9)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
