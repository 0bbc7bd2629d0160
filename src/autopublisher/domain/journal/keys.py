"""Keys of the journal: what a write is for, and which object it makes or changes.

A create's key is its place in the plan, such as ``test/a/adset``, ``final/campaign`` or ``image/ID``. A change's key is its
purpose before the key of that create, and a number after it: ``extend/test/a/adset/1``. A second object that a create has
made is written ``duplicate/test/a/adset/META_ID``. An account's writes name their object by Meta's id, as in
``pause/orphan/META_ID/1``. The text form is what is stored, and what makes a write happen once.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Purpose(StrEnum):
    """What a write is for: a part of the plan, or the reason of a change."""

    TEST = "test"
    FINAL = "final"
    IMAGE = "image"
    STUDY = "study"
    RULE = "rule"
    UNPLACED = "unplaced"
    DUPLICATE = "duplicate"
    ORPHAN = "orphan"
    LABEL = "label"
    DELETED_SPEND = "deleted_spend"
    ACTIVATE = "activate"
    PAUSE = "pause"
    RENAME = "rename"
    STOP = "stop"
    RECALL = "recall"
    EXTEND = "extend"
    RESCHEDULE = "reschedule"
    PROLONG = "prolong"
    CLOSE = "close"
    REALLOCATE = "reallocate"
    CONTINUE = "continue"
    DELETE = "delete"


_PLANNED = frozenset(
    {
        Purpose.TEST,
        Purpose.FINAL,
        Purpose.IMAGE,
        Purpose.STUDY,
        Purpose.RULE,
        Purpose.UNPLACED,
        Purpose.ORPHAN,
        Purpose.LABEL,
        Purpose.DELETED_SPEND,
    }
)

_KINDS = frozenset({"campaign", "adset", "creative", "ad"})


@dataclass(frozen=True)
class OperationKey:
    """A key by its parts.

    Of a create ``place`` is the variant's letter, an id or a number, as its purpose has it, and ``kind`` the last
    part. Of a change or a duplicate ``of`` is the key it concerns and ``serial`` tells it from others of the same purpose.
    """

    purpose: Purpose
    place: str = ""
    kind: str = ""
    of: "OperationKey | None" = None
    serial: str = ""

    @property
    def text(self) -> str:
        """The key as it is stored."""
        middle = self.place if self.of is None else self.of.text
        return "/".join(part for part in (self.purpose.value, middle, self.kind, self.serial) if part)

    @property
    def root(self) -> "OperationKey":
        """The place in the plan that all of it is about."""
        return self if self.of is None else self.of.root

    @property
    def letter(self) -> str | None:
        """The variant whose arm this is a part of, None of what belongs to no arm."""
        return self.place.upper() if self.purpose is Purpose.TEST else None


@lru_cache(maxsize=4096)
def key_from(text: str) -> OperationKey:
    """Return a stored key by its parts; raises ValueError for a text that is none."""
    first, _, rest = text.partition("/")
    purpose = Purpose(first)
    if purpose in _PLANNED:
        place, _, last = rest.rpartition("/")
        return OperationKey(purpose, place, last) if last in _KINDS else OperationKey(purpose, rest)
    about, _, serial = rest.rpartition("/")
    return OperationKey(purpose, of=key_from(about), serial=serial)


@lru_cache(maxsize=4096)
def purpose_of(text: str) -> Purpose:
    """Return what the write with this key is for; raises ValueError for a text that is none."""
    return Purpose(text.partition("/")[0])


def change_key(purpose: Purpose, target: str, serial: int | str) -> str:
    """Return the key of a change of the object that ``target`` has made."""
    return f"{purpose.value}/{target}/{serial}"
