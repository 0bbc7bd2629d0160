"""Which names nobody can give to anything."""

import pytest

from autopublisher.domain.names import fault_of_name
from support.wording import english


@pytest.mark.parametrize(
    "name",
    ["Ana", "Campaña de otoño", "夏のセール", "חורף", "👩\u200d👩\u200d👧", "é", "A\u0301"],
)
def test_what_can_be_read_is_a_name(name: str) -> None:
    assert fault_of_name(name) is None


@pytest.mark.parametrize("name", ["a\nb", "a\x00", "\x1b[2J", "a\x7f", "a\x85b", "a\u2028b", "half \ud800"])
def test_control_characters_are_refused(name: str) -> None:
    assert english(fault_of_name(name)) == "holds control characters or line breaks"


@pytest.mark.parametrize("letter", list("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
def test_what_turns_the_direction_is_refused(letter: str) -> None:
    assert "direction" in english(fault_of_name(f"admin{letter}nimda"))


@pytest.mark.parametrize(
    "name",
    ["", " ", "\u200b", "\u200b\u200d\ufeff", "\u2060", "\u00ad", "\u3164", "\u2800 ", "\u0301", "\u00a0"],
)
def test_what_shows_nothing_is_refused(name: str) -> None:
    assert english(fault_of_name(name)) == "shows nothing that can be read"
