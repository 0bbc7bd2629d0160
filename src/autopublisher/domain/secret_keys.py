"""Secret keys: what is too weak, or a placeholder, to protect anything real."""

from itertools import pairwise
from typing import Final

SHORTEST: Final = 32
FEWEST_DIFFERENT: Final = 16
LONG_HEX: Final = 48
"""So many hexadecimal digits are strong although only sixteen characters can occur in them."""

FEWEST_DIFFERENT_DIGITS: Final = 8

PLACEHOLDERS: Final = (
    "change",
    "default",
    "example",
    "insecure",
    "openssl",
    "password",
    "placeholder",
    "secret",
    "your-",
    "your_",
)
"""What stands in keys that somebody was to replace."""

_HEX = frozenset("0123456789abcdefABCDEF")


def weakness(key: str) -> str | None:
    """Return what is wrong with a key, None where nothing is."""
    if len(key) < SHORTEST:
        return f"it has {len(key)} characters; {SHORTEST} are the least"
    if any(word in key.lower() for word in PLACEHOLDERS):
        return "it is a placeholder and no secret"
    different = len(set(key))
    is_long_hex = len(key) >= LONG_HEX and set(key) <= _HEX
    least = FEWEST_DIFFERENT_DIGITS if is_long_hex else FEWEST_DIFFERENT
    if different < least:
        return f"it has {different} different characters; {least} are the least"
    if _is_counted_off(key):
        return "its characters follow each other as in the alphabet"
    return None


def _is_counted_off(key: str) -> bool:
    """Tell whether most characters are the next ones of an alphabet, or of digits, in either direction."""
    steps = [ord(after) - ord(before) for before, after in pairwise(key)]
    return max(steps.count(1), steps.count(-1)) > len(steps) // 2
