"""Names that people give: readable as what they are, on every screen and in every log."""

import unicodedata
from typing import Final

from autopublisher.domain.messages import Code, Message

_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the order of what follows: a name could show as another one."""

_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and signs that are drawn as nothing."""

_BROKEN: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Control characters, half pairs, and separators of lines and paragraphs."""

_UNSEEN: Final = frozenset({"Cf", "Cn", "Mn", "Me", "Zs"})
"""Categories that show nothing by themselves: joiners and other marks without width, and blanks."""


class NameFault(Code):
    """Why nobody should bear a name, worded without a subject."""

    CONTROL_CHARACTERS = "name.control_characters"
    TURNS_DIRECTION = "name.turns_direction"
    UNSEEN = "name.unseen"


def fault_of_name(name: str) -> Message | None:
    """Return why nobody should bear a name; None where it is fit."""
    if any(unicodedata.category(letter) in _BROKEN for letter in name):
        return NameFault.CONTROL_CHARACTERS()
    if not _BIDI.isdisjoint(name):
        return NameFault.TURNS_DIRECTION()
    if all(unicodedata.category(letter) in _UNSEEN or letter in _BLANK for letter in name):
        return NameFault.UNSEEN()
    return None
