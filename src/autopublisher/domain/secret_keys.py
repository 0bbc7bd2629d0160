"""Secret keys: what is too weak, or a placeholder, to protect anything real."""

from itertools import pairwise
from typing import Final

from autopublisher.domain.faults import Fault
from autopublisher.domain.messages import Message

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

KEY_MAKER: Final = "openssl rand -base64 48"
"""A command that makes a strong one."""

_HEX = frozenset("0123456789abcdefABCDEF")


def weakness(key: str) -> Message | None:
    """Return what is wrong with a key, None where nothing is."""
    if len(key) < SHORTEST:
        return Fault.KEY_SHORT(number=len(key), least=SHORTEST, maker=KEY_MAKER)
    if any(word in key.lower() for word in PLACEHOLDERS):
        return Fault.KEY_PLACEHOLDER(maker=KEY_MAKER)
    different = len(set(key))
    is_long_hex = len(key) >= LONG_HEX and set(key) <= _HEX
    least = FEWEST_DIFFERENT_DIGITS if is_long_hex else FEWEST_DIFFERENT
    if different < least:
        return Fault.KEY_MONOTONOUS(number=different, least=least, maker=KEY_MAKER)
    if _is_counted_off(key):
        return Fault.KEY_COUNTED_OFF(maker=KEY_MAKER)
    return None


def _is_counted_off(key: str) -> bool:
    """Tell whether most characters are the next ones of an alphabet, or of digits, in either direction."""
    steps = [ord(after) - ord(before) for before, after in pairwise(key)]
    return max(steps.count(1), steps.count(-1)) > len(steps) // 2
