"""The smallest pictures there are, for tests that upload one."""

import zlib

PNG = b"\x89PNG\r\n\x1a\n"


def picture(number: int) -> bytes:
    """Return the bytes of a valid PNG of one pixel, of a colour of its own for each number up to 255."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = (1).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    pixel = zlib.compress(bytes([0, number, 40, 200]))
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")
