"""Pictures of ads: what a file has to be for Meta to take it, and what people are told of one that will not look right."""

from collections.abc import Iterator
from dataclasses import dataclass

from autopublisher.domain.errors import Problem
from autopublisher.domain.messages import Code, Message, remedied
from autopublisher.domain.request.request_problems import RequestProblem

MOST_PIXELS = 50_000_000
"""More than any camera's picture for an ad; decoding a larger one would cost more memory than it is worth."""

SMALLEST_SIDE = 600
"""Pixels that Meta's guide for advertisers asks for in feeds; it blurs or refuses smaller pictures."""

WIDEST, TALLEST_IN_FEEDS, TALLEST = 1.91, 4 / 5, 9 / 16
"""Width by height: the widest anywhere, the tallest in feeds, and the tallest in stories and reels."""

_TOLERANCE = 0.03
_COLOURS_OF_PRINT = "CMYK"


class PictureWarning(Code):
    """What Meta may do to a picture, wherever it is shown."""

    SMALL = "picture.small"
    UNUSUAL = "picture.unusual"
    TALL = "picture.tall"


@dataclass(frozen=True)
class Picture:
    """What a picture's file says of itself; ``mode`` is how its colours are kept, ``surplus`` the bytes after its end."""

    mime_type: str
    width: int
    height: int
    mode: str
    surplus: int = 0

    @property
    def size(self) -> str:
        """The size as people write it."""
        return f"{self.width} x {self.height} pixels"


def check_picture(picture: Picture) -> Iterator[Problem]:
    """Yield why a picture is refused before it is decoded."""
    if picture.width * picture.height > MOST_PIXELS:
        yield Problem(
            "file",
            *remedied(RequestProblem.TOO_MANY_PIXELS(size=picture.size, millions=MOST_PIXELS // 1_000_000)),
            "too_many_pixels",
        )
    if picture.mode == _COLOURS_OF_PRINT:
        yield Problem("file", *remedied(RequestProblem.PRINT_COLOURS()), "print_colours")
    if picture.surplus:
        yield Problem(
            "file", *remedied(RequestProblem.SURPLUS_BYTES(surplus=picture.surplus)), "surplus_bytes"
        )


def picture_warnings(picture: Picture) -> tuple[Message, ...]:
    """Return what Meta may do to a picture of this size where it is shown."""
    warnings, size = [], f"{picture.width} x {picture.height}"
    if min(picture.width, picture.height) < SMALLEST_SIDE:
        warnings.append(PictureWarning.SMALL(size=size, least=SMALLEST_SIDE))
    if is_unusual(picture.width, picture.height):
        warnings.append(PictureWarning.UNUSUAL(size=size))
    elif is_tall_for_feeds(picture.width, picture.height):
        warnings.append(PictureWarning.TALL(size=size))
    return tuple(warnings)


def is_unusual(width: int, height: int) -> bool:
    """Tell whether no placement shows this shape whole."""
    ratio = width / height
    return ratio > WIDEST * (1 + _TOLERANCE) or ratio < TALLEST * (1 - _TOLERANCE)


def is_tall_for_feeds(width: int, height: int) -> bool:
    """Tell whether feeds crop this shape."""
    return width / height < TALLEST_IN_FEEDS * (1 - _TOLERANCE)
